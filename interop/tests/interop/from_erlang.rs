//! Erlang acts, the demo answers. Each scenario runs against the demo and against its reference in Erlang.

use std::time::Duration;

use kista_interop::{Bed, Subject};

const NAME: &str = "demo@127.0.0.1";

/// Runs `module:function(Demo)` on an Erlang node beside the subject.
#[track_caller]
fn scenario(subject: Subject, module: &str, function: &str) {
    let bed = Bed::new();
    let _demo = subject.start(&bed, NAME, &[]);
    bed.erlang("erl@127.0.0.1", module, function, &[NAME])
        .expect_ok(Duration::from_secs(120));
}

/// The same tests for the demo and for the reference.
macro_rules! scenarios {
    ($($name:ident = $module:literal, $function:literal;)*) => {
        mod demo {
            $(#[test] fn $name() { super::scenario(kista_interop::Subject::Demo, $module, $function) })*
        }
        mod reference {
            $(#[test] fn $name() { super::scenario(kista_interop::Subject::Reference, $module, $function) })*
        }
    };
}

scenarios! {
    ping_is_answered_and_the_node_is_visible = "calls", "ping";
    calls_are_answered_once = "calls", "echo";
    casts_and_sends_arrive_in_order = "calls", "plain_messages";
    counter_keeps_its_count = "calls", "counter";
    a_panic_is_the_callers_reason_and_nobody_elses_end = "calls", "crash";
    a_call_to_nobody_exits_noproc_at_once = "calls", "dead_name";
    every_form_of_reply_tag_is_echoed = "calls", "reply_tags";
    late_reply_is_dropped = "calls", "late_reply";
    multi_call_gets_its_answers = "calls", "multi_call";
    requests_are_answered_out_of_step = "calls", "send_request";
    many_callers_do_not_mix_up_answers = "calls", "concurrent";
    links_and_monitors_of_the_dead_leave_nothing = "calls", "links";
    a_stop_by_sys_ends_with_the_reason_asked_for = "calls", "stop";
    every_term_comes_back_the_same = "terms", "small";
    big_binaries_come_back_whole = "terms", "big_binaries";
    more_atoms_than_the_cache_has_slots = "terms", "many_atoms";
    random_terms_come_back_the_same = "terms", "random";
    deep_terms_overflow_no_stack = "terms", "deep";
    senders_messages_never_overtake_each_other = "order", "through";
    answers_of_a_collection_find_their_labels = "calls", "collection";
    casts_to_all_nodes_pass_over_the_missing = "calls", "abcast";
    sys_shows_the_state = "sysops", "state";
    sys_shows_the_status_in_otps_shape = "sysops", "status";
    a_server_suspended_by_sys_keeps_its_messages_and_still_ends = "sysops", "suspended";
    sys_counts_messages = "sysops", "statistics";
    sys_logs_events = "sysops", "log";
    a_traced_server_goes_on = "sysops", "trace";
    a_server_terminated_by_sys_ends_with_the_reason = "sysops", "terminate";
    sys_asks_the_system_processes_too = "sysops", "remote_tools";
    echo_is_in_its_group_and_under_its_global_name_in_every_life = "membership", "demo";
}

#[test]
fn sys_runs_no_code_of_a_peer_and_writes_no_file_for_it() {
    scenario(Subject::Demo, "sysops", "refused");
}

#[test]
fn a_hidden_node_is_not_in_nodes() {
    for subject in [Subject::Reference, Subject::Demo] {
        let bed = Bed::new();
        let _demo = subject.start(&bed, NAME, &["--hidden"]);
        bed.erlang("erl@127.0.0.1", "calls", "ping_hidden", &[NAME])
            .expect_ok(Duration::from_secs(30));
    }
}

#[test]
fn a_hidden_node_keeps_its_groups_and_its_names() {
    for subject in [Subject::Reference, Subject::Demo] {
        let bed = Bed::new();
        let _demo = subject.start(&bed, NAME, &["--hidden"]);
        bed.erlang("erl@127.0.0.1", "membership", "hidden", &[NAME])
            .expect_ok(Duration::from_secs(120));
    }
}

#[test]
fn a_hidden_caller_is_served_too() {
    for subject in [Subject::Reference, Subject::Demo] {
        let bed = Bed::new();
        let _demo = subject.start(&bed, NAME, &[]);
        let mut erl = bed.erlang_with(
            &["-hidden"],
            "erl@127.0.0.1",
            bed.cookie(),
            "calls",
            "ping_hidden",
            &[NAME],
        );
        erl.expect_ok(Duration::from_secs(30));
    }
}

#[test]
fn a_wrong_cookie_is_refused() {
    for subject in [Subject::Reference, Subject::Demo] {
        let bed = Bed::new();
        let _demo = subject.start(&bed, NAME, &[]);
        // This one learns the right cookie in the end; the third finds the demo unharmed.
        let mut wrong = bed.erlang_with(
            &[],
            "erl@127.0.0.1",
            "wrong",
            "calls",
            "wrong_cookie",
            &[NAME],
        );
        wrong.expect_ok(Duration::from_secs(30));
        bed.erlang("erl@127.0.0.1", "calls", "ping", &[NAME])
            .expect_ok(Duration::from_secs(30));
    }
}
