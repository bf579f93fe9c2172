//! Where on the screen everything stands. Both the view and scrolling go by it.

use ratatui::layout::{Margin, Rect};

/// Rows that the composer may grow to; it never takes more than a third of the screen.
const COMPOSER_ROWS_MAX: u16 = 8;

/// Rows of a screen from which there is room for what the composer's text is about.
const ASIDE_FROM_ROWS: u16 = 7;

/// Columns and rows that the list of reactions takes at most.
const PICKER_COLUMNS_MAX: u16 = 34;
const PICKER_ROWS_MAX: u16 = 13;

/// Columns from which the rooms are shown beside the messages.
const ROOMS_FROM_COLUMNS: u16 = 60;

/// Columns from which the people are shown too. On a usual screen the texts need the room more.
const PEOPLE_FROM_COLUMNS: u16 = 90;

/// Columns and rows that the switcher takes at most: names and what is said of them, and as many as can
/// be looked over.
const SWITCHER_COLUMNS_MAX: u16 = 90;
const SWITCHER_ROWS_MAX: u16 = 24;

/// Parts of the screen; a part that has no room is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    pub rooms: Rect,
    pub topic: Rect,
    pub messages: Rect,
    pub people: Rect,
    /// Who is writing, and new messages further down.
    pub notice: Rect,
    /// Which message the composer's text answers or changes.
    pub aside: Rect,
    pub composer: Rect,
    pub status: Rect,
}

/// Cuts up a screen of `size` columns and rows; `composer_rows` is what the text would take.
/// `aside` is whether what it answers or changes is to be told above it; the bottom line takes
/// `status_rows`.
pub fn regions(size: (u16, u16), composer_rows: usize, aside: bool, status_rows: u16) -> Regions {
    let (columns, rows) = size;
    let sides = sides(columns);
    let (rooms_width, people_width) = sides;
    let composer_max = COMPOSER_ROWS_MAX.min((rows / 3).max(1));
    let composer_height = u16::try_from(composer_rows)
        .unwrap_or(u16::MAX)
        .clamp(1, composer_max);
    let left = rooms_width;
    let width = columns - rooms_width - people_width;

    let mut down = Down { y: 0, rows };
    let topic = down.take(1);
    let aside_height = u16::from(aside && rows >= ASIDE_FROM_ROWS);
    let below = composer_height + aside_height + 1 + status_rows;
    let messages = down.take(rows.saturating_sub(1 + below));
    let notice = down.take(1);
    let aside = down.take(aside_height);
    let composer = down.take(composer_height);
    let status = down.take(status_rows);
    let side_height = topic.1 + messages.1 + notice.1 + aside.1 + composer.1;
    Regions {
        rooms: Rect::new(0, 0, rooms_width, side_height),
        topic: Rect::new(left, topic.0, width, topic.1),
        messages: Rect::new(left, messages.0, width, messages.1),
        people: Rect::new(left + width, 0, people_width, side_height),
        notice: Rect::new(left, notice.0, width, notice.1),
        aside: Rect::new(left, aside.0, width, aside.1),
        composer: Rect::new(left, composer.0, width, composer.1),
        status: Rect::new(0, status.0, columns, status.1),
    }
}

/// Parts of a list over the screen that one types into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Picker {
    /// All of it, its border included.
    pub frame: Rect,
    /// The line to type into.
    pub input: Rect,
    pub list: Rect,
}

/// Columns that the search takes at most.
const SEARCH_COLUMNS_MAX: u16 = 120;

/// Columns from which there is something to be seen around it.
const SEARCH_MARGIN_FROM_COLUMNS: u16 = 78;

/// Rows of a screen from which a message that was found has a second row for its text.
const FOUND_TALL_FROM_ROWS: u16 = 20;

/// The search's parts: nearly all of the screen, as there is much to read.
pub fn search(size: (u16, u16)) -> Picker {
    let (columns, rows) = size;
    let margin = if columns >= SEARCH_MARGIN_FROM_COLUMNS {
        4
    } else {
        0
    };
    let width = (columns - margin).min(SEARCH_COLUMNS_MAX);
    let height = rows.saturating_sub(1).max(rows.min(4));
    framed(Rect::new((columns - width) / 2, 0, width, height))
}

/// Rows that a message that was found takes: who and where, and its text.
pub fn found_rows(size: (u16, u16)) -> usize {
    if size.1 >= FOUND_TALL_FROM_ROWS { 3 } else { 2 }
}

/// Messages that were found and have room at once.
pub fn found_in_sight(size: (u16, u16)) -> usize {
    (usize::from(search(size).list.height) / found_rows(size)).max(1)
}

/// Where the switcher stands: above the middle, so that its line stays where it is looked for.
pub fn switcher(size: (u16, u16)) -> Picker {
    let (columns, rows) = size;
    let margin = if columns >= PEOPLE_FROM_COLUMNS { 8 } else { 0 };
    let width = (columns - margin).min(SWITCHER_COLUMNS_MAX);
    let height = rows.saturating_sub(2).clamp(rows.min(4), SWITCHER_ROWS_MAX);
    let y = ((rows - height) / 4).max(u16::from(rows > height));
    framed(Rect::new((columns - width) / 2, y, width, height))
}

/// Where so many reactions are chosen from: above the message whose first and last row are given, below it
/// where there is no room above, else at the edge that is farther away.
pub fn picker(within: Rect, found: usize, message: (u16, u16)) -> Picker {
    let rows = u16::try_from(found.max(1)).unwrap_or(u16::MAX);
    let wanted = rows.saturating_add(3).min(PICKER_ROWS_MAX);
    let height = wanted.min(within.height);
    let width = within.width.min(PICKER_COLUMNS_MAX);
    let (first, last) = message;
    let lowest = within.bottom() - height;
    let y = if first >= height {
        (within.y + first - height).min(lowest)
    } else if last + 1 + height <= within.height {
        within.y + last + 1
    } else if first >= within.height / 2 {
        within.y
    } else {
        lowest
    };
    framed(Rect::new(within.x, y, width, height))
}

fn framed(frame: Rect) -> Picker {
    let inner = frame.inner(Margin::new(1, 1));
    let input = Rect {
        height: inner.height.min(1),
        ..inner
    };
    let list = Rect {
        y: inner.y + input.height,
        height: inner.height - input.height,
        ..inner
    };
    Picker { frame, input, list }
}

/// Columns that the composer's text has, the prompt taken off.
pub fn composer_width(size: (u16, u16)) -> usize {
    let (rooms, people) = sides(size.0);
    usize::from((size.0 - rooms - people).saturating_sub(PROMPT_CELLS))
}

/// Cells of the prompt before the composer's text.
pub const PROMPT_CELLS: u16 = 2;

/// Columns of the rooms and of the people, their border included.
fn sides(columns: u16) -> (u16, u16) {
    let rooms = match columns {
        ..ROOMS_FROM_COLUMNS => 0,
        ROOMS_FROM_COLUMNS..100 => 15,
        100.. => 20,
    };
    let people = match columns {
        ..PEOPLE_FROM_COLUMNS => 0,
        PEOPLE_FROM_COLUMNS..120 => 14,
        120.. => 20,
    };
    (rooms, people)
}

/// Hands out rows from the top until there are no more.
struct Down {
    y: u16,
    rows: u16,
}

impl Down {
    fn take(&mut self, height: u16) -> (u16, u16) {
        let height = height.min(self.rows - self.y);
        let at = self.y;
        self.y += height;
        (at, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_screen_has_messages_only_and_a_wide_one_all() {
        let narrow = regions((40, 12), 1, false, 1);
        assert_eq!((narrow.rooms.width, narrow.people.width), (0, 0));
        assert_eq!(narrow.messages, Rect::new(0, 1, 40, 8));
        let wide = regions((120, 40), 1, false, 1);
        assert_eq!((wide.rooms.width, wide.people.width), (20, 20));
        assert_eq!(wide.messages, Rect::new(20, 1, 80, 36));
    }

    #[test]
    fn every_size_is_cut_up_without_overlap_or_overrun() {
        for columns in 0..130 {
            for rows in 0..50 {
                let all = regions((columns, rows), 100, rows % 2 == 0, 1 + rows % 3);
                let screen = Rect::new(0, 0, columns, rows);
                for part in [
                    all.rooms,
                    all.topic,
                    all.messages,
                    all.people,
                    all.notice,
                    all.aside,
                    all.composer,
                    all.status,
                ] {
                    assert_eq!(part.intersection(screen).area(), part.area(), "{all:?}");
                }
                assert!(all.composer.height <= COMPOSER_ROWS_MAX);
                let reactions = picker(all.messages, 8, (columns % 20, columns % 30));
                for over in [
                    switcher((columns, rows)),
                    search((columns, rows)),
                    reactions,
                ] {
                    for part in [over.frame, over.input, over.list] {
                        let within = part.is_empty() || screen.intersection(part) == part;
                        assert!(within, "{columns}×{rows}: {over:?}");
                    }
                }
            }
        }
    }
}
