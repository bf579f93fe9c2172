//! Figures in few characters.

use jiff::tz::TimeZone;

use crate::protocol::Ts;

/// The signs of a sparkline, from next to nothing to the most.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `999`, `12.3k`, `4.5M`.
pub fn count(n: u64) -> String {
    scaled(n as f64, 1000.0, &["", "k", "M", "G", "T", "P"])
}

/// `1 session`, `2 sessions`, `12.3k sessions`.
pub fn counted(n: u64, what: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{} {what}{s}", count(n))
}

/// A number a second: `0`, `0.5`, `120`, `12.3k`.
pub fn rate(per_s: f64) -> String {
    if !per_s.is_finite() || per_s < 0.05 {
        return "0".to_owned();
    }
    if per_s < 9.95 {
        return format!("{per_s:.1}");
    }
    count(per_s.round() as u64)
}

/// `512B`, `12.3M`, `1.5G`; of 1,024 each.
pub fn bytes(n: u64) -> String {
    scaled(n as f64, 1024.0, &["B", "K", "M", "G", "T", "P"])
}

/// `330µs`, `1.2ms`, `45ms`, `2.5s`.
pub fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us}µs"),
        1_000..10_000 => format!("{:.1}ms", us as f64 / 1e3),
        10_000..1_000_000 => format!("{}ms", us / 1_000),
        1_000_000..10_000_000 => format!("{:.1}s", us as f64 / 1e6),
        _ => format!("{}s", us / 1_000_000),
    }
}

/// The same with a sign.
pub fn signed_micros(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "+" };
    format!("{sign}{}", micros(us.unsigned_abs()))
}

/// Percent of a processor's core.
pub fn percent(of_a_core: f64) -> String {
    if of_a_core < 9.95 {
        format!("{of_a_core:.1}%")
    } else {
        format!("{of_a_core:.0}%")
    }
}

/// `12 s`, `4 min`, `3 h`, `2 d`.
pub fn lasting(s: u64) -> String {
    match s {
        0..120 => format!("{s} s"),
        120..7_200 => format!("{} min", s / 60),
        7_200..172_800 => format!("{} h", s / 3_600),
        _ => format!("{} d", s / 86_400),
    }
}

/// The time of day, to the second.
pub fn clock(at: Ts, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_microsecond(at.0) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string(),
        Err(_) => "--:--:--".to_owned(),
    }
}

/// The newest values at the right, `cells` signs wide. Where there are more values than cells each
/// sign is the largest of several, so that no peak is lost.
pub fn spark(values: impl DoubleEndedIterator<Item = f64>, span: usize, cells: usize) -> String {
    if cells == 0 {
        return String::new();
    }
    let each = span.div_ceil(cells).max(1);
    let newest: Vec<f64> = values.rev().take(each * cells).collect();
    let mut peaks: Vec<f64> = newest
        .chunks(each)
        .map(|some| some.iter().copied().fold(0.0, f64::max))
        .collect();
    peaks.reverse();
    let most = peaks.iter().copied().fold(0.0, f64::max);
    let bar = |value: f64| {
        if most <= 0.0 {
            return BARS[0];
        }
        let at = (value / most * (BARS.len() - 1) as f64).round();
        BARS[(at as usize).min(BARS.len() - 1)]
    };
    let drawn: String = peaks.into_iter().map(bar).collect();
    let missing = cells.saturating_sub(drawn.chars().count());
    format!("{}{drawn}", " ".repeat(missing))
}

fn scaled(n: f64, step: f64, units: &[&str]) -> String {
    let mut n = n;
    let mut at = 0;
    while n >= step && at + 1 < units.len() {
        n /= step;
        at += 1;
    }
    if at == 0 || n >= 99.95 {
        format!("{n:.0}{}", units[at])
    } else {
        format!("{n:.1}{}", units[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_take_few_characters() {
        assert_eq!(
            ["0", "999", "1.0k", "12.3k", "4.5M"],
            [0, 999, 1_000, 12_345, 4_500_000].map(count)
        );
        assert_eq!(
            ["0", "0.5", "120", "12.3k"],
            [0.0, 0.5, 119.6, 12_345.0].map(rate)
        );
        assert_eq!(rate(f64::NAN), "0");
        assert_eq!(
            ["1 room", "0 rooms", "1.2k rooms"],
            [1, 0, 1_234].map(|n| counted(n, "room"))
        );
        assert_eq!(
            ["512B", "1.0K", "12.0M"],
            [512, 1_024, 12 * 1024 * 1024].map(bytes)
        );
        assert_eq!(
            ["330µs", "1.2ms", "45ms", "2.5s", "75s"],
            [330, 1_230, 45_600, 2_500_000, 75_000_000].map(micros)
        );
        assert_eq!(signed_micros(-330), "-330µs");
        assert_eq!(["0.4%", "45%", "140%"], [0.42, 45.2, 140.0].map(percent));
        assert_eq!(
            ["12 s", "4 min", "3 h", "2 d"],
            [12, 250, 10_900, 180_000].map(lasting)
        );
    }

    #[test]
    fn a_sparkline_keeps_its_peaks_and_grows_from_the_right() {
        let values = [0.0, 1.0, 7.0];
        assert_eq!(spark(values.into_iter(), 5, 5), "  ▁▂█");
        let long = (0..300).map(|n| if n == 150 { 9.0 } else { 0.0 });
        let drawn = spark(long, 300, 30);
        assert_eq!((drawn.chars().count(), drawn.matches('█').count()), (30, 1));
        assert_eq!(spark([0.0, 0.0].into_iter(), 2, 2), "▁▁");
        assert_eq!(spark(values.into_iter(), 300, 0), "");
    }
}
