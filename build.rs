//! Compresses the browser UI's files, so that the bridge does not do so at each of its starts: the best
//! compression of a script takes longer than everything else that a start does.
//!
//! It writes `assets.rs`, a list of `(path, plain, brotli, gzip)`, into the folder that cargo gives it.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What `npm run build` has made.
const DIST: &str = "web/dist";

/// Smaller files gain nothing from compression.
const COMPRESS_BYTES_MIN: usize = 512;

/// Files of these kinds are compressed in themselves.
const COMPRESSED_KINDS: [&str; 3] = ["png", "webp", "woff2"];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={DIST}");
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join(DIST);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    for (number, file) in files.iter().enumerate() {
        let path = file.strip_prefix(&root).map_err(io::Error::other)?;
        let plain = fs::read(file)?;
        let kind = file.extension().and_then(|kind| kind.to_str());
        let is_compressed = kind.is_some_and(|kind| COMPRESSED_KINDS.contains(&kind));
        let kept = |smaller: Vec<u8>, kind: &str| -> io::Result<String> {
            if is_compressed || plain.len() < COMPRESS_BYTES_MIN || smaller.len() >= plain.len() {
                return Ok("None".to_owned());
            }
            let at = out.join(format!("{number}.{kind}"));
            fs::write(&at, smaller)?;
            Ok(format!("Some(include_bytes!({at:?}).as_slice())"))
        };
        let brotli = kept(brotli(&plain)?, "br")?;
        let gzip = kept(gzip(&plain)?, "gz")?;
        let path = path.to_string_lossy();
        let _ = writeln!(
            list,
            "    File {{ path: {path:?}, plain: include_bytes!({file:?}), brotli: {brotli}, gzip: {gzip} }},"
        );
    }
    list.push_str("]\n");
    fs::write(out.join("assets.rs"), list)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut out, &parameters)?;
    Ok(out)
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
