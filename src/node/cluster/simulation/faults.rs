//! What goes wrong, and when: a plan that follows from the seed. All of it is over at the end, so that
//! what was promised for then can be looked at.

use std::time::Duration;

use super::Chance;
use crate::node::cluster::replication::Moment;

/// Microseconds of an hour and of a day.
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The process ends as by kill -9, and is started again after a while.
    Kill { node: usize },
    /// The machine loses its power: what was only in its memory is gone.
    PowerCut { node: usize },
    /// All machines lose their power at once.
    PowerCutOfAll,
    /// The process stands still, and then goes on.
    Freeze { node: usize },
    /// The directions carry nothing.
    Cut { directions: Vec<(usize, usize)> },
    /// The directions carry nothing every other moment.
    Flap { directions: Vec<(usize, usize)> },
    /// The disk takes nothing.
    DiskFull { node: usize },
    /// The wall clock jumps; the process is started anew with it or goes on.
    ClockJump { node: usize, us: i64, restart: bool },
    /// The disk is put back to an earlier state.
    Restore { node: usize, in_place: bool },
}

/// A fault's beginning and how long it lasts.
#[derive(Clone, Debug)]
pub struct Planned {
    pub at: Moment,
    pub lasts: Duration,
    pub fault: Fault,
}

/// Faults between `from` and `to`; each has an end before `to`. One disk at most is set back.
pub fn plan(chance: &mut Chance, nodes: usize, from: Moment, to: Moment) -> Vec<Planned> {
    let count = 2 + chance.below(6);
    let restored = chance.below(nodes as u64) as usize;
    let mut planned = Vec::new();
    for _ in 0..count {
        let lasts = chance.millis(200, 8_000).min(to - from);
        let at = from + chance.millis(0, (to - from - lasts).as_millis() as u64);
        let node = chance.below(nodes as u64) as usize;
        let fault = match chance.below(12) {
            0 | 1 => Fault::Kill { node },
            2 => Fault::PowerCut { node },
            3 => Fault::PowerCutOfAll,
            4 => Fault::Freeze { node },
            5 => Fault::Cut {
                directions: sides(chance, nodes),
            },
            6 => Fault::Cut {
                directions: one_way(chance, nodes),
            },
            7 => Fault::Flap {
                directions: sides(chance, nodes),
            },
            8 => Fault::DiskFull { node },
            9 | 10 => Fault::ClockJump {
                node,
                us: *chance.pick(&[-HOUR_US, -5_000_000, -200_000, 200_000, 5_000_000, DAY_US]),
                restart: chance.one_in(2),
            },
            _ => Fault::Restore {
                node: restored,
                in_place: chance.one_in(2),
            },
        };
        planned.push(Planned { at, lasts, fault });
    }
    planned.sort_by_key(|planned| planned.at);
    planned
}

/// Two sides that do not hear each other.
fn sides(chance: &mut Chance, nodes: usize) -> Vec<(usize, usize)> {
    let side: Vec<bool> = (0..nodes).map(|_| chance.one_in(2)).collect();
    pairs(nodes).filter(|(a, b)| side[*a] != side[*b]).collect()
}

/// Some directions between nodes.
fn one_way(chance: &mut Chance, nodes: usize) -> Vec<(usize, usize)> {
    pairs(nodes).filter(|_| chance.one_in(3)).collect()
}

fn pairs(nodes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..nodes)
        .flat_map(move |a| (0..nodes).map(move |b| (a, b)))
        .filter(|(a, b)| a != b)
}
