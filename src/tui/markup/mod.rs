//! Messages' Markdown, by the rules of the browser's page: what is bold here is bold there, and what is
//! none of it stays as it was typed, line ends included.
//!
//! Invariants: each line is looked at once for each level of nesting, and the levels are bounded, so that no
//! text takes longer than its length; a text is taken apart once, not with every screen ([`memo`]).

mod blocks;
mod highlight;
mod inline;
mod links;
pub mod memo;
mod parts;
#[cfg(test)]
mod tests;

pub use highlight::Kind;
#[cfg(test)]
use parts::of;
pub use parts::{Body, Look, Part, Piece, What};

use crate::protocol::limits::TEXT_CHARS_MAX;

/// Bytes of a text that is taken apart. No node that keeps to the protocol sends more; what one that does
/// not sends is shown as it is.
const BYTES_MAX: usize = TEXT_CHARS_MAX * 4;

/// Whether there may be anything in a text but text: told at a glance, as most have nothing.
pub fn is_plain(text: &str) -> bool {
    text.len() > BYTES_MAX
        || (!text.contains('\t') && inline::is_plain(text) && !blocks::may_have(text))
}
