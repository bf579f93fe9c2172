//! The nodes and their alarms, as time passes.

use std::sync::Arc;
use std::time::Duration;

use super::alarms::{CLOCK_OFFSET_ALARM_US, REFUSED_ALARM, UNHEARD_ALARM};
use super::nodes::{LISTED_AFTER, Nodes};
use crate::node::cluster::links::Health;
use crate::node::cluster::membership::{Facts, Heard, Member};
use crate::node::cluster::replication::LinkId;
use crate::protocol::peer::{Hello, Incarnation, PEER_PROTOCOL};
use crate::protocol::{Origin, Ts};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const LINK: LinkId = LinkId(1);

fn hello() -> Hello {
    Hello {
        protocol: PEER_PROTOCOL,
        node: "n2".to_owned(),
        incarnation: Incarnation(1),
        origin: Origin::parse("n2-0000").unwrap(),
        client_address: "127.0.0.1:9002".to_owned(),
        peer_address: "127.0.0.1:9998".to_owned(),
        dial: 0,
        time: Ts(0),
        known: vec![],
    }
}

/// The same node, as the gossip hears it.
fn heard() -> Heard {
    let hello = hello();
    let facts = Facts {
        node: hello.node,
        origin: hello.origin,
        incarnation: hello.incarnation,
        client_address: hello.client_address,
        peer_address: hello.peer_address.parse().unwrap(),
        server: "chat/0.1.0".to_owned(),
        started: Ts(5),
    };
    Heard {
        members: vec![Member {
            facts,
            leaving: false,
        }],
        broken: false,
    }
}

/// Nodes with a link to n2, which is heard too.
fn linked() -> Nodes {
    let mut nodes = Nodes::default();
    nodes.up(LINK, &hello(), Arc::default());
    nodes.heard(heard());
    nodes.refresh(SECOND, |_| None);
    nodes
}

#[test]
fn a_node_is_up_while_it_has_a_link_and_listed_for_an_hour_after_it() {
    let mut nodes = Nodes::default();
    let (hello, health) = (hello(), Arc::new(Health::default()));
    nodes.up(LinkId(1), &hello, health.clone());
    nodes.up(LinkId(2), &hello, health);
    let now = SECOND * 9;
    assert!(
        !nodes.down(now, LinkId(1), &hello.origin),
        "there is another"
    );
    assert!(nodes.infos()[0].up && nodes.alarms().is_empty());
    assert!(nodes.down(now, LinkId(2), &hello.origin));
    assert!(!nodes.infos()[0].up);
    assert_eq!(nodes.alarms(), ["there is no link to n2 (127.0.0.1:9998)"]);
    nodes.refresh(now + HOUR, |_| None);
    assert_eq!(nodes.infos(), []);
}

#[test]
fn a_node_that_has_said_that_it_ends_is_not_listed_as_down_though_it_is_heard_for_a_while() {
    let mut nodes = linked();
    let origin = hello().origin;
    nodes.left(SECOND, &origin);
    assert!(nodes.infos()[0].up, "it is still there");
    assert!(nodes.down(SECOND, LINK, &origin));
    for second in 1..60 {
        nodes.refresh(SECOND * second, |_| None);
        assert_eq!(nodes.infos(), [], "{second}");
    }
    // Its next run is another one.
    let mut again = hello();
    again.incarnation = Incarnation(2);
    nodes.up(LinkId(2), &again, Arc::default());
    assert!(nodes.infos()[0].up);
}

#[test]
fn one_that_says_so_by_gossip_alone_is_not_listed_either() {
    let mut nodes = linked();
    nodes.down(SECOND, LINK, &hello().origin);
    nodes.refresh(SECOND * 2, |_| None);
    assert_eq!(nodes.infos().len(), 1);
    let mut leaving = heard();
    leaving.members[0].leaving = true;
    nodes.heard(leaving);
    nodes.refresh(SECOND * 3, |_| None);
    assert_eq!(nodes.infos(), []);
    nodes.heard(Heard::default());
    nodes.refresh(SECOND * 4, |_| None);
    assert_eq!(nodes.infos(), []);
}

#[test]
fn a_node_that_is_heard_and_has_no_link_is_down_and_said_to_be_heard() {
    let mut nodes = linked();
    nodes.down(SECOND, LINK, &hello().origin);
    assert_eq!(nodes.alarms(), ["there is no link to n2 (127.0.0.1:9998)"]);
    // One that has crashed is heard for a while.
    nodes.refresh(SECOND * 20, |_| None);
    assert_eq!(nodes.alarms(), ["there is no link to n2 (127.0.0.1:9998)"]);
    nodes.refresh(SECOND * 2 * 3600, |_| None);
    assert!(!nodes.infos()[0].up, "it is heard, so it is not forgotten");
    assert_eq!(
        nodes.alarms(),
        [
            "there is no link to n2 (127.0.0.1:9998), though it is heard: is TCP to that port blocked?"
        ]
    );
    assert!(nodes.figures()[0].heard);
}

#[test]
fn a_node_that_was_never_linked_is_listed_when_calling_it_takes_long() {
    let mut nodes = Nodes::default();
    nodes.heard(heard());
    nodes.refresh(SECOND, |_| None);
    assert_eq!(nodes.infos(), []);
    assert_eq!(nodes.reached()[0].address.port(), 9998);
    nodes.refresh(SECOND + LISTED_AFTER, |_| None);
    assert!(!nodes.infos()[0].up && nodes.alarms().len() == 1);
    let figures = &nodes.figures()[0];
    assert_eq!(
        (figures.server.as_str(), figures.started),
        ("chat/0.1.0", Ts(5))
    );
    // It crashes: it stays listed for an hour, as one that was linked does.
    nodes.heard(Heard::default());
    nodes.refresh(HOUR * 2, |_| None);
    assert!(!nodes.infos()[0].up);
    nodes.refresh(HOUR * 3, |_| None);
    assert_eq!(nodes.infos(), []);
}

#[test]
fn a_node_that_is_linked_and_not_heard_is_up_and_an_alarm_after_half_a_minute() {
    let mut nodes = linked();
    nodes.heard(Heard::default());
    nodes.refresh(SECOND * 2, |_| None);
    assert!(nodes.alarms().is_empty());
    nodes.refresh(SECOND * 2 + UNHEARD_ALARM, |_| None);
    assert!(nodes.infos()[0].up);
    let unheard = "n2 (127.0.0.1:9998) is linked but not heard: is UDP to that port blocked?";
    assert_eq!(nodes.alarms(), [unheard]);
    nodes.heard(Heard {
        broken: true,
        ..Heard::default()
    });
    assert_eq!(nodes.alarms().len(), 1, "it is ours that does not work");
    assert!(nodes.alarms()[0].contains("gossip"));
    nodes.heard(heard());
    nodes.refresh(HOUR, |_| None);
    assert!(nodes.alarms().is_empty());
}

#[test]
fn a_node_that_began_a_new_log_is_listed_once() {
    for moved in [false, true] {
        let mut nodes = linked();
        nodes.down(SECOND, LINK, &hello().origin);
        if moved {
            nodes.heard(Heard::default());
        }
        nodes.refresh(SECOND * 2, |_| None);
        let mut again = hello();
        again.incarnation = Incarnation(2);
        again.origin = Origin::parse("n2-1111").unwrap();
        if moved {
            again.peer_address = "127.0.0.1:9997".to_owned();
        }
        nodes.up(LinkId(2), &again, Arc::default());
        nodes.refresh(SECOND * 3, |_| None);
        assert_eq!((nodes.infos().len(), nodes.infos()[0].up), (1, true));
        assert!(nodes.alarms().is_empty());
    }
}

#[test]
fn a_clock_that_is_far_off_raises_an_alarm() {
    let mut nodes = Nodes::default();
    let health = Arc::new(Health::default());
    nodes.up(LINK, &hello(), health.clone());
    health.note(0, 10, Ts(CLOCK_OFFSET_ALARM_US), Ts(5));
    assert!(nodes.alarms().is_empty());
    health.note(5, 10, Ts(-90_000_000), Ts(0));
    assert_eq!(
        nodes.alarms(),
        ["the clock of n2 is 90.0 s behind this node's"]
    );
}

#[test]
fn many_refusals_in_a_minute_are_an_alarm_for_as_long_as_they_go_on() {
    let mut nodes = Nodes::default();
    nodes.refused(REFUSED_ALARM - 1);
    nodes.refresh(SECOND, |_| None);
    assert!(nodes.alarms().is_empty());
    nodes.refused(REFUSED_ALARM);
    assert!(
        nodes.alarms()[0].starts_with("20 connections"),
        "{:?}",
        nodes.alarms()
    );
    nodes.refresh(SECOND * 60, |_| None);
    assert_eq!(nodes.alarms().len(), 1, "in the minute before");
    nodes.refresh(SECOND * 120, |_| None);
    assert!(nodes.alarms().is_empty());
}

#[test]
fn a_name_that_two_nodes_bear_is_an_alarm_with_both_addresses_and_logged_once() {
    let alarm = "more than one node is called n2 (127.0.0.1:9997 and 127.0.0.1:9998): \
                 give each a --name of its own";
    // This node and another one.
    let mut nodes = Nodes::of("n2", "127.0.0.1:9997");
    assert_eq!(nodes.new_shared_names(), [""; 0]);
    nodes.up(LINK, &hello(), Arc::default());
    assert_eq!(nodes.alarms(), [alarm]);
    assert_eq!(nodes.new_shared_names(), [alarm]);
    assert_eq!(nodes.new_shared_names(), [""; 0]);
    nodes.down(SECOND, LINK, &hello().origin);
    assert_eq!(nodes.alarms(), ["there is no link to n2 (127.0.0.1:9998)"]);

    // Two others.
    let mut nodes = Nodes::of("n1", "127.0.0.1:9999");
    nodes.up(LINK, &hello(), Arc::default());
    let mut other = hello();
    other.origin = Origin::parse("n2-1111").unwrap();
    other.incarnation = Incarnation(2);
    other.peer_address = "127.0.0.1:9997".to_owned();
    nodes.up(LinkId(2), &other, Arc::default());
    assert_eq!(nodes.alarms(), [alarm]);
}
