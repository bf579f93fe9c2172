//! Which request does what, and what stands before and around all of them: `Host`, `Origin`, headers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{get, post};

use super::app::App;
use super::refusal::{HttpError, json};
use super::{health, metrics, poll, send, ws};
use crate::protocol::ErrorCode;

/// The page loads nothing but its own files, and nobody frames it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every answer.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// Windows that opened the page, or that it opened, have no hold on it.
const OPENER_POLICY: (HeaderName, &str) = (
    HeaderName::from_static("cross-origin-opener-policy"),
    "same-origin",
);

/// Browsers say this only where they trust the address (https and this machine, also behind a proxy that
/// the bridge knows nothing of). Elsewhere they ignore the opener policy, with a warning to the reader.
const TRUSTED: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Seconds for which a browser may remember that a page was allowed to ask.
const PREFLIGHT_SECONDS: &str = "600";

/// All that the bridge answers.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/ws", get(ws::upgrade))
        .route("/send", post(send::send))
        .route("/poll", get(poll::poll))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .fallback(file)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&app), guarded))
        .with_state(app)
}

/// A file of the page.
async fn file(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed().await.into_response();
    }
    let path = request.uri().path();
    match app.assets.get(path, request.headers()) {
        Some(answer) => answer,
        None => HttpError::new(ErrorCode::BadFrame, "there is nothing at this address")
            .with_status(StatusCode::NOT_FOUND)
            .into_response(),
    }
}

async fn method_not_allowed() -> HttpError {
    let message = "this address is not asked with this method";
    HttpError::new(ErrorCode::BadFrame, message).with_status(StatusCode::METHOD_NOT_ALLOWED)
}

/// Stands around every request.
async fn guarded(State(app): State<Arc<App>>, request: Request, next: Next) -> Response<Body> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let named = origin.filter(|o| o.to_str().is_ok_and(|o| app.guard.is_named(o)));
    let trusted = request.headers().contains_key(TRUSTED);
    let mut answer = match admitted(&app, &request) {
        Err(refused) => refused.into_response(),
        Ok(()) if request.method() == Method::OPTIONS => preflight(named.is_some()),
        Ok(()) => next.run(request).await,
    };
    let headers = answer.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if trusted {
        headers.insert(OPENER_POLICY.0, HeaderValue::from_static(OPENER_POLICY.1));
    }
    if let Some(origin) = named {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    app.counts.answered(answer.status());
    answer
}

/// Whether the request may be carried out at all.
fn admitted(app: &App, request: &Request) -> Result<(), HttpError> {
    let host = host(request);
    if !host.is_some_and(|host| app.guard.answers_for(host)) {
        let message = "this bridge does not answer for that host name; \
                       give it with --origin http://NAME:PORT, or use the address in digits";
        return Err(HttpError::new(ErrorCode::Forbidden, message));
    }
    let writes = request.method() == Method::POST || request.uri().path() == "/ws";
    let origins = request.headers().get_all(header::ORIGIN);
    let foreign = |origin: &HeaderValue| {
        let origin = origin.to_str().unwrap_or_default();
        !app.guard.allows(origin, host.unwrap_or_default())
    };
    if writes && origins.iter().any(foreign) {
        let message = "pages from elsewhere may not use this bridge; allow them with --origin";
        return Err(HttpError::new(ErrorCode::Forbidden, message));
    }
    Ok(())
}

/// The `Host` that is asked for; none when it is missing or said twice.
fn host(request: &Request) -> Option<&str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    let only = hosts.next().is_none();
    // An absolute request target overrides the header (RFC 9112, 3.2.2), so both must be the same.
    let same = request.uri().authority().is_none_or(|a| a.as_str() == host);
    (only && same).then_some(host)
}

fn preflight(allowed: bool) -> Response<Body> {
    if !allowed {
        return StatusCode::NO_CONTENT.into_response();
    }
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// `Authorization: Bearer …`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// `{"frames":[…]}` and what follows.
pub fn frames<'a>(frames: impl Iterator<Item = &'a str>, next: Option<u64>) -> Response<Body> {
    let frames: Vec<&str> = frames.collect();
    let mut body = format!(r#"{{"frames":[{}]"#, frames.join(","));
    if let Some(next) = next {
        body.push_str(&format!(r#","next":{next}"#));
    }
    body.push('}');
    json(StatusCode::OK, body)
}
