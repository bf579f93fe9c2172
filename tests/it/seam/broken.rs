//! The stories are no formality: each fails in a hall that breaks the rule it is about.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::hall::{Fault, Hall};
use super::stories::{copies, life, log, nodes, people};

/// How long a story may wait for what never comes. Users of a node that is gone go after four seconds
/// there; every other story is over in a second or two.
const PATIENCE: Duration = Duration::from_secs(8);

type Story = Pin<Box<dyn Future<Output = ()>>>;

/// The stories that must fail with a fault.
macro_rules! stories_that_fail {
    ($fault:expr; $($variant:ident: $($topic:ident::$story:ident),+;)+) => {
        match $fault {
            $(Fault::$variant => vec![$((
                stringify!($story),
                Box::pin($topic::$story(Hall::broken($fault))) as Story,
            )),+],)+
        }
    };
}

fn stories_about(fault: Fault) -> Vec<(&'static str, Story)> {
    stories_that_fail! { fault;
        ForgetsCatchUp:
            log::a_late_joiner_gets_the_whole_history,
            log::who_was_cut_off_catches_up_and_is_heard,
            log::one_nonce_on_both_sides_of_a_cut_is_one_message_in_one_place;
        Renumbers: log::what_is_said_anywhere_is_shown_everywhere_once_and_in_one_order;
        HandsOnOwnOnly:
            log::what_one_node_alone_can_tell_comes_through_it,
            log::what_overtakes_its_message_is_applied;
        ConfirmsBeforeCommit: copies::a_node_whose_disk_stands_still_is_not_counted;
        NeverConfirms: copies::an_acknowledgement_counts_nodes_that_have_stored_it;
        WaitsForever: copies::a_node_that_is_alone_acknowledges_alone_and_soon;
        ForgetsPeople:
            people::users_are_seen_everywhere_and_go_with_their_node,
            people::a_name_claimed_on_both_sides_of_a_cut_ends_with_one_of_them;
        KeepsTheGone: people::users_are_seen_everywhere_and_go_with_their_node;
        TellsOfStops: people::who_moves_from_a_node_that_stops_is_not_seen_leaving;
        ForgetsTyping: people::typing_crosses;
        ForgetsSoftRows: people::topics_rooms_and_read_markers_cross;
        AllAreUp: nodes::everybody_is_listed_and_who_is_cut_off_is_down_and_an_alarm;
        NoAlarms: nodes::everybody_is_listed_and_who_is_cut_off_is_down_and_an_alarm;
        ForgetsFigures: nodes::an_administrator_sees_all_figures_through_one_node;
        NeverLeaves:
            nodes::who_stops_in_order_is_listed_no_longer,
            life::a_node_that_stops_leaves_nothing_running_and_goes_on_with_its_log;
    }
}

/// All at once, since most of it is waiting for what does not come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rule_that_is_broken_is_noticed_by_the_story_about_it() {
    let stories = Fault::ALL.into_iter().flat_map(|fault| {
        let stories = stories_about(fault).into_iter();
        stories.map(move |(name, story)| async move {
            let told = timeout(PATIENCE, AssertUnwindSafe(story).catch_unwind()).await;
            matches!(told, Ok(Ok(()))).then(|| format!("{fault:?} is not noticed by {name}"))
        })
    });
    let unnoticed: Vec<String> = join_all(stories).await.into_iter().flatten().collect();
    assert!(unnoticed.is_empty(), "{unnoticed:#?}");
}
