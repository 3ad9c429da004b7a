//! How servers end, and what is said of it.

use super::*;

#[tokio::test]
async fn stop_comes_in_turn_and_waits_for_the_end() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    server.note("first".into());
    server.stop().await.unwrap();
    assert_eq!(lines(&log), ["first", "terminate normal"]);
    assert!(!server.is_alive());
    assert_eq!(server.stop().await, Err(CallError::NoProc));
    node.stop().await;
}

#[tokio::test]
async fn a_server_stops_itself_through_terminate() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    server.quit();
    assert_eq!(
        server.hang().await,
        Err(CallError::Exit(ExitReason::Shutdown))
    );
    assert_eq!(lines(&log), ["terminate shutdown"]);
    node.stop().await;
}

#[tokio::test]
async fn the_parents_exit_runs_terminate_only_when_trapping() {
    let node = node().await;
    for (trapping, expected) in [
        (true, vec!["terminate shutdown".to_owned()]),
        (false, vec![]),
    ] {
        let (parent, _) = keeper(&node).await;
        let log = Log::default();
        let child = parent.start_child(Arc::clone(&log)).await.unwrap().unwrap();
        if trapping {
            child.trap().await.unwrap();
        }
        parent.quit();
        let end = child.keep().forever().await;
        assert_eq!(
            end,
            Err(CallError::Exit(ExitReason::Shutdown)),
            "trapping: {trapping}"
        );
        assert_eq!(lines(&log), expected, "trapping: {trapping}");
    }
    node.stop().await;
}

/// Panics where it should clean up.
struct Clumsy;

#[gen_server(local)]
impl Clumsy {
    #[init]
    fn new() -> Self {
        Clumsy
    }
    #[call]
    async fn hang(&mut self) -> i64 {
        pending().await
    }
    #[terminate]
    fn terminate(&mut self, _reason: &ExitReason) {
        panic!("in terminate")
    }
}

#[tokio::test]
async fn a_panic_in_terminate_is_the_reason() {
    let node = node().await;
    let server = node.spawn(Clumsy::spec()).await.unwrap();
    let end = server.stop().await;
    assert_eq!(
        end,
        Err(CallError::Exit(ExitReason::Panic("in terminate".into())))
    );
    node.stop().await;
}

#[tokio::test]
async fn terminate_does_not_run_on_kill() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    server.trap().await.unwrap();
    node.exit(pid(&server), ExitReason::Kill);
    assert_eq!(
        server.hang().forever().await.unwrap_err(),
        CallError::Exit(ExitReason::Killed)
    );
    assert!(lines(&log).is_empty());
    node.stop().await;
}

#[tokio::test]
async fn only_an_end_that_is_not_proper_is_logged_and_once() {
    let node = node().await;
    let (logged, _capture) = log::Lines::capture();
    let atom = |text: &'static str| Term::from(Atom::from_static(text));
    let proper = Term::tuple([atom("shutdown"), Term::from(1)]);
    for reason in [atom("normal"), atom("shutdown"), proper, atom("disk_full")] {
        let (odd, _) = odd(&node).await;
        odd.stop_for(reason);
        while odd.is_alive() {
            tokio::task::yield_now().await;
        }
    }
    let (killed, _) = odd(&node).await;
    let Dest::Pid(pid) = killed.dest() else {
        panic!("a spawned server has a pid")
    };
    node.exit(pid, ExitReason::from(Atom::from_static("from_outside")));
    while killed.is_alive() {
        tokio::task::yield_now().await;
    }
    let ends = logged.with(&["ERROR"]);
    assert_eq!(ends.len(), 1, "{ends:#?}");
    for words in ["crash report", "process=odd <", "Odd", "reason=disk_full"] {
        assert!(ends[0].contains(words), "no {words} in {}", ends[0]);
    }
    node.stop().await;
}

/// A state, or what a panic throws, that does not go quietly.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped")
    }
}

struct Fragile {
    _bomb: Bomb,
}

#[gen_server(local)]
impl Fragile {
    #[init]
    fn new() -> Self {
        Fragile { _bomb: Bomb }
    }
    #[call]
    fn crash(&mut self) {
        panic!("asked to crash")
    }
    #[call]
    fn throw(&mut self) {
        std::panic::panic_any(Bomb)
    }
}

#[tokio::test]
async fn a_state_that_panics_when_it_is_dropped_takes_nothing_from_the_reason() {
    let node = node().await;
    let fragile = node.spawn(Fragile::spec()).await.unwrap();
    let panicked = |text: &str| Err(CallError::Exit(ExitReason::Panic(text.into())));
    assert_eq!(fragile.crash().await, panicked("asked to crash"));
    let fragile = node.spawn(Fragile::spec()).await.unwrap();
    assert_eq!(fragile.throw().await, panicked("a panic without a text"));
    let fragile = node.spawn(Fragile::spec()).await.unwrap();
    assert_eq!(fragile.stop().await, Ok(()), "a proper end stays one");
    node.stop().await;
}
