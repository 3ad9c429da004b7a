//! The demo's supervisor before Erlang, theirs before us; and random trees with random deaths, played by OTP and by us: one step
//! at a time, each to a tree at rest. Both print what was answered, who started and ended and what was reported in which order,
//! and who is left. The language of the trees is described in `erlang/trees.erl`.

mod play;
mod tree;

use std::time::Duration;

use kista::supervisor::{ChildProcess, Supervisor, SupervisorError};
use kista::{Node, Term};
use kista_interop::{Bed, Otp, Subject, ask};
use tree::Tree;

const NAME: &str = "demo@127.0.0.1";
const ERL: &str = "erl@127.0.0.1";

#[track_caller]
fn scenario(subject: Subject, function: &str) {
    let bed = Bed::new();
    let _demo = subject.start(&bed, NAME, &[]);
    bed.erlang(ERL, "supervised", function, &[NAME])
        .expect_ok(Duration::from_secs(120));
}

#[test]
fn otps_supervisor_module_works_on_ours() {
    for subject in [Subject::Reference, Subject::Demo] {
        scenario(subject, "demo");
    }
}

#[test]
fn a_child_that_crashes_or_is_killed_from_outside_is_there_again() {
    for subject in [Subject::Reference, Subject::Demo] {
        scenario(subject, "heals");
    }
}

#[test]
fn one_restart_too_many_ends_the_tree_with_shutdown() {
    for subject in [Subject::Reference, Subject::Demo] {
        scenario(subject, "intensity");
    }
}

#[test]
fn what_would_run_foreign_code_is_refused_at_once() {
    scenario(Subject::Demo, "refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_in_erlang_is_asked_as_one_of_ours() {
    let bed = Bed::new();
    let _erl = Subject::Reference.start(&bed, ERL, &[]);
    let node = bed
        .node("ours@127.0.0.1")
        .start()
        .await
        .expect("our node starts");
    let theirs = node.server::<Supervisor>(("demo_sup", ERL));
    let counts = theirs.count_children().await.unwrap();
    assert_eq!((counts.specs, counts.active, counts.workers), (2, 2, 2));
    assert_eq!(
        theirs.restart_child("echo").await,
        Err(SupervisorError::Running)
    );
    theirs.terminate_child("echo").await.unwrap();
    let children = theirs.which_children().await.unwrap();
    assert_eq!(children[1].id, "echo".into());
    assert_eq!(children[1].process, ChildProcess::Down);
    let echo = theirs.restart_child("echo").await.unwrap().unwrap();
    assert_eq!(node.call::<i64>(echo, &7).await, Ok(7));
    let spec = theirs.childspec("counter").await.unwrap();
    assert_eq!(
        spec.as_map().unwrap().field("shutdown"),
        Some(&Term::from(5_000))
    );
    assert_eq!(
        theirs.delete_child("nobody").await,
        Err(SupervisorError::NotFound)
    );
    node.stop().await;
}

/// How many trees, and from which seed on.
fn trees() -> Vec<Tree> {
    let number = |name, default| match std::env::var(name) {
        Ok(text) => text.parse().expect("a number"),
        Err(_) => default,
    };
    let first: u64 = number("KISTA_SEED", 1);
    let count: u64 = number("KISTA_TREES", 1_000);
    (first..first + count).map(Tree::random).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_trees_fare_as_with_otp() {
    let trees = trees();
    let text: String = trees.iter().map(|tree| format!("{tree}.\n")).collect();
    let otp = Otp::current();
    let file = otp.temporary(&format!("kista-trees-{}", std::process::id()));
    std::fs::write(otp.outside(&file), text).expect("a file can be written");
    let theirs = ask(otp, "trees", "play", &[file.to_str().expect("UTF-8")]);
    let _ = std::fs::remove_file(otp.outside(&file));

    let node = Node::builder("trees@127.0.0.1")
        .no_network()
        .start()
        .await
        .expect("a node without a network starts");
    play::leave_out_breaking_children();
    let mut ours = Vec::new();
    for tree in &trees {
        play::play(&node, tree, &mut ours).await;
    }
    for (n, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let theirs = play::in_any_order(theirs);
        let name = theirs.split(' ').next().unwrap_or_default();
        let tree = trees.iter().find(|tree| tree.name == name);
        let tree = tree.map(Tree::to_string).unwrap_or_default();
        assert_eq!(
            play::in_any_order(ours),
            theirs,
            "line {n}, ours and theirs, of {tree}"
        );
    }
    assert_eq!(ours.len(), theirs.len());
    // Enough of everything happens.
    for (what, least) in [
        (" ended", 10),
        ("stubborn", 10),
        ("{shutdown,", 10),
        ("{start_error,", 10),
        ("{shutdown_error,", 10),
        ("reached_max_restart_intensity", 10),
        ("{fail,", 10),
        ("{ignore,", 10),
        ("failed_to_start_child", 10),
        ("simple_one_for_one", 10),
        (" already_started ", 1),
    ] {
        let text = trees.iter().map(Tree::to_string);
        let lines = text.chain(ours.iter().cloned());
        let seen = lines.filter(|line| line.contains(what)).count();
        assert!(seen * 1_000 >= least * trees.len(), "{what}: {seen} times");
    }
}
