//! What makes events of the log: sending, editing, deleting, reacting, topics.
//!
//! Each is handed to the store at once, so that a session's events keep the order of its frames, and
//! answered when it is on stable storage.

use super::Context;
use crate::node::names::Stay;
use crate::node::session::{Answer, Handling};
use crate::node::store::{Deed, Placed, StoreError};
use crate::protocol::server::{Done, Sent, TopicChanged};
use crate::protocol::{
    Body, ErrorCode, MessageId, Nonce, Refusal, RoomKey, RoomRef, ServerFrame, Text, Ts,
};

pub(super) fn send(
    context: Context,
    room: RoomRef,
    text: Text,
    nonce: Option<Nonce>,
    reply_to: Option<MessageId>,
    after: Option<Ts>,
) -> Handling {
    let nonce = nonce.unwrap_or_else(new_nonce);
    let said = nonce.clone();
    let body = Body::Message { text, reply_to };
    submit(
        context,
        room,
        body,
        nonce,
        after,
        move |context, placed, copies| {
            ServerFrame::Sent(Sent {
                room: context.label(&placed.room),
                re: context.re,
                nonce: said,
                id: placed.id,
                ts: placed.place.ts,
                origin: placed.place.origin,
                seq: placed.place.seq,
                copies,
            })
        },
    )
}

pub(super) fn edit(
    context: Context,
    room: RoomRef,
    id: MessageId,
    text: Text,
    nonce: Option<Nonce>,
    after: Option<Ts>,
) -> Handling {
    change(context, room, Body::Edit { id, text }, nonce, after)
}

pub(super) fn delete(
    context: Context,
    room: RoomRef,
    id: MessageId,
    nonce: Option<Nonce>,
    after: Option<Ts>,
) -> Handling {
    change(context, room, Body::Delete { id }, nonce, after)
}

pub(super) fn react(
    context: Context,
    room: RoomRef,
    id: MessageId,
    emoji: String,
    on: bool,
    nonce: Option<Nonce>,
    after: Option<Ts>,
) -> Handling {
    change(context, room, Body::React { id, emoji, on }, nonce, after)
}

pub(super) fn topic(
    context: Context,
    room: RoomRef,
    topic: String,
    nonce: Option<Nonce>,
    after: Option<Ts>,
) -> Handling {
    if !matches!(room, RoomRef::Room(_)) {
        let message = "a direct conversation has no topic";
        return context.refuse(Refusal::new(ErrorCode::BadRoom, message));
    }
    let said = topic.clone();
    let nonce = nonce.unwrap_or_else(new_nonce);
    let body = Body::Topic { topic };
    submit(
        context,
        room,
        body,
        nonce,
        after,
        move |context, placed, _| {
            let uid = &context.user.uid;
            let user = context
                .shared
                .people()
                .name(uid)
                .map(|name| name.as_str().to_owned());
            ServerFrame::Topic(TopicChanged {
                room: context.label(&placed.room),
                re: context.re,
                topic: said,
                user: user.unwrap_or_default(),
                ts: placed.place.ts,
                origin: placed.place.origin,
                seq: placed.place.seq,
            })
        },
    )
}

/// What is answered by `ok`.
fn change(
    context: Context,
    room: RoomRef,
    body: Body,
    nonce: Option<Nonce>,
    after: Option<Ts>,
) -> Handling {
    let nonce = nonce.unwrap_or_else(new_nonce);
    submit(context, room, body, nonce, after, |context, placed, _| {
        ServerFrame::Ok(Done::at(context.re, placed.place))
    })
}

fn submit(
    context: Context,
    room: RoomRef,
    body: Body,
    nonce: Nonce,
    after: Option<Ts>,
    answer: impl FnOnce(Context, Placed, u32) -> ServerFrame + Send + 'static,
) -> Handling {
    let room = match context.room(&room) {
        Ok(room) => room,
        Err(denied) => return context.deny(denied),
    };
    let deed = match deed(&context, room, body, nonce, after) {
        Ok(deed) => deed,
        Err(refusal) => return context.refuse(refusal),
    };
    match context.shared.store.try_reserve() {
        Ok(slot) => {
            let ticket = slot.submit(deed);
            Handling::Stored(Box::pin(async move {
                let stored = ticket.await;
                answered(context, stored, answer).await
            }))
        }
        // The disk is behind: nothing more is taken from this session until there is room.
        Err(StoreError::Busy) => Handling::Alone(Box::pin(async move {
            let slot = context.shared.store.reserve().await;
            let stored = match slot {
                Ok(slot) => slot.submit(deed).await,
                Err(error) => Err(error),
            };
            answered(context, stored, answer).await
        })),
        Err(error) => Handling::Now(context.failed(error)),
    }
}

/// The answer, once the event is on enough disks.
async fn answered(
    context: Context,
    stored: Result<Placed, StoreError>,
    answer: impl FnOnce(Context, Placed, u32) -> ServerFrame,
) -> Answer {
    match stored {
        Ok(placed) => {
            let copies = context.shared.copies(&placed).await;
            Answer::frame(answer(context, placed, copies))
        }
        Err(error) => context.failed(error),
    }
}

fn deed(
    context: &Context,
    room: RoomKey,
    body: Body,
    nonce: Nonce,
    after: Option<Ts>,
) -> Result<Deed, Refusal> {
    let uid = context.user.uid.clone();
    let people = context.shared.people();
    if context.user.stay == Stay::Brief {
        let now = context.shared.now();
        people.names.still_free(&uid, &people.presence, now)?;
    }
    let name = people.name(&uid).cloned().ok_or_else(|| {
        // Every open session's user is among those who are here, or was noted when it began.
        Refusal::new(
            ErrorCode::Internal,
            "the session has lost its user; connect again",
        )
    })?;
    Ok(Deed {
        room,
        uid,
        name,
        nonce,
        body,
        after,
    })
}

/// Where the client did not name its event: time-ordered, so that the store's index stays dense.
fn new_nonce() -> Nonce {
    Nonce::parse(&ulid::Ulid::generate().to_string()).expect("26 letters and digits")
}
