//! The browser UI's files, embedded when the bridge is built, compressed once at its start.

use std::collections::HashMap;
use std::io::Write;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

/// What `npm run build` has made.
#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Dist;

/// Files whose name holds a hash of their content never change.
const HASHED_FOLDER: &str = "assets/";

/// Smaller files gain nothing from compression.
const COMPRESS_BYTES_MIN: usize = 512;

/// All files by their path.
#[derive(Debug)]
pub struct Assets(HashMap<String, Asset>);

#[derive(Debug)]
struct Asset {
    content_type: HeaderValue,
    cache: HeaderValue,
    plain: Variant,
    gzip: Option<Variant>,
}

#[derive(Debug)]
struct Variant {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Assets {
    /// Reads and compresses them; some tens of milliseconds.
    pub fn load() -> Assets {
        let files = Dist::iter().filter_map(|path| {
            let file = Dist::get(&path)?;
            Some((path.to_string(), Asset::new(&path, &file.data)))
        });
        Assets(files.collect())
    }

    /// The file at `path` (`/` is the page), if there is one.
    pub fn get(&self, path: &str, asked: &HeaderMap) -> Option<Response<Body>> {
        let path = match path.trim_start_matches('/') {
            "" => "index.html",
            path => path,
        };
        Some(self.0.get(path)?.answer(asked))
    }
}

impl Asset {
    fn new(path: &str, bytes: &[u8]) -> Asset {
        let cache = if path.starts_with(HASHED_FOLDER) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let mime = mime_guess::from_path(path).first_or_octet_stream();
        let content_type = match (mime.type_().as_str(), mime.subtype().as_str()) {
            ("text", _) | (_, "javascript" | "json") => format!("{mime}; charset=utf-8"),
            _ => mime.to_string(),
        };
        let gzip = Some(bytes)
            .filter(|bytes| bytes.len() >= COMPRESS_BYTES_MIN)
            .and_then(compressed)
            .filter(|smaller| smaller.len() < bytes.len());
        Asset {
            content_type: value(&content_type),
            cache: HeaderValue::from_static(cache),
            plain: Variant::new(bytes.to_vec(), ""),
            gzip: gzip.map(|bytes| Variant::new(bytes, "-gzip")),
        }
    }

    fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let gzip = self.gzip.as_ref().filter(|_| takes_gzip(asked));
        let variant = gzip.unwrap_or(&self.plain);
        let known = asked
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|tags| tags.to_str().ok())
            .flat_map(|tags| tags.split(','))
            .any(|tag| tag.trim().trim_start_matches("W/").as_bytes() == variant.etag.as_bytes());
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Response::new(Body::from(variant.bytes.clone()))
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, variant.etag.clone());
        headers.insert(header::CACHE_CONTROL, self.cache.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if !known {
            headers.insert(header::CONTENT_TYPE, self.content_type.clone());
            if gzip.is_some() {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        response
    }
}

impl Variant {
    fn new(bytes: Vec<u8>, kind: &str) -> Variant {
        let hash = blake3::hash(&bytes).to_hex();
        let etag = value(&format!("\"{}{kind}\"", &hash[..16]));
        let bytes = bytes.into();
        Variant { bytes, etag }
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn takes_gzip(asked: &HeaderMap) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let refused = parts.any(|p| matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            !refused && (name.eq_ignore_ascii_case("gzip") || name == "*")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: header::HeaderName, text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, text.parse().unwrap());
        headers
    }

    #[test]
    fn the_page_is_asked_for_again_and_its_assets_are_kept_for_good() {
        let assets = Assets::load();
        let page = assets.get("/", &HeaderMap::new()).unwrap();
        assert_eq!(page.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(
            page.headers()[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
        let hashed = assets.0.keys().find(|path| path.ends_with(".css")).unwrap();
        let style = assets.get(hashed, &HeaderMap::new()).unwrap();
        let cache = style.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert!(cache.contains("immutable"), "{cache}");
        assert!(assets.get("/nothing", &HeaderMap::new()).is_none());
        assert!(assets.get("/../Cargo.toml", &HeaderMap::new()).is_none());
    }

    #[test]
    fn a_file_is_sent_compressed_and_not_again_to_who_has_it() {
        let asset = Asset::new("x.js", "let x = 1;\n".repeat(1000).as_bytes());
        let plain = asset.answer(&HeaderMap::new());
        assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
        let small = asset.answer(&asked(header::ACCEPT_ENCODING, "br, gzip;q=0.8"));
        assert_eq!(small.headers()[header::CONTENT_ENCODING], "gzip");
        assert_ne!(small.headers()[header::ETAG], plain.headers()[header::ETAG]);
        let refused = asset.answer(&asked(header::ACCEPT_ENCODING, "gzip;q=0"));
        assert!(!refused.headers().contains_key(header::CONTENT_ENCODING));
        let tag = plain.headers()[header::ETAG].to_str().unwrap();
        let again = asset.answer(&asked(header::IF_NONE_MATCH, &format!("\"x\", W/{tag}")));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
}
