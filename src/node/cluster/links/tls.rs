//! Mutual TLS 1.3 between nodes. All nodes of a cluster have one key pair, made from its secret; a
//! certificate is only the form in which TLS carries it. Who shows another public key, or cannot sign
//! with this one, does not know the secret.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error,
    PeerIncompatible, ServerConfig, SignatureScheme,
};

use crate::protocol::secret::Secret;

/// The name in every certificate; nodes are told apart by their `Hello`, not by it.
const NAME: &str = "chat";

/// An Ed25519 private key as PKCS #8, but for its last 32 bytes, the seed (RFC 8410, section 7).
const PKCS8_BEFORE_SEED: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Both sides' settings.
#[derive(Clone)]
pub struct PeerTls {
    pub server: Arc<ServerConfig>,
    pub client: Arc<ClientConfig>,
    pub name: ServerName<'static>,
}

/// The keys could not be made; it does not happen with this library and these inputs.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the peer key is not accepted: {0}")]
    Key(#[from] rcgen::Error),
    #[error("the peer certificate is not accepted: {0}")]
    Tls(#[from] Error),
}

impl PeerTls {
    /// The settings of a node of the cluster with this secret.
    ///
    /// # Errors
    /// When the libraries refuse the key made of it.
    pub fn new(secret: &Secret) -> Result<PeerTls, TlsError> {
        let pkcs8 = [&PKCS8_BEFORE_SEED[..], &secret.peer_seed()].concat();
        let key = PrivatePkcs8KeyDer::from(pkcs8);
        let pair = rcgen::KeyPair::try_from(&key)?;
        let params = rcgen::CertificateParams::new([NAME.to_owned()])?;
        let certificate = params.self_signed(&pair)?.der().clone();

        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(SameKey {
            public_key: public_key(&certificate)?,
            provider: provider.clone(),
        });
        let chain = vec![certificate];
        let mut server = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier.clone())
            .with_single_cert(chain.clone(), key.clone_key().into())?;
        // A resumed session would show no certificate.
        server.send_tls13_tickets = 0;
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_auth_cert(chain, key.into())?;
        client.resumption = rustls::client::Resumption::disabled();
        Ok(PeerTls {
            server: Arc::new(server),
            client: Arc::new(client),
            name: ServerName::try_from(NAME).expect("a fixed name is valid"),
        })
    }
}

/// The certificate's public key, as its DER structure.
fn public_key(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, Error> {
    let parsed = ParsedCertificate::try_from(certificate)?;
    Ok(parsed.subject_public_key_info().as_ref().to_vec())
}

/// Accepts exactly one public key, from servers and clients.
#[derive(Debug)]
struct SameKey {
    public_key: Vec<u8>,
    provider: Arc<CryptoProvider>,
}

impl SameKey {
    fn check(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
    ) -> Result<(), Error> {
        if chain.is_empty() && public_key(certificate)? == self.public_key {
            Ok(())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }
}

/// What both verifiers say of signatures: TLS 1.2 is not offered, and the keys are Ed25519. The
/// library asks it of servers and of clients by two traits with the same methods.
macro_rules! signatures_of_tls13 {
    () => {
        fn verify_tls12_signature(
            &self,
            _message: &[u8],
            _certificate: &CertificateDer<'_>,
            _signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            let algorithms = &self.provider.signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signature, algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }
    };
}

impl ServerCertVerifier for SameKey {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(certificate, chain)
            .map(|()| ServerCertVerified::assertion())
    }

    signatures_of_tls13!();
}

impl ClientCertVerifier for SameKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(certificate, chain)
            .map(|()| ClientCertVerified::assertion())
    }

    signatures_of_tls13!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{ClientConnection, ServerConnection};

    fn secret(byte: char) -> Secret {
        Secret::new(byte.to_string().repeat(32).as_bytes()).unwrap()
    }

    /// Shakes hands in memory; the first error of either side.
    fn shake_hands(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> Result<(), Error> {
        let name = ServerName::try_from(NAME).unwrap();
        let mut client = ClientConnection::new(client, name).unwrap();
        let mut server = ServerConnection::new(server).unwrap();
        while client.is_handshaking() || server.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut &wire[..]).unwrap();
            server.process_new_packets()?;
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut &wire[..]).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn nodes_of_one_secret_trust_each_other() {
        let (one, other) = (PeerTls::new(&secret('a')), PeerTls::new(&secret('a')));
        shake_hands(one.unwrap().client, other.unwrap().server).unwrap();
    }

    #[test]
    fn another_secret_is_refused_by_both_sides() {
        let (ours, theirs) = (PeerTls::new(&secret('a')), PeerTls::new(&secret('b')));
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        let refused = Error::from(CertificateError::ApplicationVerificationFailure);
        assert_eq!(
            shake_hands(ours.client.clone(), theirs.server.clone()),
            Err(refused.clone())
        );
        // A client that trusts anybody is refused by the server.
        let credulous = Arc::new(SameKey {
            public_key: public_key_of(&ours),
            provider: Arc::new(ring::default_provider()),
        });
        let pkcs8 = [&PKCS8_BEFORE_SEED[..], &secret('b').peer_seed()].concat();
        let key = PrivatePkcs8KeyDer::from(pkcs8);
        let pair = rcgen::KeyPair::try_from(&key).unwrap();
        let params = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap();
        let chain = vec![params.self_signed(&pair).unwrap().der().clone()];
        let builder = |verifier: Arc<SameKey>| {
            ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_protocol_versions(&[&TLS13])
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(verifier)
        };
        let intruder = builder(credulous.clone()).with_client_auth_cert(chain, key.into());
        let result = shake_hands(Arc::new(intruder.unwrap()), ours.server.clone());
        assert_eq!(result, Err(refused));
        let nobody = Arc::new(builder(credulous).with_no_client_auth());
        assert!(shake_hands(nobody, ours.server).is_err());
    }

    /// A stolen certificate without its key is worth nothing.
    #[test]
    fn the_public_key_alone_does_not_open_a_link() {
        let ours = PeerTls::new(&secret('a')).unwrap();
        let verifier = SameKey {
            public_key: public_key_of(&ours),
            provider: Arc::new(ring::default_provider()),
        };
        let pkcs8 = [&PKCS8_BEFORE_SEED[..], &secret('a').peer_seed()].concat();
        let pair = rcgen::KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8)).unwrap();
        let params = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap();
        let certificate = params.self_signed(&pair).unwrap().der().clone();
        let other = [&PKCS8_BEFORE_SEED[..], &secret('b').peer_seed()].concat();
        let other = ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(other)).unwrap();
        let resolver = rustls::sign::CertifiedKey::new(vec![certificate], other);
        let thief = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(resolver)));
        assert!(shake_hands(ours.client, Arc::new(thief)).is_err());
    }

    fn public_key_of(tls: &PeerTls) -> Vec<u8> {
        let pkcs8 = [&PKCS8_BEFORE_SEED[..], &secret('a').peer_seed()].concat();
        let pair = rcgen::KeyPair::try_from(&PrivatePkcs8KeyDer::from(pkcs8)).unwrap();
        let params = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap();
        assert_eq!(tls.name, ServerName::try_from(NAME).unwrap());
        public_key(params.self_signed(&pair).unwrap().der()).unwrap()
    }
}
