//! The monitoring pane: what it knows and what its keys do. In reading order: [`cluster`] (the nodes'
//! figures over the last minutes), [`events`] (what has happened, by comparing), [`alarms`],
//! [`columns`] (the tables), [`report`] and [`json`] (the same for scripts). What is seen of it is in
//! [`view`](super::view).
//!
//! Pure: it is told of figures and of keys, and never asks a clock.

pub mod alarms;
pub mod cluster;
pub mod columns;
pub mod events;
pub mod json;
pub mod report;
pub mod words;

use crossterm::event::KeyEvent;

use self::cluster::Cluster;
use self::columns::Sort;
use super::event::Effect;
use super::keys::{Action, Pane};
use super::state::{Asked, State};
use super::view::monitor::detail;
use crate::client::Command;
use crate::protocol::server::ErrorFrame;
use crate::protocol::stats::Stats;
use crate::protocol::{ClientFrame, Ts};

/// Milliseconds between two updates.
pub const EVERY_MS: u64 = 1_000;

/// What one is told who may not see the figures.
pub const REFUSED: &str = "the monitoring pane is for administrators: run it on a node's own machine, \
     as the user who runs the node";

/// Rows that a page is taken for.
const PAGE_ROWS: usize = 10;

/// The pane's state.
#[derive(Clone, Debug)]
pub struct Monitor {
    /// Whether it is shown in place of the chat.
    pub open: bool,
    /// The figures are asked for, and come every second under this mark.
    asked: Option<i64>,
    /// Once they were refused: not before this moment.
    put_off: Option<Ts>,
    /// All that is known, while it is shown or not.
    live: Cluster,
    /// What is shown while the pane is paused.
    paused: Option<Box<Cluster>>,
    pub list: List,
    pub nodes: Table,
    pub rooms: Table,
    pub links: Table,
    /// Events that are scrolled past, from the newest on.
    pub events_row: usize,
    pub detail: Option<Detail>,
    /// Rows of the detail that are scrolled past.
    pub detail_row: usize,
}

/// The lists, in the order in which Tab goes through them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum List {
    #[default]
    Nodes,
    Rooms,
    Links,
    Events,
}

impl List {
    pub const ALL: [List; 4] = [List::Nodes, List::Rooms, List::Links, List::Events];

    pub fn title(self) -> &'static str {
        match self {
            List::Nodes => "nodes",
            List::Rooms => "rooms",
            List::Links => "links",
            List::Events => "events",
        }
    }

    /// The list that comes so many later, round and round.
    pub fn step(self, by: usize) -> List {
        let at = List::ALL.iter().position(|list| *list == self);
        List::ALL[(at.unwrap_or(0) + by) % List::ALL.len()]
    }
}

/// A table's order, and which row of it is chosen: by its name, so that it stays chosen while rows
/// change places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub sort: Sort,
    pub chosen: Option<String>,
}

impl Table {
    /// The chosen row's place among `names`.
    pub fn at(&self, names: &[String]) -> usize {
        let chosen = self.chosen.as_ref();
        chosen.map_or(0, |chosen| {
            names.iter().position(|name| name == chosen).unwrap_or(0)
        })
    }

    fn go(&mut self, names: &[String], to: isize) {
        let at = self.at(names).saturating_add_signed(to);
        self.chosen = names.get(at.min(names.len().saturating_sub(1))).cloned();
    }
}

/// What is looked at more closely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    Node(String),
    Room(String),
}

impl Default for Monitor {
    fn default() -> Monitor {
        let busiest = Sort {
            column: 1,
            reversed: false,
        };
        Monitor {
            open: false,
            asked: None,
            put_off: None,
            live: Cluster::default(),
            paused: None,
            list: List::Nodes,
            nodes: Table::default(),
            rooms: Table {
                sort: busiest,
                chosen: None,
            },
            links: Table::default(),
            events_row: 0,
            detail: None,
            detail_row: 0,
        }
    }
}

impl Monitor {
    /// What is to be seen: as it is, or as it was when the pane was paused.
    pub fn cluster(&self) -> &Cluster {
        self.paused.as_deref().unwrap_or(&self.live)
    }

    pub fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// The names of the rows of a table, in their order.
    pub fn names(&self, list: List) -> Vec<String> {
        let cluster = self.cluster();
        match list {
            List::Nodes => {
                let rows = columns::node_rows(cluster, self.nodes.sort);
                rows.into_iter().map(|node| node.name.clone()).collect()
            }
            List::Rooms => {
                let rows = columns::room_rows(cluster, self.rooms.sort);
                rows.into_iter().map(|room| room.name).collect()
            }
            List::Links => {
                let rows = columns::link_rows(cluster, self.links.sort);
                rows.iter().map(columns::LinkRow::name).collect()
            }
            List::Events => Vec::new(),
        }
    }

    pub fn table(&self, list: List) -> &Table {
        match list {
            List::Nodes | List::Events => &self.nodes,
            List::Rooms => &self.rooms,
            List::Links => &self.links,
        }
    }

    fn table_mut(&mut self, list: List) -> &mut Table {
        match list {
            List::Nodes | List::Events => &mut self.nodes,
            List::Rooms => &mut self.rooms,
            List::Links => &mut self.links,
        }
    }

    /// Moves the chosen row.
    fn choose(&mut self, by: isize) {
        if self.list == List::Events {
            let most = self.cluster().events.len().saturating_sub(1);
            self.events_row = self.events_row.saturating_add_signed(by).min(most);
            return;
        }
        let names = self.names(self.list);
        self.table_mut(self.list).go(&names, by);
    }

    /// Looks at the chosen row more closely. A link leads to the node that it is seen from, an event to
    /// the node that it is about.
    fn open_chosen(&mut self) {
        let names = self.names(self.list);
        let chosen = names.get(self.table(self.list).at(&names)).cloned();
        self.detail = match self.list {
            List::Nodes => chosen.map(Detail::Node),
            List::Rooms => chosen.map(Detail::Room),
            List::Links => {
                let rows = columns::link_rows(self.cluster(), self.links.sort);
                let link = rows.into_iter().find(|link| Some(link.name()) == chosen);
                link.map(|link| Detail::Node(link.from))
            }
            List::Events => {
                let event = self.cluster().events.iter().rev().nth(self.events_row);
                let node = event.map(|event| event.node.clone());
                let known = node.filter(|node| self.cluster().nodes.contains_key(node));
                known.map(Detail::Node)
            }
        };
        self.detail_row = 0;
    }

    fn sort(&mut self, change: impl FnOnce(&mut Sort, usize)) {
        let columns = match self.list {
            List::Nodes => columns::NODES.len(),
            List::Rooms => columns::ROOMS.len(),
            List::Links => columns::LINKS.len(),
            List::Events => return,
        };
        change(&mut self.table_mut(self.list).sort, columns);
    }

    fn pause(&mut self) {
        self.paused = match self.paused.take() {
            Some(_) => None,
            None => Some(Box::new(self.live.clone())),
        };
    }
}

/// Shows the pane, or the chat again; who may not see it is told so.
pub fn toggle(state: &mut State) -> Vec<Effect> {
    let may = state.me.as_ref().is_none_or(|me| me.admin);
    if !state.monitor.open && state.is_online() && !may {
        state.say(REFUSED);
        return Vec::new();
    }
    state.monitor.open = !state.monitor.open;
    Vec::new()
}

/// Asks for the figures while the pane is open, and has them end when it is not.
pub fn ask(state: &mut State) -> Option<Effect> {
    let may = state.me.as_ref().is_some_and(|me| me.admin);
    let wanted = state.monitor.open && state.is_online() && may;
    if wanted && state.monitor.put_off.is_some_and(|until| state.now < until) {
        return None;
    }
    let every = match (wanted, state.monitor.asked) {
        (true, None) => EVERY_MS,
        (false, Some(_)) => {
            state.monitor.asked = None;
            if !state.is_online() {
                return None;
            }
            0
        }
        (true, Some(_)) | (false, None) => return None,
    };
    let node = (every > 0).then(|| "*".to_owned());
    let every = Some(every);
    let effect = state.ask(Asked::Stats, ClientFrame::Stats { every, node });
    if wanted && let Effect::Net(Command::Ask { re, .. }) = &effect {
        state.monitor.asked = Some(*re);
    }
    Some(effect)
}

/// The connection is lost: the next node is asked anew.
pub fn offline(state: &mut State) {
    state.monitor.asked = None;
    state.monitor.put_off = None;
}

/// The node gives no figures. It is asked again when it may have changed its mind: after the time it said,
/// or a second; else not over this connection.
pub fn refused(state: &mut State, error: &ErrorFrame) {
    let wait_ms = error.retry_after_ms.unwrap_or(0).max(EVERY_MS);
    let wait_us = i64::try_from(wait_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let until = if error.code.is_passing() {
        state.now.0.saturating_add(wait_us)
    } else {
        i64::MAX
    };
    state.monitor.asked = None;
    state.monitor.put_off = Some(Ts(until));
}

/// The nodes' figures.
pub fn take(state: &mut State, stats: Stats) -> Vec<Effect> {
    if state.monitor.open && state.monitor.asked.is_some() {
        state.monitor.live.take(state.now, stats);
    }
    Vec::new()
}

/// A key while the pane is shown.
pub fn press(state: &mut State, key: &KeyEvent) -> Option<Action> {
    let action = state.keys.pane_action(key)?;
    let Action::Pane(pane) = action else {
        return Some(action);
    };
    let monitor = &mut state.monitor;
    match pane {
        Pane::Up => go(state, -1),
        Pane::Down => go(state, 1),
        Pane::PageUp => go(state, -(PAGE_ROWS as isize)),
        Pane::PageDown => go(state, PAGE_ROWS as isize),
        Pane::First => go(state, isize::MIN),
        Pane::Last => go(state, isize::MAX),
        Pane::Open => {
            if monitor.detail.is_none() {
                monitor.open_chosen();
            }
        }
        Pane::Back => monitor.detail = None,
        Pane::NextList => {
            monitor.detail = None;
            monitor.list = monitor.list.step(1);
        }
        Pane::PreviousList => {
            monitor.detail = None;
            monitor.list = monitor.list.step(List::ALL.len() - 1);
        }
        Pane::Sort => monitor.sort(Sort::step),
        Pane::Reverse => monitor.sort(|sort, _| sort.reversed = !sort.reversed),
        Pane::Pause => monitor.pause(),
    }
    None
}

/// Moves the chosen row, or what is looked at more closely.
pub fn go(state: &mut State, by: isize) {
    let Some(about) = &state.monitor.detail else {
        return state.monitor.choose(by);
    };
    let last = detail::last_row(state, about);
    let row = &mut state.monitor.detail_row;
    // It may have become shorter meanwhile.
    *row = (*row).min(last).saturating_add_signed(by).min(last);
}
