//! The browser UI's files, embedded when the bridge is built, and compressed then (`build.rs`).

use std::collections::HashMap;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;

use super::encoding::{Coding, Taken};

/// A file as `build.rs` lists it; compressed only where that makes it smaller.
struct File {
    path: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// What `npm run build` has made.
const DIST: &[File] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Files whose name holds a hash of their content never change.
const HASHED_FOLDER: &str = "assets/";

/// All files by their path.
#[derive(Debug)]
pub struct Assets(HashMap<&'static str, Asset>);

#[derive(Debug)]
struct Asset {
    content_type: HeaderValue,
    cache: HeaderValue,
    /// Those that are smaller than the file, the smallest first.
    compressed: Vec<Variant>,
    plain: Variant,
}

#[derive(Debug)]
struct Variant {
    coding: Coding,
    bytes: Bytes,
    /// Each coding has its own: the bytes differ.
    etag: HeaderValue,
}

impl Assets {
    /// Names them; nothing is read or compressed.
    pub fn load() -> Assets {
        Assets(DIST.iter().map(|f| (f.path, Asset::new(f))).collect())
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
    fn new(file: &File) -> Asset {
        let cache = if file.path.starts_with(HASHED_FOLDER) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let mime = mime_guess::from_path(file.path).first_or_octet_stream();
        let content_type = match (mime.type_().as_str(), mime.subtype().as_str()) {
            ("text", _) | (_, "javascript" | "json") => format!("{mime}; charset=utf-8"),
            _ => mime.to_string(),
        };
        let hash = blake3::hash(file.plain).to_hex();
        let variant = |coding: Coding, bytes| Variant {
            coding,
            bytes: Bytes::from_static(bytes),
            etag: value(&format!("\"{}{}\"", &hash[..16], coding.of_tag())),
        };
        let compressed = [
            file.brotli.map(|bytes| variant(Coding::Brotli, bytes)),
            file.gzip.map(|bytes| variant(Coding::Gzip, bytes)),
        ];
        Asset {
            content_type: value(&content_type),
            cache: HeaderValue::from_static(cache),
            compressed: compressed.into_iter().flatten().collect(),
            plain: variant(Coding::Plain, file.plain),
        }
    }

    fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let taken = Taken::of(asked);
        let variant = taken.best(&self.compressed, &self.plain, |variant| variant.coding);
        let known = asked
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|tags| tags.to_str().ok())
            .flat_map(|tags| tags.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/").as_bytes())
            .any(|tag| tag == variant.etag.as_bytes() || tag == b"*");
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
            if let Some(name) = variant.coding.name() {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
            }
        }
        response
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

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
        let assets = Assets::load();
        // The largest: files of a few hundred bytes do not become smaller.
        let asset = assets
            .0
            .values()
            .max_by_key(|asset| asset.plain.bytes.len());
        let asset = asset.unwrap();
        let mut tags = Vec::new();
        for (accepted, coding) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("br;q=0.2, gzip;q=0.8", Some("gzip")),
            ("gzip;q=0, br;q=0", None),
        ] {
            let asked_so = asked(header::ACCEPT_ENCODING, accepted);
            let answer = asset.answer(&asked_so);
            let given = answer.headers().get(header::CONTENT_ENCODING);
            let given = given.map(|coding| coding.to_str().unwrap());
            assert_eq!(given, coding, "{accepted}");
            assert_eq!(answer.headers()[header::VARY], "accept-encoding");
            let tag = answer.headers()[header::ETAG].to_str().unwrap().to_owned();
            let mut again = asked_so;
            let tags_held = format!("\"x\", W/{tag}").parse().unwrap();
            again.insert(header::IF_NONE_MATCH, tags_held);
            let again = asset.answer(&again);
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(again.headers()[header::VARY], "accept-encoding");
            tags.push(tag);
        }
        tags.dedup();
        assert_eq!(tags.len(), 3, "a tag for each coding: {tags:?}");
        // Who has it in one coding does not have it in another.
        let mut other = asked(header::ACCEPT_ENCODING, "br");
        other.insert(header::IF_NONE_MATCH, tags[1].parse().unwrap());
        assert_eq!(asset.answer(&other).status(), StatusCode::OK);
    }

    #[test]
    fn what_was_compressed_is_the_file_itself() {
        for file in DIST {
            if let Some(gzip) = file.gzip {
                let mut plain = Vec::new();
                let mut decoder = flate2::read::GzDecoder::new(gzip);
                decoder.read_to_end(&mut plain).unwrap();
                assert!(plain == file.plain, "{}", file.path);
            }
            if let Some(brotli) = file.brotli {
                let mut plain = Vec::new();
                brotli::BrotliDecompress(&mut &*brotli, &mut plain).unwrap();
                assert!(plain == file.plain, "{}", file.path);
                assert!(file.gzip.is_none_or(|gzip| brotli.len() < gzip.len()));
            }
        }
    }
}
