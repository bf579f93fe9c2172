//! A question to one node that needs no session: who is there, and how are the nodes?

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::connection::in_words;
use crate::protocol::limits::SERVER_LINE_BYTES_MAX;
use crate::protocol::server::Connect;
use crate::protocol::stats::Stats;
use crate::protocol::{ClientFrame, Request, ServerFrame};

/// For a node to answer.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(3);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("{}", in_words(.0))]
    Connect(#[from] std::io::Error),
    #[error("what listens there is not a chat node")]
    NotANode,
    #[error("no answer within {} s", QUERY_TIMEOUT.as_secs())]
    Timeout,
}

/// Connects and takes the node's greeting.
///
/// # Errors
/// When nothing listens at `address`, something else does, or it does not answer in time.
pub async fn greeting(address: &str) -> Result<Connect, QueryError> {
    let greeting = async { open(address).await.map(|(_, connect)| connect) };
    timeout(QUERY_TIMEOUT, greeting)
        .await
        .unwrap_or(Err(QueryError::Timeout))
}

/// Asks a node for what `stats` tells anyone.
///
/// # Errors
/// As [`greeting`].
pub async fn stats(address: &str) -> Result<Stats, QueryError> {
    let question = async {
        let (mut stream, _) = open(address).await?;
        let frame = ClientFrame::Stats {
            every: None,
            node: None,
        };
        let request = Request { re: None, frame };
        stream.write_all(&request.encode()).await?;
        loop {
            match next(&mut stream).await? {
                ServerFrame::Stats(stats) => return Ok(*stats),
                ServerFrame::Error(_) | ServerFrame::Disconnect(_) => {
                    return Err(QueryError::NotANode);
                }
                _ => {}
            }
        }
    };
    timeout(QUERY_TIMEOUT, question)
        .await
        .unwrap_or(Err(QueryError::Timeout))
}

async fn open(address: &str) -> Result<(BufReader<TcpStream>, Connect), QueryError> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    match next(&mut stream).await? {
        ServerFrame::Connect(connect) => Ok((stream, connect)),
        _ => Err(QueryError::NotANode),
    }
}

async fn next(stream: &mut BufReader<TcpStream>) -> Result<ServerFrame, QueryError> {
    let mut line = Vec::new();
    let mut limited = stream.take(SERVER_LINE_BYTES_MAX as u64);
    limited.read_until(b'\n', &mut line).await?;
    let text = std::str::from_utf8(&line).map_err(|_| QueryError::NotANode)?;
    ServerFrame::decode(text).map_err(|_| QueryError::NotANode)
}
