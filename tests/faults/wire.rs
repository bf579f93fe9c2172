//! One connection to a node: lines of JSON, each wait with a deadline.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, timeout, timeout_at};

/// A node that has not let us connect by then is left for another.
const CONNECT_DEADLINE: Duration = Duration::from_millis(500);
/// A node that has not answered by then is left for another.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(1);

/// The connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

pub struct Wire {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
    asked: i64,
}

/// Who we are: a name at first, then the token that goes with it.
#[derive(Clone, Debug)]
pub struct Person {
    pub name: String,
    pub uid: String,
    token: Option<String>,
}

impl Person {
    pub fn new(name: String) -> Person {
        Person {
            name,
            uid: String::new(),
            token: None,
        }
    }
}

impl Wire {
    /// Connects and opens the person's session.
    pub async fn open(address: SocketAddr, person: &mut Person) -> Result<Wire, Lost> {
        let stream = timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await;
        let Ok(Ok(stream)) = stream else {
            return Err(Lost);
        };
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        let mut wire = Wire {
            lines: BufReader::new(reader).lines(),
            writer,
            asked: 0,
        };
        let hello = wire.next(Instant::now() + ANSWER_DEADLINE).await?;
        if hello.is_none_or(|hello| hello["type"] != "connect") {
            return Err(Lost);
        }
        let frame = match &person.token {
            Some(token) => json!({"type": "user_join", "token": token}),
            None => json!({"type": "user_join", "name": person.name}),
        };
        let session = wire.ask(frame, |_| {}).await?;
        let (Some(uid), Some(token)) = (session["uid"].as_str(), session["token"].as_str()) else {
            return Err(Lost);
        };
        uid.clone_into(&mut person.uid);
        person.token = Some(token.to_owned());
        Ok(wire)
    }

    /// Writes a frame without waiting for an answer; gives the mark that the answer has.
    pub async fn tell(&mut self, mut frame: Value) -> Result<i64, Lost> {
        self.asked += 1;
        frame["re"] = json!(self.asked);
        let line = format!("{frame}\n");
        match timeout(ANSWER_DEADLINE, self.writer.write_all(line.as_bytes())).await {
            Ok(Ok(())) => Ok(self.asked),
            Ok(Err(_)) | Err(_) => Err(Lost),
        }
    }

    /// Writes a frame and waits for its answer; whatever else comes goes to `other`.
    pub async fn ask(
        &mut self,
        frame: Value,
        mut other: impl FnMut(&Value),
    ) -> Result<Value, Lost> {
        let re = self.tell(frame).await?;
        let deadline = Instant::now() + ANSWER_DEADLINE;
        loop {
            let frame = self.next(deadline).await?.ok_or(Lost)?;
            if frame["re"] == re {
                return Ok(frame);
            }
            other(&frame);
        }
    }

    /// The next frame; none when the time is over. It may be dropped at any time.
    pub async fn next(&mut self, until: Instant) -> Result<Option<Value>, Lost> {
        match timeout_at(until, self.lines.next_line()).await {
            Err(_) => Ok(None),
            Ok(Ok(Some(line))) => serde_json::from_str(&line).map(Some).map_err(|_| Lost),
            Ok(Ok(None) | Err(_)) => Err(Lost),
        }
    }
}
