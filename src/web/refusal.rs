//! Errors over HTTP: an `error` frame, and the status that fits its code.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;

use crate::protocol::server::ErrorFrame;
use crate::protocol::{ErrorCode, Refusal, ServerFrame};

/// A request that ends with an error.
#[derive(Debug)]
pub struct HttpError {
    status: StatusCode,
    /// The `error` frame.
    frame: String,
    retry_after: Option<Duration>,
}

impl HttpError {
    /// An error of the code's own status.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> HttpError {
        HttpError::from(Refusal::new(code, message))
    }

    /// The same under another status.
    pub fn with_status(self, status: StatusCode) -> HttpError {
        HttpError { status, ..self }
    }

    /// A node's answer, if it is an `error`.
    pub fn from_answer(answer: &str) -> Option<HttpError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(rename = "type")]
            kind: String,
            code: Option<ErrorCode>,
            retry_after_ms: Option<u64>,
        }
        let head: Head = serde_json::from_str(answer).ok()?;
        (head.kind == "error").then(|| HttpError {
            status: status(head.code.unwrap_or(ErrorCode::Internal)),
            frame: answer.to_owned(),
            retry_after: head.retry_after_ms.map(Duration::from_millis),
        })
    }
}

impl From<Refusal> for HttpError {
    fn from(refusal: Refusal) -> HttpError {
        let status = status(refusal.code);
        let retry_after = refusal.retry_after_ms.map(Duration::from_millis);
        let frame = ServerFrame::Error(ErrorFrame::new(None, refusal)).encode();
        HttpError {
            status,
            frame: String::from_utf8_lossy(&frame).trim_end().to_owned(),
            retry_after,
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response<Body> {
        let mut response = json(self.status, self.frame);
        if let Some(after) = self.retry_after {
            // Whole seconds, rounded up: earlier would be too early.
            let seconds = after.as_millis().div_ceil(1000).max(1).to_string();
            if let Ok(value) = HeaderValue::from_str(&seconds) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
        }
        response
    }
}

/// A JSON answer that nobody keeps.
pub fn json(status: StatusCode, body: String) -> Response<Body> {
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}

/// The status of each code.
pub fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadJson
        | ErrorCode::BadFrame
        | ErrorCode::UnknownType
        | ErrorCode::NotUtf8
        | ErrorCode::BadName
        | ErrorCode::BadRoom
        | ErrorCode::EmptyText
        | ErrorCode::TextTooLong
        | ErrorCode::BadNonce => StatusCode::BAD_REQUEST,
        ErrorCode::LineTooLong => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::NotJoined | ErrorCode::BadPassword | ErrorCode::BadToken => {
            StatusCode::UNAUTHORIZED
        }
        ErrorCode::Forbidden | ErrorCode::NotInRoom => StatusCode::FORBIDDEN,
        ErrorCode::NoSuchRoom | ErrorCode::NoSuchMessage | ErrorCode::NoSuchUser => {
            StatusCode::NOT_FOUND
        }
        ErrorCode::NameTaken => StatusCode::CONFLICT,
        ErrorCode::RateLimited | ErrorCode::TooManyConnections => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_node_keeps_its_words_and_gets_a_status() {
        let answer = r#"{"type":"error","re":3,"code":"rate_limited","message":"slow down","retry_after_ms":1200}"#;
        let error = HttpError::from_answer(answer).unwrap();
        assert_eq!(error.frame, answer);
        let response = error.into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert!(HttpError::from_answer(r#"{"type":"ok"}"#).is_none());
    }

    #[test]
    fn an_error_of_the_bridge_is_a_frame_too() {
        let error = HttpError::new(ErrorCode::LineTooLong, "64 KiB at most");
        assert_eq!(error.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(
            error.frame,
            r#"{"type":"error","code":"line_too_long","message":"64 KiB at most"}"#
        );
    }

    /// Every code stands in the table of statuses in `docs/PROTOCOL.md`, in the row of its own status.
    #[test]
    fn the_statuses_are_those_of_the_page() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/PROTOCOL.md");
        let page = std::fs::read_to_string(page).unwrap();
        let table = page.split("| status | codes |").nth(1).unwrap();
        let rows = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        let mut told = Vec::new();
        for row in rows {
            let (number, codes) = row[1..].split_once('|').unwrap();
            let number: u16 = number.trim().parse().unwrap();
            let quoted = codes.split('`').skip(1).step_by(2);
            for name in quoted {
                let Ok(code) = serde_json::from_value::<ErrorCode>(name.into()) else {
                    assert!(["Retry-After", "retry_after_ms"].contains(&name), "{name}");
                    continue;
                };
                // An address or a method that is not there has a status of its own.
                if code != ErrorCode::BadFrame || number == 400 {
                    assert_eq!(status(code).as_u16(), number, "{name}");
                    told.push(code);
                }
            }
        }
        assert_eq!(told.len(), CODES, "each once");
    }

    /// How many codes there are: the last of them, counted from 0, and one more.
    const CODES: usize = ErrorCode::Internal as usize + 1;
}
