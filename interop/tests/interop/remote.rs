//! Functions across nodes: Erlang spawns and calls what the demo exposes. Each scenario runs against the demo and against its
//! reference in Erlang, which proves it. Here Erlang dials; `remote_from_rust.rs` has connections that we made.

use std::time::Duration;

use kista_interop::{Bed, Subject};

const NAME: &str = "demo@127.0.0.1";

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
    rpc_call_gets_values_and_badrpc = "rpcs", "call";
    casts_run_and_their_failures_are_nobodys = "rpcs", "cast";
    rpc_multicall_tells_results_and_bad_nodes = "rpcs", "multicall";
    async_calls_are_yielded_in_any_order = "rpcs", "async";
    block_call_goes_through_rex = "rpcs", "block_call";
    rex_serves_the_plain_form_of_c_nodes = "rpcs", "plain";
    erpc_call_gets_values = "rpcs", "erpc_call";
    erpc_multicall_tells_each_nodes_result = "rpcs", "erpc_multicall";
    erpc_requests_are_answered_out_of_step = "rpcs", "requests";
    exceptions_keep_class_reason_and_place = "rpcs", "exceptions";
    what_is_not_exposed_is_undef_in_erlangs_shape = "rpcs", "undefined";
    arguments_of_other_types_are_a_function_clause = "rpcs", "not_the_arguments";
    timeouts_are_the_callers = "rpcs", "timeouts";
    a_killed_process_is_no_answer = "rpcs", "killed";
    a_slow_function_keeps_nobody_waiting = "rpcs", "slow_and_fast";
    apply_and_exports_name_functions = "rpcs", "applied";
    a_lost_connection_ends_calls_under_way = "rpcs", "nobody";
    many_callers_do_not_mix_up_their_results = "rpcs", "many";
    big_arguments_and_values_come_whole = "rpcs", "big";
    sbcast_tells_which_nodes_have_the_name = "rpcs", "broadcast";
    spawned_processes_run_and_end = "spawns", "plain";
    spawned_links_carry_exits_both_ways = "spawns", "linked";
    spawned_monitors_fire_unless_taken_back = "spawns", "monitored";
    spawn_options_act_or_are_ignored = "spawns", "options";
    spawn_requests_are_answered_as_asked = "spawns", "requests";
    a_spawn_without_a_node_is_noconnection = "spawns", "replies";
    bad_spawn_options_are_badopt = "spawns", "bad_options";
    an_abandoned_request_is_silent = "spawns", "abandoned";
    the_old_spawn_of_net_kernel_is_served = "spawns", "old";
    an_idle_process_does_what_it_is_told = "spawns", "idle";
    exit_signals_of_every_reason_act = "spawns", "ends";
    a_group_leader_comes_with_the_process = "spawns", "group_leader";
    a_lost_connection_fires_links_and_monitors_of_the_spawned_once = "spawns", "lost";
    thousands_of_spawned_links_fire_each_once = "spawns", "many";
    a_spawned_link_is_unlinked_and_linked_again = "spawns", "relinked";
    what_otp_sends_under_a_trace_token_acts = "traced", "tokens";
    priority_signals_of_otp_28_arrive_in_turn = "traced", "priority";
    aliases_take_messages_while_they_are_active = "traced", "aliases";
    an_unlink_is_acknowledged_before_anything_else = "wire", "unlink_is_acknowledged_first";
    signals_with_trace_tokens_act_as_those_without = "wire", "with_tokens";
    a_peer_without_exit_payload_has_reasons_inside = "wire", "reasons_inside";
    links_of_the_dead_and_of_earlier_runs_are_noproc = "wire", "links";
    monitors_by_pid_and_name_fire_or_are_taken_back = "wire", "monitors";
    a_spawn_is_answered_before_the_process_is_heard_of = "wire", "spawns";
}

/// By a peer that makes its frames by hand.
#[test]
fn spawns_that_no_node_asks_for_hurt_nobody() {
    scenario(Subject::Demo, "wire", "bad_spawns");
}

#[test]
fn a_closure_of_a_module_that_is_not_here_is_undef() {
    scenario(Subject::Demo, "rpcs", "closures");
}
