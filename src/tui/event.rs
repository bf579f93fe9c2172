//! What happens to the terminal client, and what it wants done.

use crossterm::event::{KeyEvent, MouseEvent};
use serde::{Deserialize, Serialize};

use super::attention::Quiet;
use crate::client::{ClientEvent, Command};
use crate::private_file::OnDisk;
use crate::protocol::{MessageId, Nonce, RoomRef, Text, Ts, Uid};

/// One thing that happened. Time and chance come in here and nowhere else.
#[derive(Clone, Debug)]
pub enum Event {
    Key(KeyEvent),
    /// Text that was pasted, as one piece.
    Paste(String),
    Mouse(MouseEvent),
    /// Columns and rows of the terminal.
    Resize(u16, u16),
    /// Whether the person is looking at this terminal.
    Focus(bool),
    Net(ClientEvent),
    /// The wall clock. One comes before every other event, and several a second.
    Tick(Ts),
}

/// One thing to be done at the edge.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell the client.
    Net(Command),
    /// Keep these, in place of what was kept, for the next start.
    Keep(Vec<Unsent>),
    /// The rooms this person is in, for the next start.
    KeepRooms(Vec<RoomRef>),
    /// What stands in the composers, for the next start, whatever becomes of this run.
    KeepDrafts(OnDisk),
    /// Ring the terminal's bell.
    Bell,
    /// Tell of something outside the window.
    Notify(Notice),
    /// What the window is called.
    Title(String),
    /// The hours without ringing, for the next start.
    KeepQuiet(Option<Quiet>),
    /// Hand this text to the terminal's clipboard. It is safe for one.
    Copy(String),
    /// Draw the whole screen anew.
    Redraw,
    /// End the program.
    Quit,
}

/// A notification; both texts are safe for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub title: String,
    pub words: String,
}

/// An own message or change that no node has acknowledged, as it is kept from one start to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unsent {
    /// Whose it is: under another user it would be another message.
    pub uid: Option<Uid>,
    /// As the protocol names it.
    pub room: String,
    /// Of a conversation, whom it is for; whoever bears the name, if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<Uid>,
    pub nonce: Nonce,
    /// When it was written.
    pub ts: Ts,
    /// Why it was refused, if it was: then it goes out only when that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    #[serde(flatten)]
    pub what: What,
}

/// What was said or changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum What {
    Message {
        text: Text,
        reply_to: Option<MessageId>,
    },
    Change {
        change: Change,
    },
}

/// Something that is made of what is there, in the words of the protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    Edit {
        id: MessageId,
        text: Text,
    },
    Delete {
        id: MessageId,
    },
    React {
        id: MessageId,
        emoji: String,
        on: bool,
    },
    Topic {
        topic: String,
    },
}
