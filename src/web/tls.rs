//! https: the certificate that browsers are shown, and what becomes of a connection before it is one of
//! HTTP.
//!
//! The files can be read again at any time. Connections that are open keep what they agreed upon; what
//! cannot be used is not taken.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use std::{fmt, io};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What every TLS connection begins with: a record of a handshake.
const HANDSHAKE_RECORD: u8 = 22;

/// Who speaks plain HTTP to this port is told so, in words that a browser shows.
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 52\r\nConnection: close\r\n\r\n\
    this port speaks https: ask again with https://HOST\n";

/// How long they have to take it, and bytes of theirs that are read meanwhile: closing over what was not
/// read would take the answer away from them.
const PLAIN_DEADLINE: Duration = Duration::from_secs(1);
const PLAIN_BYTES_MAX: u64 = 64 * 1024;

/// The bridge's certificate and key. Clones share what was last read.
#[derive(Clone)]
pub struct Tls {
    files: Arc<Files>,
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What is shown to whoever connects now.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

/// Why a certificate cannot be used: the one line that a user reads.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("--tls-cert {}: cannot be read: {error}", path.display())]
    CertificateUnread { path: PathBuf, error: io::Error },
    #[error("--tls-key {}: cannot be read: {error}", path.display())]
    KeyUnread { path: PathBuf, error: io::Error },
    #[error("--tls-cert {}: there is no certificate in it; it takes a chain in PEM, the server's own first", .0.display())]
    NoCertificate(PathBuf),
    #[error("--tls-key {}: there is no private key in it; it takes one in PEM, without a password", .0.display())]
    NoKey(PathBuf),
    #[error("--tls-key {}: this key cannot be used: {error}; it takes RSA, ECDSA or Ed25519", path.display())]
    BadKey { path: PathBuf, error: rustls::Error },
    #[error("--tls-cert {}: this certificate cannot be used: {error}", path.display())]
    BadCertificate { path: PathBuf, error: rustls::Error },
    #[error("--tls-key {} is not the key of the certificate in --tls-cert {}; give the two that were made together", key.display(), certificate.display())]
    NotItsKey { certificate: PathBuf, key: PathBuf },
}

impl Tls {
    /// Reads the certificate's chain and its key, both PEM.
    ///
    /// # Errors
    /// When one cannot be used, or they do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let provider = Arc::new(ring::default_provider());
        let shown = Arc::new(Shown(RwLock::new(Arc::new(files.read(&provider)?))));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the library's own provider has its default versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls {
            files: Arc::new(files),
            shown,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    /// Reads the files again: who connects from now on is shown what they hold. Connections stay.
    ///
    /// # Errors
    /// When what is in them cannot be used; then the certificate of before is still shown.
    pub fn reload(&self) -> Result<(), TlsError> {
        let provider = self.acceptor.config().crypto_provider();
        let read = Arc::new(self.files.read(provider)?);
        *self.shown.0.write().unwrap_or_else(|e| e.into_inner()) = read;
        Ok(())
    }

    /// The connection, once it is one of TLS. Who speaks something else is told, and is gone then.
    pub(super) async fn accept(
        &self,
        mut stream: TcpStream,
        deadline: Duration,
    ) -> Option<TlsStream<TcpStream>> {
        let handshake = async {
            let mut first = [0];
            if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE_RECORD {
                let _ = timeout(PLAIN_DEADLINE, tell_plain(&mut stream)).await;
                return Ok(None);
            }
            self.acceptor.accept(stream).await.map(Some)
        };
        match timeout(deadline, handshake).await {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(error)) => {
                tracing::debug!(%error, "a handshake has failed");
                None
            }
            Err(_) => {
                tracing::debug!("a handshake took too long");
                None
            }
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = [&self.files.certificate, &self.files.key];
        f.debug_tuple("Tls").field(&files).finish()
    }
}

async fn tell_plain(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(PLAIN_ANSWER).await?;
    stream.shutdown().await?;
    let (mut rest, mut void) = (stream.take(PLAIN_BYTES_MAX), tokio::io::sink());
    tokio::io::copy(&mut rest, &mut void).await.map(drop)
}

impl Files {
    fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let (certificate, key) = (&self.certificate, &self.key);
        let unread = |error| TlsError::CertificateUnread {
            path: certificate.clone(),
            error,
        };
        let text = std::fs::read(certificate).map_err(unread)?;
        let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
        let chain = chain.unwrap_or_default();
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(certificate.clone()));
        }
        let unread = |error| TlsError::KeyUnread {
            path: key.clone(),
            error,
        };
        let text = std::fs::read(key).map_err(unread)?;
        let private = PrivateKeyDer::from_pem_slice(&text);
        let private = private.map_err(|_| TlsError::NoKey(key.clone()))?;
        let private = provider.key_provider.load_private_key(private);
        let private = private.map_err(|error| TlsError::BadKey {
            path: key.clone(),
            error,
        })?;
        let both = CertifiedKey::new(chain, private);
        match both.keys_match() {
            Ok(()) => Ok(both),
            // Nothing is known against it.
            Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(both),
            Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::NotItsKey {
                certificate: certificate.clone(),
                key: key.clone(),
            }),
            Err(error) => Err(TlsError::BadCertificate {
                path: certificate.clone(),
                error,
            }),
        }
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(|e| e.into_inner());
        Some(Arc::clone(&shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate and its key, as PEM.
    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    fn line(certificate: &str, key: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (cert_path, key_path) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        std::fs::write(&cert_path, certificate).unwrap();
        std::fs::write(&key_path, key).unwrap();
        let told = Tls::load(&cert_path, &key_path).map_or_else(|e| e.to_string(), |_| "ok".into());
        assert_eq!(told.lines().count(), 1, "{told}");
        told.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn what_cannot_be_used_is_told_of_in_one_line_with_its_option() {
        let ((certificate, key), (_, other)) = (pair(), pair());
        assert_eq!(line(&certificate, &key), "ok");
        // Both in one file, as some programs write them.
        let both = format!("{key}{certificate}");
        assert_eq!(line(&both, &both), "ok");
        assert_eq!(
            line("", &key),
            "--tls-cert c.pem: there is no certificate in it; it takes a chain in PEM, the server's own first"
        );
        let broken = certificate.replace("-----END", "!!! -----END");
        assert!(line(&broken, &key).contains("no certificate"));
        assert_eq!(
            line(&certificate, &certificate),
            "--tls-key k.pem: there is no private key in it; it takes one in PEM, without a password"
        );
        assert_eq!(
            line(&certificate, &other),
            "--tls-key k.pem is not the key of the certificate in --tls-cert c.pem; give the two that were made together"
        );
        let missing = Tls::load(Path::new("/nowhere/c.pem"), Path::new("/nowhere/k.pem"));
        assert_eq!(
            missing.unwrap_err().to_string(),
            "--tls-cert /nowhere/c.pem: cannot be read: No such file or directory (os error 2)"
        );
    }

    #[test]
    fn the_plain_answer_is_as_long_as_it_says() {
        let text = std::str::from_utf8(PLAIN_ANSWER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())));
    }
}
