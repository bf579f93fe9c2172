//! What is known of the chosen message, and what can be done with it.

use ratatui::text::{Line, Span};

use crate::protocol::Ts;
use crate::tui::keys::{Action, Deed};
use crate::tui::room::{Delivery, Pending};
use crate::tui::rows::Sheet;
use crate::tui::selection::{Chosen, chosen};
use crate::tui::shown::{fit, safe, width};
use crate::tui::state::State;
use crate::tui::timeline::Post;
use crate::tui::travel::sheet;

/// Where the way out leads.
const BACK: &str = "back";

/// What is known of it, the most important first, in as many cells.
pub fn detail(state: &State, cells: usize) -> Line<'static> {
    let (theme, Some(sheet)) = (state.theme, sheet(state)) else {
        return Line::default();
    };
    let (parts, style) = match chosen(state) {
        Some(Chosen::Post(post)) => (of_post(state, &sheet, post), theme.strong()),
        Some(Chosen::Pending(pending)) => match &pending.state {
            Delivery::Waiting => (of_pending(&sheet, pending), theme.warning()),
            Delivery::Failed(_) => (of_pending(&sheet, pending), theme.wrong()),
        },
        None => return Line::default(),
    };
    let mut told = String::new();
    for part in parts {
        let part = safe(&part, false);
        let gap = if told.is_empty() { "" } else { " · " };
        if !told.is_empty() && width(&told) + width(gap) + width(&part) > cells {
            continue;
        }
        told.push_str(gap);
        told.push_str(&part);
    }
    Line::from(Span::styled(fit(&told, cells), style))
}

fn of_post(state: &State, sheet: &Sheet<'_>, post: &Post) -> Vec<String> {
    let message = &post.message;
    let mine = state.is_me(&message.uid);
    let mut parts = vec![if mine {
        "yours".to_owned()
    } else {
        message.from.clone()
    }];
    if mine && !message.deleted {
        parts.push(match post.copies {
            // It came with the history: which nodes have it by now is not told.
            0 => "stored".to_owned(),
            1 => "stored on 1 node".to_owned(),
            copies => format!("stored on {copies} nodes"),
        });
    }
    if message.deleted {
        parts.push("deleted".to_owned());
    }
    parts.push(moment(state, sheet, message.ts));
    if let Some(edited) = message.edited {
        parts.push(format!("edited {}", sheet.format(edited, "%H:%M")));
    }
    if message.late {
        parts.push("came late".to_owned());
    }
    for (emoji, names) in &message.reactions {
        parts.push(format!("{emoji} {}", names.join(", ")));
    }
    parts
}

/// With the year where it is another one.
fn moment(state: &State, sheet: &Sheet<'_>, ts: Ts) -> String {
    let year = |ts| sheet.format(ts, "%Y");
    if year(ts) == year(state.now) {
        sheet.format(ts, "%a %-d %b, %H:%M:%S")
    } else {
        sheet.format(ts, "%a %-d %b %Y, %H:%M:%S")
    }
}

fn of_pending(sheet: &Sheet<'_>, pending: &Pending) -> Vec<String> {
    let written = sheet.format(pending.ts, "%H:%M:%S");
    match &pending.state {
        Delivery::Waiting => vec![
            "yours".to_owned(),
            "no node has it yet".to_owned(),
            "sent again by itself".to_owned(),
            written,
        ],
        Delivery::Failed(reason) => vec![format!("not sent: {reason}"), written],
    }
}

/// The keys that do something with it, in as many cells; the way back always.
pub fn keys(state: &State, cells: usize) -> Line<'static> {
    let theme = state.theme;
    let Some(selection) = &state.selection else {
        return Line::default();
    };
    let key = |deed| state.keys.first(Action::Deed(deed));
    if selection.deleting {
        let key = key(Deed::Delete).unwrap_or_default();
        let words = format!("{key} again deletes it for good · any other key keeps it");
        return Line::from(Span::styled(fit(&words, cells), theme.wrong()));
    }
    let mut hints: Vec<(String, &str)> = deeds(state)
        .into_iter()
        .filter_map(|(deed, words)| Some((key(deed)?, words)))
        .collect();
    if let (Some(up), Some(down)) = (key(Deed::Up), key(Deed::Down)) {
        hints.push((format!("{up}/{down}"), "move"));
    }
    let back = key(Deed::Leave).unwrap_or_default();
    let mut left = cells.saturating_sub(width(&back));
    let mut told: Vec<(String, &str)> = Vec::new();
    for (key, words) in hints {
        let wanted = width(&key) + width(words) + 3;
        if wanted <= left {
            left -= wanted;
            told.push((key, words));
        }
    }
    told.push((back, if left > BACK.len() { BACK } else { "" }));
    let spans = told.into_iter().flat_map(|(key, words)| {
        let key = Span::styled(key, theme.accent());
        [key, Span::raw(format!(" {words}  "))]
    });
    Line::from(spans.collect::<Vec<_>>())
}

/// What can be done with this one, what is wanted most first.
fn deeds(state: &State) -> Vec<(Deed, &'static str)> {
    match chosen(state) {
        Some(Chosen::Post(post)) if post.message.deleted => Vec::new(),
        Some(Chosen::Post(post)) => {
            let mut deeds = vec![
                (Deed::Reply, "reply"),
                (Deed::React, "react"),
                (Deed::Copy, "copy"),
            ];
            if state.is_me(&post.message.uid) {
                deeds.extend([(Deed::Edit, "edit"), (Deed::Delete, "delete")]);
            }
            if post.message.reply_to.is_some() {
                deeds.push((Deed::Answered, "what it answers"));
            }
            deeds
        }
        Some(Chosen::Pending(pending)) => match pending.state {
            Delivery::Waiting => vec![(Deed::Copy, "copy")],
            Delivery::Failed(_) => vec![
                (Deed::Resend, "send again"),
                (Deed::Discard, "drop"),
                (Deed::Edit, "edit"),
                (Deed::Copy, "copy"),
            ],
        },
        None => Vec::new(),
    }
}
