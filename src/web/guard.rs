//! Who may ask: the `Host` that a request names, and the `Origin` of the page that sends it.
//!
//! A browser lets any page send requests to any address. `Host` keeps out pages whose name was made
//! to point here (DNS rebinding); `Origin` keeps out all other foreign pages. Pure.

use std::net::{IpAddr, SocketAddr};

/// What a bridge answers to.
#[derive(Clone, Debug)]
pub struct Guard {
    listen: IpAddr,
    /// It speaks https itself, so no page of plain http can be its own.
    is_https: bool,
    origins: Vec<Origin>,
}

/// A page's origin, as browsers send it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Guard {
    /// # Errors
    /// The first of `origins` that is none: `https://chat.example`, with a port if it is not the
    /// usual one, and nothing behind it.
    pub fn new(listen: SocketAddr, is_https: bool, origins: &[String]) -> Result<Guard, String> {
        let origins = origins
            .iter()
            .map(|text| Origin::parse(text).ok_or_else(|| text.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Guard {
            listen: listen.ip(),
            is_https,
            origins,
        })
    }

    /// Whether requests for this `Host` are answered: a loopback name or address, the address the
    /// bridge listens on, the host of an allowed origin; and, where other machines can connect, any
    /// address written in digits, since nobody can make that point elsewhere.
    pub fn answers_for(&self, host: &str) -> bool {
        let (name, _) = split_port(host);
        if let Some(address) = address(name) {
            let open = self.listen.is_unspecified() || !self.listen.is_loopback();
            return open || address.is_loopback() || address == self.listen;
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        name == "localhost"
            || name.ends_with(".localhost")
            || self.origins.iter().any(|origin| origin.host == name)
    }

    /// Whether a page of this origin may use the bridge when it reached it as `host`: the bridge's own
    /// page, or one that was allowed by name. Where it speaks plain http, its own page may still be one of
    /// https: a proxy before it may add that.
    pub fn allows(&self, origin: &str, host: &str) -> bool {
        let Some(origin) = Origin::parse(origin) else {
            return false;
        };
        let (name, port) = split_port(host);
        let own = (origin.scheme == "https" || !self.is_https)
            && origin.host == name.to_ascii_lowercase()
            && origin.port == port.unwrap_or(if origin.scheme == "https" { 443 } else { 80 });
        own || self.origins.contains(&origin)
    }

    /// Whether a page of this origin was allowed by name: then it may also read the answers.
    pub fn is_named(&self, origin: &str) -> bool {
        Origin::parse(origin).is_some_and(|origin| self.origins.contains(&origin))
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Origin> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = split_port(rest);
        let ok =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if host.is_empty() || !rest.chars().all(ok) || (port.is_none() && rest != host) {
            return None;
        }
        Some(Origin {
            scheme,
            host: host.to_ascii_lowercase(),
            port: port.unwrap_or(usual),
        })
    }
}

/// `host:port`, `[::1]:port` or either without a port. What is not a port stays with the host.
fn split_port(text: &str) -> (&str, Option<u16>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            match port
                .parse()
                .ok()
                .filter(|_| port.bytes().all(|b| b.is_ascii_digit()))
            {
                Some(port) => (host, Some(port)),
                None => (text, None),
            }
        }
        _ => (text, None),
    }
}

fn address(name: &str) -> Option<IpAddr> {
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match bare {
        Some(six) => six.parse().ok().map(IpAddr::V6),
        None => name.parse().ok().map(IpAddr::V4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(listen: &str) -> Guard {
        let origins = [
            "https://chat.example".to_owned(),
            "http://ops:8080".to_owned(),
        ];
        Guard::new(listen.parse().unwrap(), false, &origins).unwrap()
    }

    #[test]
    fn a_page_of_plain_http_is_not_the_own_one_of_a_bridge_that_speaks_https() {
        let secure = Guard::new("0.0.0.0:443".parse().unwrap(), true, &[]).unwrap();
        for (origin, host) in [
            ("https://10.0.0.5", "10.0.0.5"),
            ("https://10.0.0.5", "10.0.0.5:443"),
            ("https://10.0.0.5:443", "10.0.0.5"),
            ("https://10.0.0.5:8443", "10.0.0.5:8443"),
            ("https://[::1]", "[::1]"),
        ] {
            assert!(secure.allows(origin, host), "{origin} {host}");
        }
        for (origin, host) in [
            ("http://10.0.0.5", "10.0.0.5"),
            ("http://10.0.0.5:443", "10.0.0.5:443"),
            ("https://10.0.0.5", "10.0.0.5:8443"),
            ("https://10.0.0.5:8443", "10.0.0.5"),
        ] {
            assert!(!secure.allows(origin, host), "{origin} {host}");
        }
        let plain = guard("0.0.0.0:80");
        assert!(plain.allows("https://10.0.0.5", "10.0.0.5"), "a proxy's");
    }

    #[test]
    fn a_name_that_was_made_to_point_here_is_not_answered_for() {
        let local = guard("127.0.0.1:8080");
        for ours in [
            "localhost",
            "localhost:8080",
            "LOCALHOST.",
            "a.localhost:1",
            "127.0.0.1:8080",
            "127.0.0.2",
            "[::1]:8080",
            "chat.example",
            "Chat.Example:443",
            "ops:8080",
        ] {
            assert!(local.answers_for(ours), "{ours}");
        }
        for foreign in [
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "10.0.0.1:8080",
            "",
            "localhost.evil.example",
            "[fe80::1]:8080",
            "127.0.0.1:8080:evil",
            "::1",
        ] {
            assert!(!local.answers_for(foreign), "{foreign}");
        }
        let open = guard("0.0.0.0:8080");
        assert!(open.answers_for("10.0.0.1:8080") && open.answers_for("[fe80::1]:8080"));
        assert!(!open.answers_for("evil.example"));
        let lan = guard("10.0.0.1:8080");
        assert!(lan.answers_for("10.0.0.1:8080") && lan.answers_for("127.0.0.1"));
    }

    #[test]
    fn only_the_own_page_and_those_allowed_by_name_may_ask() {
        let guard = guard("127.0.0.1:8080");
        let host = "localhost:8080";
        for ours in [
            "http://localhost:8080",
            "HTTP://LOCALHOST:8080",
            "https://chat.example",
        ] {
            assert!(guard.allows(ours, host), "{ours}");
        }
        for foreign in [
            "null",
            "",
            "http://localhost",
            "http://localhost:9999",
            "https://localhost",
            "http://evil.example",
            "http://chat.example",
            "https://chat.example:8443",
            "https://chat.example.evil",
            "http://localhost:8080@evil.example",
            "file://",
        ] {
            assert!(!guard.allows(foreign, host), "{foreign}");
        }
        assert!(guard.allows("http://localhost", "localhost:80"));
        assert!(guard.allows("https://127.0.0.1", "127.0.0.1"));
        assert!(guard.is_named("https://chat.example"));
        assert!(!guard.is_named("http://localhost:8080"));
    }

    #[test]
    fn an_origin_option_that_is_none_is_named() {
        let listen = "127.0.0.1:8080".parse().unwrap();
        for bad in [
            "chat.example",
            "https://chat.example/path",
            "ftp://x",
            "https://",
        ] {
            assert_eq!(
                Guard::new(listen, false, &[bad.to_owned()]).unwrap_err(),
                bad
            );
        }
    }
}
