//! In which form a browser takes a file: `Accept-Encoding` (RFC 9110, 12.5.3). Pure.

use axum::http::{HeaderMap, header};

/// Thousandths: a weight has three digits at most.
const WHOLE: u16 = 1000;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Brotli,
    Gzip,
    Plain,
}

impl Coding {
    /// Its name in headers; the plain one is not named there.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Coding::Brotli => Some("br"),
            Coding::Gzip => Some("gzip"),
            Coding::Plain => None,
        }
    }

    /// What the tag of a file that is compressed so ends with.
    pub fn of_tag(self) -> &'static str {
        match self {
            Coding::Brotli => "-br",
            Coding::Gzip => "-gzip",
            Coding::Plain => "",
        }
    }

    /// The name in `Accept-Encoding`.
    fn asked_for(self) -> &'static str {
        self.name().unwrap_or("identity")
    }
}

/// What a request takes, and how gladly, in thousandths.
#[derive(Debug)]
pub struct Taken<'a> {
    named: Vec<(&'a str, u16)>,
}

impl<'a> Taken<'a> {
    /// Reads the header. What cannot be read is not there.
    pub fn of(headers: &'a HeaderMap) -> Taken<'a> {
        let lists = headers.get_all(header::ACCEPT_ENCODING).iter();
        let items = lists
            .filter_map(|list| list.to_str().ok())
            .flat_map(|list| list.split(','));
        Taken {
            named: items.filter_map(item).collect(),
        }
    }

    /// The one that is taken most gladly; of equals the first, and `plain` last. Where all are refused
    /// it is `plain`: the standard lets a server send that, and it is more use than an error.
    pub fn best<'v, V>(
        &self,
        compressed: &'v [V],
        plain: &'v V,
        coding: impl Fn(&V) -> Coding,
    ) -> &'v V {
        let mut best = (plain, self.weight(coding(plain)));
        for variant in compressed.iter().rev() {
            let weight = self.weight(coding(variant));
            if weight > 0 && weight >= best.1 {
                best = (variant, weight);
            }
        }
        best.0
    }

    fn weight(&self, coding: Coding) -> u16 {
        let named = |name: &str| {
            let of = |(taken, _): &&(&str, u16)| taken.eq_ignore_ascii_case(name);
            self.named.iter().find(of).map(|(_, weight)| *weight)
        };
        named(coding.asked_for())
            .or_else(|| named("*"))
            // Who says nothing of it takes a file as it is, but what was named rather.
            .unwrap_or(u16::from(coding == Coding::Plain))
    }
}

/// `br;q=0.8`
fn item(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let Some(parameter) = parts.next() else {
        return Some((name, WHOLE));
    };
    let (key, value) = parameter.split_once('=')?;
    let weight: f32 = value.trim().parse().ok()?;
    if !key.trim().eq_ignore_ascii_case("q") || !(0.0..=1.0).contains(&weight) {
        return None;
    }
    // Within 0 and 1000, as was just seen.
    Some((name, (weight * f32::from(WHOLE)).round() as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(accepted: Option<&str>) -> Coding {
        let mut headers = HeaderMap::new();
        if let Some(accepted) = accepted {
            headers.insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
        }
        let compressed = [Coding::Brotli, Coding::Gzip];
        *Taken::of(&headers).best(&compressed, &Coding::Plain, |coding| *coding)
    }

    #[test]
    fn the_most_wanted_is_taken_and_of_equals_the_smallest() {
        for (accepted, coding) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip", Coding::Gzip),
            ("GZip , BR;Q=0.999", Coding::Gzip),
            ("br;q=0.001, gzip;q=0.002", Coding::Gzip),
            ("*", Coding::Brotli),
            ("br;q=0, *;q=0.5", Coding::Gzip),
            ("identity, gzip;q=0.5", Coding::Plain),
            ("gzip;q=0.5", Coding::Gzip),
            ("gzip;q=0", Coding::Plain),
            ("gzip; q=0.000, br ;q=0", Coding::Plain),
            ("*;q=0", Coding::Plain),
            ("deflate", Coding::Plain),
            ("", Coding::Plain),
            ("br;q=2", Coding::Plain),
            ("br;q=NaN, gzip;level=9, ;q=1", Coding::Plain),
        ] {
            assert_eq!(best(Some(accepted)), coding, "{accepted:?}");
        }
        assert_eq!(best(None), Coding::Plain);
    }
}
