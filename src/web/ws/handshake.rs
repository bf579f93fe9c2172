//! Whether a request asks for a WebSocket, and the answer that grants it (RFC 6455, section 4.2). Pure.

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::response::IntoResponse;
use hyper::upgrade::OnUpgrade;
use tungstenite::handshake::derive_accept_key;

use crate::protocol::ErrorCode;
use crate::web::refusal::HttpError;

/// The one version there is.
const VERSION: &str = "13";

/// A request that may become a WebSocket.
pub struct Upgrade {
    /// What proves that the request was understood.
    pub accept: String,
    /// The connection, once the answer is written.
    pub connection: OnUpgrade,
}

impl Upgrade {
    /// # Errors
    /// What is missing.
    pub fn read(parts: &mut Parts) -> Result<Upgrade, HttpError> {
        let refuse = |status, message: &str| {
            Err(HttpError::new(ErrorCode::BadFrame, message).with_status(status))
        };
        let headers = &parts.headers;
        if parts.method != Method::GET {
            let message = "a WebSocket is asked for by GET";
            return refuse(StatusCode::METHOD_NOT_ALLOWED, message);
        }
        if !lists(headers, &header::CONNECTION, "upgrade")
            || !lists(headers, &header::UPGRADE, "websocket")
        {
            let message =
                "a WebSocket is asked for with `Connection: Upgrade` and `Upgrade: websocket`";
            return refuse(StatusCode::BAD_REQUEST, message);
        }
        if !lists(headers, &header::SEC_WEBSOCKET_VERSION, VERSION) {
            return refuse(StatusCode::BAD_REQUEST, "`Sec-WebSocket-Version` is 13");
        }
        let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY) else {
            return refuse(StatusCode::BAD_REQUEST, "`Sec-WebSocket-Key` is missing");
        };
        let accept = derive_accept_key(key.as_bytes());
        let Some(connection) = parts.extensions.remove::<OnUpgrade>() else {
            let message = "this connection cannot become a WebSocket";
            return refuse(StatusCode::UPGRADE_REQUIRED, message);
        };
        Ok(Upgrade { accept, connection })
    }
}

/// The answer after which the connection is a WebSocket.
pub fn granted(accept: &str) -> Response<Body> {
    let mut answer = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer
}

/// Whether a header's list has this word.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut words = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    words.any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(change: impl FnOnce(&mut HeaderMap)) -> Parts {
        let request = Request::get("/ws")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .unwrap();
        let mut parts = request.into_parts().0;
        change(&mut parts.headers);
        parts
    }

    fn status(mut parts: Parts) -> StatusCode {
        let refused = Upgrade::read(&mut parts).err().unwrap();
        refused.into_response().status()
    }

    #[test]
    fn what_asks_for_a_websocket_has_all_that_it_needs() {
        // All is well, but these are no connection's.
        assert_eq!(status(parts(|_| {})), StatusCode::UPGRADE_REQUIRED);
        for missing in [
            "connection",
            "upgrade",
            "sec-websocket-version",
            "sec-websocket-key",
        ] {
            let without = parts(|headers| {
                headers.remove(missing);
            });
            assert_eq!(status(without), StatusCode::BAD_REQUEST, "{missing}");
        }
        for (name, wrong) in [
            ("connection", "not-upgrade"),
            ("upgrade", "h2c"),
            ("sec-websocket-version", "8"),
        ] {
            let with = parts(|headers| {
                headers.insert(name, wrong.parse().unwrap());
            });
            assert_eq!(status(with), StatusCode::BAD_REQUEST, "{name}: {wrong}");
        }
        let mut post = parts(|_| {});
        post.method = Method::POST;
        assert_eq!(status(post), StatusCode::METHOD_NOT_ALLOWED);
    }

    #[test]
    fn the_answer_is_the_standards() {
        let answer = granted(&derive_accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        let accept = &answer.headers()["sec-websocket-accept"];
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
