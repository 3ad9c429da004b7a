//! Elixir acts, the demo answers. Each scenario runs against the demo and against its reference in Erlang.

use std::time::Duration;

use kista_interop::{Bed, Subject};

const NAME: &str = "demo@127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(60);

#[track_caller]
fn scenario(subject: Subject, scenario: &str) {
    let bed = Bed::new();
    let _demo = subject.start(&bed, NAME, &[]);
    bed.elixir("ex@127.0.0.1", "peer", &[scenario, NAME])
        .expect_ok(PATIENCE);
}

/// The same tests for the demo and for the reference.
macro_rules! scenarios {
    ($($name:ident = $scenario:literal;)*) => {
        mod demo {
            $(#[test] fn $name() { super::scenario(kista_interop::Subject::Demo, $scenario) })*
            #[test]
            fn a_killed_node_is_down() { super::a_killed_node_is_down(kista_interop::Subject::Demo) }
        }
        mod reference {
            $(#[test] fn $name() { super::scenario(kista_interop::Subject::Reference, $scenario) })*
            #[test]
            fn a_killed_node_is_down() { super::a_killed_node_is_down(kista_interop::Subject::Reference) }
        }
    };
}

scenarios! {
    ping_is_answered = "ping";
    elixirs_terms_come_back_the_same = "call";
    counter_keeps_its_count = "counter";
    a_call_to_nobody_exits_noproc = "dead_name";
    a_panic_is_the_callers_reason = "crash";
    erpc_multicall_tells_each_nodes_result = "multicall";
    what_is_exposed_is_spawned_linked_and_monitored = "spawns";
    monitors_fire_once_and_can_be_taken_back = "monitors";
    nodes_are_connected_left_and_watched = "connects";
    requests_end_in_time_and_out_of_step = "requests";
}

fn a_killed_node_is_down(subject: Subject) {
    let bed = Bed::new();
    let mut demo = subject.start(&bed, NAME, &[]);
    let mut elixir = bed.elixir("ex@127.0.0.1", "peer", &["nodedown", NAME]);
    elixir.expect("watching", PATIENCE);
    demo.kill();
    elixir.expect_ok(PATIENCE);
}

/// `iex` is what people type; here it reads its lines from a pipe.
#[test]
fn iex_calls_the_counter() {
    for subject in [Subject::Reference, Subject::Demo] {
        let bed = Bed::new();
        let _demo = subject.start(&bed, NAME, &[]);
        let mut command = bed.command("iex");
        command.args(["--name", "iex@127.0.0.1", "--cookie", bed.cookie()]);
        let mut iex = kista_interop::Program::start("iex", command);
        iex.tell("Node.ping(:\"demo@127.0.0.1\")");
        iex.line(":pong", PATIENCE, |line| line.ends_with(":pong"));
        iex.tell("GenServer.call({:counter, :\"demo@127.0.0.1\"}, {:add, 20022}) * 2");
        iex.line("40044", PATIENCE, |line| line.ends_with("40044"));
    }
}
