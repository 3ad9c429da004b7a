//! Links and monitors between the two.

use super::*;

#[tokio::test]
async fn links_and_monitors_cross_nodes() {
    let pair = Pair::start().await;
    let ear = ear(&pair.a).await;
    let pid = counter_on_b(&pair).await;
    ear.link(pid).await.unwrap();
    ear.watch(Dest::from(on_b("counter"))).await.unwrap();
    let reason = ExitReason::from(Term::tuple([Term::from(1), Term::from(2)]));
    ear.exit(pid, reason.clone()).await.unwrap();
    let mut kinds = Vec::new();
    for _ in 0..2 {
        match next_signal(&ear).await {
            Info::Exit { from, reason: why } => {
                assert_eq!((from, &why), (pid, &reason));
                kinds.push("exit");
            }
            Info::Down {
                from, reason: why, ..
            } => {
                assert_eq!((from, &why), (Dest::from(on_b("counter")), &reason));
                kinds.push("down");
            }
            other => panic!("{other:?}"),
        }
    }
    kinds.sort_unstable();
    assert_eq!(kinds, ["down", "exit"]);

    ear.link(pid).await.unwrap();
    assert_eq!(
        next_signal(&ear).await,
        Info::Exit {
            from: pid,
            reason: ExitReason::NoProc
        }
    );
    ear.watch(Dest::from(on_b("nobody"))).await.unwrap();
    assert!(matches!(
        next_signal(&ear).await,
        Info::Down {
            reason: ExitReason::NoProc,
            ..
        }
    ));
    pair.stop().await;
}

#[tokio::test]
async fn unlinked_nodes_hear_no_exit() {
    let pair = Pair::start().await;
    let ear = ear(&pair.a).await;
    for _ in 0..200 {
        let counter = pair.b.spawn(Counter::spec(0)).await.unwrap();
        let Dest::Pid(pid) = counter.dest() else {
            panic!("a spawned server has a pid")
        };
        ear.link(pid).await.unwrap();
        ear.unlink(pid).await.unwrap();
        ear.watch(counter.dest()).await.unwrap();
        counter.stop().await.unwrap();
        // The monitor's DOWN comes after any exit of the link would have.
        assert!(matches!(next_signal(&ear).await, Info::Down { .. }));
    }
    pair.stop().await;
}

#[tokio::test]
async fn losing_the_connection_ends_links_and_monitors_once() {
    let pair = Pair::start().await;
    let other = ear(&pair.b).await;
    let ear = ear(&pair.a).await;
    // It traps exits, so that it is still there to be asked.
    let Dest::Pid(pid) = other.dest() else {
        panic!("a spawned server has a pid")
    };
    ear.link(pid).await.unwrap();
    ear.watch(Dest::Pid(pid)).await.unwrap();
    // A round trip behind the link and the monitor: both have arrived.
    assert!(pair.a.ping("b@127.0.0.1").await);
    pair.b.disconnect("a@127.0.0.1");
    let (mut exits, mut downs) = (0, 0);
    for _ in 0..2 {
        match next_signal(&ear).await {
            Info::Exit {
                reason: ExitReason::NoConnection,
                ..
            } => exits += 1,
            Info::Down {
                reason: ExitReason::NoConnection,
                ..
            } => downs += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((exits, downs), (1, 1));
    assert!(matches!(
        next_signal(&other).await,
        Info::Exit {
            reason: ExitReason::NoConnection,
            ..
        }
    ));
    let info = pair.b.process_info(pid).await.unwrap();
    assert!(
        info.links.is_empty() && info.monitored_by.is_empty(),
        "{info:?}"
    );
    pair.stop().await;
}
