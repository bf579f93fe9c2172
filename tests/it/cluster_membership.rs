//! How nodes find each other, and find each other again.

use chat::node::Tuning;
use chat::node::cluster::membership::FILE_NAME;
use serde_json::json;

use crate::cluster::{Member, linked, same_history, two, until};
use crate::programs::Space;
use crate::support::{Client, DEADLINE};

/// Waits until each of these is linked with all the others and hears them.
pub async fn linked_and_heard(members: &[&Member]) {
    linked(members).await;
    let heard = |member: &Member| {
        let peers = member.node.shared().replicator().peers();
        peers.iter().filter(|peer| peer.heard).count() == members.len() - 1
    };
    until("the nodes hear each other", async || {
        members.iter().all(|member| heard(member))
    })
    .await;
}

/// Names of the nodes that it lists, and whether they are up.
fn listed(member: &Member) -> Vec<(String, bool)> {
    let nodes = member.node.shared().replicator().nodes();
    nodes.into_iter().map(|node| (node.name, node.up)).collect()
}

#[tokio::test]
async fn a_node_joins_through_any_one_address_and_what_it_is_is_told_to_all() {
    let one = Member::start("n1", &[]).await;
    let two = Member::start("n2", &[&one]).await;
    let three = Member::start("n3", &[&two]).await;
    linked_and_heard(&[&one, &two, &three]).await;
    for through in [&one, &two, &three] {
        let four = Member::start("n4", &[through]).await;
        linked_and_heard(&[&one, &two, &three, &four]).await;
        let peers = three.node.shared().replicator().peers();
        let told = peers.iter().find(|peer| peer.name == "n4").unwrap();
        assert_eq!(told.address, four.peer_address());
        assert!(told.server.starts_with("chat/") && told.started.0 > 0);
        four.stop().await;
        until("n4 has left", async || {
            [&one, &two, &three].iter().all(|m| listed(m).len() == 2)
        })
        .await;
    }
    for member in [one, two, three] {
        member.stop().await;
    }
}

#[tokio::test]
async fn nodes_that_all_move_one_after_the_other_find_each_other_by_what_they_kept() {
    let (one, two) = two().await;
    linked_and_heard(&[&one, &two]).await;
    let (was_one, was_two) = (one.peer_address(), two.peer_address());
    let two = two.stop().await.start(&[]).await;
    linked_and_heard(&[&one, &two]).await;
    let one = one.stop().await.start(&[]).await;
    linked_and_heard(&[&one, &two]).await;
    assert_ne!((one.peer_address(), two.peer_address()), (was_one, was_two));
    assert_eq!(listed(&one), [("n2".to_owned(), true)]);
    assert_eq!(listed(&two), [("n1".to_owned(), true)]);
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn nodes_that_have_all_moved_at_once_need_one_address_of_one() {
    let one = Member::start("n1", &[]).await;
    let two = Member::start("n2", &[&one]).await;
    let three = Member::start("n3", &[&one]).await;
    linked_and_heard(&[&one, &two, &three]).await;
    let (one, two, three) = (one.stop().await, two.stop().await, three.stop().await);
    let three = three.start(&[]).await;
    let one = one.start(&[&three]).await;
    let two = two.start(&[&one]).await;
    linked_and_heard(&[&one, &two, &three]).await;
    for member in [one, two, three] {
        member.stop().await;
    }
}

#[tokio::test]
async fn nodes_that_were_all_stopped_find_each_other_without_being_told_anything() {
    let one = Member::start("n1", &[]).await;
    let two = Member::start("n2", &[&one]).await;
    let three = Member::start("n3", &[&one]).await;
    linked_and_heard(&[&one, &two, &three]).await;
    let address = one.node.peer.unwrap();
    let (one, two, three) = (one.stop().await, two.stop().await, three.stop().await);
    let one = one.start_on(address).await;
    let (two, three) = (two.start(&[]).await, three.start(&[]).await);
    linked_and_heard(&[&one, &two, &three]).await;
    for member in [one, two, three] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_broken_file_of_addresses_keeps_no_node_from_starting() {
    let (one, two) = two().await;
    let two = two.stop().await;
    let file = two.data().join(FILE_NAME);
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .contains(&one.peer_address())
    );
    std::fs::write(&file, b"{\"peers\":[\0").unwrap();
    let two = two.start(&[&one]).await;
    linked(&[&one, &two]).await;
    until("the file is whole again", async || {
        std::fs::read_to_string(&file)
            .unwrap()
            .contains(&one.peer_address())
    })
    .await;
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_keeps_no_node_out() {
    const HOUR_US: i64 = 3_600_000_000;
    let one = Member::start("n1", &[]).await;
    let wrong = |error_us| Tuning {
        clock_error_us: error_us,
        ..Tuning::default()
    };
    let two = Member::start_tuned("n2", &[&one], wrong(24 * HOUR_US)).await;
    let three = Member::start_tuned("n3", &[&one], wrong(-HOUR_US)).await;
    linked_and_heard(&[&one, &two, &three]).await;
    until("the clocks are alarming", async || {
        let alarms = one.node.shared().replicator().alarms();
        ["n2", "n3"].iter().all(|name| {
            let words = format!("the clock of {name} is ");
            alarms.iter().any(|alarm| alarm.starts_with(&words))
        })
    })
    .await;
    // And it is a member again after a restart, on either side.
    let one = one.stop().await.start(&[&three]).await;
    linked_and_heard(&[&one, &two, &three]).await;
    for member in [one, two, three] {
        member.stop().await;
    }
}

#[tokio::test]
async fn lost_datagrams_take_nobody_off() {
    let (one, two) = two().await;
    linked_and_heard(&[&one, &two]).await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    alice.next("user_join").await;
    two.node.mesh().unwrap().cut_datagrams(true);
    until("they do not hear each other", async || {
        [&one, &two]
            .iter()
            .all(|m| !m.node.shared().replicator().peers()[0].heard)
    })
    .await;
    assert_eq!(listed(&one), [("n2".to_owned(), true)]);
    assert_eq!(listed(&two), [("n1".to_owned(), true)]);
    bob.say("lobby", "can you hear me?").await;
    alice.next("new_message").await;
    let so_far = alice.so_far().await;
    assert!(
        so_far.iter().all(|f| f["type"] != "user_leave"),
        "{so_far:?}"
    );
    two.node.mesh().unwrap().cut_datagrams(false);
    linked_and_heard(&[&one, &two]).await;
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_node_that_is_heard_and_cannot_be_linked_is_down_and_an_alarm_until_it_can() {
    let (one, two) = two().await;
    linked_and_heard(&[&one, &two]).await;
    let mut alice = one.user_in("alice", "lobby").await;
    let mut bob = two.user_in("bob", "lobby").await;
    alice.next("user_join").await;
    one.node.mesh().unwrap().cut("n2");
    two.node.mesh().unwrap().cut("n1");
    assert_eq!(alice.next("user_leave").await["reason"], "lost");
    until("it is said which way is blocked", async || {
        [&one, &two].iter().all(|member| {
            let alarms = member.node.shared().replicator().alarms();
            alarms.iter().any(|alarm| alarm.contains("is TCP to"))
        })
    })
    .await;
    assert_eq!(listed(&one), [("n2".to_owned(), false)]);
    bob.say("lobby", "meanwhile").await;
    one.node.mesh().unwrap().mend("n2");
    two.node.mesh().unwrap().mend("n1");
    let joined = alice
        .next_where("bob", |f| {
            f["type"] == "user_join" && f["user"]["name"] == "bob"
        })
        .await;
    assert_eq!(joined["user"]["uid"], bob.uid());
    same_history(&mut alice, &mut bob, "lobby", 1).await;
    linked_and_heard(&[&one, &two]).await;
    assert_eq!(one.node.shared().replicator().alarms(), [""; 0]);
    for member in [one, two] {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_node_that_stood_still_comes_back_with_its_users() {
    let space = Space::new();
    let one = space.node("n1", &[]);
    let mut two = space.node("n2", &["--join", &one.peer()]);
    let mut alice = Client::connect(one.address().parse().unwrap()).await;
    alice.open(json!({"name": "alice"})).await;
    alice.join("lobby").await;
    let mut bob = Client::connect(two.address().parse().unwrap()).await;
    bob.open(json!({"name": "bob"})).await;
    bob.join("lobby").await;
    let is_bob = |frame: &serde_json::Value| frame["user"]["name"] == "bob";
    alice.next_where("bob", is_bob).await;
    two.signal("-STOP");
    assert_eq!(alice.next("user_leave").await["reason"], "lost");
    // Longer than it takes to be declared dead in every way.
    let is_down = |frame: &serde_json::Value| {
        let nodes = frame["nodes"].as_array().unwrap();
        nodes.iter().any(|n| n["name"] == "n2" && n["up"] == false)
    };
    until("n2 is down", async || {
        let mut probe = Client::connect(one.address().parse().unwrap()).await;
        is_down(&probe.ask(json!({"type": "stats"})).await)
    })
    .await;
    alice.say("lobby", "where are you?").await;
    two.signal("-CONT");
    alice.next_where("bob again", is_bob).await;
    let missed = bob.next("new_message").await;
    assert_eq!(missed["text"], "where are you?");
    bob.say("lobby", "here").await;
    let said = alice.next_where("bob's", |f| f["text"] == "here").await;
    assert_eq!(said["uid"], bob.session["uid"]);
    let stopped = tokio::task::spawn_blocking(move || two.stop());
    assert!(
        tokio::time::timeout(DEADLINE, stopped)
            .await
            .unwrap()
            .unwrap()
            .success()
    );
    // It ended in good order: n1 is alone, and nothing is down.
    until("n2 has left", async || {
        let mut probe = Client::connect(one.address().parse().unwrap()).await;
        let stats = probe.ask(json!({"type": "stats"})).await;
        stats["nodes"].as_array().unwrap().len() == 1
    })
    .await;
    drop(one);
}
