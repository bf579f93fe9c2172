//! What each request does. The match only chooses; the handlers lie by topic beside it.
//!
//! A handler gets what it needs of the session as a [`Context`], and gives a
//! [`Handling`]: done, handed to the store, or still to be read.

mod doing;
mod node;
mod opening;
mod reading;
mod rooms;
mod searching;

use std::sync::Arc;

pub(super) use node::stats;
pub(super) use rooms::{leave_all, present, resume};

use super::session::{Answer, Handling, Session, User, needs_no_user};
use super::shared::Shared;
use super::store::StoreError;
use crate::protocol::server::{CloseReason, Done};
use crate::protocol::{
    ClientFrame, ErrorCode, Re, Refusal, Request, RoomKey, RoomRef, ServerFrame,
};

/// A request's surroundings; an answer in the making takes it along.
#[derive(Clone)]
struct Context {
    shared: Arc<Shared>,
    user: Arc<User>,
    re: Option<Re>,
}

/// Carries out one request, or begins to.
pub(super) fn handle(session: &mut Session, request: Request) -> Handling {
    let Request { re, frame } = request;
    let Some(user) = session.user().cloned() else {
        if needs_no_user(&frame) {
            return handle_anybody(session, re, frame);
        }
        return Handling::refused(re, Refusal::not_joined());
    };
    let context = Context {
        shared: Arc::clone(session.shared()),
        user,
        re,
    };
    match frame {
        ClientFrame::Join { room, since, limit } => rooms::join(context, room, since, limit),
        ClientFrame::Leave { room } => rooms::leave(context, room),
        ClientFrame::Send {
            room,
            text,
            nonce,
            reply_to,
            after,
        } => doing::send(context, room, text, nonce, reply_to, after),
        ClientFrame::Edit {
            room,
            id,
            text,
            nonce,
            after,
        } => doing::edit(context, room, id, text, nonce, after),
        ClientFrame::Delete {
            room,
            id,
            nonce,
            after,
        } => doing::delete(context, room, id, nonce, after),
        ClientFrame::React {
            room,
            id,
            emoji,
            on,
            nonce,
            after,
        } => doing::react(context, room, id, emoji, on, nonce, after),
        ClientFrame::Topic {
            room,
            topic,
            nonce,
            after,
        } => doing::topic(context, room, topic, nonce, after),
        ClientFrame::History { room, range, limit } => {
            reading::history(context, room, range, limit)
        }
        ClientFrame::Typing { room, on } => rooms::typing(context, room, on),
        ClientFrame::Read { room, since } => reading::read(context, room, since),
        ClientFrame::Rooms => reading::rooms(context),
        ClientFrame::Who { room } => rooms::who(context, room),
        ClientFrame::Away { on } => rooms::away(context, on),
        ClientFrame::Search {
            query,
            room,
            before,
            limit,
        } => searching::search(context, &query, room, before, limit),
        frame @ (ClientFrame::UserJoin { .. }
        | ClientFrame::Ping
        | ClientFrame::Stats { .. }
        | ClientFrame::Quit) => handle_anybody(session, context.re, frame),
    }
}

/// What needs no user.
fn handle_anybody(session: &mut Session, re: Option<Re>, frame: ClientFrame) -> Handling {
    match frame {
        ClientFrame::UserJoin {
            claim,
            admin,
            brief,
        } => opening::user_join(session, re, claim, admin, brief),
        ClientFrame::Stats { every, node } => node::ask_stats(session, re, every, node),
        ClientFrame::Quit => {
            session.close(crate::protocol::presence::LeaveReason::Quit);
            Handling::last(Answer::close(CloseReason::Quit, "good-bye"))
        }
        ClientFrame::Ping
        | ClientFrame::Join { .. }
        | ClientFrame::Leave { .. }
        | ClientFrame::Send { .. }
        | ClientFrame::Edit { .. }
        | ClientFrame::Delete { .. }
        | ClientFrame::React { .. }
        | ClientFrame::Topic { .. }
        | ClientFrame::History { .. }
        | ClientFrame::Typing { .. }
        | ClientFrame::Read { .. }
        | ClientFrame::Search { .. }
        | ClientFrame::Rooms
        | ClientFrame::Who { .. }
        | ClientFrame::Away { .. } => node::pong(session.shared(), re),
    }
}

impl Context {
    fn refuse(self, refusal: Refusal) -> Handling {
        Handling::refused(self.re, refusal)
    }

    /// `ok` without a place.
    fn done(self) -> ServerFrame {
        let re = self.re;
        ServerFrame::Ok(Done {
            re,
            ..Done::default()
        })
    }

    /// An error of the store as the client hears it; the disk's and our own are logged here.
    fn failed(self, error: StoreError) -> Answer {
        let refusal = Refusal::from(error);
        if matches!(refusal.code, ErrorCode::Internal | ErrorCode::Unavailable) {
            self.shared.metrics.faults.inc();
            tracing::error!(error = %refusal.message, "a request failed");
        }
        self.refused(refusal)
    }

    fn refused(self, refusal: Refusal) -> Answer {
        self.shared.metrics.refusals.inc();
        Answer::refused(self.re, refusal)
    }

    /// The room that the user means, if it may speak and read there.
    fn room(&self, room: &RoomRef) -> Result<RoomKey, Denied> {
        let key = self.shared.people().room_key(room, &self.user.uid);
        match key.map_err(Denied::Refused)? {
            RoomKey::Room(name) if !self.user.is_in(&name) => {
                Err(Denied::NotIn(RoomKey::Room(name)))
            }
            key => Ok(key),
        }
    }

    /// What `uid`, the user, calls the room.
    fn label(&self, room: &RoomKey) -> String {
        self.shared.people().room_label(room, &self.user.uid)
    }

    /// Answers a request for a room that the user may not speak or read in.
    fn deny(self, denied: Denied) -> Handling {
        match denied {
            Denied::Refused(refusal) => self.refuse(refusal),
            Denied::NotIn(room) => Handling::Alone(Box::pin(self.deny_not_in(room))),
        }
    }

    async fn deny_not_in(self, room: RoomKey) -> Answer {
        let asked = room.clone();
        let known = self
            .shared
            .store
            .read(move |reader| reader.room_exists(&asked))
            .await;
        let refusal = match known {
            Ok(true) => Refusal::new(
                ErrorCode::NotInRoom,
                format!("you are not in the room {room}; join it first"),
            ),
            Ok(false) => Refusal::new(
                ErrorCode::NoSuchRoom,
                format!("there is no room {room}; joining it makes it"),
            ),
            Err(error) => return self.failed(error),
        };
        self.refused(refusal)
    }
}

/// Why a room is not for the user.
enum Denied {
    Refused(Refusal),
    /// The session is not in it; whether it exists is still to be looked up.
    NotIn(RoomKey),
}
