//! Which peer is asked for what we lack: one at a time for each origin.

use std::collections::BTreeMap;

use super::limits::{AVOID_EMPTY_FOR, AVOID_FOR, FIRST_HAND_GRACE, PULL_TIMEOUT, PULLS_MAX};
use super::{LinkId, Moment};
use crate::protocol::{Origin, Seq};

#[derive(Debug, Default)]
pub struct Pulls {
    asked: BTreeMap<Origin, Ask>,
    /// Who did not answer for an origin, and until when it is left alone.
    avoided: BTreeMap<(Origin, LinkId), Moment>,
    /// Since when an origin's own node is waited for.
    waiting: BTreeMap<Origin, Moment>,
}

#[derive(Debug)]
struct Ask {
    of: LinkId,
    after: Seq,
    until: Moment,
}

/// A peer that has more of an origin than we do.
#[derive(Debug)]
pub struct Candidate {
    pub link: LinkId,
    /// It is the origin's own node.
    pub first_hand: bool,
}

impl Pulls {
    /// Whom to ask now for `origin` past `after`, if anybody.
    pub fn choose(
        &mut self,
        now: Moment,
        origin: &Origin,
        after: Seq,
        candidates: &[Candidate],
        linked_with_origin: bool,
    ) -> Option<LinkId> {
        if candidates.is_empty() {
            self.waiting.remove(origin);
            return None;
        }
        if self.asked.contains_key(origin) || self.asked.len() >= PULLS_MAX {
            return None;
        }
        let free = |c: &&Candidate| !self.avoided.contains_key(&(origin.clone(), c.link));
        let own = candidates.iter().find(|c| c.first_hand);
        let of = match own.filter(free) {
            Some(own) => own.link,
            None => {
                let since = *self.waiting.entry(origin.clone()).or_insert(now);
                if linked_with_origin && own.is_none() && now < since + FIRST_HAND_GRACE {
                    return None;
                }
                candidates.iter().find(free)?.link
            }
        };
        let until = now + PULL_TIMEOUT;
        self.asked.insert(origin.clone(), Ask { of, after, until });
        Some(of)
    }

    /// `link` answered for `origin` past `after`; `useful` when with anything. An answer that comes too
    /// late still counts: the line may just be slow.
    pub fn answered(
        &mut self,
        now: Moment,
        link: LinkId,
        origin: &Origin,
        after: Seq,
        useful: bool,
    ) {
        let asked = |ask: &Ask| ask.of == link && ask.after == after;
        let asked = self.asked.get(origin).is_some_and(asked);
        if asked {
            self.asked.remove(origin);
            self.waiting.remove(origin);
        }
        if useful {
            self.avoided.remove(&(origin.clone(), link));
        } else if asked {
            // It may have it in a moment.
            self.avoided
                .insert((origin.clone(), link), now + AVOID_EMPTY_FOR);
        }
    }

    /// Nothing more comes from `link`.
    pub fn lost(&mut self, link: LinkId) {
        self.asked.retain(|_, ask| ask.of != link);
        self.avoided.retain(|(_, avoided), _| *avoided != link);
    }

    /// Gives up on peers that do not answer.
    pub fn tick(&mut self, now: Moment) {
        self.avoided.retain(|_, until| now < *until);
        let avoided = &mut self.avoided;
        self.asked.retain(|origin, ask| {
            let waits = now < ask.until;
            if !waits {
                avoided.insert((origin.clone(), ask.of), now + AVOID_FOR);
            }
            waits
        });
    }
}
