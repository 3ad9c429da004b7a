//! What a crash of a server is reported as.

use super::*;

#[tokio::test]
async fn a_crash_says_who_it_was_and_what_it_was_at_and_what_came_of_it() {
    let node = node().await;
    let mut reports = follow(&node);
    let counter = Child::new("counter", Counter::spec(3)).name("counter");
    let tree = Supervisor::one_for_one()
        .intensity(2, Duration::from_secs(60))
        .child(counter);
    let tree = node.spawn(tree.spec()).name("top").await.unwrap();
    let Report::Progress { child, .. } = next(&mut reports).await else {
        panic!("it runs")
    };
    for before in 0..3 {
        let counter = tree.child::<Counter>("counter").await.unwrap();
        counter.divide(0).await.unwrap_err();
        let crash = crash(&mut reports).await;
        assert_eq!(crash.name, Some(Atom::from_static("counter")));
        assert_eq!(crash.behaviour.as_str(), "gen_server");
        assert!(crash.runs.ends_with("::Counter"), "{}", crash.runs);
        assert_eq!(crash.during, During::Work);
        let by_zero = r#"{panic,<<"attempt to divide by zero">>}"#;
        assert_eq!(crash.reason.to_string(), by_zero);
        assert_eq!(crash.ancestors, ["top".into()]);
        assert_eq!(crash.last_message, Shown::Named("call {divide, By}"));
        assert_eq!(crash.state, Shown::Whole(term(r#"<<"Counter { n: 3 }">>"#)));
        assert_eq!((crash.links, crash.trap_exit), (1, false));
        let Report::Supervisor {
            supervisor,
            name,
            context,
            reason,
            child: of,
            restarts,
            next: then,
        } = next(&mut reports).await
        else {
            panic!("its supervisor reports")
        };
        assert_eq!(name, Some(Atom::from_static("top")));
        assert_eq!(Some(supervisor), node.whereis("top").or(Some(supervisor)));
        assert_eq!((context, reason), (Context::ChildTerminated, crash.reason));
        assert_eq!((of.pid, &of.id), (Some(crash.pid), &child.id));
        assert_eq!((of.restarts, restarts), (before, before as usize + 1));
        match before {
            2 => assert_eq!(then, Next::Ends),
            _ => {
                assert_eq!(then, Next::Restarts);
                assert!(
                    matches!(next(&mut reports).await, Report::Progress { child, .. } if child.restarts == before + 1)
                );
            }
        }
    }
    let ends = next(&mut reports).await;
    assert!(
        matches!(
            ends,
            Report::Supervisor {
                context: Context::Shutdown,
                next: Next::Ends,
                ..
            }
        ),
        "{ends}"
    );
}

#[tokio::test]
async fn an_encoded_message_is_shown_whole_and_a_moved_one_when_sys_watches() {
    let node = node().await;
    let mut reports = follow(&node);
    let start = || node.spawn(Counter::spec(1)).name("counter");

    start().await.unwrap();
    drop(node.send("counter", &term("{'$gen_cast', {stop_for, {because, 7}}}")));
    let report = crash(&mut reports).await;
    assert_eq!(
        report.last_message,
        Shown::Whole(term("{'$gen_cast', {stop_for, {because, 7}}}"))
    );
    assert_eq!(report.reason, ExitReason::from(term("{because, 7}")));

    let counter = start().await.unwrap();
    sys::log(&counter, Some(10)).await.unwrap();
    counter.divide(0).await.unwrap_err();
    assert_eq!(
        crash(&mut reports).await.last_message,
        Shown::Whole(term("{'$gen_call', local, {divide, 0}}"))
    );

    let counter = start().await.unwrap();
    counter.wait_and_fail();
    assert_eq!(
        crash(&mut reports).await.last_message,
        Shown::Named("timeout")
    );

    let counter = start().await.unwrap();
    let ended = counter.stop_with(ExitReason::from("enough"), None).await;
    assert_eq!(ended, Ok(()));
    assert_eq!(crash(&mut reports).await.last_message, Shown::Named("stop"));
}

#[tokio::test]
async fn what_is_large_is_cut_with_a_mark_and_nothing_of_it_moves_a_terminal() {
    let node = node().await;
    let mut reports = follow(&node);
    for (bytes, lines) in [(1_000, 1), (5_000, 1_000), (1_000_000, 100_000)] {
        node.spawn(Large::spec(lines)).name("large").await.unwrap();
        let why = Binary::from(&*vec![b'x'; bytes]);
        drop(node.send(
            "large",
            &(
                Atom::from_static("$gen_cast"),
                (Atom::from_static("fail"), why),
            ),
        ));
        let report = crash(&mut reports).await;
        match (&report.state, lines) {
            (Shown::Whole(_), 1) => {}
            (Shown::Cut(text), 100..) => assert_eq!(text.len(), MOST_SHOWN),
            (other, _) => panic!("{other:?}"),
        }
        match (&report.last_message, bytes) {
            (Shown::Whole(_), 1_000) => {}
            (Shown::Cut(text), 5_000) => assert_eq!(text.len(), MOST_SHOWN),
            (Shown::Named("cast {fail, Why}"), 1_000_000) => {}
            (other, _) => panic!("{other:?}"),
        }
        let printed = Report::Crash(Box::new(report)).to_string();
        assert!(!printed.contains(['\u{1b}', '\u{202e}']), "{printed:?}");
        assert_eq!(
            printed.lines().count(),
            12,
            "one line for each thing: {printed}"
        );
        assert!(printed.len() < 4 * MOST_SHOWN, "{}", printed.len());
        assert_eq!(printed.contains("... (cut)"), lines > 1);
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_shown_says_so_and_a_panic_in_terminate_is_another_crash() {
    let node = node().await;
    let mut reports = follow(&node);
    node.spawn(Silent::spec("")).await.unwrap().crash();
    let first = crash(&mut reports).await;
    assert_eq!((first.during, first.state), (During::Work, Shown::Not));
    assert_eq!(first.reason.to_string(), r#"{panic,<<"first">>}"#);
    let second = crash(&mut reports).await;
    assert_eq!(
        (second.during, second.state),
        (During::Terminate, Shown::Not)
    );
    assert_eq!(second.reason.to_string(), r#"{panic,<<"second">>}"#);

    let silent = node.spawn(Silent::spec("")).await.unwrap();
    silent.stop().await.unwrap_err();
    let only = crash(&mut reports).await;
    assert_eq!(only.during, During::Terminate);
    assert_eq!(reported(&mut reports), []);
}

#[tokio::test]
async fn a_start_that_fails_is_a_crash_only_when_it_failed() {
    let node = node().await;
    let mut reports = follow(&node);
    for how in ["panics", "fails", "is shut down", "errs", "ignores"] {
        node.spawn(Silent::spec(how)).await.unwrap_err();
        let crashes = reported(&mut reports);
        match how {
            "panics" | "fails" => {
                let [Report::Crash(crash)] = &*crashes else {
                    panic!("{how}: {crashes:?}")
                };
                assert_eq!(crash.during, During::Init);
                assert_eq!(crash.state, Shown::Nothing);
                assert_eq!(crash.last_message, Shown::Nothing);
            }
            _ => assert_eq!(crashes, [], "{how}"),
        }
    }
}

#[tokio::test]
async fn who_ends_properly_or_by_anothers_signal_has_not_crashed() {
    let node = node().await;
    let mut reports = follow(&node);
    let children = [
        Child::new("killed", Counter::spec(0))
            .name("killed")
            .temporary(),
        Child::new("normal", Counter::spec(0))
            .name("normal")
            .temporary(),
        Child::new("shut", Counter::spec(0))
            .name("shut")
            .temporary(),
        Child::new("linked", Counter::spec(0))
            .name("linked")
            .temporary(),
    ];
    let tree = Supervisor::one_for_one().children(children);
    let tree = node.spawn(tree.spec()).await.unwrap();
    node.exit(node.whereis("killed").unwrap(), ExitReason::Kill);
    node.exit(
        node.whereis("linked").unwrap(),
        ExitReason::from("of another"),
    );
    for (name, reason) in [("normal", "normal"), ("shut", "{shutdown, today}")] {
        node.server::<Counter>(name).stop_for(term(reason));
    }
    while tree.count_children().await.unwrap().specs > 0 {
        tokio::task::yield_now().await;
    }
    let mut terminated = Vec::new();
    for report in reported(&mut reports) {
        match report {
            Report::Crash(crash) => panic!("nobody crashed: {crash}"),
            Report::Supervisor { child, next, .. } => {
                assert_eq!(next, Next::Forgets);
                terminated.push(child.id.to_string());
            }
            _ => {}
        }
    }
    terminated.sort();
    assert_eq!(terminated, ["killed", "linked"]);
}
