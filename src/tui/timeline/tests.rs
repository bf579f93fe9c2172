use super::*;
use crate::tui::testing::message;

fn texts(timeline: &Timeline) -> Vec<String> {
    let text = |m: &Message| m.text.clone().unwrap_or_default();
    let mut texts: Vec<String> = timeline.messages_back().map(text).collect();
    texts.reverse();
    texts
}

#[test]
fn frames_that_overlap_in_any_order_show_each_message_once_and_in_order() {
    let all: Vec<Message> = (0..20)
        .map(|n| message(n, "alice", &n.to_string()))
        .collect();
    let mut timeline = Timeline::default();
    for part in [10..20, 5..15, 0..8, 0..20] {
        for at in part.rev() {
            timeline.put(all[at].clone());
        }
    }
    let wanted: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(texts(&timeline), wanted);
}

#[test]
fn a_message_with_two_places_stands_at_the_smaller_one() {
    let (first, second) = (message(1, "alice", "a"), message(2, "bob", "b"));
    let mut moved = first.clone();
    moved.ts = Ts(second.ts.0 + 1);
    for order in [[&first, &moved], [&moved, &first]] {
        let mut timeline = Timeline::default();
        timeline.put(second.clone());
        order.into_iter().for_each(|m| {
            timeline.put(m.clone());
        });
        assert_eq!(texts(&timeline), ["a", "b"]);
    }
}

proptest::proptest! {
    /// However messages come, how often, and at which of their places first: the list is the same.
    #[test]
    fn the_list_does_not_depend_on_the_order_of_arrival(
        heard in proptest::collection::vec((0_u64..12, 0_i64..4, 0_i64..3, 0_u8..8), 1..60),
        turn in 0_usize..60,
    ) {
        let heard: Vec<Message> = heard
            .into_iter()
            .map(|(n, place, edit, fate)| {
                let mut message = message(n, "alice", &format!("{n} edited {edit}"));
                message.ts.0 += place * 90_000_000;
                message.edited = (edit > 0).then_some(Ts(edit));
                if fate == 0 {
                    (message.deleted, message.text, message.edited) = (true, None, None);
                }
                message
            })
            .collect();
        let list = |messages: &mut dyn Iterator<Item = &Message>| {
            let mut timeline = Timeline::default();
            messages.for_each(|m| {
                timeline.put(m.clone());
            });
            timeline.items
        };
        let forward = list(&mut heard.iter());
        let backward = list(&mut heard.iter().rev());
        let (head, tail) = heard.split_at(turn % heard.len());
        let turned = list(&mut tail.iter().chain(head).chain(tail));
        proptest::prop_assert_eq!(&forward, &backward);
        proptest::prop_assert_eq!(&forward, &turned);
    }
}

#[test]
fn a_message_that_moves_before_the_window_is_read_there() {
    let mut timeline = Timeline::default();
    timeline.reset(Beyond::More, Beyond::Nothing);
    (10..13).for_each(|n| {
        timeline.put(message(n, "alice", &n.to_string()));
    });
    let mut moved = message(12, "alice", "12");
    moved.ts = message(2, "alice", "").ts;
    assert_eq!(timeline.put_live(moved.clone()), Put::Outside);
    assert_eq!(texts(&timeline), ["10", "11"]);
    // What is before the window is fetched from here on, and has it at its place.
    assert_eq!(timeline.oldest_ts(), Some(message(10, "alice", "").ts));
    timeline.put(moved);
    assert_eq!(texts(&timeline), ["12", "10", "11"]);
}

#[test]
fn what_comes_while_a_page_is_on_its_way_is_put_in_after_it() {
    let mut timeline = Timeline::default();
    timeline.reset(Beyond::More, Beyond::More);
    let at = |n: u64, text: &str| message(n, "alice", text);
    (10..13).for_each(|n| {
        timeline.put(at(n, &n.to_string()));
    });
    timeline.asked_older();
    timeline.asked_newer();
    for (n, text) in [(20, "new"), (8, "late"), (2, "of long ago")] {
        assert_eq!(timeline.put_live(at(n, text)), Put::Outside);
    }
    let mut within = at(30, "late too");
    within.ts = Ts(at(11, "").ts.0 + 1);
    assert_eq!(timeline.put_live(within), Put::New);
    assert_eq!(texts(&timeline), ["10", "11", "late too", "12"]);
    // The pages were made before all that.
    timeline.take_older(vec![at(5, "5"), at(9, "9")], true);
    timeline.take_newer(vec![at(15, "15")], false);
    let all = ["5", "late", "9", "10", "11", "late too", "12", "15", "new"];
    assert_eq!(texts(&timeline), all);
    assert_eq!(
        (timeline.older, timeline.newer),
        (Beyond::More, Beyond::Nothing)
    );
}

#[test]
fn a_page_during_which_too_much_has_come_is_asked_for_again() {
    let mut timeline = Timeline::default();
    timeline.reset(Beyond::Nothing, Beyond::More);
    timeline.put(message(1, "alice", "1"));
    timeline.asked_newer();
    for n in 0..=outside::OUTSIDE_MAX as u64 {
        timeline.put_live(message(10 + n, "bob", "new"));
    }
    timeline.take_newer(vec![message(2, "alice", "2")], false);
    assert_eq!((texts(&timeline).len(), timeline.newer), (1, Beyond::More));
    timeline.asked_newer();
    timeline.take_newer(vec![message(2, "alice", "2")], false);
    assert_eq!(
        (texts(&timeline).len(), timeline.newer),
        (2, Beyond::Nothing)
    );
}

#[test]
fn looking_again_brings_what_another_node_knows_and_no_other_messages() {
    let mut timeline = Timeline::default();
    timeline.put(message(1, "alice", "a"));
    let mut gone = message(2, "bob", "b");
    (gone.deleted, gone.text) = (true, None);
    timeline.put(gone);
    let mut loved = message(1, "alice", "a");
    loved
        .reactions
        .insert("+".to_owned(), vec!["bob".to_owned()]);
    for heard in [loved, message(2, "bob", "b"), message(3, "carol", "c")] {
        timeline.look_again(heard);
    }
    assert_eq!(texts(&timeline), ["a", ""]);
    let first = timeline.message(&message(1, "alice", "").id).unwrap();
    assert_eq!(first.reactions["+"], ["bob"]);
}

#[test]
fn a_deleted_message_stays_deleted_and_an_older_edit_changes_nothing() {
    let mut timeline = Timeline::default();
    let mut edited = message(1, "alice", "new");
    edited.edited = Some(Ts(50));
    timeline.put(edited.clone());
    timeline.put(message(1, "alice", "old"));
    assert_eq!(texts(&timeline), ["new"]);
    let mut gone = edited.clone();
    (gone.deleted, gone.text, gone.edited) = (true, None, None);
    timeline.put(gone);
    timeline.put(edited);
    assert_eq!(texts(&timeline), [""]);
}

#[test]
fn the_window_stays_bounded_and_keeps_what_is_near_the_reader() {
    let mut timeline = Timeline::default();
    let many = WINDOW_ITEMS_MAX as u64 + 300;
    for n in 0..many {
        timeline.put(message(n, "alice", &n.to_string()));
    }
    let mut at_end = timeline.clone();
    at_end.trim(None);
    assert_eq!(at_end.len(), WINDOW_ITEMS_MAX);
    assert_eq!(
        (at_end.older, at_end.newer),
        (Beyond::More, Beyond::Nothing)
    );
    assert_eq!(texts(&at_end).last(), Some(&(many - 1).to_string()));

    let reader = place_of(&message(5, "alice", ""));
    timeline.trim(Some(&reader));
    assert_eq!(
        (timeline.older, timeline.newer),
        (Beyond::Nothing, Beyond::More)
    );
    assert_eq!(texts(&timeline)[0], "0");
    let live = message(many + 1, "bob", "live");
    assert_eq!(timeline.put_live(live), Put::Outside);
}

#[test]
fn who_comes_and_goes_is_folded_into_one_notice() {
    let mut timeline = Timeline::default();
    timeline.presence(Ts(1), "alice", true);
    timeline.presence(Ts(2), "bob", true);
    timeline.presence(Ts(3), "alice", false);
    timeline.presence(Ts(4), "carol", false);
    let (_, item) = timeline.iter().next().unwrap();
    let (came, went) = (vec!["bob".to_owned()], vec!["carol".to_owned()]);
    assert_eq!(item, &Item::Presence { came, went });
    timeline.presence(Ts(5), "bob", false);
    timeline.presence(Ts(6), "carol", true);
    assert!(timeline.is_empty());
}
