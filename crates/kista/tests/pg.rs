//! Scopes of `pg` on one node: who may join, and what happens when the scope's process ends. With Erlang: `interop/`.

use std::time::Duration;

use kista::pg::{self, PgError};
use kista::supervisor::{Child, Supervisor};
use kista::{Atom, CallError, ExitReason, Node, Pid, StartError};

async fn node(name: &str) -> Node {
    Node::builder(name).no_network().start().await.unwrap()
}

fn sleeper(node: &Node) -> Pid {
    let code = async |mut cx: kista::ProcessCx| drop(cx.receive().await);
    node.spawn_fn(code).unwrap()
}

async fn until(mut check: impl FnMut() -> bool) {
    let wait = async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .expect("it never comes");
}

#[tokio::test]
async fn a_process_of_another_node_cannot_be_joined_for_it() {
    let node = node("pg-local@127.0.0.1").await;
    let pg = node.pg().await.unwrap();
    let own = sleeper(&node);
    let other = Pid {
        node: Atom::from_static("other@127.0.0.1"),
        ..own
    };
    assert_eq!(
        pg.join("g", [own, other]).await,
        Err(PgError::NotLocal(other))
    );
    assert_eq!(pg.leave("g", other).await, Err(PgError::NotLocal(other)));
    assert!(pg.groups().is_empty());
    node.stop().await;
}

#[tokio::test]
async fn who_is_dead_already_is_no_member_for_long() {
    let node = node("pg-dead@127.0.0.1").await;
    let pg = node.pg().await.unwrap();
    let dead = node.spawn_fn(async |_| ()).unwrap();
    until(|| !node.is_alive(dead)).await;
    pg.join("g", dead).await.unwrap();
    until(|| pg.members("g").is_empty()).await;
    node.stop().await;
}

#[tokio::test]
async fn a_name_that_is_taken_is_no_scope_and_a_scope_is_started_once() {
    let node = node("pg-names@127.0.0.1").await;
    let holder = sleeper(&node);
    node.register("taken", holder).unwrap();
    let refused = node.start_pg("taken").await.unwrap_err();
    assert_eq!(refused, StartError::AlreadyStarted(holder));
    assert!(matches!(
        node.start_pg("undefined").await,
        Err(StartError::BadName(_))
    ));
    let too_long = "x".repeat(256);
    assert!(matches!(
        node.start_pg(&too_long).await,
        Err(StartError::BadName(_))
    ));
    assert!(node.pg_scope("nobody_started_this").is_none());
    let (a, b) = tokio::join!(node.start_pg("twice"), node.start_pg("twice"));
    let member = sleeper(&node);
    a.unwrap().join("g", member).await.unwrap();
    assert_eq!(b.unwrap().members("g"), [member]);
    assert_eq!(node.pg_scope("twice").unwrap().local_members("g"), [member]);
    node.stop().await;
}

#[tokio::test]
async fn a_scope_that_ends_forgets_its_members_and_its_successor_serves_the_old_handles() {
    let node = node("pg-again@127.0.0.1").await;
    let tree = Supervisor::one_for_one().child(Child::new("scope", pg::spec("chat")));
    let _tree = node.spawn(tree.spec()).await.unwrap();
    let chat = node.pg_scope("chat").unwrap();
    let member = sleeper(&node);
    chat.join("g", member).await.unwrap();
    let first = node.whereis("chat").unwrap();
    node.exit(first, ExitReason::Kill);
    until(|| node.whereis("chat").is_some_and(|pid| pid != first)).await;
    assert!(chat.members("g").is_empty());
    chat.join("g", member).await.unwrap();
    assert_eq!(chat.members("g"), [member]);
    node.stop().await;
    let ended = chat.join("g", member).await;
    let stopped = CallError::Exit(ExitReason::Shutdown);
    assert_eq!(ended, Err(PgError::Scope(stopped)));
}
