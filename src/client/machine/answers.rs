//! What the server says: answers to what was asked, and what happens in the rooms.

use super::outbox::RETRY_WRITE_MS;
use super::rooms::{Met, RETRY_JOIN_MS, RoomAsked};
use super::{Asked, Machine, Phase};
use crate::client::event::ClientEvent;
use crate::protocol::error::ErrorCode;
use crate::protocol::server::{Done, ErrorFrame, Place, Sent, ServerFrame, Session, TopicChanged};
use crate::protocol::{ClientFrame, Nonce, Re, Refusal, RoomRef, Uid, UserName};

/// Suggested names taken in a row before the user is asked: others take them as fast as we do.
const SUGGESTIONS_MAX: u32 = 5;

/// Milliseconds before the next node is asked to open the session, when one could not.
const OPEN_PAUSE_MS: u64 = 1_000;

impl Machine {
    pub(super) fn take_frame(&mut self, frame: ServerFrame) {
        match (&self.phase, frame) {
            (Phase::Greeting { .. }, ServerFrame::Connect(connect)) => {
                self.greeted(&connect);
                self.hand_on(ServerFrame::Connect(connect));
            }
            (_, ServerFrame::Disconnect(said)) => self.dismissed(said),
            (Phase::Greeting { .. }, ServerFrame::Error(error)) => {
                self.lost(error.message, error.retry_after_ms.unwrap_or(0));
            }
            (Phase::Opening { .. } | Phase::Online { .. }, frame) => self.take_answer(frame),
            // Nothing else is expected before the session, and nothing at all without a connection.
            (
                Phase::Greeting { .. }
                | Phase::Waiting { .. }
                | Phase::Seeking
                | Phase::Dialing { .. }
                | Phase::Unnamed
                | Phase::Closed,
                _,
            ) => {}
        }
    }

    /// Leads an answer to what was asked; all else is news.
    fn take_answer(&mut self, frame: ServerFrame) {
        let asked = match re(&frame) {
            Some(Re::Number(number)) => self.awaited.remove(number).map(|asked| asked.what),
            Some(Re::Text(_)) | None => None,
        };
        match (asked, frame) {
            (None, frame) => self.take_news(frame),
            (Some(Asked::User), frame) => {
                self.meet_in(&frame);
                self.hand_on(frame);
            }
            (Some(Asked::Open), ServerFrame::Session(session)) => self.opened(session),
            (Some(Asked::Open), ServerFrame::Error(error)) => self.not_opened(error),
            (Some(Asked::Room(room, _)), ServerFrame::Error(error)) => self.not_in(room, error),
            (Some(Asked::Room(room, asked)), frame) => self.in_room(room, asked, frame),
            (Some(Asked::Write(nonce)), ServerFrame::Error(error)) => self.refused(nonce, error),
            (Some(Asked::Write(_)), ServerFrame::Sent(sent)) => self.sent(sent),
            (Some(Asked::Write(nonce)), ServerFrame::Ok(done)) => {
                self.stored(nonce, place(done));
            }
            (Some(Asked::Write(nonce)), ServerFrame::Topic(topic)) => self.topic_set(nonce, topic),
            (Some(Asked::Nodes), ServerFrame::Stats(stats)) => {
                let told = stats.nodes.iter().map(|node| node.address.as_str());
                self.nodes.learn(told, self.options.stays_here);
            }
            (Some(Asked::Conversations), ServerFrame::Rooms(list)) => {
                self.rooms
                    .listed(list.rooms.iter().map(|info| info.room.as_str()));
            }
            (
                Some(
                    Asked::Open
                    | Asked::Write(_)
                    | Asked::Nodes
                    | Asked::Conversations
                    | Asked::Nothing,
                ),
                _,
            ) => {}
        }
    }

    /// What nobody asked for: notes how far the rooms have come, and hands it on.
    fn take_news(&mut self, frame: ServerFrame) {
        match &frame {
            ServerFrame::NewMessage(m) => {
                self.rooms.open(&m.room);
                self.met(&m.room, &m.uid);
                self.rooms.take_live(&m.room, &m.origin, m.seq, m.ts);
            }
            ServerFrame::MessageUpdate(u) => self.rooms.take_live(&u.room, &u.origin, u.seq, u.ts),
            ServerFrame::Topic(t) => self.rooms.take_live(&t.room, &t.origin, t.seq, t.ts),
            ServerFrame::Gap(gap) => self.rooms.take_gap(&gap.room, &gap.since),
            ServerFrame::Renamed(renamed) => {
                self.rooms.renamed(&renamed.uid, &renamed.to);
                if self.uid.as_ref() == Some(&renamed.uid)
                    && let Ok(name) = UserName::parse(&renamed.to)
                {
                    self.options.name = name;
                }
            }
            _ => {}
        }
        self.hand_on(frame);
    }

    fn opened(&mut self, session: Session) {
        let resumed = self.uid.is_some();
        if self.uid.as_ref().is_some_and(|uid| *uid != session.uid) {
            self.give_up_what_the_former_user_wrote();
        }
        self.uid = Some(session.uid.clone());
        self.options.token = Some(session.token.clone());
        if let Ok(name) = UserName::parse(&session.user) {
            self.options.name = name;
        }
        let now_ms = self.now.ms;
        self.phase = Phase::Online {
            since_ms: now_ms,
            heard_ms: now_ms,
            probe_until_ms: None,
        };
        let address = self.nodes.current().to_owned();
        self.reached();
        let session = Box::new(session);
        self.tell(ClientEvent::Online { session, address });
        let stats = ClientFrame::Stats {
            every: None,
            node: None,
        };
        self.ask(Asked::Nodes, stats);
        if resumed {
            self.rooms.await_list();
            self.ask(Asked::Conversations, ClientFrame::Rooms);
        }
    }

    fn give_up_what_the_former_user_wrote(&mut self) {
        for nonce in self.outbox.orphan() {
            let message =
                "the session has ended before this was acknowledged; it may have been stored";
            let error = ErrorFrame::new(None, Refusal::new(ErrorCode::BadToken, message));
            self.tell(ClientEvent::Failed { nonce, error });
        }
    }

    fn not_opened(&mut self, error: ErrorFrame) {
        let Phase::Opening {
            node,
            suggestions_taken,
            ..
        } = &self.phase
        else {
            return;
        };
        let (node, suggestions_taken) = (node.clone(), *suggestions_taken);
        match error.code {
            ErrorCode::BadToken if self.options.token.is_some() => {
                self.options.token = None;
                self.open(node, suggestions_taken);
            }
            // A node of that name had its data at hand once; this is another. Its users come in all the same.
            ErrorCode::Forbidden if self.forget_admin(&node) => {
                self.open(node, suggestions_taken);
            }
            ErrorCode::NameTaken
                if self.options.take_suggestion && suggestions_taken < SUGGESTIONS_MAX =>
            {
                let suggested = error.suggestion.as_deref().map(UserName::parse);
                match suggested {
                    Some(Ok(name)) => {
                        self.options.name = name;
                        self.open(node, suggestions_taken + 1);
                    }
                    Some(Err(_)) | None => self.ask_for_a_name(error),
                }
            }
            ErrorCode::NameTaken
            | ErrorCode::BadName
            | ErrorCode::BadPassword
            | ErrorCode::Forbidden => self.ask_for_a_name(error),
            _ => {
                let pause_ms = error.retry_after_ms.unwrap_or(OPEN_PAUSE_MS);
                self.lost(error.message, pause_ms);
            }
        }
    }

    /// Gives up the administrators' tokens for that node; false if there were none. Who refuses one is shown no
    /// other: it may collect them.
    fn forget_admin(&mut self, node: &str) -> bool {
        let mut forgotten = false;
        while let Some(key) = self.admin_key(node) {
            self.options.admin.remove(&key);
            self.seeking.refused.insert(key);
            forgotten = true;
        }
        forgotten
    }

    fn ask_for_a_name(&mut self, error: ErrorFrame) {
        self.hang_up();
        self.phase = Phase::Unnamed;
        let name = self.options.name.clone();
        self.tell(ClientEvent::NameRefused { name, error });
    }

    fn in_room(&mut self, room: RoomRef, asked: RoomAsked, frame: ServerFrame) {
        let caught_up = self.rooms.answered(&room, &asked, &frame, self.now.ms);
        self.meet_in(&frame);
        self.hand_on(frame);
        if caught_up {
            self.tell(ClientEvent::CaughtUp { room });
        }
    }

    fn not_in(&mut self, room: RoomRef, error: ErrorFrame) {
        let until_ms = self.now.ms + error.retry_after_ms.unwrap_or(RETRY_JOIN_MS);
        if error.code.is_passing() {
            let counts = error.code != ErrorCode::RateLimited;
            let stays = self.rooms.put_off(&room, until_ms, counts);
            let message = error.message.clone();
            if let Some(nonce) = self.outbox.first_in(&room) {
                self.tell(ClientEvent::PutOff { nonce, error });
            }
            if !stays {
                self.lost(message, 0);
            }
            return;
        }
        if self.rooms.is_by_itself(&room, until_ms) {
            return;
        }
        self.rooms.forget(&room);
        self.tell(ClientEvent::JoinRefused { room, error });
    }

    /// A page of a conversation tells with whom it is.
    fn meet_in(&mut self, frame: &ServerFrame) {
        if let ServerFrame::History(page) = frame {
            let mut newest_first = page.messages.iter().rev();
            let other = newest_first.find(|message| self.uid.as_ref() != Some(&message.uid));
            if let Some(message) = other {
                self.met(&page.room, &message.uid);
            }
        }
    }

    /// Somebody has said something in the conversation that the node calls so. What waits there to be said
    /// is for that user from now on, whoever else may come to bear the name.
    fn met(&mut self, label: &str, uid: &Uid) {
        if !label.starts_with('@') || self.uid.as_ref() == Some(uid) {
            return;
        }
        if self.rooms.met(label, uid) == Met::Now
            && let Ok(RoomRef::Direct(name)) = RoomRef::parse(label)
        {
            self.outbox.readdress(&name, uid);
        }
    }

    fn sent(&mut self, sent: Sent) {
        if let Some(RoomRef::DirectUid(uid)) = self.outbox.room(&sent.nonce) {
            self.rooms.open(&sent.room);
            self.rooms.met(&sent.room, &uid);
        }
        self.rooms.note(&sent.room, sent.ts);
        self.outbox.finish(&sent.nonce);
        self.tell(ClientEvent::Sent(sent));
    }

    fn stored(&mut self, nonce: Nonce, place: Option<Place>) {
        if let (Some(room), Some(place)) = (self.outbox.room(&nonce), &place) {
            self.rooms.note_in(&room, place.ts);
        }
        self.outbox.finish(&nonce);
        self.tell(ClientEvent::Done { nonce, place });
    }

    /// A topic is answered by what everybody gets.
    fn topic_set(&mut self, nonce: Nonce, topic: TopicChanged) {
        let place = Some(Place {
            ts: topic.ts,
            origin: topic.origin.clone(),
            seq: topic.seq,
        });
        self.hand_on(ServerFrame::Topic(topic));
        self.stored(nonce, place);
    }

    fn refused(&mut self, nonce: Nonce, error: ErrorFrame) {
        if error.code.is_passing() {
            let pause_ms = error.retry_after_ms.unwrap_or(RETRY_WRITE_MS);
            let counts = error.code != ErrorCode::RateLimited;
            let stays = self.outbox.put_off(self.now.ms, pause_ms, counts);
            let message = error.message.clone();
            self.tell(ClientEvent::PutOff { nonce, error });
            if !stays {
                self.lost(message, 0);
            }
            return;
        }
        self.outbox.finish(&nonce);
        self.tell(ClientEvent::Failed { nonce, error });
    }

    fn hand_on(&mut self, frame: ServerFrame) {
        self.tell(ClientEvent::Frame(Box::new(frame)));
    }
}

/// Where the event stands that a request made.
fn place(done: Done) -> Option<Place> {
    Some(Place {
        ts: done.ts?,
        origin: done.origin?,
        seq: done.seq?,
    })
}

/// The mark of a direct answer.
fn re(frame: &ServerFrame) -> Option<&Re> {
    match frame {
        ServerFrame::Session(answer) => answer.re.as_ref(),
        ServerFrame::Room(answer) => answer.re.as_ref(),
        ServerFrame::Ok(answer) => answer.re.as_ref(),
        ServerFrame::UserListUpdate(answer) => answer.re.as_ref(),
        ServerFrame::Rooms(answer) => answer.re.as_ref(),
        ServerFrame::Topic(answer) => answer.re.as_ref(),
        ServerFrame::Sent(answer) => answer.re.as_ref(),
        ServerFrame::History(answer) => answer.re.as_ref(),
        ServerFrame::Results(answer) => answer.re.as_ref(),
        ServerFrame::Pong(answer) => answer.re.as_ref(),
        ServerFrame::Stats(answer) => answer.re.as_ref(),
        ServerFrame::Error(answer) => answer.re.as_ref(),
        ServerFrame::Connect(_)
        | ServerFrame::UserJoin(_)
        | ServerFrame::UserLeave(_)
        | ServerFrame::Away(_)
        | ServerFrame::Renamed(_)
        | ServerFrame::NewMessage(_)
        | ServerFrame::MessageUpdate(_)
        | ServerFrame::Gap(_)
        | ServerFrame::Typing(_)
        | ServerFrame::Read(_)
        | ServerFrame::Disconnect(_) => None,
    }
}
