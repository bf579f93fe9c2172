//! What a reader has seen, beside what the nodes show in the end.

use std::collections::BTreeSet;

use super::Violation;
use super::history::{Place, Shown, covers};
use super::view::View;

impl View {
    /// Nothing was skipped: whatever stands at a place that the reader holds, it was shown there.
    pub fn check_held(&self, standing: &[Shown], found: &mut Vec<Violation>) {
        if self.more {
            return;
        }
        for shown in standing {
            let Place { origin, seq, .. } = &shown.place;
            if !covers(&self.held, origin, *seq) {
                continue;
            }
            match self.known.get(&shown.id) {
                None => found.push(Violation::new(
                    "skipped",
                    format!(
                        "in {}: {} at {}, held but never shown",
                        self.room, shown.id, shown.place
                    ),
                )),
                Some(known) if known.shown.place != shown.place => found.push(Violation::new(
                    "skipped",
                    format!(
                        "in {}: the move of {} to {}",
                        self.room, shown.id, shown.place
                    ),
                )),
                Some(_) => {}
            }
        }
    }

    /// After the last page the reader sees what the nodes show. Gives how many messages have other
    /// reactions: those cannot be told apart by age, so a node that is behind may set them back.
    pub fn check_end(&self, standing: &[Shown], found: &mut Vec<Violation>) -> usize {
        let mut stale_reactions = 0;
        let mut ids = BTreeSet::new();
        for shown in standing {
            ids.insert(shown.id.as_str());
            let Some(known) = self.known.get(&shown.id) else {
                let what = format!(
                    "in {}: {} at {} was never shown",
                    self.room, shown.id, shown.place
                );
                found.push(Violation::new("skipped", what));
                continue;
            };
            let mut seen = known.shown.clone();
            if seen.reactions != shown.reactions {
                stale_reactions += 1;
                seen.reactions.clone_from(&shown.reactions);
            }
            // An edit that was accepted twice gets a smaller time, and is the same edit.
            seen.edited = seen.edited.and(shown.edited);
            if seen != *shown {
                let what = format!(
                    "in {}: a reader sees {seen:?}, nodes show {shown:?}",
                    self.room
                );
                found.push(Violation::new("stale", what));
            }
        }
        for id in self.known.keys().filter(|id| !ids.contains(id.as_str())) {
            let what = format!(
                "in {}: a reader was shown {id}, which no node has",
                self.room
            );
            found.push(Violation::new("lost", what));
        }
        stale_reactions
    }
}
