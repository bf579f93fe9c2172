//! What a log means, as section 4 of the protocol says it: written a second time, in the plainest way
//! and without looking at the product, so that both would have to be wrong in the same way.

use std::collections::BTreeMap;

use super::history::{Deed, Event, Place, Shown};

/// A room as its log says it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// By place.
    pub messages: Vec<Shown>,
    pub topic: String,
}

/// Every room of a log.
pub fn rooms(log: &[Event]) -> BTreeMap<String, Room> {
    // What was accepted twice counts once, at the smallest place.
    let mut standing: BTreeMap<(&str, &str, bool), &Event> = BTreeMap::new();
    for event in log {
        let is_message = matches!(event.deed, Deed::Message { .. });
        let key = (event.uid.as_str(), event.nonce.as_str(), is_message);
        let held = standing.entry(key).or_insert(event);
        if event.place < held.place {
            *held = event;
        }
    }
    // In order, so that what comes later wins by being applied later.
    let mut events: Vec<&Event> = standing.into_values().collect();
    events.sort_by(|one, other| one.place.cmp(&other.place));

    let mut rooms: BTreeMap<String, Room> = BTreeMap::new();
    let mut found: BTreeMap<String, (String, Shown)> = BTreeMap::new();
    for event in &events {
        let room = rooms.entry(event.room.clone()).or_default();
        match &event.deed {
            Deed::Message { text } => {
                let shown = fresh(event, text);
                found.insert(event.id(), (event.room.clone(), shown));
            }
            Deed::Topic { text } => room.topic.clone_from(text),
            Deed::Edit { .. } | Deed::Delete { .. } | Deed::React { .. } => {}
        }
    }
    let mut reactions: BTreeMap<(&str, &str, &str), (&Place, &str, bool)> = BTreeMap::new();
    for event in &events {
        match &event.deed {
            Deed::Edit { id, text } => {
                if let Some((_, shown)) = found.get_mut(id)
                    && id.split('.').next() == Some(event.uid.as_str())
                {
                    shown.text = Some(text.clone());
                    shown.edited = Some(event.place.ts);
                }
            }
            Deed::Delete { id } => {
                if let Some((_, shown)) = found.get_mut(id) {
                    shown.deleted = true;
                }
            }
            Deed::React { id, emoji, on } => {
                let key = (id.as_str(), emoji.as_str(), event.uid.as_str());
                reactions.insert(key, (&event.place, event.name.as_str(), *on));
            }
            Deed::Message { .. } | Deed::Topic { .. } => {}
        }
    }
    react(&mut found, reactions);
    for (room, mut shown) in found.into_values() {
        if shown.deleted {
            shown.text = None;
            shown.edited = None;
            shown.reactions.clear();
        }
        rooms.entry(room).or_default().messages.push(shown);
    }
    for room in rooms.values_mut() {
        room.messages
            .sort_by(|one, other| one.place.cmp(&other.place));
    }
    rooms
}

fn fresh(event: &Event, text: &str) -> Shown {
    Shown {
        id: event.id(),
        place: event.place.clone(),
        from: event.name.clone(),
        text: Some(text.to_owned()),
        edited: None,
        deleted: false,
        reactions: BTreeMap::new(),
    }
}

/// Who reacted with what, the earliest first.
fn react(
    found: &mut BTreeMap<String, (String, Shown)>,
    reactions: BTreeMap<(&str, &str, &str), (&Place, &str, bool)>,
) {
    let mut active: Vec<_> = reactions.into_iter().filter(|(_, (.., on))| *on).collect();
    active.sort_by_key(|(_, (place, ..))| *place);
    for ((id, emoji, _), (_, name, _)) in active {
        if let Some((_, shown)) = found.get_mut(id) {
            let names = shown.reactions.entry(emoji.to_owned()).or_default();
            names.push(name.to_owned());
        }
    }
}
