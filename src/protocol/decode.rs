//! From a client's line to a [`Request`], with an error that names the field.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::{Claim, ClientFrame, HistoryRange, Re, Request};
use super::error::{ErrorCode, Refusal};
use super::ids::{MessageId, Nonce, Ts, VersionVector};
use super::limits::{JSON_DEPTH_MAX, RE_BYTES_MAX};
use super::names::{RoomRef, UserName};
use super::text::{Text, parse_emoji, parse_topic};

/// A line that is not carried out: why, and the mark to answer it with where that could be read.
pub type Rejected = (Option<Re>, Refusal);

/// The latest time that a client's is taken for, in microseconds: the greatest integer that every
/// JSON reader holds exactly. A client that says "before the end of time" means this.
const TS_MAX_US: i64 = (1 << 53) - 1;

/// All fields of all frames, unread. One flat form for every type: a tagged enum would read twice.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Flat<'a> {
    #[serde(rename = "type", borrow)]
    kind: Field<'a>,
    #[serde(borrow)]
    re: Field<'a>,
    #[serde(borrow)]
    room: Field<'a>,
    #[serde(borrow)]
    text: Field<'a>,
    #[serde(borrow)]
    nonce: Field<'a>,
    #[serde(borrow)]
    after: Field<'a>,
    #[serde(borrow)]
    reply_to: Field<'a>,
    #[serde(borrow)]
    id: Field<'a>,
    #[serde(borrow)]
    emoji: Field<'a>,
    #[serde(borrow)]
    on: Field<'a>,
    #[serde(borrow)]
    topic: Field<'a>,
    #[serde(borrow)]
    since: Field<'a>,
    #[serde(borrow)]
    before: Field<'a>,
    #[serde(borrow)]
    limit: Field<'a>,
    #[serde(borrow)]
    name: Field<'a>,
    #[serde(borrow)]
    password: Field<'a>,
    #[serde(borrow)]
    token: Field<'a>,
    #[serde(borrow)]
    admin: Field<'a>,
    #[serde(borrow)]
    brief: Field<'a>,
    #[serde(borrow)]
    query: Field<'a>,
    #[serde(borrow)]
    every: Field<'a>,
    #[serde(borrow)]
    node: Field<'a>,
}

/// A field's JSON as it stands in the line; absent and `null` are the same.
type Field<'a> = Option<&'a RawValue>;

/// Reads one line.
///
/// # Errors
/// `bad_json` when it is not a JSON object or nested too deep, `unknown_type`, `bad_frame` with the
/// field's name, and what the parts' own parsers refuse (`bad_name`, `text_too_long`, …).
pub fn decode(line: &str) -> Result<Request, Rejected> {
    if depth_exceeds(line, JSON_DEPTH_MAX) {
        let message = format!("nested more than {JSON_DEPTH_MAX} deep");
        return Err((None, Refusal::new(ErrorCode::BadJson, message)));
    }
    if !line.trim_start().starts_with('{') {
        return Err((
            None,
            Refusal::new(ErrorCode::BadJson, "a frame is a JSON object"),
        ));
    }
    let flat: Flat<'_> = serde_json::from_str(line).map_err(|e| (None, not_json(&e)))?;
    let re = mark(flat.re).map_err(|refusal| (None, refusal))?;
    match frame(&flat) {
        Ok(frame) => Ok(Request { re, frame }),
        Err(refusal) => Err((re, refusal)),
    }
}

/// `decode` for a frame that was read as part of a larger JSON text (HTTP bodies).
pub fn decode_value(value: &RawValue) -> Result<Request, Rejected> {
    decode(value.get())
}

/// What to answer to a rejected line before `user_join`: of what only a user may say, not what is
/// wrong with it but that nobody has said who they are.
pub fn before_user_join(line: &str, refusal: Refusal) -> Refusal {
    if matches!(refusal.code, ErrorCode::BadJson | ErrorCode::UnknownType) {
        return refusal;
    }
    let flat: Result<Flat<'_>, _> = serde_json::from_str(line);
    let kind = flat.and_then(|flat| serde_json::from_str(flat.kind.map_or("null", RawValue::get)));
    match kind {
        Ok("user_join" | "ping" | "stats" | "quit") | Err(_) => refusal,
        Ok(_) => Refusal::not_joined(),
    }
}

fn frame(flat: &Flat<'_>) -> Result<ClientFrame, Refusal> {
    let kind: String = required("type", flat.kind)?;
    Ok(match kind.as_str() {
        "send" | "edit" | "delete" | "react" | "topic" => return write(&kind, flat),
        "user_join" => ClientFrame::UserJoin {
            claim: claim(flat)?,
            admin: optional("admin", flat.admin)?,
            brief: optional("brief", flat.brief)?.unwrap_or(false),
        },
        "join" => ClientFrame::Join {
            room: room(flat)?,
            since: vector(flat.since)?,
            limit: limit(flat)?,
        },
        "leave" => ClientFrame::Leave { room: room(flat)? },
        "history" => ClientFrame::History {
            room: room(flat)?,
            range: range(flat)?,
            limit: limit(flat)?,
        },
        "typing" => {
            let on = optional("on", flat.on)?.unwrap_or(true);
            ClientFrame::Typing {
                room: room(flat)?,
                on,
            }
        }
        "read" => {
            let since = vector(flat.since)?.ok_or_else(|| Refusal::field("since", "is missing"))?;
            ClientFrame::Read {
                room: room(flat)?,
                since,
            }
        }
        "search" => ClientFrame::Search {
            query: required("query", flat.query)?,
            room: flat.room.map(|_| room(flat)).transpose()?,
            before: time("before", flat.before)?,
            limit: limit(flat)?,
        },
        "rooms" => ClientFrame::Rooms,
        "who" => ClientFrame::Who { room: room(flat)? },
        "away" => ClientFrame::Away {
            on: required("on", flat.on)?,
        },
        "ping" => ClientFrame::Ping,
        "stats" => {
            let every = optional("every", flat.every)?;
            ClientFrame::Stats {
                every,
                node: optional("node", flat.node)?,
            }
        }
        "quit" => ClientFrame::Quit,
        _ => {
            let message = format!("there is no frame of type {:?}", shortened(&kind));
            return Err(Refusal::new(ErrorCode::UnknownType, message));
        }
    })
}

/// The frames that put an event into the log.
fn write(kind: &str, flat: &Flat<'_>) -> Result<ClientFrame, Refusal> {
    let room = room(flat)?;
    let nonce = optional::<String>("nonce", flat.nonce)?;
    let nonce = nonce.map(|nonce| Nonce::parse(&nonce)).transpose()?;
    let after = time("after", flat.after)?;
    let id = || MessageId::parse(&required::<String>("id", flat.id)?);
    let text = || Text::parse(&required::<String>("text", flat.text)?);
    Ok(match kind {
        "send" => {
            let reply_to = optional::<String>("reply_to", flat.reply_to)?;
            let reply_to = reply_to.map(|id| MessageId::parse(&id)).transpose()?;
            ClientFrame::Send {
                room,
                text: text()?,
                nonce,
                reply_to,
                after,
            }
        }
        "edit" => ClientFrame::Edit {
            room,
            id: id()?,
            text: text()?,
            nonce,
            after,
        },
        "delete" => ClientFrame::Delete {
            room,
            id: id()?,
            nonce,
            after,
        },
        "react" => {
            let emoji = parse_emoji(&required::<String>("emoji", flat.emoji)?)?;
            let on = optional("on", flat.on)?.unwrap_or(true);
            ClientFrame::React {
                room,
                id: id()?,
                emoji,
                on,
                nonce,
                after,
            }
        }
        _ => {
            let topic = parse_topic(&required::<String>("topic", flat.topic)?)?;
            ClientFrame::Topic {
                room,
                topic,
                nonce,
                after,
            }
        }
    })
}

fn limit(flat: &Flat<'_>) -> Result<Option<usize>, Refusal> {
    Ok(optional::<u32>("limit", flat.limit)?.map(|limit| limit as usize))
}

fn claim(flat: &Flat<'_>) -> Result<Claim, Refusal> {
    let name = optional::<String>("name", flat.name)?
        .map(|name| UserName::parse(&name))
        .transpose()?;
    match (optional("token", flat.token)?, name) {
        (Some(token), name) => Ok(Claim::Token { token, name }),
        (None, Some(name)) => Ok(Claim::Name {
            name,
            password: optional("password", flat.password)?,
        }),
        (None, None) => Err(Refusal::field(
            "name",
            "is missing: say who you are by name or token",
        )),
    }
}

fn range(flat: &Flat<'_>) -> Result<HistoryRange, Refusal> {
    match (
        time("before", flat.before)?,
        time("after", flat.after)?,
        vector(flat.since)?,
    ) {
        (None, None, None) => Ok(HistoryRange::Newest),
        (Some(ts), None, None) => Ok(HistoryRange::Before(ts)),
        (None, Some(ts), None) => Ok(HistoryRange::After(ts)),
        (None, None, Some(since)) => Ok(HistoryRange::Since(since)),
        _ => Err(Refusal::field(
            "before",
            "stands alone: say one of \"before\", \"after\", \"since\"",
        )),
    }
}

fn room(flat: &Flat<'_>) -> Result<RoomRef, Refusal> {
    RoomRef::parse(&required::<String>("room", flat.room)?)
}

fn vector(field: Field<'_>) -> Result<Option<VersionVector>, Refusal> {
    optional::<VersionVector>("since", field)?
        .map(VersionVector::check)
        .transpose()
}

fn time(name: &str, field: Field<'_>) -> Result<Option<Ts>, Refusal> {
    let ts = optional::<i64>(name, field)?;
    match ts {
        Some(us) if us < 0 => Err(Refusal::field(
            name,
            "is not a time in microseconds since 1970",
        )),
        ts => Ok(ts.map(|us| Ts(us.min(TS_MAX_US)))),
    }
}

fn mark(field: Field<'_>) -> Result<Option<Re>, Refusal> {
    let Some(raw) = field else { return Ok(None) };
    let wrong = || {
        Refusal::field(
            "re",
            format!("is a string or an integer of {RE_BYTES_MAX} bytes at most"),
        )
    };
    let re: Re = serde_json::from_str(raw.get()).map_err(|_| wrong())?;
    match &re {
        Re::Text(text) if text.len() > RE_BYTES_MAX => Err(wrong()),
        Re::Text(_) | Re::Number(_) => Ok(Some(re)),
    }
}

fn required<'a, T: Deserialize<'a>>(name: &str, field: Field<'a>) -> Result<T, Refusal> {
    optional(name, field)?.ok_or_else(|| Refusal::field(name, "is missing"))
}

fn optional<'a, T: Deserialize<'a>>(name: &str, field: Field<'a>) -> Result<Option<T>, Refusal> {
    let Some(raw) = field else { return Ok(None) };
    serde_json::from_str(raw.get()).map(Some).map_err(|e| {
        // serde says "…, expected a string at line 1 column 7": the place is in the field, not the line.
        let said = e.to_string();
        let wrong = said
            .rsplit_once(" at line ")
            .map_or(said.as_str(), |(wrong, _)| wrong);
        Refusal::field(name, shortened(wrong))
    })
}

fn not_json(error: &serde_json::Error) -> Refusal {
    match error.classify() {
        serde_json::error::Category::Data => Refusal::new(ErrorCode::BadFrame, error.to_string()),
        _ => Refusal::new(ErrorCode::BadJson, format!("not JSON: {error}")),
    }
}

/// The first 64 characters: what a client said is not sent back at length.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Whether arrays and objects nest deeper than `max`; what stands in strings does not count.
fn depth_exceeds(line: &str, max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in line.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(line: &str) -> (Option<Re>, ErrorCode, String) {
        let (re, refusal) = decode(line).unwrap_err();
        (re, refusal.code, refusal.message)
    }

    #[test]
    fn a_send_is_read_with_every_field() {
        let line = r#"{"type":"send","re":3,"room":"Lobby","text":"hé\"","nonce":"n","reply_to":"k7q2.x","after":5,"extra":[1]}"#;
        let request = decode(line).unwrap();
        assert_eq!(request.re, Some(Re::Number(3)));
        let ClientFrame::Send {
            room,
            text,
            nonce,
            reply_to,
            after,
        } = request.frame
        else {
            panic!("{request:?}")
        };
        assert_eq!(room, RoomRef::parse("lobby").unwrap());
        assert_eq!((text.as_str(), after), ("hé\"", Some(Ts(5))));
        assert_eq!(nonce.unwrap().as_str(), "n");
        assert_eq!(reply_to.unwrap().as_str(), "k7q2.x");
    }

    #[test]
    fn an_error_names_the_field_and_keeps_the_mark() {
        let (re, at, message) = code(r#"{"type":"send","re":"a","room":5,"text":"x"}"#);
        assert_eq!((re, at), (Some(Re::Text("a".into())), ErrorCode::BadFrame));
        assert!(
            message.contains("\"room\"") && message.contains("expected a string"),
            "{message}"
        );
        let (_, at, message) = code(r#"{"type":"send","room":"a"}"#);
        assert_eq!(at, ErrorCode::BadFrame);
        assert!(message.contains("\"text\": is missing"), "{message}");
        assert_eq!(code(r#"{"type":"fly"}"#).1, ErrorCode::UnknownType);
        assert_eq!(code(r#"{"re":1}"#).1, ErrorCode::BadFrame);
        for bad in ["", "[]", "nonsense", r#"{"type":"ping""#, "{]"] {
            assert_eq!(code(bad).1, ErrorCode::BadJson, "{bad}");
        }
    }

    #[test]
    fn before_user_join_what_is_wrong_with_a_users_frame_does_not_matter() {
        for (line, code) in [
            (r#"{"type":"send","room":"lobby"}"#, ErrorCode::NotJoined),
            (r#"{"type":"join","room":"a b"}"#, ErrorCode::NotJoined),
            (r#"{"type":"user_join"}"#, ErrorCode::BadFrame),
            (r#"{"type":"stats","every":"x"}"#, ErrorCode::BadFrame),
            (r#"{"type":"fly"}"#, ErrorCode::UnknownType),
            (r#"{"type":5}"#, ErrorCode::BadFrame),
            (r#"{"re":5}"#, ErrorCode::BadFrame),
            ("{", ErrorCode::BadJson),
        ] {
            let (_, refusal) = decode(line).unwrap_err();
            assert_eq!(before_user_join(line, refusal).code, code, "{line}");
        }
    }

    #[test]
    fn a_time_past_the_last_one_is_the_last_one() {
        let line = format!(r#"{{"type":"history","room":"a","before":{}}}"#, i64::MAX);
        let ClientFrame::History { range, .. } = decode(&line).unwrap().frame else {
            panic!("no history")
        };
        assert_eq!(range, HistoryRange::Before(Ts(TS_MAX_US)));
        assert_eq!(
            code(r#"{"type":"history","room":"a","before":-1}"#).1,
            ErrorCode::BadFrame
        );
    }

    #[test]
    fn a_mark_of_64_bytes_passes_and_one_more_does_not() {
        let ping = |re: &str| format!(r#"{{"type":"ping","re":"{re}"}}"#);
        assert!(decode(&ping(&"x".repeat(64))).is_ok());
        assert_eq!(code(&ping(&"x".repeat(65))).1, ErrorCode::BadFrame);
        assert_eq!(code(r#"{"type":"ping","re":1.5}"#).1, ErrorCode::BadFrame);
    }

    #[test]
    fn json_may_nest_16_deep_and_no_deeper() {
        let nested = |n: usize| {
            format!(
                r#"{{"type":"ping","x":{}{}}}"#,
                "[".repeat(n),
                "]".repeat(n)
            )
        };
        assert!(decode(&nested(15)).is_ok());
        assert_eq!(code(&nested(16)).1, ErrorCode::BadJson);
        assert!(decode(r#"{"type":"ping","x":"[[[[[[[[[[[[[[[[[[[[[["}"#).is_ok());
    }
}
