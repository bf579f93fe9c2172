//! The forms of options' values, checked where they are read.

use tracing_subscriber::EnvFilter;

/// Characters of a node's name: it stands in front of each of its log's origins.
const NODE_NAME_CHARS_MAX: usize = 32;

/// `host:port`.
pub(super) fn address(text: &str) -> Result<String, String> {
    let (host, port) = text
        .rsplit_once(':')
        .ok_or("an address is host:port, such as 127.0.0.1:9001")?;
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err("the host is missing: an address is host:port".to_owned());
    }
    if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        return Err("an IPv6 address stands in brackets: [::1]:9001".to_owned());
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(text.to_owned()),
        Ok(0) | Err(_) => Err("the port is a number from 1 to 65535".to_owned()),
    }
}

/// The port of an address that is typed without one.
const PORT_DEFAULT: u16 = 9001;

/// An address as people type it: it may leave out the port, and be a web page's by mistake.
pub(super) fn typed_address(typed: &str) -> Result<String, String> {
    let bare = typed
        .split_once("://")
        .map_or(typed, |(_, address)| address)
        .trim_end_matches('/');
    let is_number = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let has_port = bare
        .rsplit_once(':')
        .is_some_and(|(_, port)| is_number(port));
    if has_port || bare.is_empty() {
        return address(bare);
    }
    address(&format!("{bare}:{PORT_DEFAULT}"))
}

/// A node's name, which is also its folder's.
pub(super) fn node_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && text.len() <= NODE_NAME_CHARS_MAX && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "a node's name has 1 to {NODE_NAME_CHARS_MAX} letters, digits and \"-\", a letter or digit first"
        ))
    }
}

/// A page's origin: scheme and host, and nothing behind them.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    let host = trimmed
        .strip_prefix("https://")
        .or_else(|| trimmed.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) => {
            Ok(trimmed.to_owned())
        }
        Some(_) | None => Err("an origin is https://host or http://host:port".to_owned()),
    }
}

/// A level, or a filter by module.
pub(super) fn log_filter(text: &str) -> Result<String, String> {
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    // A single word would else be taken for the name of a module that logs nothing.
    let is_word = text.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_word && !levels.contains(&text) {
        return Err(format!("a level is one of {}", levels.join(", ")));
    }
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_host_and_a_port() {
        for good in ["127.0.0.1:9001", "[::1]:9001", "node-1.example:1"] {
            assert_eq!(address(good), Ok(good.to_owned()));
        }
        for bad in [
            "9001",
            ":9001",
            "host:",
            "host:0",
            "host:70000",
            "::1:9001",
            "a b:1",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_may_be_typed_as_people_do() {
        for (typed, expected) in [
            ("10.0.0.1:9003", "10.0.0.1:9003"),
            ("chat.example", "chat.example:9001"),
            ("tcp://chat.example:9002/", "chat.example:9002"),
            ("[::1]", "[::1]:9001"),
        ] {
            assert_eq!(typed_address(typed).unwrap(), expected, "{typed}");
        }
        for wrong in ["", "two words", "host:", "::1"] {
            assert!(typed_address(wrong).is_err(), "{wrong}");
        }
        let port = "the port is a number from 1 to 65535";
        for wrong in ["host:99999", "host:0"] {
            assert_eq!(typed_address(wrong), Err(port.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn a_nodes_name_is_a_safe_name_for_a_folder() {
        assert!(node_name("n1").is_ok() && node_name(&"x".repeat(32)).is_ok());
        for bad in ["", "-n", "../n", "n 1", "n_1", "é", &"x".repeat(33)] {
            assert!(node_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_has_no_path_and_a_level_is_known() {
        assert_eq!(
            origin("https://chat.example/"),
            Ok("https://chat.example".to_owned())
        );
        assert!(origin("chat.example").is_err() && origin("https://a/b").is_err());
        assert!(log_filter("info").is_ok() && log_filter("warn,chat::node=debug").is_ok());
        assert!(log_filter("loud").is_err() && log_filter("chat=loud").is_err());
    }
}
