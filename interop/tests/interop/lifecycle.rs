//! Nodes that come, go, are killed, come back, and sit idle.

use std::process::Command;
use std::time::Duration;

use kista_interop::{Bed, Subject, demo_binary};

const NAME: &str = "demo@127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(60);

/// The same tests for the demo and for the reference.
macro_rules! for_both {
    ($($name:ident)*) => {
        mod demo {
            $(#[test] fn $name() { super::$name(kista_interop::Subject::Demo) })*
        }
        mod reference {
            $(#[test] fn $name() { super::$name(kista_interop::Subject::Reference) })*
        }
    };
}

for_both! {
    a_killed_node_is_down_and_its_pids_gone
    a_stopped_node_says_goodbye_and_exits_with_0
    a_killed_node_comes_back_under_its_name
    a_cut_connection_is_made_again
    the_demo_dials_whom_it_must_send_to
    dialling_each_other_at_once_leaves_one_connection
    an_idle_connection_is_kept_by_ticks
    a_peer_that_stands_still_is_noticed
    two_demos_live_side_by_side
}

fn a_killed_node_is_down_and_its_pids_gone(subject: Subject) {
    let bed = Bed::new();
    let mut demo = subject.start(&bed, NAME, &[]);
    let mut erl = bed.erlang("erl@127.0.0.1", "lifecycle", "nodedown", &[NAME, "killed"]);
    erl.expect("watching", PATIENCE);
    demo.kill();
    erl.expect_ok(PATIENCE);
}

fn a_stopped_node_says_goodbye_and_exits_with_0(subject: Subject) {
    let bed = Bed::new();
    let mut demo = subject.start(&bed, NAME, &[]);
    let mut erl = bed.erlang("erl@127.0.0.1", "lifecycle", "nodedown", &[NAME, "stopped"]);
    erl.expect("watching", PATIENCE);
    let status = demo.terminate(PATIENCE);
    assert!(status.success(), "{status}: {:?}", demo.printed());
    erl.expect_ok(PATIENCE);
}

fn a_killed_node_comes_back_under_its_name(subject: Subject) {
    let bed = Bed::new();
    let mut demo = subject.start(&bed, NAME, &[]);
    let mut erl = bed.erlang("erl@127.0.0.1", "lifecycle", "restarted", &[NAME]);
    erl.expect("first", PATIENCE);
    demo.kill();
    let _again = subject.start(&bed, NAME, &[]);
    erl.tell("next");
    erl.expect_ok(PATIENCE);
}

fn a_cut_connection_is_made_again(subject: Subject) {
    let bed = Bed::new();
    let _demo = subject.start(&bed, NAME, &[]);
    bed.erlang("erl@127.0.0.1", "lifecycle", "disconnect", &[NAME])
        .expect_ok(PATIENCE);
}

fn the_demo_dials_whom_it_must_send_to(subject: Subject) {
    let bed = Bed::new();
    let _demo = subject.start(&bed, NAME, &[]);
    let mut third = bed.erlang("third@127.0.0.1", "lifecycle", "third", &[]);
    third.expect("ready third@127.0.0.1", PATIENCE);
    bed.erlang(
        "erl@127.0.0.1",
        "lifecycle",
        "dialled",
        &[NAME, "third@127.0.0.1"],
    )
    .expect_ok(PATIENCE);
}

fn dialling_each_other_at_once_leaves_one_connection(subject: Subject) {
    let bed = Bed::new();
    let _demo = subject.start(&bed, NAME, &[]);
    // `global` answers a cut between three visible nodes by more cuts; it is not what is asked about here.
    let quiet = [
        "-kernel",
        "prevent_overlapping_partitions",
        "false",
        "-connect_all",
        "false",
    ];
    let mut third = bed.erlang_with(
        &quiet,
        "third@127.0.0.1",
        bed.cookie(),
        "lifecycle",
        "third",
        &[],
    );
    third.expect("ready third@127.0.0.1", PATIENCE);
    let arguments = [NAME, "third@127.0.0.1"];
    let mut erl = bed.erlang_with(
        &quiet,
        "erl@127.0.0.1",
        bed.cookie(),
        "lifecycle",
        "simultaneous",
        &arguments,
    );
    erl.expect_ok(PATIENCE);
}

fn an_idle_connection_is_kept_by_ticks(subject: Subject) {
    let bed = Bed::new();
    let _demo = subject.start(&bed, NAME, &["--net-ticktime", "8"]);
    let ticks = ["-kernel", "net_ticktime", "8"];
    let mut erl = bed.erlang_with(
        &ticks,
        "erl@127.0.0.1",
        bed.cookie(),
        "lifecycle",
        "idle",
        &[NAME],
    );
    erl.expect_ok(PATIENCE);
}

fn a_peer_that_stands_still_is_noticed(subject: Subject) {
    let bed = Bed::new();
    let demo = subject.start(&bed, NAME, &["--net-ticktime", "8"]);
    let ticks = ["-kernel", "net_ticktime", "8"];
    let mut erl = bed.erlang_with(
        &ticks,
        "erl@127.0.0.1",
        bed.cookie(),
        "lifecycle",
        "noticed",
        &[NAME],
    );
    erl.expect("watching", PATIENCE);
    demo.signal("STOP");
    erl.expect_ok(PATIENCE);
}

fn two_demos_live_side_by_side(subject: Subject) {
    let bed = Bed::new();
    let _one = subject.start(&bed, "one@127.0.0.1", &[]);
    let _two = subject.start(&bed, "two@127.0.0.1", &[]);
    for name in ["one@127.0.0.1", "two@127.0.0.1"] {
        bed.erlang("erl@127.0.0.1", "calls", "counter", &[name])
            .expect_ok(PATIENCE);
    }
}

/// The README's first command: no name, no peer, no EPMD; it must end well by itself.
#[test]
fn the_demo_alone_shows_itself_and_ends() {
    let bed = Bed::new();
    let mut demo =
        kista_interop::Program::start("demo", bed.outside_command(kista_interop::demo_binary()));
    let status = demo.wait(PATIENCE);
    assert!(status.success(), "{status}: {}", demo.printed().join("\n"));
}

/// Under load: what the demo's servers have taken is answered, everybody else hears `shutdown`, and nobody `noconnection`.
#[test]
fn a_node_that_is_told_to_end_answers_what_it_took_and_tells_everybody_else_why() {
    let bed = Bed::new();
    let mut demo = Subject::Demo.start(&bed, NAME, &[]);
    let mut erl = bed.erlang("erl@127.0.0.1", "ending", "load", &[NAME]);
    erl.expect("loaded", PATIENCE);
    let status = demo.terminate(PATIENCE);
    assert_eq!(status.code(), Some(0), "{:?}", demo.printed());
    demo.expect("the node was stopped by SIGTERM; tasks left: 0", PATIENCE);
    erl.expect_ok(PATIENCE);
}

#[test]
fn the_demo_says_what_it_would_leave_out_without_a_name() {
    for option in [
        &["--tls", "dir"][..],
        &["--hidden"],
        &["--crash-loop"],
        &["--cookie", "c"],
        &["--net-ticktime", "8"],
    ] {
        let output = Command::new(demo_binary()).args(option).output();
        let output = output.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{option:?}: {said}");
        assert!(said.contains("--name <NAME>"), "{option:?}: {said}");
    }
}

#[test]
fn a_crash_loop_ends_the_tree_and_the_node_and_both_say_why() {
    let bed = Bed::new();
    let mut demo = Subject::Demo.start(&bed, NAME, &["--crash-loop"]);
    let status = demo.wait(PATIENCE);
    assert_eq!(status.code(), Some(1), "{:?}", demo.printed());
    let why = "the permanent application demo terminated, and the node with it: shutdown";
    let printed = demo.printed().join("\n");
    assert!(
        printed.contains(&format!("{why}; tasks left: 0")),
        "{printed}"
    );
    // The supervisor's last word, with the reason of the last crash before it.
    assert!(printed.contains("the crasher crashes again"), "{printed}");
    assert!(
        printed.contains("reached_max_restart_intensity"),
        "{printed}"
    );
}
