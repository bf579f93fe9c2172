//! What every engine must keep that links nodes with others: the contract of
//! [`chat::node::replicator`], as stories.
//!
//! A story is written for a [`Ground`]: something that can start nodes, cut one off, bring it back. Each
//! is told on the mesh, over real sockets, and in the [hall](hall), an engine that has nothing in common
//! with it; and each must fail in a hall that breaks what it is about ([`broken`]). For a third engine:
//! implement [`Ground`], and add it to `on_every_ground!`.

mod broken;
mod engines;
mod ground;
mod hall;
mod mesh;
mod stories;

/// Each story as a test on each ground, named by both.
macro_rules! on_every_ground {
    ($($topic:ident: $($story:ident),+;)+) => {
        mod on_the_mesh {
            $($(
                #[tokio::test]
                async fn $story() {
                    super::stories::$topic::$story(super::mesh::MeshGround::default()).await;
                }
            )+)+
        }
        mod in_the_hall {
            $($(
                #[tokio::test]
                async fn $story() {
                    super::stories::$topic::$story(super::hall::Hall::default()).await;
                }
            )+)+
        }
    };
}

on_every_ground! {
    log:
        what_is_said_anywhere_is_shown_everywhere_once_and_in_one_order,
        a_late_joiner_gets_the_whole_history,
        who_was_cut_off_catches_up_and_is_heard,
        what_one_node_alone_can_tell_comes_through_it,
        one_nonce_on_both_sides_of_a_cut_is_one_message_in_one_place,
        what_overtakes_its_message_is_applied;
    copies:
        an_acknowledgement_counts_nodes_that_have_stored_it,
        a_node_whose_disk_stands_still_is_not_counted,
        a_node_that_is_alone_acknowledges_alone_and_soon;
    people:
        users_are_seen_everywhere_and_go_with_their_node,
        who_moves_from_a_node_that_stops_is_not_seen_leaving,
        a_name_claimed_on_both_sides_of_a_cut_ends_with_one_of_them,
        typing_crosses,
        topics_rooms_and_read_markers_cross;
    nodes:
        everybody_is_listed_and_who_is_cut_off_is_down_and_an_alarm,
        an_administrator_sees_all_figures_through_one_node,
        who_stops_in_order_is_listed_no_longer;
    life:
        a_node_that_stops_leaves_nothing_running_and_goes_on_with_its_log,
        an_engine_that_cannot_start_is_one_clear_line_and_no_node;
}
