//! The bridge by https: the same page and WebSockets, and a certificate that changes under them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat::web::{Bridge, Tls, Tuning};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::programs::{Space, text};
use crate::support::{DEADLINE, TestNode};
use crate::web_support::{Answer, config, parse_answer, raw};

/// A certificate's and a key's file.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Files {
        let folder = tempfile::tempdir().unwrap();
        Files { folder }
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Writes a new pair for `localhost`, and gives the certificate.
    fn renew(&self) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(self.certificate(), made.cert.pem()).unwrap();
        std::fs::write(self.key(), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    fn load(&self) -> Tls {
        Tls::load(&self.certificate(), &self.key()).unwrap()
    }
}

async fn bridge(nodes: &[SocketAddr], tls: &Tls, tuning: Tuning) -> Bridge {
    let mut config = config(nodes);
    config.tls = Some(tls.clone());
    Bridge::start_tuned(config, tuning).await.unwrap()
}

/// A connection by a client that trusts this certificate and no other.
async fn connect(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
    timeout(DEADLINE, connecting).await.unwrap()
}

async fn get(address: SocketAddr, trusted: &CertificateDer<'static>, path: &str) -> Answer {
    let mut stream = connect(address, trusted).await.unwrap();
    let port = address.port();
    let asked =
        format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // It fails when the connection ends without the last word of TLS.
    let read = timeout(DEADLINE, stream.read_to_end(&mut answer)).await;
    read.unwrap().unwrap();
    parse_answer(&answer)
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

async fn websocket(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    origin: &str,
) -> Result<Socket, Error> {
    let stream = connect(address, trusted).await.unwrap();
    let url = format!("wss://localhost:{}/ws", address.port());
    let mut request = url.into_client_request().unwrap();
    let origin = origin.parse().unwrap();
    request.headers_mut().insert("origin", origin);
    let asked = client_async(request, stream);
    timeout(DEADLINE, asked).await.unwrap().map(|(it, _)| it)
}

async fn next(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let message = timeout(DEADLINE, socket.next()).await.unwrap();
        if let Message::Text(text) = message.unwrap().unwrap() {
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["type"] == kind {
                return frame;
            }
        }
    }
}

async fn tell(socket: &mut Socket, frame: Value) {
    let sending = socket.send(Message::text(frame.to_string()));
    timeout(DEADLINE, sending).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_page_and_the_websocket_come_by_https_on_one_port() {
    let (node, files) = (TestNode::start().await, Files::new());
    let certificate = files.renew();
    let bridge = bridge(&[node.node.listen], &files.load(), Tuning::default()).await;
    let address = bridge.address;
    assert_eq!(bridge.url(), format!("https://{address}"));
    let page = get(address, &certificate, "/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").is_some());
    let own = format!("https://localhost:{}", address.port());
    let mut alice = websocket(address, &certificate, &own).await.unwrap();
    next(&mut alice, "connect").await;
    tell(&mut alice, json!({"type": "user_join", "name": "alice"})).await;
    next(&mut alice, "session").await;
    tell(&mut alice, json!({"type": "join", "room": "lobby"})).await;
    next(&mut alice, "room").await;
    // More than a record of TLS has, and than the socket takes at once.
    let long = "ä".repeat(4_000);
    for n in 0..20 {
        let frame =
            json!({"type": "send", "room": "lobby", "text": long, "nonce": format!("n{n}")});
        tell(&mut alice, frame).await;
    }
    for _ in 0..20 {
        assert_eq!(next(&mut alice, "new_message").await["text"], long);
    }
    alice.close(None).await.unwrap();
    // The closing is answered, and then the connection ends as TLS wants it.
    while let Some(message) = timeout(DEADLINE, alice.next()).await.unwrap() {
        message.unwrap();
    }
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_page_of_plain_http_is_foreign_to_a_bridge_that_speaks_https() {
    let files = Files::new();
    let certificate = files.renew();
    let nowhere = [SocketAddr::from(([127, 0, 0, 1], 9))];
    let bridge = bridge(&nowhere, &files.load(), Tuning::default()).await;
    let port = bridge.address.port();
    for foreign in [
        format!("http://localhost:{port}"),
        "https://localhost".to_owned(),
        "https://evil.example".to_owned(),
    ] {
        match websocket(bridge.address, &certificate, &foreign).await {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 403, "{foreign}"),
            other => panic!("{foreign}: {other:?}"),
        }
    }
    bridge.stop().await;
}

#[tokio::test]
async fn who_speaks_plain_http_is_told_and_who_says_nothing_is_let_go() {
    let files = Files::new();
    files.renew();
    let nowhere = [SocketAddr::from(([127, 0, 0, 1], 9))];
    let tuning = Tuning {
        handshake: Duration::from_millis(200),
        ..Tuning::default()
    };
    let bridge = bridge(&nowhere, &files.load(), tuning).await;
    let asked = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", bridge.address);
    let told = raw(bridge.address, asked.as_bytes()).await;
    let body = String::from_utf8(told.body).unwrap();
    assert_eq!(told.status, 400);
    assert!(body.contains("https://"), "{body}");
    // Nothing at all, and the beginning of a handshake without its end.
    for said in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut stream = TcpStream::connect(bridge.address).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut rest = Vec::new();
        let read = timeout(DEADLINE, stream.read_to_end(&mut rest)).await;
        assert!(read.is_ok() && rest.len() < 100, "{rest:?}");
    }
    bridge.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_who_connects_and_a_bad_one_is_not_taken() {
    let (node, files) = (TestNode::start().await, Files::new());
    let old = files.renew();
    let tls = files.load();
    let bridge = bridge(&[node.node.listen], &tls, Tuning::default()).await;
    let own = format!("https://localhost:{}", bridge.address.port());
    let mut open = websocket(bridge.address, &old, &own).await.unwrap();
    next(&mut open, "connect").await;
    std::fs::write(files.key(), "no key").unwrap();
    let line = tls.reload().unwrap_err().to_string();
    assert!(
        line.contains("--tls-key") && line.lines().count() == 1,
        "{line}"
    );
    connect(bridge.address, &old).await.unwrap();
    let new = files.renew();
    tls.reload().unwrap();
    connect(bridge.address, &new).await.unwrap();
    assert!(connect(bridge.address, &old).await.is_err());
    tell(&mut open, json!({"type": "ping", "re": 1})).await;
    assert_eq!(next(&mut open, "pong").await["re"], 1);
    bridge.stop().await;
    node.stop().await;
}

#[tokio::test]
async fn a_program_reads_its_certificate_again_when_it_is_hung_up_on() {
    let (space, files) = (Space::new(), Files::new());
    let old = files.renew();
    let (certificate, key) = (files.certificate(), files.key());
    let log = std::fs::File::create(space.path("log")).unwrap();
    let mut command = space.command("chat-web", &["--listen", "127.0.0.1:0", "--ready-fd", "1"]);
    // By variables: every option has one.
    command.env("CHAT_WEB_TLS_CERT", &certificate);
    command.env("CHAT_WEB_TLS_KEY", &key).stderr(log);
    let mut web = crate::programs::Running::new(&mut command);
    let address: SocketAddr = web.ready["web"].as_str().unwrap().parse().unwrap();
    let own = format!("https://localhost:{}", address.port());
    let mut open = websocket(address, &old, &own).await.unwrap();
    let logged = async |words: &str| {
        let log = space.path("log");
        let reading = async {
            loop {
                let text = std::fs::read_to_string(&log).unwrap();
                if let Some(line) = text.lines().find(|line| line.contains(words)) {
                    return line.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(DEADLINE, reading).await.expect(words)
    };
    std::fs::remove_file(&key).unwrap();
    web.signal("-HUP");
    let line = logged("the certificate stays as it was").await;
    assert!(
        line.contains("--tls-key") && line.contains("cannot be read"),
        "{line}"
    );
    connect(address, &old).await.unwrap();
    let new = files.renew();
    web.signal("-HUP");
    logged("the certificate was read again").await;
    connect(address, &new).await.unwrap();
    assert!(connect(address, &old).await.is_err());
    // It is the connection of before, and goes on.
    tell(&mut open, json!({"type": "ping", "re": 1})).await;
    next(&mut open, "pong").await;
    assert!(web.stop().success());
}

#[test]
fn programs_that_cannot_speak_https_say_why_and_end_with_2() {
    let (space, files) = (Space::new(), Files::new());
    files.renew();
    let (certificate, key) = (files.certificate(), files.key());
    let (certificate, key) = (text(&certificate), text(&key));
    let alone = ["--tls-cert", certificate];
    let ended = space.run("chat-web", &alone);
    ended.complains(2, &["--tls-cert", "--tls-key"]);
    let ended = space.run("chat-web", &["--tls-key", key]);
    ended.complains(2, &["--tls-cert", "--tls-key"]);
    let ended = space.run("chat", &["up", "--tls-cert", certificate]);
    ended.complains(2, &["--tls-cert", "--tls-key"]);
    let ended = space.run("chat-web", &["--tls-cert", key, "--tls-key", key]);
    ended.complains(2, &[key, "no certificate"]);
    let missing = [&alone[..], &["--tls-key", "/nowhere/key.pem"]].concat();
    let ended = space.run("chat-web", &missing);
    ended.complains(2, &["/nowhere/key.pem", "cannot be read"]);
    let other = Files::new();
    other.renew();
    let other = other.key();
    let ended = space.run(
        "chat-web",
        &[&alone[..], &["--tls-key", text(&other)]].concat(),
    );
    ended.complains(2, &[text(&other), "not the key"]);
}
