//! What is found: `search`.

use super::{Context, Denied};
use crate::node::session::{Answer, Handling};
use crate::node::store::{Query, Scope};
use crate::protocol::limits::SEARCH_DEFAULT;
use crate::protocol::server::Results;
use crate::protocol::{RoomKey, RoomRef, ServerFrame, Ts};

pub(super) fn search(
    context: Context,
    query: &str,
    room: Option<RoomRef>,
    before: Option<Ts>,
    limit: Option<usize>,
) -> Handling {
    let mut query = match Query::parse(query) {
        Ok(query) => query,
        Err(refusal) => return context.refuse(refusal),
    };
    query.before = [query.before, before].into_iter().flatten().min();
    let scope = match scope(&context, room.as_ref(), &query.rooms) {
        Ok(scope) => scope,
        Err(denied) => return context.deny(denied),
    };
    let limit = limit.unwrap_or(SEARCH_DEFAULT);
    Handling::Alone(Box::pin(async move {
        let found = match context.shared.store.search(query, scope, limit).await {
            Ok(found) => found,
            Err(error) => return context.failed(error),
        };
        let mut messages = found.messages;
        for message in &mut messages {
            if let Ok(room) = RoomKey::try_from(message.room.clone()) {
                message.room = context.label(&room);
            }
        }
        Answer::frame(ServerFrame::Results(Results {
            re: context.re,
            messages,
            more: found.more,
            indexed: (!found.indexed).then_some(false),
        }))
    }))
}

/// Where the session may read of what it asks for: the frame's room and the query's rooms, of which each
/// would be refused to `history` too; or else all rooms that it is in, and the user's direct conversations.
fn scope(context: &Context, room: Option<&RoomRef>, typed: &[RoomRef]) -> Result<Scope, Denied> {
    let one = room.map(|room| context.room(room)).transpose()?;
    let typed: Vec<RoomKey> = typed
        .iter()
        .map(|room| context.room(room))
        .collect::<Result<_, _>>()?;
    let (rooms, directs_of) = match one {
        Some(room) if typed.is_empty() || typed.contains(&room) => (vec![room], None),
        // In this room and in others: there is no such message.
        Some(_) => (Vec::new(), None),
        None if typed.is_empty() => {
            let rooms = context.user.rooms().into_iter().map(RoomKey::Room);
            (rooms.collect(), Some(context.user.uid.clone()))
        }
        None => (typed, None),
    };
    Ok(Scope { rooms, directs_of })
}
