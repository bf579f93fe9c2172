//! The channels that a link hears, and which of its sessions each is for. Pure.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::node::few::Few;
use crate::node::presence;
use crate::node::rooms::{ChannelKey, Except, Line, Slot};
use crate::protocol::bridge::{Handle, Place, SessionId, ToBridge};
use crate::protocol::{Origin, RoomName, Seq, Uid, VersionVector};

/// All of them, by the link's membership.
#[derive(Debug, Default)]
pub struct AllHeard {
    /// In boxes: half of a table is empty.
    by_slot: HashMap<Slot, Box<Heard>>,
    /// A link's sessions by their user, and by the node's own number for them.
    by_uid: HashMap<Uid, Few<SessionId, ()>>,
    by_session: HashMap<presence::SessionId, SessionId>,
    /// The channels that each session hears.
    joined: HashMap<SessionId, Slots>,
    last_handle: Handle,
}

/// What most sessions hear is their user's own channel and a room.
type Slots = SmallVec<[Slot; 2]>;

/// One channel.
#[derive(Debug)]
pub struct Heard {
    pub key: ChannelKey,
    pub carries: Carries,
    pub members: BTreeSet<SessionId>,
    /// Set while some of the members hold events that this node has not got yet: they came from a node
    /// that had.
    pub ahead: Option<Ahead>,
}

/// What kind of lines a channel gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carries {
    Room {
        handle: Handle,
        name: RoomName,
    },
    /// What concerns one user in all sessions.
    Personal,
}

/// Members that have been given events on another node.
#[derive(Debug)]
pub struct Ahead {
    pub held: Arc<VersionVector>,
    pub members: BTreeSet<SessionId>,
}

impl AllHeard {
    /// A new membership of the link; for a room, its handle.
    pub fn insert(&mut self, slot: Slot, key: ChannelKey) -> &mut Heard {
        let carries = match &key {
            ChannelKey::Room(name) => {
                self.last_handle += 1;
                Carries::Room {
                    handle: self.last_handle,
                    name: name.clone(),
                }
            }
            ChannelKey::Personal(_) => Carries::Personal,
        };
        let heard = Heard {
            key,
            carries,
            members: BTreeSet::new(),
            ahead: None,
        };
        self.by_slot
            .entry(slot)
            .insert_entry(Box::new(heard))
            .into_mut()
    }

    pub fn get(&self, slot: Slot) -> Option<&Heard> {
        self.by_slot.get(&slot).map(Box::as_ref)
    }

    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut Heard> {
        self.by_slot.get_mut(&slot).map(Box::as_mut)
    }

    pub fn remove(&mut self, slot: Slot) -> Option<Heard> {
        self.by_slot.remove(&slot).map(|heard| *heard)
    }

    /// A session hears the channel from now on.
    pub fn join(&mut self, slot: Slot, id: SessionId) -> Option<&mut Heard> {
        let heard = self.by_slot.get_mut(&slot)?;
        heard.members.insert(id);
        let slots = self.joined.entry(id).or_default();
        if !slots.contains(&slot) {
            slots.push(slot);
        }
        Some(heard)
    }

    /// Takes a session out of one channel; whether nobody hears it any more. `None` when it was not in.
    pub fn leave(&mut self, slot: Slot, id: SessionId) -> Option<bool> {
        if let Some(slots) = self.joined.get_mut(&id) {
            slots.retain(|other| *other != slot);
            if slots.is_empty() {
                self.joined.remove(&id);
            }
        }
        let heard = self.by_slot.get_mut(&slot)?;
        if let Some(ahead) = &mut heard.ahead {
            ahead.members.remove(&id);
        }
        heard
            .members
            .remove(&id)
            .then_some(heard.members.is_empty())
    }

    /// The channels that a session hears.
    pub fn slots_of(&self, id: SessionId) -> Vec<Slot> {
        let slots = self.joined.get(&id);
        slots.into_iter().flatten().copied().collect()
    }

    /// A session's user is known.
    pub fn opened(&mut self, id: SessionId, session: presence::SessionId, uid: &Uid) {
        self.by_uid.entry(uid.clone()).or_default().insert(id, ());
        self.by_session.insert(session, id);
    }

    /// A session is over.
    pub fn closed(&mut self, id: SessionId, session: presence::SessionId, uid: &Uid) {
        self.by_session.remove(&session);
        if let Some(all) = self.by_uid.get_mut(uid) {
            all.remove(&id);
            if all.is_empty() {
                self.by_uid.remove(uid);
            }
        }
    }

    /// Writes a channel's line for all who are to have it. How many those are.
    pub fn write(&self, slot: Slot, line: &Line, to: &mut Vec<u8>) -> usize {
        let (Some(heard), Ok(json)) = (self.get(slot), std::str::from_utf8(&line.bytes)) else {
            return 0;
        };
        let mut except = self.excepted(heard, line.except.as_ref());
        // What became of a message is told again: it says what this node knows of it, which may be
        // more, or less, than the node did that told of it first.
        if let (Some(ahead), Some((origin, seq))) = (&heard.ahead, &line.place)
            && ahead.held.covers(origin, *seq)
            && !json.starts_with(r#"{"type":"message_update""#)
        {
            except.extend(&ahead.members);
        }
        heard.write(json.trim_end(), &except, place(line.place.as_ref()), to)
    }

    /// Whether `id` is among those who do not get the line.
    pub fn is_excepted(&self, id: SessionId, except: Option<&Except>) -> bool {
        match except {
            None => false,
            Some(Except::User(uid)) => self
                .by_uid
                .get(uid)
                .is_some_and(|all| all.contains_key(&id)),
            Some(Except::Session(session)) => self.by_session.get(session) == Some(&id),
        }
    }

    fn excepted(&self, heard: &Heard, except: Option<&Except>) -> BTreeSet<SessionId> {
        let all: BTreeSet<SessionId> = match except {
            None => return BTreeSet::new(),
            Some(Except::User(uid)) => {
                let all = self.by_uid.get(uid).into_iter().flat_map(Few::keys);
                all.copied().collect()
            }
            Some(Except::Session(session)) => {
                self.by_session.get(session).copied().into_iter().collect()
            }
        };
        all.intersection(&heard.members).copied().collect()
    }
}

impl Heard {
    /// Writes one frame for the members but `except`. How many those are.
    pub fn write(
        &self,
        json: &str,
        except: &BTreeSet<SessionId>,
        place: Option<Place>,
        to: &mut Vec<u8>,
    ) -> usize {
        let readers = self.members.len() - except.len().min(self.members.len());
        if readers == 0 && place.is_none() {
            return 0;
        }
        match &self.carries {
            // An event goes over even when nobody is left to read it: the bridge counts by it.
            Carries::Room { handle, .. } => ToBridge::Room {
                handle: *handle,
                except: except.iter().copied().collect(),
                place,
                json,
            }
            .write(to),
            Carries::Personal if readers == 0 => {}
            Carries::Personal => ToBridge::Direct {
                ids: self.members.difference(except).copied().collect(),
                place,
                json,
            }
            .write(to),
        }
        readers
    }

    /// What tells the bridge how far the members have been given the channel.
    pub fn write_held(&self, held: &VersionVector, to: &mut Vec<u8>) {
        let held = held.clone();
        match &self.carries {
            Carries::Room { handle, .. } => ToBridge::Held {
                handle: *handle,
                held,
            }
            .write(to),
            Carries::Personal => {
                for id in &self.members {
                    let (id, held) = (*id, held.clone());
                    ToBridge::HeldDirect { id, held }.write(to);
                }
            }
        }
    }

    /// What tells the bridge a room's handle, and from where its lines follow.
    pub fn write_handle(&self, held: &VersionVector, to: &mut Vec<u8>) {
        if let Carries::Room { handle, name } = &self.carries {
            let (handle, room, held) = (*handle, name.clone(), held.clone());
            ToBridge::Handle { handle, room, held }.write(to);
        }
    }

    pub fn room(&self) -> Option<&RoomName> {
        match &self.carries {
            Carries::Room { name, .. } => Some(name),
            Carries::Personal => None,
        }
    }

    pub fn handle(&self) -> Option<Handle> {
        match &self.carries {
            Carries::Room { handle, .. } => Some(*handle),
            Carries::Personal => None,
        }
    }
}

/// An event's place as the link says it.
pub fn place(place: Option<&(Origin, Seq)>) -> Option<Place> {
    place.map(|(origin, seq)| Place {
        origin: origin.clone(),
        seq: *seq,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::presence::SessionId as Own;

    fn uid(text: &str) -> Uid {
        Uid::parse(text).unwrap()
    }

    fn line(seq: Option<Seq>, except: Option<Except>) -> Line {
        let origin = Origin::parse("n1-a").unwrap();
        Line {
            bytes: b"{\"x\":1}\n".to_vec().into(),
            place: seq.map(|seq| (origin, seq)),
            received_at: None,
            except,
        }
    }

    /// A room with the sessions 1 (alice), 2 (bob) and 3 (bob again).
    fn room() -> AllHeard {
        let mut all = AllHeard::default();
        for (id, name) in [(1, "alice"), (2, "bobb"), (3, "bobb")] {
            all.opened(id, Own(u64::from(id) + 10), &uid(name));
        }
        let name = RoomName::parse("lobby").unwrap();
        all.insert(5, ChannelKey::Room(name));
        for id in 1..=3 {
            all.join(5, id);
        }
        all
    }

    fn written(all: &AllHeard, line: &Line) -> String {
        let mut to = Vec::new();
        all.write(5, line, &mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn a_line_crosses_once_and_says_who_does_not_get_it() {
        let all = room();
        assert_eq!(written(&all, &line(Some(7), None)), "r1 7:n1-a {\"x\":1}\n");
        let but_bob = Some(Except::User(uid("bobb")));
        assert_eq!(
            written(&all, &line(None, but_bob.clone())),
            "r1!2,3 {\"x\":1}\n"
        );
        let but_one = Some(Except::Session(Own(13)));
        assert_eq!(written(&all, &line(None, but_one)), "r1!3 {\"x\":1}\n");
        let stranger = Some(Except::User(uid("carol")));
        assert_eq!(written(&all, &line(None, stranger)), "r1 {\"x\":1}\n");
        assert!(all.is_excepted(2, but_bob.as_ref()) && !all.is_excepted(1, but_bob.as_ref()));
    }

    #[test]
    fn who_came_from_a_node_that_knew_more_is_not_told_again() {
        let mut all = room();
        let held: VersionVector = [(Origin::parse("n1-a").unwrap(), 7)].into_iter().collect();
        all.get_mut(5).unwrap().ahead = Some(Ahead {
            held: Arc::new(held),
            members: BTreeSet::from([1, 2]),
        });
        assert_eq!(
            written(&all, &line(Some(7), None)),
            "r1!1,2 7:n1-a {\"x\":1}\n"
        );
        assert_eq!(written(&all, &line(Some(8), None)), "r1 8:n1-a {\"x\":1}\n");
    }

    #[test]
    fn what_became_of_a_message_is_told_again_by_a_node_that_learns_of_it_later() {
        let mut all = room();
        let held: VersionVector = [(Origin::parse("n1-a").unwrap(), 7)].into_iter().collect();
        all.get_mut(5).unwrap().ahead = Some(Ahead {
            held: Arc::new(held),
            members: BTreeSet::from([1, 2, 3]),
        });
        let update = Line {
            bytes: b"{\"type\":\"message_update\"}\n".to_vec().into(),
            ..line(Some(7), None)
        };
        assert_eq!(
            written(&all, &update),
            "r1 7:n1-a {\"type\":\"message_update\"}\n"
        );
    }

    #[test]
    fn who_has_left_is_in_no_list() {
        let mut all = room();
        assert_eq!(all.slots_of(2), [5]);
        assert_eq!(all.leave(5, 2), Some(false));
        assert_eq!(all.leave(5, 2), None);
        all.closed(2, Own(12), &uid("bobb"));
        let but_bob = Some(Except::User(uid("bobb")));
        assert_eq!(written(&all, &line(None, but_bob)), "r1!3 {\"x\":1}\n");
        assert_eq!(
            (all.leave(5, 1), all.leave(5, 3)),
            (Some(false), Some(true))
        );
    }
}
