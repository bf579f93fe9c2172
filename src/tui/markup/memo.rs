//! Texts that were taken apart, kept for the next screens: bounded, and the ones that are still looked at
//! stay.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::is_plain;
use super::parts::{Part, of, plain_of};

/// Texts of one generation: more than any screen shows.
const TEXTS_MAX: usize = 200;

/// Bytes of the texts of one generation.
const BYTES_MAX: usize = 256 * 1024;

/// Views that only read the state fill it, so it is behind a cell. What it holds follows from the texts alone.
#[derive(Clone, Debug, Default)]
pub struct Memo(RefCell<Generations>);

#[derive(Clone, Debug, Default)]
struct Generations {
    young: HashMap<String, Arc<Vec<Part>>>,
    /// Those of before; who is asked for again becomes young, the others go with the next change.
    old: HashMap<String, Arc<Vec<Part>>>,
    bytes: usize,
}

impl Memo {
    /// The parts of a text.
    pub fn parts(&self, text: &str) -> Arc<Vec<Part>> {
        let mut held = self.0.borrow_mut();
        if let Some(parts) = held.young.get(text) {
            return parts.clone();
        }
        let parts = match held.old.remove(text) {
            Some(parts) => parts,
            None => Arc::new(of(text)),
        };
        if held.young.len() >= TEXTS_MAX || held.bytes + text.len() > BYTES_MAX {
            held.old = std::mem::take(&mut held.young);
            held.bytes = 0;
        }
        held.bytes += text.len();
        held.young.insert(text.to_owned(), parts.clone());
        parts
    }

    /// The text without its marks.
    pub fn plain(&self, text: &str) -> String {
        if is_plain(text) {
            return text.to_owned();
        }
        plain_of(&self.parts(text))
    }

    /// Texts that are kept.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        let held = self.0.borrow();
        held.young.len() + held.old.len()
    }
}
