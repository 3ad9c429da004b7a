//! Observer, etop and an operator at a shell look at a node of ours: every call that they make, with what their own release says of itself
//! as the measure. The scenarios hold for a node in Erlang too.

use kista::Peers;
use kista_interop::{Bed, Program};

use crate::inspection::{ERL, OURS, PATIENCE, node};

/// The scenarios that a node of Erlang passes as well.
const SHARED: [&str; 5] = ["system", "processes", "applications", "others", "badarg"];

/// Our node, with a scope of groups, as a node of Erlang that tools look at has one.
async fn looked_at(scenario: &str) {
    let bed = Bed::new();
    let node = node(&bed, Peers::any()).await;
    node.pg().await.expect("the scope starts");
    bed.erlang(ERL, "observed", scenario, &[OURS])
        .expect_ok(PATIENCE);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_system_charts_and_allocators_tabs_show_what_this_release_shows_of_itself() {
    looked_at("system").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_processes_tab_and_etop_get_a_row_for_each_process() {
    looked_at("processes").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_of_a_process_has_all_that_this_release_asks_for() {
    looked_at("details").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_applications_tab_shows_the_supervision_tree_and_ends_with_observer() {
    looked_at("applications").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tabs_of_what_there_is_not_are_empty_and_no_errors() {
    looked_at("others").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_that_look_answer_in_the_shapes_of_this_release() {
    looked_at("functions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_not_is_badarg_and_never_a_made_up_value() {
    looked_at("badarg").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_functions_for_operators_tell_the_node_short_enough_to_read() {
    looked_at("kista").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_stops_the_node_unless_it_is_allowed() {
    looked_at("may_not_stop").await;
}

#[test]
fn a_node_in_erlang_passes_the_same_scenarios() {
    let bed = Bed::new();
    let mut theirs = bed.erlang(OURS, "observed", "serve", &[]);
    theirs.expect(&format!("ready {OURS}"), PATIENCE);
    for scenario in SHARED {
        bed.erlang(ERL, "observed", scenario, &[OURS])
            .expect_ok(PATIENCE);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_not_to_be_looked_at_has_none_of_these_functions() {
    let bed = Bed::new();
    let node = node(&bed, Peers::none()).await;
    bed.erlang(ERL, "observed", "switched_off", &[OURS])
        .expect_ok(PATIENCE);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_may_stops_the_node() {
    let bed = Bed::new();
    let node = crate::inspection::builder(&bed)
        .stoppable_by(Peers::only([ERL]))
        .start()
        .await
        .expect("our node starts");
    bed.erlang(ERL, "observed", "stops", &[OURS])
        .expect_ok(PATIENCE);
    assert!(node.stopped().await.is_orderly());
}

/// One after the other: that of OTP 27 takes a port, the same for both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn etop_as_text_shows_our_processes_as_those_of_a_node_in_erlang() {
    let bed = Bed::new();
    let mut theirs = bed.erlang(OURS, "observed", "serve", &[]);
    theirs.expect(&format!("ready {OURS}"), PATIENCE);
    etop(&bed).expect_ok(PATIENCE);
    theirs.terminate(PATIENCE);
    drop(theirs);
    let bed = Bed::new();
    let node = node(&bed, Peers::any()).await;
    etop(&bed).expect_ok(PATIENCE);
    node.stop().await;
}

/// `etop` is in OTP's observer, which stands apart from the rest: see `scripts/otp`.
fn etop(bed: &Bed) -> Program {
    let path = bed.otp().observer();
    let options = ["-pa", path.to_str().expect("a path as text")];
    bed.erlang_with(&options, ERL, bed.cookie(), "observed", "etop", &[OURS])
}
