//! A node over real TCP, as stories. One crate, since linking is what takes time; `support` has the
//! node to talk to and the client to talk with.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod programs;
#[allow(dead_code)]
mod support;

mod bridge_link;
mod cli_scripts;
mod cli_start;
mod cluster;
mod cluster_faults;
mod cluster_machines;
mod cluster_membership;
mod cluster_messages;
mod cluster_people;
mod cluster_strangers;
mod direct;
mod errors;
mod faults_judge;
mod faults_view;
mod frames;
mod hostile;
/// What judges the runs of `tests/faults`: here it is judged itself.
#[allow(dead_code)]
#[path = "../faults/judge/mod.rs"]
mod judge;
mod limits;
mod messages;
mod metrics;
mod missed;
mod monitor;
mod names;
mod node_lost;
mod opening;
mod places;
mod presence;
mod process;
mod rooms;
mod seam;
mod searching;
mod slow;
mod starting;
mod stats;
mod story;
mod text_mode;
mod time;
mod tui;
mod tui_end;
mod tui_hostile;
mod tui_kept;
#[allow(dead_code)]
mod tui_lines;
mod tui_selecting;
mod tui_start;
mod tui_support;
mod web;
mod web_frames;
mod web_moving;
mod web_socket;
mod web_statuses;
#[allow(dead_code)]
mod web_support;
mod web_tls;
