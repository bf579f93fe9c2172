//! What can be wrong with a client's frame, as it is told to the client.

use serde::{Deserialize, Serialize};

/// The codes of `error` frames; `docs/PROTOCOL.md` says when each is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub enum ErrorCode {
    BadJson,
    BadFrame,
    UnknownType,
    LineTooLong,
    NotUtf8,
    NotJoined,
    BadName,
    NameTaken,
    BadPassword,
    BadToken,
    BadRoom,
    NoSuchRoom,
    NotInRoom,
    Forbidden,
    NoSuchMessage,
    NoSuchUser,
    EmptyText,
    TextTooLong,
    BadNonce,
    RateLimited,
    TooManyConnections,
    Unavailable,
    Internal,
}

impl ErrorCode {
    /// Whether the same request may do later, or elsewhere.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            ErrorCode::RateLimited | ErrorCode::Unavailable | ErrorCode::Internal
        )
    }
}

/// A request that is not carried out, and why. It becomes an `error` frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub code: ErrorCode,
    /// For a person: what was wrong and what to do.
    pub message: String,
    /// Milliseconds after which the same request may do.
    pub retry_after_ms: Option<u64>,
    /// A free name, with `name_taken`.
    pub suggestion: Option<String>,
}

impl Refusal {
    /// A refusal with nothing but a code and a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Refusal {
        Refusal {
            code,
            message: message.into(),
            retry_after_ms: None,
            suggestion: None,
        }
    }

    /// `not_joined`: only who has said who they are may ask this.
    pub fn not_joined() -> Refusal {
        Refusal::new(
            ErrorCode::NotJoined,
            "say who you are first, with user_join",
        )
    }

    /// `bad_frame`, for the field `name`: what is wrong with it.
    pub fn field(name: &str, wrong: impl std::fmt::Display) -> Refusal {
        Refusal::new(ErrorCode::BadFrame, format!("field \"{name}\": {wrong}"))
    }
}
