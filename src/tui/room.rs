//! One room, or one direct conversation, as this person has it before them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::composer::Composer;
use super::drafts::Draft;
use super::timeline::{Beyond, Place, Timeline};
use crate::protocol::server::UserInfo;
use crate::protocol::{MessageId, Nonce, Origin, RoomRef, Seq, Text, Ts, Uid, VersionVector};

/// Microseconds after which "is writing" ends by itself.
pub const TYPING_ENDS_US: i64 = 6_000_000;

#[derive(Clone, Debug)]
pub struct Room {
    /// As the nodes name it: `lobby`, `@bob`.
    pub name: String,
    /// With whom the conversation is, once that is known; of a room nobody.
    pub with: Option<Uid>,
    /// By what name that user was last seen.
    pub called: Option<String>,
    pub topic: String,
    pub membership: Membership,
    /// The next `room` answer begins the window, instead of bringing what was missed.
    pub fresh: bool,
    /// Nothing is missing between what is held and what comes live.
    pub caught_up: bool,
    /// Pages are missing between what is held and what came live since: that is not read by being shown.
    pub holes: bool,
    pub people: People,
    pub timeline: Timeline,
    pub again: Again,
    /// Own messages that no node has acknowledged, in the order they were sent.
    pub pending: Vec<Pending>,
    pub position: Position,
    /// Messages that came while the reader was further up.
    pub new_below: u32,
    /// Messages past the read marker, as far as known.
    pub unread: u32,
    /// Those of them that name this person.
    pub mentions: u32,
    /// The newest message when the node counted what is unread. What was missed up to it is among that already.
    pub counted_to: Ts,
    /// The first unread message when the room was opened; the line "new" stands above it.
    pub first_unread: Option<Place>,
    /// So many of those that are unread stand before what is held: nothing but their number is known.
    pub unread_back: u32,
    /// What had been read when it was found: since then it has been seen, and the marker is past it.
    pub read_before: VersionVector,
    /// Older pages are fetched until it is held.
    pub seeks_unread: bool,
    /// The message that was gone to.
    pub found: Option<MessageId>,
    /// What this person has read.
    pub read: VersionVector,
    /// No node has taken the marker for certain.
    pub read_lost: bool,
    /// What is held: every event up to it has been seen here.
    pub held: VersionVector,
    /// Who is writing, and until when that counts.
    pub typing: BTreeMap<Uid, (String, Ts)>,
    pub composer: Composer,
    /// What stands in it, as it was kept last.
    pub draft: Option<Draft>,
    /// The room in which this conversation was asked for.
    pub way_back: Option<String>,
    /// When `typing` was last sent from here.
    pub typing_sent: Option<Ts>,
}

/// How far this session is in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// `join` was sent, or the connection is down.
    Coming,
    In,
    /// It cannot be entered; a note says why.
    Refused,
}

/// Whether the window has to be read once more, because another node told what is in it. It may know of
/// reactions and edits that the one of now does not, or the other way round, and no vector says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Again {
    #[default]
    No,
    /// When the room is shown: what is before this moment, or all.
    Due(Option<Ts>),
    /// A page is asked for.
    Asked {
        before: Ts,
        /// What something has become of meanwhile: the page may not know of it yet.
        changed: HashSet<MessageId>,
    },
}

/// Who is online in the room.
#[derive(Clone, Debug, Default)]
pub struct People {
    pub list: HashMap<Uid, UserInfo>,
    /// In a large room more than are listed.
    pub total: u32,
}

/// What of the history is in sight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// The newest message at the bottom; what comes moves the rest up.
    #[default]
    Newest,
    /// This row of this item at the top, whatever comes or goes below and above.
    At { top: Place, row: usize },
}

/// An own message on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// Who wrote it in an earlier run; `None` is the user of this one.
    pub uid: Option<Uid>,
    pub nonce: Nonce,
    pub text: Text,
    pub reply_to: Option<MessageId>,
    /// When it was written.
    pub ts: Ts,
    pub state: Delivery,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Sent, or to be sent when there is a connection.
    Waiting,
    /// Refused, with the reason; it goes out again when asked to.
    Failed(String),
}

impl Room {
    pub fn new(name: &str) -> Room {
        let mut timeline = Timeline::default();
        timeline.reset(Beyond::More, Beyond::Nothing);
        Room {
            name: name.to_owned(),
            with: None,
            called: None,
            topic: String::new(),
            membership: Membership::Coming,
            fresh: !name.starts_with('@'),
            caught_up: name.starts_with('@'),
            holes: false,
            people: People::default(),
            timeline,
            again: Again::No,
            pending: Vec::new(),
            position: Position::Newest,
            new_below: 0,
            unread: 0,
            counted_to: Ts(0),
            mentions: 0,
            first_unread: None,
            unread_back: 0,
            read_before: VersionVector::new(),
            seeks_unread: false,
            found: None,
            read: VersionVector::new(),
            read_lost: false,
            held: VersionVector::new(),
            typing: BTreeMap::new(),
            composer: Composer::default(),
            draft: None,
            way_back: None,
            typing_sent: None,
        }
    }

    pub fn is_direct(&self) -> bool {
        self.name.starts_with('@')
    }

    /// Unread messages that are meant for this person: in a conversation all.
    pub fn urgent(&self) -> u32 {
        if self.is_direct() {
            self.unread
        } else {
            self.mentions
        }
    }

    /// The name with the sign that tells rooms from people.
    pub fn title(&self) -> String {
        match &self.called {
            _ if !self.is_direct() => format!("#{}", self.name),
            // The name is somebody else's by now.
            Some(called) if self.name.starts_with("@=") => format!("@{called} (former)"),
            Some(_) | None => self.name.clone(),
        }
    }

    /// As a client says it; a name that came from a node is always one. What is for a user that is known
    /// is for nobody else who may come to bear the name.
    pub fn reference(&self) -> Option<RoomRef> {
        let uid = self.with.clone().map(RoomRef::DirectUid);
        uid.or_else(|| RoomRef::parse(&self.name).ok())
    }

    /// Notes an event that was shown here.
    pub fn hold(&mut self, origin: &Origin, seq: Seq) {
        self.held.advance(origin, seq);
    }

    /// The top of what is in sight, where that is not simply the newest.
    pub fn reader(&self) -> Option<&Place> {
        match &self.position {
            Position::Newest => None,
            Position::At { top, .. } => Some(top),
        }
    }

    pub fn to_newest(&mut self) {
        self.position = Position::Newest;
        self.new_below = 0;
        self.seeks_unread = false;
        self.found = None;
    }

    /// Who is writing at this moment.
    pub fn writers(&self, now: Ts) -> Vec<&str> {
        let current = self.typing.values().filter(|(_, until)| now < *until);
        current.map(|(name, _)| name.as_str()).collect()
    }

    pub fn pending_mut(&mut self, nonce: &Nonce) -> Option<&mut Pending> {
        self.pending
            .iter_mut()
            .find(|pending| pending.nonce == *nonce)
    }

    /// Takes an own message off the list of those on their way.
    pub fn take_pending(&mut self, nonce: &Nonce) -> Option<Pending> {
        let at = self.pending.iter().position(|p| p.nonce == *nonce)?;
        Some(self.pending.remove(at))
    }
}

impl People {
    pub fn replace(&mut self, users: Vec<UserInfo>, total: u32) {
        self.list = users.into_iter().map(|u| (u.uid.clone(), u)).collect();
        self.total = total;
    }

    pub fn put(&mut self, user: UserInfo) {
        self.list.insert(user.uid.clone(), user);
    }

    pub fn remove(&mut self, uid: &Uid) {
        self.list.remove(uid);
    }

    /// Those listed, by name, those who are away last.
    pub fn sorted(&self) -> Vec<&UserInfo> {
        let mut people: Vec<&UserInfo> = self.list.values().collect();
        people.sort_by_cached_key(|user| (user.away, user.name.to_lowercase(), user.uid.clone()));
        people
    }
}
