//! All that is known of one node, or of one room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::protocol::Ts;
use crate::protocol::stats::{NodeFigures, PeerFigures};
use crate::tui::flash;
use crate::tui::monitor::alarms::alarms;
use crate::tui::monitor::cluster::{Cluster, NodeState, SAMPLES_MAX, Sample, Watched};
use crate::tui::monitor::columns::link_state;
use crate::tui::monitor::report::lasting_state;
use crate::tui::monitor::{Detail, words};
use crate::tui::shown::{fit, pad, width};
use crate::tui::state::State;
use crate::tui::theme::Theme;

/// Cells of the column of titles.
const TITLE_CELLS: usize = 16;

/// Cells from which there is room for sparklines.
const SPARK_FROM_CELLS: usize = 60;

/// Cells of the column of figures beside which sparklines stand.
const FIGURE_CELLS: usize = 26;

/// Links and rooms that are listed.
const LISTED_MAX: usize = 64;

struct Page {
    theme: Theme,
    cells: usize,
    lines: Vec<Line<'static>>,
}

pub fn draw(state: &State, about: &Detail, area: Rect, buffer: &mut Buffer) {
    let lines = lines(state, about, usize::from(area.width));
    let last = lines.len().saturating_sub(usize::from(area.height));
    let from = state.monitor.detail_row.min(last);
    crate::tui::view::lines(lines.into_iter().skip(from), area, buffer);
}

/// The row at which its last line is at the bottom of the screen.
pub fn last_row(state: &State, about: &Detail) -> usize {
    let (columns, rows) = state.size;
    let alarms = alarms(state.monitor.cluster()).len();
    let screen = Rect::new(0, 0, columns, rows);
    let body = super::parts(screen, alarms, flash::height(state)).body;
    let lines = lines(state, about, usize::from(columns)).len();
    lines.saturating_sub(usize::from(body.height))
}

fn lines(state: &State, about: &Detail, cells: usize) -> Vec<Line<'static>> {
    let cluster = state.monitor.cluster();
    let mut page = Page {
        theme: state.theme,
        cells,
        lines: Vec::new(),
    };
    match about {
        Detail::Node(name) => match cluster.nodes.get(name) {
            Some(node) => page.node(state, cluster, node),
            None => page.heading(&format!("{name} is not there any more")),
        },
        Detail::Room(name) => page.room(cluster, name),
    }
    page.lines
}

impl Page {
    fn node(&mut self, state: &State, cluster: &Cluster, node: &Watched) {
        self.heading(&format!("{} · {}", node.name, node.address));
        match lasting_state(node, cluster, &state.zone) {
            Some(gone) => self.words(&gone, self.theme.wrong()),
            None if node.state == NodeState::Up => self.words("up", self.theme.good()),
            None => self.words(node.state.word(), self.theme.warning()),
        }
        let Some(figures) = &node.figures else { return };
        let uptime = words::lasting(figures.uptime_s);
        // When it told, which for one that is down is long ago.
        let told = node.samples.back().map(|sample| sample.at).or(cluster.at);
        let started = told.unwrap_or_default().0;
        let uptime_us = i64::try_from(figures.uptime_s).unwrap_or(i64::MAX);
        let started = Ts(started.saturating_sub(uptime_us.saturating_mul(1_000_000)));
        let started = words::clock(started, &state.zone);
        self.figure("version", &figures.server);
        self.figure("started", &format!("{uptime} ago, {started}"));
        for alarm in &figures.alarms {
            self.words(&format!("ALARM: {alarm}"), self.theme.wrong());
        }
        self.traffic(node, figures);
        self.machine(node, figures);
        self.refusals(node, figures);
        self.links(figures);
        self.rooms(figures);
    }

    fn traffic(&mut self, node: &Watched, f: &NodeFigures) {
        let sessions = format!(
            "{}, {}",
            f.sessions,
            words::counted(f.connections.into(), "connection")
        );
        self.spark("sessions", &sessions, node, |s| f64::from(s.sessions));
        let messages = format!(
            "{}/s, {} in all",
            words::rate(f.messages_per_s),
            words::count(f.messages)
        );
        self.spark("messages", &messages, node, |s| s.messages_per_s);
        let deliveries = format!(
            "{}/s, {} in all",
            words::rate(f.deliveries_per_s),
            words::count(f.deliveries)
        );
        self.spark("deliveries", &deliveries, node, |s| s.deliveries_per_s);
        let both = |p50, p99| format!("p50 {}, p99 {}", words::micros(p50), words::micros(p99));
        let commit = both(f.commit_us.p50, f.commit_us.p99);
        self.spark("commit", &commit, node, |s| s.commit_p99_us as f64);
        let delivery = both(f.delivery_us.p50, f.delivery_us.p99);
        self.spark("delivery", &delivery, node, |s| s.delivery_p99_us as f64);
        let queues = format!(
            "{} for the store, {} slow readers",
            f.store_queue, f.slow_readers
        );
        self.figure("waiting", &queues);
        let replays = format!(
            "{} times fell behind, {} gaps told",
            words::count(f.replays),
            words::count(f.gaps)
        );
        self.figure("readers", &replays);
    }

    fn machine(&mut self, node: &Watched, f: &NodeFigures) {
        let cpu = node.cpu_percent().map_or("…".to_owned(), words::percent);
        self.spark("processor", &format!("{cpu} of a core"), node, |s| {
            s.cpu_percent.unwrap_or(0.0)
        });
        self.spark("memory", &words::bytes(f.memory_bytes), node, |s| {
            s.memory_bytes as f64
        });
        let growth = node.growth_per_hour().map_or(String::new(), |grown| {
            let sign = if grown < 0 { "-" } else { "+" };
            format!(", {sign}{} an hour", words::bytes(grown.unsigned_abs()))
        });
        self.figure("store", &format!("{}{growth}", words::bytes(f.store_bytes)));
        let events = format!(
            "{} events, {}",
            words::count(f.events),
            words::counted(f.rooms.into(), "room")
        );
        self.figure("log", &events);
        let merged = format!(
            "{} events ({} in the last minute)",
            words::count(f.merged),
            node.risen(|s| s.merged)
        );
        self.figure("merged", &merged);
        let late = format!(
            "{} messages ({} in the last minute)",
            words::count(f.late),
            node.risen(|s| s.late)
        );
        self.figure("came late", &late);
    }

    fn refusals(&mut self, node: &Watched, f: &NodeFigures) {
        let lately = |all, lately| format!("{} ({lately} in the last minute)", words::count(all));
        self.figure("refused", &lately(f.refused, node.risen(|s| s.refused)));
        self.figure(
            "throttled",
            &lately(f.throttled, node.risen(|s| s.throttled)),
        );
        self.figure("faults", &lately(f.faults, node.risen(|s| s.faults)));
        self.figure("failed commits", &words::count(f.commits_failed));
        let strangers = format!(
            "{} links, {} datagrams",
            words::count(f.links_refused),
            words::count(f.datagrams_refused)
        );
        self.figure("strangers", &strangers);
    }

    fn links(&mut self, f: &NodeFigures) {
        if f.peers.is_empty() {
            return;
        }
        self.heading("links");
        for peer in f.peers.iter().take(LISTED_MAX) {
            let (style, words) = self.link(peer);
            let name = pad(&format!(" {}", peer.name), TITLE_CELLS);
            self.row(name, words, style);
        }
    }

    fn link(&self, peer: &PeerFigures) -> (Style, String) {
        let state = link_state(peer);
        let well = peer.up && peer.heard;
        let style = if well {
            self.theme.plain()
        } else {
            self.theme.wrong()
        };
        if !peer.up {
            // The rest is what was true of the link while there was one.
            return (
                style,
                format!("{state} · {} · {}", peer.address, peer.server),
            );
        }
        let words = format!(
            "{state} · {} there and back · {} behind · clock {} · {} queued · {} · {}",
            words::micros(peer.rtt_us),
            words::count(peer.lag_events),
            words::signed_micros(peer.clock_offset_us),
            peer.queued,
            peer.address,
            peer.server,
        );
        (style, words)
    }

    fn rooms(&mut self, f: &NodeFigures) {
        if f.top_rooms.is_empty() {
            return;
        }
        self.heading("busiest rooms");
        for room in f.top_rooms.iter().take(LISTED_MAX) {
            let name = pad(&format!(" {}", room.room), TITLE_CELLS);
            let words = format!(
                "{} in the last minute · {}",
                words::counted(room.messages, "message"),
                words::counted(room.users.into(), "user"),
            );
            self.row(name, words, self.theme.plain());
        }
    }

    fn room(&mut self, cluster: &Cluster, name: &str) {
        self.heading(&format!("#{name}"));
        let Some(room) = cluster.rooms.get(name) else {
            return self.words(
                "it is not among the busiest of the last minute",
                self.theme.plain(),
            );
        };
        let messages = format!("{} in the last minute", words::count(room.messages));
        let values = room.samples.iter().map(|messages| *messages as f64);
        self.sparkline("messages", &messages, values);
        self.figure("users", &words::count(room.users.into()));
        self.heading("messages of the last minute by node");
        for (node, messages) in room.by_node.iter().take(LISTED_MAX) {
            self.row(
                pad(&format!(" {node}"), TITLE_CELLS),
                words::count(*messages),
                self.theme.plain(),
            );
        }
    }

    fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let text = fit(&format!(" {text}"), self.cells);
        self.lines
            .push(Line::from(Span::styled(text, self.theme.strong())));
    }

    fn words(&mut self, text: &str, style: Style) {
        let text = fit(&format!(" {text}"), self.cells);
        self.lines.push(Line::from(Span::styled(text, style)));
    }

    fn figure(&mut self, title: &str, text: &str) {
        self.row(
            pad(&format!(" {title}"), TITLE_CELLS),
            text.to_owned(),
            self.theme.plain(),
        );
    }

    fn row(&mut self, title: String, text: String, style: Style) {
        let room = self.cells.saturating_sub(width(&title));
        let text = fit(&text, room);
        let title = Span::styled(title, self.theme.quiet());
        self.lines
            .push(Line::from(vec![title, Span::styled(text, style)]));
    }

    fn spark(&mut self, title: &str, text: &str, node: &Watched, of: fn(&Sample) -> f64) {
        self.sparkline(title, text, node.samples.iter().map(of));
    }

    fn sparkline(&mut self, title: &str, text: &str, values: impl DoubleEndedIterator<Item = f64>) {
        if self.cells < SPARK_FROM_CELLS {
            return self.figure(title, text);
        }
        let room = self.cells - TITLE_CELLS - FIGURE_CELLS - 1;
        let drawn = words::spark(
            values,
            SAMPLES_MAX,
            room.min(super::courses::SPARK_CELLS_MAX),
        );
        self.lines.push(Line::from(vec![
            Span::styled(pad(&format!(" {title}"), TITLE_CELLS), self.theme.quiet()),
            Span::styled(pad(text, FIGURE_CELLS), self.theme.plain()),
            Span::styled(drawn, self.theme.good()),
        ]));
    }
}
