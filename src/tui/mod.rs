//! The terminal client. In reading order: [`state`] is all it knows, [`event`] what can happen,
//! [`update`] what is done about it, [`view`] what is seen of it, [`edge`] the terminal and the
//! network around them.
//!
//! Invariants: only the edge reads a clock, a key or a socket; the view changes nothing; foreign
//! text reaches the screen through [`shown`] alone; the keys are in one table ([`keys`]), the
//! commands in another ([`commands`]), and help and the [`switcher`] are made from both.

mod again;
mod answers;
pub mod attention;
mod changes;
pub mod commands;
mod complete;
pub mod composer;
mod conversation;
mod deeds;
mod drafts;
pub mod edge;
mod emoji;
pub mod event;
mod flash;
mod formatted;
mod fuzzy;
mod jump;
mod kept;
pub mod keymap;
pub mod keys;
pub mod layout;
mod marked;
mod markup;
pub mod monitor;
pub mod near;
mod net;
mod nobody;
mod page;
pub mod reacting;
pub mod room;
mod rows;
pub mod search;
pub mod selection;
mod sent_lines;
pub mod shown;
mod sight;
mod speaking;
pub mod state;
pub mod switcher;
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod theme;
pub mod timeline;
mod travel;
mod unread;
mod unsent;
pub mod update;
pub mod view;
mod wrap;

#[cfg(test)]
mod tests;

pub use edge::{Config, KeptFiles, run};
pub use terminal::TerminalError;
