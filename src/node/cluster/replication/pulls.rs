//! Which peer is asked for what we lack: one at a time for each origin.

use std::collections::BTreeMap;

use super::limits::{
    AVOID_EMPTY_FOR, AVOID_FOR, FIRST_HAND_GRACE, PULL_EVENTS, PULL_QUICK, PULL_SLOW, PULL_TIMEOUT,
    PULLS_MAX,
};
use super::{LinkId, Moment};
use crate::protocol::{Origin, Seq};

#[derive(Debug, Default)]
pub struct Pulls {
    asked: BTreeMap<Origin, Ask>,
    /// Who did not answer for an origin, and until when it is left alone.
    avoided: BTreeMap<(Origin, LinkId), Moment>,
    /// Since when an origin's own node is waited for.
    waiting: BTreeMap<Origin, Moment>,
    /// How many events a peer is asked for at once, if not the fewest.
    steps: BTreeMap<LinkId, u32>,
}

#[derive(Debug)]
struct Ask {
    of: LinkId,
    after: Seq,
    at: Moment,
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
        let at = now;
        let ask = Ask {
            of,
            after,
            at,
            until,
        };
        self.asked.insert(origin.clone(), ask);
        Some(of)
    }

    /// How many events the peer is to be asked for.
    pub fn step(&self, link: LinkId) -> u32 {
        self.steps
            .get(&link)
            .copied()
            .unwrap_or(*PULL_EVENTS.start())
    }

    fn took(&mut self, link: LinkId, time: Moment) {
        let step = match self.step(link) {
            step if time < PULL_QUICK => step / 2,
            step if time > PULL_SLOW => step * 2,
            step => step,
        };
        let step = step.clamp(*PULL_EVENTS.start(), *PULL_EVENTS.end());
        self.steps.insert(link, step);
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
        let asked = |ask: &&Ask| ask.of == link && ask.after == after;
        let asked_at = self.asked.get(origin).filter(asked).map(|ask| ask.at);
        if let Some(at) = asked_at {
            self.asked.remove(origin);
            self.waiting.remove(origin);
            self.took(link, now.saturating_sub(at));
        }
        if useful {
            self.avoided.remove(&(origin.clone(), link));
        } else if asked_at.is_some() {
            // It may have it in a moment.
            self.avoided
                .insert((origin.clone(), link), now + AVOID_EMPTY_FOR);
        }
    }

    /// Nothing more comes from `link`.
    pub fn lost(&mut self, link: LinkId) {
        self.asked.retain(|_, ask| ask.of != link);
        self.avoided.retain(|(_, avoided), _| *avoided != link);
        self.steps.remove(&link);
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_peer_far_away_is_asked_for_more_at_once_and_a_near_one_for_few() {
        let mut pulls = Pulls::default();
        let (link, origin) = (LinkId(1), Origin::parse("n1-1").unwrap());
        let first_hand = true;
        let mut now = Duration::from_secs(1);
        let mut pull = |took: Duration| {
            let candidates = [Candidate { link, first_hand }];
            let asked = pulls.choose(now, &origin, 0, &candidates, true);
            assert_eq!(asked, Some(link));
            now += took;
            pulls.answered(now, link, &origin, 0, true);
            pulls.step(link)
        };
        let (far, near) = (Duration::from_millis(80), Duration::from_millis(2));
        assert_eq!([far; 6].map(&mut pull), [128, 256, 512, 1024, 1024, 1024]);
        assert_eq!(pull(Duration::from_millis(15)), 1024);
        assert_eq!([near; 5].map(&mut pull), [512, 256, 128, 64, 64]);
    }
}
