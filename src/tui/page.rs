//! What of a room is in sight, and moving through it. Only the items in sight are laid out, so that
//! a long history scrolls as fast as a short one.
//!
//! Invariant: a reader who is not at the newest message keeps the same row at the top, whatever
//! comes in below or is fetched above.

use ratatui::text::Line;

use super::room::Position;
use super::rows::Sheet;
use super::timeline::{Beyond, Item, Place};

/// Items that are to be at hand above and below what is in sight; past that, a page is fetched.
pub const AHEAD_ITEMS: usize = 60;

/// An item with its place, and the one above it.
pub(super) type Step<'a> = (Option<(&'a Place, &'a Item)>, &'a Place, &'a Item);

impl<'a> Sheet<'a> {
    /// The rows in sight, the topmost first: `height` at most.
    pub fn in_sight(&self, height: usize) -> Vec<Line<'static>> {
        match &self.room.position {
            Position::Newest => self.last_rows(height),
            Position::At { top, row } => self.rows_from(top, *row, height),
        }
    }

    /// Where the reader is after moving `rows` up.
    pub fn up(&self, rows: usize, height: usize) -> Position {
        let (mut wanted, from) = match &self.room.position {
            Position::At { top, row } if rows <= *row => {
                let (top, row) = (top.clone(), row - rows);
                return Position::At { top, row };
            }
            Position::At { top, row } => (rows - row, Some(top)),
            Position::Newest => {
                let pending = self.pending_rows().len();
                let hidden = rows + height;
                if pending >= hidden {
                    return self.among_pending(pending - hidden);
                }
                (hidden - pending, None)
            }
        };
        let mut topmost = None;
        for (before, place, item) in self.back_from(from) {
            let count = self.item(before, place, item, false).len();
            if count >= wanted {
                let row = count - wanted;
                return self.settled(place, row, height);
            }
            wanted -= count;
            topmost = Some(place);
        }
        match topmost.or(from) {
            Some(top) => self.settled(top, 0, height),
            None => Position::Newest,
        }
    }

    /// Where the reader is after moving `rows` down.
    pub fn down(&self, rows: usize, height: usize) -> Position {
        let Position::At { top, row } = &self.room.position else {
            return Position::Newest;
        };
        let mut wanted = row + rows;
        for (before, place, item) in self.forward_from(top) {
            let count = self.item(before, place, item, false).len();
            if wanted < count {
                return self.settled(place, wanted, height);
            }
            wanted -= count;
        }
        let pending = self.pending_rows().len();
        if self.room.timeline.newer == Beyond::Nothing && wanted + height < pending {
            return self.among_pending(wanted);
        }
        self.stay_or_newest()
    }

    /// The given one of the rows that are on their way at the top: that is so many rows below the last item.
    fn among_pending(&self, row: usize) -> Position {
        let Some((before, place, item)) = self.back_from(None).next() else {
            return Position::Newest;
        };
        Position::At {
            top: place.clone(),
            row: self.item(before, place, item, false).len() + row,
        }
    }

    /// At the given item, with some of what is above it in sight.
    pub fn at(&self, place: &Place, height: usize) -> Position {
        self.settled(place, 0, height)
    }

    /// Rows of the item at the top, where that is held.
    pub fn rows_at_top(&self) -> Option<usize> {
        let (before, place, item) = self.forward_from(self.room.reader()?).next()?;
        Some(self.item(before, place, item, false).len())
    }

    /// Whether more is to be fetched above.
    pub fn wants_older(&self, height: usize) -> bool {
        if self.room.timeline.older != Beyond::More {
            return false;
        }
        match &self.room.position {
            Position::Newest => self.room.timeline.len() < height.max(AHEAD_ITEMS),
            Position::At { top, .. } => {
                self.room.timeline.before(top).take(AHEAD_ITEMS).count() < AHEAD_ITEMS
            }
        }
    }

    /// Whether more is to be fetched below.
    pub fn wants_newer(&self, height: usize) -> bool {
        if self.room.timeline.newer != Beyond::More {
            return false;
        }
        let ahead = height + AHEAD_ITEMS;
        match &self.room.position {
            Position::Newest => true,
            Position::At { top, .. } => self.room.timeline.from(top).take(ahead).count() < ahead,
        }
    }

    /// The given row at the top; if that shows the end, simply the newest.
    fn settled(&self, top: &Place, row: usize, height: usize) -> Position {
        let mut below = 0;
        for (before, place, item) in self.forward_from(top) {
            below += self.item(before, place, item, false).len();
            if below > row + height {
                let (top, row) = (top.clone(), row);
                return Position::At { top, row };
            }
        }
        if self.room.timeline.newer == Beyond::Nothing
            && below + self.pending_rows().len() <= row + height
        {
            return Position::Newest;
        }
        let (top, row) = (top.clone(), row);
        Position::At { top, row }
    }

    /// Past the last item that is held: the newest, unless there are newer ones to be fetched.
    fn stay_or_newest(&self) -> Position {
        if self.room.timeline.newer == Beyond::Nothing {
            return Position::Newest;
        }
        match self.room.timeline.iter().next_back() {
            Some((top, _)) => Position::At {
                top: top.clone(),
                row: 0,
            },
            None => Position::Newest,
        }
    }

    fn last_rows(&self, height: usize) -> Vec<Line<'static>> {
        let mut rows = self.pending_rows();
        rows.reverse();
        let mut topmost = None;
        for (before, place, item) in self.back_from(None) {
            if rows.len() >= height {
                break;
            }
            topmost = Some((before, place, item, rows.len()));
            rows.extend(self.item(before, place, item, false).into_iter().rev());
        }
        // The topmost message bears its name, whoever wrote the one above.
        if let Some((before, place, item, at)) = topmost {
            rows.truncate(at);
            rows.extend(self.item(before, place, item, true).into_iter().rev());
        }
        rows.truncate(height);
        rows.reverse();
        rows
    }

    fn rows_from(&self, top: &Place, row: usize, height: usize) -> Vec<Line<'static>> {
        let mut pending = match self.room.timeline.newer {
            Beyond::Nothing => self.pending_rows(),
            Beyond::More | Beyond::Asked => Vec::new(),
        };
        let newest = self
            .room
            .timeline
            .iter()
            .next_back()
            .map(|(place, _)| place);
        let mut rows = Vec::new();
        let mut skip = row;
        for (before, place, item) in self.forward_from(top) {
            let mut item_rows = self.item(before, place, item, rows.is_empty());
            let below = skip.saturating_sub(item_rows.len());
            let is_last = newest == Some(place);
            if is_last && skip >= item_rows.len() && below < pending.len() {
                pending.drain(..below);
                break;
            }
            // A narrower or wider screen has changed how many rows there are.
            item_rows.drain(..skip.min(item_rows.len().saturating_sub(1)));
            skip = 0;
            rows.extend(item_rows);
            if rows.len() >= height {
                rows.truncate(height);
                return rows;
            }
        }
        rows.extend(pending);
        rows.truncate(height);
        rows
    }

    pub(super) fn pending_rows(&self) -> Vec<Line<'static>> {
        let pending = self.room.pending.iter();
        pending.flat_map(|pending| self.pending(pending)).collect()
    }

    /// Items before `place` (all when `None`), the newest first, each with the one above it.
    pub(super) fn back_from(
        &self,
        place: Option<&Place>,
    ) -> impl Iterator<Item = Step<'a>> + use<'a> {
        let timeline = &self.room.timeline;
        let items: Box<dyn DoubleEndedIterator<Item = (&'a Place, &'a Item)>> = match place {
            Some(place) => Box::new(timeline.before(place)),
            None => Box::new(timeline.iter()),
        };
        let mut items = items.rev().peekable();
        std::iter::from_fn(move || {
            let (place, item) = items.next()?;
            Some((items.peek().copied(), place, item))
        })
    }

    /// Items from `top` on, each with the one above it.
    pub(super) fn forward_from(&self, top: &Place) -> impl Iterator<Item = Step<'a>> + use<'a> {
        let timeline = &self.room.timeline;
        let mut before = timeline.before(top).next_back();
        timeline.from(top).map(move |(place, item)| {
            let above = before.replace((place, item));
            (above, place, item)
        })
    }
}
