//! What processes of an application leave behind, and print while it starts.

use super::*;

#[tokio::test]
async fn nothing_of_a_stopped_application_is_left_however_it_came_to_be() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.load(app("one", &[], &seen)).await.unwrap();
    applications.start("one").await.unwrap();
    let worker = node.server::<Worker>("one_a");
    let stray = worker.stray().await.unwrap();
    assert_eq!(applications.of(stray), Some(atom("one")));
    assert_eq!(worker.application().await, Ok(Some(atom("one"))));
    applications.stop("one").await.unwrap();
    assert!(!node.is_alive(stray));
    assert_eq!(worker.application().await, Err(CallError::NoProc));
    assert_eq!(applications.master("one"), None);
    node.stop().await;
}

/// Waits in its start for what a process of the application prints to the group leader.
struct Printing;

impl Callbacks for Printing {
    type State = ();

    async fn start(&self, cx: &ApplicationCx) -> Result<(Pid, ()), ExitReason> {
        let leader = cx.group_leader().expect("the master");
        let (done, printed) = tokio::sync::oneshot::channel();
        let top = cx.spawn_fn(async move |mut cx| {
            let print = term!({io_request, (cx.pid()), here, {put_chars, unicode, "starting"}});
            cx.send(leader, &print);
            let _ = done.send((cx.receive().await, cx.io().put_chars("started").await));
            cx.receive().await;
        })?;
        let (reply, by_io) = printed.await.expect("it goes on");
        assert_eq!(reply, Info::Term(term!({io_reply, here, ok})));
        assert_eq!(by_io, Ok(()));
        Ok((top, ()))
    }
}

#[tokio::test]
async fn what_is_printed_while_an_application_starts_keeps_nobody_waiting() {
    let node = node().await;
    let applications = node.applications();
    let printing = Application::new("printing").callbacks(Printing);
    applications.load(printing).await.unwrap();
    let started = timeout(SOON, applications.start("printing"));
    started.await.expect("it does not wait for ever").unwrap();
    // And later.
    let master = applications.master("printing").expect("it runs");
    let (done, printed) = tokio::sync::oneshot::channel();
    node.spawn_fn(async move |mut cx| {
        let get = term!({io_request, (cx.pid()), now, {get_line, unicode, ">"}});
        cx.send(master, &get);
        let _ = done.send(cx.receive().await);
    })
    .unwrap();
    let reply = timeout(SOON, printed).await.expect("an answer").unwrap();
    assert_eq!(reply, Info::Term(term!({io_reply, now, eof})));
    applications.stop("printing").await.unwrap();
    node.stop().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_start_that_failed_or_panicked() {
    let node = node().await;
    let applications = node.applications();
    for panics in [false, true] {
        let mut untidy = Application::new("untidy").callbacks(Untidy);
        if panics {
            untidy = untidy.env("does", atom("panic"));
        }
        applications.load(untidy).await.unwrap();
        let failed = applications.start("untidy").await;
        let Err(ApplicationError::Start { reason, .. }) = failed else {
            panic!("{failed:?}")
        };
        assert_eq!(matches!(reason, ExitReason::Panic(_)), panics, "{reason}");
        let stray = node.env("stray").unwrap().as_pid().unwrap();
        assert!(!node.is_alive(stray));
        applications.unload("untidy").await.unwrap();
    }
    node.stop().await;
}
