//! Changing one field of a frame and leaving every other byte as it came.
//!
//! The bridge puts a mark of its own (`re`) on each request, so that it knows which request an answer
//! belongs to whatever marks the browsers chose, and a nonce on what has none, so that it may be sent
//! again to another node. The frames were checked before: what stands here is one JSON object.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The fields that are looked at; `null` is not the same as absent here, since it takes up the key.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    re: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    nonce: Option<&'a RawValue>,
}

/// A request as it goes to the node.
#[derive(Debug, PartialEq, Eq)]
pub struct Marked {
    pub json: String,
    /// The client's own mark, as it stood in its frame.
    pub client_re: Option<Box<str>>,
}

/// Puts `mark` on a client's frame and, where there is none, `nonce`. `None` if it is no JSON object.
pub fn mark(frame: &str, mark: i64, nonce: Option<&str>) -> Option<Marked> {
    // Line ends can only stand between tokens here: within strings JSON does not allow them.
    let frame = frame.trim().replace(['\n', '\r'], " ");
    let fields: Fields<'_> = serde_json::from_str(&frame).ok()?;
    let client_re = fields.re.map(RawValue::get).filter(|re| *re != "null");
    let client_re = client_re.map(Box::from);
    let has_nonce = fields.nonce.filter(|nonce| nonce.get() != "null");
    let mut changes = Vec::with_capacity(2);
    let mut front = String::new();
    match fields.re {
        Some(re) => changes.push((range(&frame, re.get()), mark.to_string())),
        None => front.push_str(&format!(r#""re":{mark},"#)),
    }
    if let (Some(nonce), None) = (nonce, has_nonce) {
        let nonce = format!("\"{nonce}\"");
        match fields.nonce {
            Some(null) => changes.push((range(&frame, null.get()), nonce)),
            None => front.push_str(&format!(r#""nonce":{nonce},"#)),
        }
    }
    changes.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut json = frame.clone();
    for (range, value) in changes {
        json.replace_range(range, &value);
    }
    json.insert_str(1, &front);
    Some(Marked { json, client_re })
}

/// The number that a node's frame carries as `re`.
pub fn mark_of(frame: &str) -> Option<i64> {
    let fields: Fields<'_> = serde_json::from_str(frame).ok()?;
    fields.re?.get().parse().ok()
}

/// The node's frame with the client's own mark again, or none if it gave none.
pub fn unmark(frame: &str, client_re: Option<&str>) -> String {
    let Ok(Fields { re: Some(re), .. }) = serde_json::from_str::<Fields<'_>>(frame) else {
        return frame.to_owned();
    };
    let value = range(frame, re.get());
    let Some(client_re) = client_re else {
        return without_field(frame, value);
    };
    let mut json = frame.to_owned();
    json.replace_range(value, client_re);
    json
}

/// Adds `"key":"value"` behind all other fields; the value needs no escaping.
pub fn add_text(frame: &str, key: &str, value: &str) -> String {
    let body = frame.trim_end().strip_suffix('}').unwrap_or(frame);
    format!(r#"{body},"{key}":"{value}"}}"#)
}

/// The text without the field whose value stands at `value`, its key and one comma.
fn without_field(frame: &str, value: std::ops::Range<usize>) -> String {
    let key = frame[..value.start].rfind("\"re\"").unwrap_or(value.start);
    let (before, after) = (&frame[..key], &frame[value.end..]);
    if let Some(after) = after.trim_start().strip_prefix(',') {
        return format!("{before}{after}");
    }
    let before = before.trim_end();
    let before = before.strip_suffix(',').unwrap_or(before);
    format!("{before}{after}")
}

/// Where `part`, a piece of `whole`, stands in it.
fn range(whole: &str, part: &str) -> std::ops::Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(field).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::decode::decode;
    use crate::protocol::{ClientFrame, Re};

    fn marked(frame: &str) -> (String, Option<String>) {
        let marked = mark(frame, 7, Some("N")).unwrap();
        (marked.json, marked.client_re.map(String::from))
    }

    #[test]
    fn a_request_gets_the_bridges_mark_and_a_nonce_where_it_has_none() {
        let own = |re: &str| Some(re.to_owned());
        assert_eq!(
            marked(r#"{"type":"ping"}"#),
            (r#"{"re":7,"nonce":"N","type":"ping"}"#.to_owned(), None)
        );
        assert_eq!(
            marked(r#" {"nonce":"x","re":"a\"b","type":"send"} "#),
            (
                r#"{"nonce":"x","re":7,"type":"send"}"#.to_owned(),
                own(r#""a\"b""#)
            )
        );
        assert_eq!(
            marked("{\"re\": null ,\r\n\"nonce\":null,\"type\":\"send\"}"),
            (r#"{"re": 7 ,  "nonce":"N","type":"send"}"#.to_owned(), None)
        );
        assert_eq!(
            marked(r#"{"\u0072e":5,"text":"\"re\":1"}"#).1,
            own("5"),
            "an escaped key is the same key"
        );
    }

    #[test]
    fn what_is_marked_reads_as_the_same_frame() {
        let text = r#"{"type":"send","room":"lobby","text":"x{\"re\":3}\n","re":"mine"}"#;
        let sent = mark(text, 9, Some("made-up")).unwrap();
        let request = decode(&sent.json).unwrap();
        assert_eq!(request.re, Some(Re::Number(9)));
        let ClientFrame::Send { nonce, text, .. } = request.frame else {
            panic!("{request:?}")
        };
        assert_eq!(nonce.unwrap().as_str(), "made-up");
        assert_eq!(text.as_str(), "x{\"re\":3}\n");
    }

    #[test]
    fn an_answer_gets_the_clients_mark_back_or_none() {
        let answer = r#"{"type":"ok","re":7,"ts":1}"#;
        assert_eq!(mark_of(answer), Some(7));
        assert_eq!(
            unmark(answer, Some("\"a\"")),
            r#"{"type":"ok","re":"a","ts":1}"#
        );
        assert_eq!(unmark(answer, None), r#"{"type":"ok","ts":1}"#);
        assert_eq!(unmark(r#"{"type":"ok","re":7}"#, None), r#"{"type":"ok"}"#);
        assert_eq!(unmark(r#"{"re":7}"#, None), "{}");
        assert_eq!(unmark(r#"{"type":"ok"}"#, None), r#"{"type":"ok"}"#);
        assert_eq!(mark_of(r#"{"type":"ok"}"#), None);
    }

    #[test]
    fn a_text_field_goes_behind_the_others() {
        assert_eq!(add_text(r#"{"a":1}"#, "poll", "x"), r#"{"a":1,"poll":"x"}"#);
    }
}
