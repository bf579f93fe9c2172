//! Committed events as the lines that show them. Pure.

use crate::node::store::{Outcome, UpdateKind};
use crate::protocol::server::{Message, MessageUpdate, TopicChanged};
use crate::protocol::{Body, Event, ServerFrame};

use super::ring::Line;

/// The line that shows a committed event to those who call its room `room`; none for what is not to
/// be shown.
pub fn line(event: &Event, outcome: &Outcome, room: &str) -> Option<Line> {
    let frame = match outcome {
        Outcome::Message(message) | Outcome::Moved(message) => new_message(message.clone(), room),
        Outcome::Updated { kind, view } => update(event, *kind, view, room),
        Outcome::Early(early) => ServerFrame::MessageUpdate(MessageUpdate {
            room: room.to_owned(),
            ..early.clone()
        }),
        Outcome::Topic => topic(event, room)?,
        Outcome::Hidden => return None,
    };
    Some(Line {
        bytes: frame.encode().into(),
        place: Some((event.origin.clone(), event.seq)),
        received_at: None,
        except: None,
    })
}

/// A message as those see it who call its room `room`.
pub fn new_message(message: Message, room: &str) -> ServerFrame {
    ServerFrame::NewMessage(Message {
        room: room.to_owned(),
        ..message
    })
}

/// What `event` has made of the message `view`.
pub fn update(event: &Event, kind: UpdateKind, view: &Message, room: &str) -> ServerFrame {
    let mut update = MessageUpdate {
        room: room.to_owned(),
        id: view.id.clone(),
        ts: event.ts,
        origin: event.origin.clone(),
        seq: event.seq,
        text: None,
        edited: None,
        deleted: false,
        reactions: None,
    };
    match kind {
        UpdateKind::Edit => {
            update.text.clone_from(&view.text);
            update.edited = view.edited;
        }
        UpdateKind::Delete => update.deleted = true,
        UpdateKind::Reactions => update.reactions = Some(view.reactions.clone()),
    }
    ServerFrame::MessageUpdate(update)
}

/// The room's topic from `event` on; none if it is another event.
pub fn topic(event: &Event, room: &str) -> Option<ServerFrame> {
    let Body::Topic { topic } = &event.body else {
        return None;
    };
    Some(ServerFrame::Topic(TopicChanged {
        re: None,
        room: room.to_owned(),
        topic: topic.clone(),
        user: event.name.as_str().to_owned(),
        ts: event.ts,
        origin: event.origin.clone(),
        seq: event.seq,
    }))
}
