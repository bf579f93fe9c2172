//! Numbers as they are printed.

use hdrhistogram::Histogram;
use serde_json::{Value, json};

pub fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

/// Quantiles in microseconds; null if there is nothing.
pub fn latency(histogram: &Histogram<u64>) -> Value {
    if histogram.is_empty() {
        return Value::Null;
    }
    let us = |share| round(histogram.value_at_quantile(share) as f64 / 1e3, 1);
    json!({"p50": us(0.5), "p90": us(0.9), "p99": us(0.99), "p999": us(0.999), "max": us(1.0)})
}

/// The same, for people.
pub fn latency_line(histogram: &Histogram<u64>) -> String {
    if histogram.is_empty() {
        return "nothing of the measured span has arrived".into();
    }
    let ms = |share| histogram.value_at_quantile(share) as f64 / 1e6;
    format!(
        "p50 {:.2} p90 {:.2} p99 {:.2} max {:.2} ms",
        ms(0.5),
        ms(0.9),
        ms(0.99),
        ms(1.0)
    )
}
