//! `chat tail`: a room's newest messages, and with `--follow` all that come after them.

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use jiff::Zoned;

use super::args::Tail;
use super::lines;
use super::process::{ReadyLine, Serving};
use super::roll::Roll;
use super::script::Script;
use super::stop::{Stop, failed, say};
use crate::client::ClientEvent;
use crate::protocol::limits::HISTORY_MAX;
use crate::protocol::server::{History, Message, Room};
use crate::protocol::{
    ClientFrame, ErrorCode, HistoryRange, Re, RoomRef, ServerFrame, VersionVector,
};

const PROGRAM: &str = "chat tail";

/// While no node is there, how often that is said again.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

pub(super) async fn run(args: &Tail, ready: ReadyLine) -> Result<(), Stop> {
    let mut script = Script::connect(PROGRAM, &args.person).await?;
    if !args.follow && matches!(args.room, RoomRef::Room(_)) {
        check_room(&mut script, &args.room).await?;
    }
    let limit = args.lines.clamp(1, HISTORY_MAX);
    script
        .client
        .join(args.room.clone(), Some(limit))
        .map_err(failed)?;
    let mut roll = Roll::default();
    let (backlog, live) = backlog(&mut script, args, &mut roll).await?;
    let mut reader_gone = !print(args, &roll.unprinted(backlog))?;
    if args.follow {
        ready.tell(&Serving {
            program: PROGRAM,
            ..Serving::default()
        })?;
        for message in live {
            let messages = roll.live(message);
            reader_gone |= !print(args, &messages)?;
        }
        let mut outage = Outage::default();
        while !reader_gone && !script.stop.is_cancelled() {
            reader_gone = !follow(&mut script, args, &mut roll, &mut outage).await?;
        }
    }
    script.client.close().await;
    Ok(())
}

/// Joining would make a room that does not exist; who mistypes a name wants to know.
async fn check_room(script: &mut Script, room: &RoomRef) -> Result<(), Stop> {
    let mut asked = None;
    loop {
        match script.next().await? {
            ClientEvent::Online { .. } | ClientEvent::Unanswered { .. } => {
                let question = history(room, HistoryRange::Newest, 1);
                asked = Some(script.client.ask(question).map_err(failed)?);
            }
            ClientEvent::Frame(frame) => match *frame {
                ServerFrame::History(_) => return Ok(()),
                ServerFrame::Error(error) if is_answer(error.re.as_ref(), asked) => {
                    return match error.code {
                        ErrorCode::NoSuchRoom => Err(failed(format!("there is no room {room}"))),
                        _ => Ok(()),
                    };
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// That no node is there, told of once, and now and then while it lasts: a try ends several times a
/// second.
#[derive(Debug, Default)]
struct Outage {
    told: Option<Instant>,
}

impl Outage {
    /// A node is lost, or another try was in vain: what is to be said of it, if anything.
    fn lost(&mut self, now: Instant, reason: &str) -> Option<String> {
        let line = match self.told {
            None => format!("the node is lost ({reason}); trying to reach one"),
            Some(told) if now >= told + TOLD_AGAIN => {
                format!("still no node answers ({reason}); trying on")
            }
            Some(_) => return None,
        };
        self.told = Some(now);
        Some(line)
    }

    fn over(&mut self) {
        self.told = None;
    }
}

/// The newest messages, oldest first, and those that came live meanwhile.
async fn backlog(
    script: &mut Script,
    args: &Tail,
    roll: &mut Roll,
) -> Result<(Vec<Message>, Vec<Message>), Stop> {
    let (mut backlog, mut live): (Option<Vec<Message>>, Vec<Message>) = (None, Vec::new());
    let (mut more, mut asked) = (true, None);
    loop {
        if let Some(messages) = &mut backlog {
            let missing = args.lines.saturating_sub(messages.len());
            if missing == 0 || !more {
                messages.drain(..messages.len().saturating_sub(args.lines));
                return Ok((std::mem::take(messages), live));
            }
            if let (None, Some(oldest)) = (asked, messages.first()) {
                let before = HistoryRange::Before(oldest.ts);
                let question = history(&args.room, before, missing.min(HISTORY_MAX));
                asked = Some(script.client.ask(question).map_err(failed)?);
            }
        }
        match script.next().await? {
            ClientEvent::Unanswered { re } if asked == Some(re) => asked = None,
            ClientEvent::Frame(frame) => match (*frame, &mut backlog) {
                (ServerFrame::Room(room), None) if is_ours(args, &room.room) => {
                    roll.begin(&room);
                    more = room.more;
                    backlog = Some(room.messages);
                }
                // A direct conversation has no `room` answer.
                (ServerFrame::History(page), None) if is_ours(args, &page.room) => {
                    roll.begin(&opening(&page));
                    more = page.more;
                    backlog = Some(page.messages);
                }
                (ServerFrame::History(mut page), Some(messages)) => {
                    if is_answer(page.re.as_ref(), asked) {
                        asked = None;
                        more = page.more && !page.messages.is_empty();
                        page.messages.append(messages);
                        *messages = page.messages;
                    } else if is_ours(args, &page.room) {
                        live.append(&mut page.messages);
                    }
                }
                // The node was lost meanwhile: what the next one brings is newer.
                (ServerFrame::Room(mut room), Some(_)) if is_ours(args, &room.room) => {
                    live.append(&mut room.messages);
                }
                (ServerFrame::NewMessage(message), _) if is_ours(args, &message.room) => {
                    live.push(message);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// Takes the next thing that happens; false once nobody reads any more.
async fn follow(
    script: &mut Script,
    args: &Tail,
    roll: &mut Roll,
    outage: &mut Outage,
) -> Result<bool, Stop> {
    let event = match script.next().await {
        Ok(event) => event,
        // Ctrl-C is how following ends.
        Err(_) if script.stop.is_cancelled() => return Ok(true),
        Err(stop) => return Err(stop),
    };
    let messages = match event {
        ClientEvent::Frame(frame) => match *frame {
            ServerFrame::NewMessage(m) if is_ours(args, &m.room) => roll.live(m),
            ServerFrame::Room(room) if is_ours(args, &room.room) => roll.resume(*room),
            ServerFrame::History(page) if is_ours(args, &page.room) => roll.page(page),
            ServerFrame::MessageUpdate(update) if is_ours(args, &update.room) => {
                roll.update(&update);
                Vec::new()
            }
            ServerFrame::Gap(gap) if is_ours(args, &gap.room) => {
                roll.gap(&gap);
                Vec::new()
            }
            _ => Vec::new(),
        },
        ClientEvent::Offline { reason, .. } => {
            if let Some(line) = outage.lost(Instant::now(), &reason) {
                say(PROGRAM, &line);
            }
            Vec::new()
        }
        ClientEvent::Online { session, address } => {
            outage.over();
            say(
                PROGRAM,
                &format!("going on at {} ({address})", session.node),
            );
            Vec::new()
        }
        _ => Vec::new(),
    };
    print(args, &messages)
}

/// Prints messages; false when the reader has gone, as `head` does.
fn print(args: &Tail, messages: &[Message]) -> Result<bool, Stop> {
    if messages.is_empty() {
        return Ok(true);
    }
    let now = Zoned::now();
    let line = |message: &Message| match args.json {
        true => lines::as_json(message),
        false => lines::for_a_person(message, &now),
    };
    let text: String = messages.iter().map(line).collect();
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(failed(format!(
            "standard output cannot be written: {error}"
        ))),
    }
}

fn history(room: &RoomRef, range: HistoryRange, limit: usize) -> ClientFrame {
    ClientFrame::History {
        room: room.clone(),
        range,
        limit: Some(limit),
    }
}

/// A direct conversation's first page, as if it had been joined.
fn opening(page: &History) -> Room {
    Room {
        re: None,
        room: page.room.clone(),
        topic: String::new(),
        private: true,
        total: 0,
        users: Vec::new(),
        messages: page.messages.clone(),
        updates: page.updates.clone(),
        more: page.more,
        since: page.since.clone().unwrap_or_default(),
        read: VersionVector::new(),
    }
}

/// Whether a frame's room is the one that is printed. Users' names are compared as the nodes do.
fn is_ours(args: &Tail, room: &str) -> bool {
    match (&args.room, RoomRef::parse(room)) {
        (RoomRef::Direct(ours), Ok(RoomRef::Direct(theirs))) => ours.key() == theirs.key(),
        (ours, Ok(theirs)) => *ours == theirs,
        (_, Err(_)) => false,
    }
}

fn is_answer(re: Option<&Re>, asked: Option<i64>) -> bool {
    matches!((re, asked), (Some(Re::Number(number)), Some(asked)) if *number == asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_of_once_and_once_a_minute_however_often_it_is_tried() {
        let mut outage = Outage::default();
        let start = Instant::now();
        let told: Vec<String> = (0..130)
            .filter_map(|second| outage.lost(start + Duration::from_secs(second), "refused"))
            .collect();
        assert_eq!(
            told,
            [
                "the node is lost (refused); trying to reach one",
                "still no node answers (refused); trying on",
                "still no node answers (refused); trying on",
            ]
        );
        outage.over();
        assert!(outage.lost(start, "closed").is_some(), "another one");
    }
}
