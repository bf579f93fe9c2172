//! The proof: both sides know the cluster's secret, or the connection ends and has changed nothing.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::node::shared::Shared;
use crate::protocol::bridge::handshake::LINK_VERSION;
use crate::protocol::bridge::{Auth, Challenge, Hello, LinkNonce, Ready};
use crate::protocol::server::ErrorFrame;
use crate::protocol::{ErrorCode, Refusal, ServerFrame};

/// How long a bridge may take to prove itself.
const PROOF_DEADLINE: Duration = Duration::from_secs(5);

/// Bytes of the line that proves it.
const PROOF_BYTES_MAX: usize = 512;

/// Why a connection does not become a link.
#[derive(Debug, thiserror::Error)]
pub enum OpeningError {
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
    #[error("no proof came in time")]
    Late,
    #[error("it does not know this cluster's secret")]
    Refused,
    #[error("it speaks version {0} of the link, this node version {LINK_VERSION}")]
    Version(u32),
}

/// Challenges the bridge, checks its proof, and gives the node's own.
pub async fn prove(
    shared: &Shared,
    stream: &mut TcpStream,
    hello: &Hello,
) -> Result<(), OpeningError> {
    let proved = if hello.version == LINK_VERSION {
        let proving = exchange(shared, stream, hello);
        timeout(PROOF_DEADLINE, proving)
            .await
            .unwrap_or(Err(OpeningError::Late))
    } else {
        Err(OpeningError::Version(hello.version))
    };
    if let Err(error) = &proved {
        let refusal = Refusal::new(ErrorCode::Forbidden, format!("not a bridge: {error}"));
        let line = ServerFrame::Error(ErrorFrame::new(None, refusal)).encode();
        // What cannot be told is not: the connection ends in any case.
        let _ = timeout(PROOF_DEADLINE, stream.write_all(&line)).await;
        let _ = stream.shutdown().await;
    }
    proved
}

async fn exchange(
    shared: &Shared,
    stream: &mut TcpStream,
    hello: &Hello,
) -> Result<(), OpeningError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let challenge = Challenge {
        nonce: LinkNonce::new(random),
    };
    write(stream, &challenge).await?;
    let line = read_line(stream).await?;
    let auth: Auth = serde_json::from_slice(&line).map_err(|_| OpeningError::Refused)?;
    let secret = &shared.config.secret;
    if !auth.proves(secret, hello, &challenge) {
        return Err(OpeningError::Refused);
    }
    let ready = Ready::new(secret, hello, &challenge, &shared.config.name);
    write(stream, &ready).await?;
    Ok(())
}

async fn write(stream: &mut TcpStream, line: &impl serde::Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line).map_err(io::Error::other)?;
    bytes.push(b'\n');
    stream.write_all(&bytes).await
}

/// One line, byte by byte: what follows it belongs to the link.
async fn read_line(stream: &mut TcpStream) -> Result<Vec<u8>, OpeningError> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await? {
            b'\n' => return Ok(line),
            byte => line.push(byte),
        }
        if line.len() > PROOF_BYTES_MAX {
            return Err(OpeningError::Refused);
        }
    }
}
