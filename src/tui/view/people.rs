//! Who is in the room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Widget};

use crate::protocol::server::UserInfo;
use crate::tui::shown::fit;
use crate::tui::state::State;

pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    if area.width < 4 {
        return;
    }
    let block = Block::new()
        .borders(Borders::LEFT)
        .border_style(state.theme.quiet());
    let inner = block.inner(area);
    block.render(area, buffer);
    let Some(room) = state.room().filter(|room| !room.is_direct()) else {
        return;
    };
    let cells = usize::from(inner.width);
    let heading = fit(&format!(" {} here", room.people.total), cells);
    let heading = Line::from(Span::styled(heading, state.theme.quiet()));
    let people = room.people.sorted();
    let rows_left = usize::from(inner.height).saturating_sub(1);
    let total = usize::try_from(room.people.total).unwrap_or(usize::MAX);
    let in_sight = if people.len() > rows_left || total > people.len() {
        rows_left.saturating_sub(1).min(people.len())
    } else {
        people.len()
    };
    let rows = people
        .iter()
        .take(in_sight)
        .map(|user| row(state, user, cells));
    let more = total.max(people.len()).saturating_sub(in_sight);
    let rest = (more > 0).then(|| {
        let text = fit(&format!(" +{more} more"), cells);
        Line::from(Span::styled(text, state.theme.quiet()))
    });
    let all = std::iter::once(heading).chain(rows).chain(rest);
    super::lines(all, inner, buffer);
}

fn row(state: &State, user: &UserInfo, cells: usize) -> Line<'static> {
    let theme = state.theme;
    if user.away {
        let name = fit(&user.name, cells.saturating_sub(6));
        return Line::from(Span::styled(format!(" {name} away"), theme.quiet()));
    }
    let name = fit(&user.name, cells.saturating_sub(1));
    let style = theme.name(&user.uid);
    Line::from(vec![Span::raw(" "), Span::styled(name, style)])
}
