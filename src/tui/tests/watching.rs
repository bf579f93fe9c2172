//! What the pane says of nodes over time must be true also where clocks, networks and processes are not
//! as they should be.

use crate::protocol::stats::{NodeInfo, Stats};
use crate::tui::monitor::alarms::alarms;
use crate::tui::monitor::cluster::Watched;
use crate::tui::testing::Story;
use crate::tui::tests::monitoring::{figures, happened, hear, info, stats, watching};

fn down(name: &str, down_s: u64) -> NodeInfo {
    NodeInfo {
        down_s: Some(down_s),
        ..info(name, false)
    }
}

/// Of one node that is there alone, after so many seconds.
fn one(uptime_s: u64) -> Stats {
    stats(vec![info("n1", true)], vec![figures("n1", uptime_s, &[])])
}

fn watched<'a>(story: &'a Story, name: &str) -> &'a Watched {
    &story.state.monitor.cluster().nodes[name]
}

#[test]
fn a_node_that_crashed_is_not_said_to_have_left_when_the_others_forget_it() {
    let mut story = watching(120, 24);
    let mut first = one(100);
    first.nodes.push(down("n2", 3_000));
    hear(&mut story, first);
    let lost = story.state.monitor.cluster().events[0].clone();
    assert_eq!(story.state.now.0 - lost.at.0, 3_000_000_000, "since then");
    story.wait(601);
    hear(&mut story, one(701));
    assert_eq!(
        happened(&story),
        [
            "n2 lost",
            "n2 is still down, and the nodes no longer list it"
        ]
    );
}

#[test]
fn figures_that_come_all_at_once_after_a_stall_tell_no_other_use_of_the_processor() {
    let mut story = watching(120, 24);
    for second in 100..110 {
        hear(&mut story, one(second));
    }
    let before = watched(&story, "n1").cpu_percent().unwrap();
    assert!((2.4..2.6).contains(&before), "{before}");
    story.wait(5);
    for second in 110..115 {
        let late = crate::protocol::ServerFrame::Stats(Box::new(one(second)));
        story.frame(late);
    }
    let after = watched(&story, "n1").cpu_percent().unwrap();
    assert!((1.0..4.0).contains(&after), "{after}");
}

#[test]
fn who_opens_the_pane_while_a_node_is_down_is_told_what_was_merged_since() {
    let mut story = watching(120, 24);
    let of = |second: u64, merged, up| {
        let mut second_node = figures("n2", second, &[]);
        second_node.merged = merged;
        let nodes = vec![
            if up { info("n1", true) } else { down("n1", 50) },
            info("n2", true),
        ];
        let mut all = vec![second_node];
        if up {
            all.push(figures("n1", second % 100, &[]));
        }
        Stats {
            node: "n2".to_owned(),
            ..stats(nodes, all)
        }
    };
    hear(&mut story, of(1_000, 5_000, false));
    for second in 1_001..1_006 {
        hear(&mut story, of(second, 5_003, true));
    }
    let healed = "n1 healed, 3 events merged".to_owned();
    assert!(happened(&story).contains(&healed), "{:?}", happened(&story));
}

#[test]
fn a_node_that_stays_behind_is_said_to_catch_up_and_healed_once_it_has() {
    let mut story = watching(120, 24);
    let of = |second: u64, merged, lag| {
        let mut own = figures("n1", second, &["n2"]);
        own.peers[0].lag_events = lag;
        let mut other = figures("n2", second, &["n1"]);
        other.merged = merged;
        stats(vec![info("n1", true), info("n2", true)], vec![own, other])
    };
    hear(&mut story, of(100, 0, 0));
    let mut gone = one(101);
    gone.nodes.push(down("n2", 1));
    hear(&mut story, gone);
    for second in 102..165 {
        hear(&mut story, of(second, 100, 5_000));
    }
    for second in 165..170 {
        // Some are always on their way where much is said.
        hear(&mut story, of(second, 5_100, 3));
    }
    assert_eq!(
        happened(&story)[2..],
        [
            "n2 still catches up, 100 events merged so far",
            "n2 healed, 5100 events merged"
        ]
    );
}

#[test]
fn an_alarm_about_a_node_is_left_out_for_that_node_alone() {
    let mut story = watching(120, 24);
    let mut now = stats(
        vec![info("n1", true), down("n2", 5)],
        vec![figures("n1", 100, &[])],
    );
    now.figures[0].alarms = vec![
        "there is no link to n2 (127.0.0.1:9998)".to_owned(),
        "there is no link to n20 (127.0.0.2:9998)".to_owned(),
    ];
    hear(&mut story, now);
    let shown: Vec<String> = alarms(story.state.monitor.cluster())
        .into_iter()
        .map(|alarm| format!("{}: {}", alarm.node, alarm.words))
        .collect();
    assert_eq!(
        shown,
        [
            "n1: there is no link to n20 (127.0.0.2:9998)",
            "n2: down for 5 s"
        ]
    );
}

#[test]
fn alarms_about_several_nodes_are_several_and_are_over_one_by_one() {
    let mut story = watching(120, 24);
    hear(&mut story, one(100));
    let mut behind = |second, all: &[&str]| {
        let mut now = one(second);
        now.figures[0].alarms = all.iter().map(|&alarm| alarm.to_owned()).collect();
        hear(&mut story, now);
    };
    let second_behind = "the clock of n2 is 3.1 s behind this node's";
    let third_behind = "the clock of n3 is 3.1 s behind this node's";
    behind(101, &[second_behind, third_behind]);
    behind(
        102,
        &["the clock of n2 is 3.4 s behind this node's", third_behind],
    );
    behind(103, &[third_behind]);
    assert_eq!(
        happened(&story),
        [
            "n1 alarm: the clock of n2 is 3.1 s behind this node's",
            "n1 alarm: the clock of n3 is 3.1 s behind this node's",
            "n1 over: the clock of n2 is 3.4 s behind this node's",
        ]
    );
}

#[test]
fn what_a_counter_has_risen_by_is_of_the_last_minute_and_outlives_a_restart() {
    let mut story = watching(120, 24);
    let refused = |second, throttled| {
        let mut now = one(second);
        now.figures[0].throttled = throttled;
        now
    };
    hear(&mut story, refused(1_000, 970));
    hear(&mut story, refused(1_001, 1_000));
    hear(&mut story, refused(1, 500));
    assert_eq!(watched(&story, "n1").risen(|s| s.throttled), 530);
    story.wait(61);
    hear(&mut story, refused(63, 501));
    assert_eq!(
        watched(&story, "n1").risen(|s| s.throttled),
        0,
        "what was before that minute is not known to be of it"
    );
}
