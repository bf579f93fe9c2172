//! Whoever follows a room, live, in pages, or first in pages and then live, ends up with what the
//! store says of it.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::merging::{Act, acts, event, interleaved};
use super::*;
use crate::protocol::Seq;

/// What a client has: messages by id.
type Held = BTreeMap<MessageId, Message>;

fn take(held: &mut Held, mut message: Message) {
    message.late = false;
    held.insert(message.id.clone(), message);
}

fn take_live(held: &mut Held, committed: &[Committed]) {
    for item in committed {
        match &item.outcome {
            Outcome::Message(view) | Outcome::Moved(view) | Outcome::Updated { view, .. } => {
                take(held, view.clone());
            }
            Outcome::Early(_) | Outcome::Topic | Outcome::Hidden => {}
        }
    }
}

/// The logs of three origins, as their doors would write them: the same nonce is the same deed, and
/// comes once in each log.
fn logs(acts: &[Act]) -> Vec<Vec<Arc<Event>>> {
    let mut logs: Vec<Vec<Arc<Event>>> = vec![vec![], vec![], vec![]];
    let user = |first: bool| if first { ALICE } else { BOB };
    for act in acts {
        let log = &mut logs[usize::from(act.node)];
        let ts = log.last().map_or(0, |last| last.ts.0 - START.0) + act.gap;
        let (owner, target) = (user(act.target.0), act.target.1);
        let to = id(owner, &target.to_string());
        let number = act.nonce;
        let (by, nonce, body) = match act.what {
            0..=2 => (user(act.by), number.to_string(), said(&number.to_string())),
            3 => (
                owner,
                format!("e{target}{number}"),
                edited(&to, &format!("edit {number}")),
            ),
            4 => (owner, format!("d{target}"), deleted(&to)),
            5 | 6 => {
                let on = act.what == 5;
                (
                    user(act.by),
                    format!("r{owner}{target}{number}{on}"),
                    reacted(&to, "👍", on),
                )
            }
            _ => {
                let topic = format!("topic {number}");
                (user(act.by), format!("t{number}"), Body::Topic { topic })
            }
        };
        let event = event(act.node, log.len() as Seq + 1, ts, by, &nonce, body);
        if log
            .iter()
            .all(|e| (&e.uid, &e.nonce) != (&event.uid, &event.nonce))
        {
            log.push(event);
        }
    }
    logs
}

impl Story {
    fn lobby(&self) -> Held {
        let mut held = Held::new();
        for message in self.newest(200).messages {
            take(&mut held, message);
        }
        held
    }

    /// Reads to the end in pages, up to `up_to`; within one go each message comes once.
    fn follow(
        &self,
        held: &mut Held,
        since: &mut VersionVector,
        limit: usize,
        up_to: &VersionVector,
    ) {
        let mut seen = HashSet::new();
        loop {
            let page = self
                .store
                .read_blocking(|reader| reader.since(&lobby(), since, limit, up_to))
                .unwrap();
            for message in page.messages {
                assert!(seen.insert(message.id.clone()), "{} came twice", message.id);
                take(held, message);
            }
            *since = page.since;
            if !page.more {
                return;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_way_of_following_a_room_ends_in_what_the_store_says(
        acts in acts(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..30),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 3),
        limit in 1..6usize,
    ) {
        let all = interleaved(&logs(&acts), &picks);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(all.len() + 1)).collect();
        cuts.sort_unstable();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut story = Story::begin("n9");
            let (mut live, mut pages, mut joined) = (Held::new(), Held::new(), Held::new());
            // In pages from the first cut on.
            let mut since = VersionVector::new();
            story.store.ingest(all[..cuts[0]].to_vec()).await.unwrap();
            take_live(&mut live, &story.committed());
            story.follow(&mut pages, &mut since, limit, &story.store.held());
            // What has been shown when somebody joins; the store is further by then.
            story.store.ingest(all[cuts[0]..cuts[1]].to_vec()).await.unwrap();
            take_live(&mut live, &story.committed());
            let shown = story.store.held();
            story.store.ingest(all[cuts[1]..cuts[2]].to_vec()).await.unwrap();
            let between = story.committed();
            story.follow(&mut joined, &mut VersionVector::new(), limit, &shown);
            let newest = story.store.read_blocking(|reader| reader.newest(&lobby(), 200, &shown)).unwrap();
            let mut newest: Held = newest.messages.into_iter().map(|m| (m.id.clone(), Message { late: false, ..m })).collect();
            story.store.ingest(all[cuts[2]..].to_vec()).await.unwrap();
            let after = story.committed();
            for held in [&mut live, &mut joined, &mut newest] {
                take_live(held, &between);
                take_live(held, &after);
            }
            story.follow(&mut pages, &mut since, limit, &story.store.held());
            let lobby = story.lobby();
            assert_eq!(live, lobby, "live");
            assert_eq!(pages, lobby, "in pages");
            assert_eq!(joined, lobby, "in pages, then live");
            assert_eq!(newest, lobby, "the newest, then live");
        });
    }
}
