//! Which message is where in sight, and keeping a chosen one there.

use super::room::Position;
use super::rows::Sheet;
use super::selection::Target;
use super::timeline::{Beyond, Item, Place};

impl Sheet<'_> {
    /// What each row in sight belongs to, the topmost first; none for what is no message.
    pub fn targets(&self, height: usize) -> Vec<Option<Target>> {
        let mut rows = match &self.room.position {
            Position::At { top, row } => self.targets_from(top, *row, height),
            Position::Newest => self.last_targets(height),
        };
        rows.truncate(height);
        rows
    }

    /// The newest rows, held where they are from now on. None if there are not enough to fill the
    /// screen: then nothing moves but the space above them.
    pub fn held(&self, height: usize) -> Option<Position> {
        let pending = self.pending_rows().len();
        let mut wanted = height.checked_sub(pending).filter(|left| *left > 0)?;
        for (before, place, item) in self.back_from(None) {
            let count = self.item(before, place, item, false).len();
            if count >= wanted {
                let (top, row) = (place.clone(), count - wanted);
                return Some(Position::At { top, row });
            }
            wanted -= count;
        }
        None
    }

    /// Where the reader has to be so that this message is in sight as a whole, or as much of it as there is
    /// room for; none if it is.
    pub fn brought_into_sight(&self, target: &Target, height: usize) -> Option<Position> {
        let targets = self.targets(height);
        let seen = targets.iter().flatten().filter(|seen| *seen == target);
        let rows = self.rows_of(target);
        if seen.count() >= rows.min(height) {
            return None;
        }
        let Target::Post(id) = target else {
            // What is on its way stands below everything else.
            return Some(Position::Newest);
        };
        let place = self.room.timeline.place(id)?;
        let is_above = match &self.room.position {
            Position::At { top, row } => place < top || (place == top && *row > 0),
            Position::Newest => true,
        };
        if is_above || rows >= height {
            let (top, row) = (place.clone(), 0);
            return Some(Position::At { top, row });
        }
        Some(self.ending_at(place, height - rows))
    }

    /// The given message as the last one in sight, `above` rows before it.
    fn ending_at(&self, place: &Place, above: usize) -> Position {
        let (mut wanted, mut topmost) = (above, place);
        let mut row = 0;
        for (before, place, item) in self.back_from(Some(place)) {
            if wanted == 0 {
                break;
            }
            let count = self.item(before, place, item, false).len();
            row = count.saturating_sub(wanted);
            wanted = wanted.saturating_sub(count);
            topmost = place;
        }
        let top = topmost.clone();
        Position::At { top, row }
    }

    fn rows_of(&self, target: &Target) -> usize {
        match target {
            Target::Post(id) => {
                let place = self.room.timeline.place(id);
                let step = place.and_then(|place| self.forward_from(place).next());
                step.map_or(0, |(before, place, item)| {
                    self.item(before, place, item, false).len()
                })
            }
            Target::Pending(nonce) => {
                let mut pending = self.room.pending.iter();
                let found = pending.find(|pending| pending.nonce == *nonce);
                found.map_or(0, |pending| self.pending(pending).len())
            }
        }
    }

    fn targets_from(&self, top: &Place, row: usize, height: usize) -> Vec<Option<Target>> {
        let mut rows = Vec::new();
        let mut skip = row;
        for (before, place, item) in self.forward_from(top) {
            let count = self.item(before, place, item, false).len();
            let shown = count - skip.min(count.saturating_sub(1));
            skip = 0;
            rows.extend(std::iter::repeat_n(target_of(item), shown));
            if rows.len() >= height {
                return rows;
            }
        }
        if self.room.timeline.newer == Beyond::Nothing {
            rows.extend(self.pending_targets());
        }
        rows
    }

    fn last_targets(&self, height: usize) -> Vec<Option<Target>> {
        let mut rows = self.pending_targets();
        rows.reverse();
        for (before, place, item) in self.back_from(None) {
            if rows.len() >= height {
                break;
            }
            let count = self.item(before, place, item, false).len();
            rows.extend(std::iter::repeat_n(target_of(item), count));
        }
        rows.truncate(height);
        rows.reverse();
        rows
    }

    fn pending_targets(&self) -> Vec<Option<Target>> {
        let pending = self.room.pending.iter().flat_map(|pending| {
            let target = Target::Pending(pending.nonce.clone());
            std::iter::repeat_n(Some(target), self.pending(pending).len())
        });
        pending.collect()
    }
}

fn target_of(item: &Item) -> Option<Target> {
    match item {
        Item::Post(post) => Some(Target::Post(post.message.id.clone())),
        Item::Presence { .. } | Item::Note(_) => None,
    }
}
