//! Holds `docs/PROTOCOL.md` to the code: every example there is read as a frame and written back the
//! same, and every frame and code that exists is named there. In test builds only.

use std::path::Path;

use serde_json::Value;

use super::decode::decode;
use super::error::ErrorCode;
use super::server::ServerFrame;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PROTOCOL.md");
    std::fs::read_to_string(path).unwrap()
}

/// The lines of all ```json blocks.
fn examples(page: &str) -> Vec<&str> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in page.lines() {
        match line {
            "```json" => inside = true,
            "```" => inside = false,
            line if inside => found.push(line),
            _ => {}
        }
    }
    found
}

#[test]
fn every_example_is_a_frame_as_the_programs_read_and_write_it() {
    let page = page();
    for example in examples(&page) {
        let as_written: Value = serde_json::from_str(example).expect(example);
        let written_back = ServerFrame::decode(example)
            .ok()
            .and_then(|frame| serde_json::from_slice::<Value>(&frame.encode()).ok());
        let from_server = written_back.as_ref() == Some(&as_written);
        let from_client = decode(example);
        assert!(
            from_server || from_client.is_ok(),
            "neither side says {example}: {from_client:?}"
        );
    }
}

#[test]
fn every_frame_and_every_code_is_on_the_page() {
    let page = page();
    let types: Vec<String> = examples(&page)
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|frame| frame["type"].as_str().map(str::to_owned))
        .collect();
    for kind in SERVER_TYPES.iter().chain(CLIENT_TYPES) {
        assert!(types.iter().any(|t| t == kind), "no example of {kind}");
    }
    for code in ERROR_CODES {
        let name = serde_json::to_string(code).unwrap().replace('"', "`");
        assert!(page.contains(&name), "{name} is not on the page");
    }
}

const SERVER_TYPES: &[&str] = &[
    "connect",
    "session",
    "room",
    "ok",
    "user_join",
    "user_leave",
    "user_list_update",
    "away",
    "renamed",
    "rooms",
    "topic",
    "sent",
    "new_message",
    "message_update",
    "history",
    "gap",
    "typing",
    "read",
    "results",
    "pong",
    "stats",
    "disconnect",
    "error",
];

const CLIENT_TYPES: &[&str] = &[
    "user_join",
    "join",
    "leave",
    "send",
    "edit",
    "delete",
    "react",
    "topic",
    "history",
    "typing",
    "read",
    "search",
    "rooms",
    "who",
    "away",
    "ping",
    "stats",
    "quit",
];

const ERROR_CODES: &[ErrorCode] = &[
    ErrorCode::BadJson,
    ErrorCode::BadFrame,
    ErrorCode::UnknownType,
    ErrorCode::LineTooLong,
    ErrorCode::NotUtf8,
    ErrorCode::NotJoined,
    ErrorCode::BadName,
    ErrorCode::NameTaken,
    ErrorCode::BadPassword,
    ErrorCode::BadToken,
    ErrorCode::BadRoom,
    ErrorCode::NoSuchRoom,
    ErrorCode::NotInRoom,
    ErrorCode::Forbidden,
    ErrorCode::NoSuchMessage,
    ErrorCode::NoSuchUser,
    ErrorCode::EmptyText,
    ErrorCode::TextTooLong,
    ErrorCode::BadNonce,
    ErrorCode::RateLimited,
    ErrorCode::TooManyConnections,
    ErrorCode::Unavailable,
    ErrorCode::Internal,
];
