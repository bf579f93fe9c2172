//! What has happened, in lines for the person who looks into a failing seed.

use crate::node::cluster::replication::Moment;

/// Lines that are kept: the last ones say most.
const LINES_MAX: usize = 4_000;

#[derive(Default)]
pub struct Story {
    lines: std::collections::VecDeque<String>,
}

impl Story {
    pub fn tell(&mut self, now: Moment, line: impl FnOnce() -> String) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        let line = line();
        self.lines
            .push_back(format!("{:>9.3} s  {line}", now.as_secs_f64()));
    }

    pub fn told(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}
