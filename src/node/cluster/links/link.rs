//! One link: shaking hands, and from then on a task that reads and one that writes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use tokio_util::sync::CancellationToken;

use super::dial::Who;
use super::health::Health;
use super::outbox::{LinkOut, Outbox, outbox};
use super::table::LinkFacts;
use super::{LinkEvent, Shared};
use crate::node::cluster::replication::LinkId;
use crate::protocol::Origin;
use crate::protocol::peer::{Hello, PEER_PROTOCOL, PeerBuffer, PeerFrame, PeerFrameError};

/// Time for the last bytes and the TLS goodbye when a link ends in order.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(1);

/// Bytes read at once, at least.
const READ_BYTES: usize = 16 * 1024;

/// Who dialled.
#[derive(Clone, Debug)]
pub enum Side {
    Dialled { address: String },
    Answered,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("no greeting in time")]
    TooSlow,
    #[error("{0}")]
    Tls(io::Error),
    #[error("the connection ended before the greeting: {0}")]
    Closed(io::Error),
    #[error(transparent)]
    Frame(#[from] PeerFrameError),
    #[error("the first frame is no greeting")]
    NotHello,
    #[error("version {0} of the peer protocol; this node speaks {PEER_PROTOCOL}")]
    Version(u32),
    #[error("{0} writes the same log as this node: one of the two folders is a copy")]
    SameLog(String),
    #[error("it is this node itself")]
    Ourselves,
    #[error("there is a link to {0} already")]
    Duplicate(String),
    #[error("this node writes under a new origin")]
    Renewed,
    #[error("the link to {0} is cut")]
    Cut(String),
}

impl LinkError {
    /// Whether somebody was there who is not taken for a node of this cluster.
    pub fn is_refusal(&self) -> bool {
        match self {
            LinkError::TooSlow
            | LinkError::Tls(_)
            | LinkError::Closed(_)
            | LinkError::Frame(_)
            | LinkError::NotHello
            | LinkError::Version(_)
            | LinkError::SameLog(_) => true,
            LinkError::Connect(_)
            | LinkError::Ourselves
            | LinkError::Duplicate(_)
            | LinkError::Renewed
            | LinkError::Cut(_) => false,
        }
    }

    /// Whether a node with another secret was there: one of the two sides did not accept the other's key.
    pub fn is_of_another_system(&self) -> bool {
        let LinkError::Tls(error) = self else {
            return false;
        };
        let why = error
            .get_ref()
            .and_then(|why| why.downcast_ref::<rustls::Error>());
        matches!(
            why,
            Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_))
        )
    }
}

/// A link that has shaken hands and stands in the table.
pub struct Opened {
    id: LinkId,
    /// It takes the place of one to the same run of the node: both had called.
    again: bool,
    hello: Hello,
    stream: TlsStream<TcpStream>,
    buffer: PeerBuffer,
    stop: CancellationToken,
}

/// Shakes hands, within the time that is allowed for it.
///
/// # Errors
/// When the other side is no node of this cluster, or there is a better link to it.
pub async fn open(shared: &Shared, socket: TcpStream, side: Side) -> Result<Opened, LinkError> {
    timeout(shared.timing.handshake, shake_hands(shared, socket, side))
        .await
        .unwrap_or(Err(LinkError::TooSlow))
}

async fn shake_hands(shared: &Shared, socket: TcpStream, side: Side) -> Result<Opened, LinkError> {
    socket.set_nodelay(true).map_err(LinkError::Connect)?;
    let from = socket.peer_addr().map_err(LinkError::Connect)?;
    let mut stream = match &side {
        Side::Dialled { .. } => {
            let connector = TlsConnector::from(shared.tls.client.clone());
            let connected = connector.connect(shared.tls.name.clone(), socket).await;
            TlsStream::from(connected.map_err(LinkError::Tls)?)
        }
        Side::Answered => {
            let acceptor = TlsAcceptor::from(shared.tls.server.clone());
            TlsStream::from(acceptor.accept(socket).await.map_err(LinkError::Tls)?)
        }
    };
    let ours = shared.hello(&side);
    let (dial, said) = (ours.dial, ours.origin.clone());
    let bytes = PeerFrame::Hello(Box::new(ours)).encode()?;
    stream.write_all(&bytes).await.map_err(LinkError::Closed)?;
    stream.flush().await.map_err(LinkError::Closed)?;
    let mut buffer = PeerBuffer::default();
    let mut hello = read_hello(&mut stream, &mut buffer).await?;
    hello.peer_address = reachable(&hello.peer_address, from.ip());
    hello.client_address = reachable(&hello.client_address, from.ip());
    let again = shared.table().has_run(&hello.origin, hello.incarnation);
    let (id, stop) = greet(shared, &side, (dial, &said), &hello)?;
    Ok(Opened {
        id,
        again,
        hello,
        stream,
        buffer,
        stop,
    })
}

async fn read_hello(
    stream: &mut TlsStream<TcpStream>,
    buffer: &mut PeerBuffer,
) -> Result<Hello, LinkError> {
    loop {
        if let Some(json) = buffer.next_frame()? {
            return match PeerFrame::decode(&json)? {
                Some(PeerFrame::Hello(hello)) => Ok(*hello),
                Some(_) | None => Err(LinkError::NotHello),
            };
        }
        buffer.space().reserve(READ_BYTES);
        match stream.read_buf(buffer.space()).await {
            Ok(0) => return Err(LinkError::Closed(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) => return Err(LinkError::Closed(error)),
        }
    }
}

/// Decides on the other side's `Hello`, and puts the link into the table. `said` is the origin under which
/// the other side knows this node by now.
fn greet(
    shared: &Shared,
    side: &Side,
    (dial, said): (u64, &Origin),
    hello: &Hello,
) -> Result<(LinkId, CancellationToken), LinkError> {
    let me = &shared.me;
    if hello.protocol != PEER_PROTOCOL {
        return Err(LinkError::Version(hello.protocol));
    }
    if hello.incarnation == me.incarnation {
        shared.know(side, Who::Ourselves);
        return Err(LinkError::Ourselves);
    }
    if hello.origin == *super::lock(&shared.origin) {
        return Err(LinkError::SameLog(hello.node.clone()));
    }
    if shared.is_cut(&hello.node) {
        return Err(LinkError::Cut(hello.node.clone()));
    }
    shared.know(side, Who::Node(hello.origin.clone()));
    let (dialler, dial) = match side {
        Side::Dialled { .. } => (me.incarnation, dial),
        Side::Answered => (hello.incarnation, hello.dial),
    };
    let facts = LinkFacts {
        node: hello.node.clone(),
        origin: hello.origin.clone(),
        incarnation: hello.incarnation,
        dialler,
        dial,
        peer_address: hello.peer_address.clone(),
    };
    let (id, stop) = (shared.next_link(), shared.stop.child_token());
    {
        let mut table = shared.table();
        // With the table in hand: whoever renews the origin ends what is in it after that.
        if *super::lock(&shared.origin) != *said {
            return Err(LinkError::Renewed);
        }
        if !table.admit(id, facts, stop.clone()) {
            return Err(LinkError::Duplicate(hello.node.clone()));
        }
    }
    shared.learn(std::iter::once(&hello.peer_address).chain(&hello.known));
    shared
        .book()
        .know(&hello.peer_address, Who::Node(hello.origin.clone()));
    Ok((id, stop))
}

/// The address with the caller's IP in place of an unspecified one.
fn reachable(address: &str, from: IpAddr) -> String {
    match address.parse::<SocketAddr>() {
        Ok(told) if told.ip().is_unspecified() => SocketAddr::new(from, told.port()).to_string(),
        Ok(_) | Err(_) => address.to_owned(),
    }
}

/// Carries the link until it ends: by the other side, by silence, by a better link, or by our stop.
pub async fn run(shared: Arc<Shared>, opened: Opened) {
    let Opened {
        id,
        again,
        hello,
        stream,
        buffer,
        stop,
    } = opened;
    let node = hello.node.clone();
    let (origin, incarnation) = (hello.origin.clone(), hello.incarnation);
    if again {
        tracing::debug!(node, "both sides had called: the better link stays");
    } else {
        tracing::info!(node, address = hello.peer_address, "linked");
    }
    let (read, write) = tokio::io::split(stream);
    let (out, outbox) = outbox(write);
    let health = Arc::new(Health::default());
    let up = LinkEvent::Up {
        link: id,
        hello: Box::new(hello),
        out: out.clone(),
        health: health.clone(),
    };
    let pings = out.clone();
    if shared.tell(up, &stop).await {
        let mut reader = Reader {
            shared: &shared,
            id,
            node: &node,
            buffer,
            out,
            health,
            stop: &stop,
        };
        let ((), ended) = tokio::join!(
            write_all(&shared, &pings, outbox, &stop),
            reader.read_all(read)
        );
        shared.table().remove(id);
        if shared.table().has_run(&origin, incarnation) {
            tracing::debug!(node, "a better link to the node has taken this one's place");
        } else {
            tracing::info!(node, reason = %ended, "link ended");
        }
    }
    shared.table().remove(id);
    // The driver must hear of it even when the link was told to stop; it ends only after all links.
    let _ = shared.events.send(LinkEvent::Down { link: id }).await;
}

struct Reader<'a> {
    shared: &'a Shared,
    id: LinkId,
    node: &'a str,
    buffer: PeerBuffer,
    out: LinkOut,
    health: Arc<Health>,
    stop: &'a CancellationToken,
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("told to stop")]
    Stopped,
    #[error("silent for too long")]
    Silent,
    #[error("closed by the other side")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Frame(#[from] PeerFrameError),
}

impl Reader<'_> {
    /// Reads until the end, and takes the writing half with it.
    async fn read_all(&mut self, read: ReadHalf<TlsStream<TcpStream>>) -> Ended {
        let ended = match self.read_on(read).await {
            Ok(()) => Ended::Stopped,
            Err(ended) => ended,
        };
        self.stop.cancel();
        ended
    }

    async fn read_on(&mut self, mut read: ReadHalf<TlsStream<TcpStream>>) -> Result<(), Ended> {
        loop {
            while let Some(json) = self.buffer.next_frame()? {
                if !self.take(&json).await {
                    return Ok(());
                }
            }
            self.buffer.space().reserve(READ_BYTES);
            let bytes = tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                read = timeout(self.shared.timing.silent, read.read_buf(self.buffer.space())) => read,
            };
            match bytes {
                Err(_) => return Err(Ended::Silent),
                Ok(Ok(0)) => return Err(Ended::Closed),
                Ok(Ok(_)) => {}
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(Ended::Closed);
                }
                Ok(Err(error)) => return Err(Ended::Io(error)),
            }
        }
    }

    /// Hands on one frame; false when there is nobody to take it any more.
    async fn take(&mut self, json: &[u8]) -> bool {
        match PeerFrame::decode(json) {
            Ok(Some(PeerFrame::Ping { sent })) => {
                let time = self.shared.me.clock.own();
                self.out.send(&PeerFrame::Pong { sent, time });
                true
            }
            Ok(Some(PeerFrame::Pong { sent, time })) => {
                let now = self.shared.elapsed_us();
                let ours = self.shared.me.clock.own();
                self.health.note(sent, now, time, ours);
                true
            }
            Ok(Some(frame)) => {
                let link = self.id;
                self.shared
                    .tell(LinkEvent::Frame { link, frame }, self.stop)
                    .await
            }
            Ok(None) => true,
            Err(error) => {
                self.shared.malformed(self.node, &error);
                true
            }
        }
    }
}

/// Writes what is left to the task, and pings, until the link is told to stop; what is queued then still
/// goes out, if it can be written in [`GOODBYE_TIME_MAX`].
async fn write_all(shared: &Shared, out: &LinkOut, outbox: Outbox, stop: &CancellationToken) {
    let too_long = async {
        stop.cancelled().await;
        sleep(GOODBYE_TIME_MAX).await;
    };
    tokio::select! {
        () = too_long => {}
        result = write_on(shared, out, &outbox, stop) => {
            if let Err(error) = result {
                tracing::debug!(%error, "cannot write to a peer");
            }
            stop.cancel();
        }
    }
}

async fn write_on(
    shared: &Shared,
    out: &LinkOut,
    outbox: &Outbox,
    stop: &CancellationToken,
) -> io::Result<()> {
    let mut pings = interval(shared.timing.ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            error = outbox.write_on() => return Err(error),
            _ = pings.tick() => {
                out.send(&PeerFrame::Ping { sent: shared.elapsed_us() });
            }
            () = stop.cancelled() => break,
        }
    }
    outbox.write_rest().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_listens_everywhere_is_reached_where_it_calls_from() {
        let from = IpAddr::from([10, 0, 0, 7]);
        assert_eq!(reachable("0.0.0.0:9999", from), "10.0.0.7:9999");
        assert_eq!(reachable("[::]:9999", from), "10.0.0.7:9999");
        assert_eq!(reachable("10.0.0.8:9999", from), "10.0.0.8:9999");
        assert_eq!(reachable("node.example:9999", from), "node.example:9999");
    }
}
