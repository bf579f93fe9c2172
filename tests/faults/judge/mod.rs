//! What must hold of a history, whatever was done to the nodes. Pure: it is given what clients were
//! told and what the nodes hold, so that made-up histories can show that it finds what it is for.
//!
//! - [`history`]: what is judged.
//! - [`view`]: one reader of one room, frame by frame.
//! - [`seen`]: the same reader, beside what nodes show in the end.
//! - [`waits`]: how long writers waited.
//! - [`merge`]: what a log means, written a second time and as plainly as can be.
//! - [`last`]: all of it together, when every fault is healed.

pub mod history;
pub mod last;
pub mod merge;
pub mod seen;
pub mod view;
pub mod waits;

/// Something that must not be. `kind` is one word, to count by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub kind: &'static str,
    pub what: String,
}

impl Violation {
    pub fn new(kind: &'static str, what: impl Into<String>) -> Violation {
        let what = what.into();
        Violation { kind, what }
    }
}
