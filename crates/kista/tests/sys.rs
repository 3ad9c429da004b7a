//! What `sys` does to a server of this node, as `docs/semantics.md` states it. From Erlang: `interop/`.

use std::time::Duration;

use kista::{
    Atom, CallError, Cx, Dest, ExitReason, Flow, Info, Node, ServerRef, Term, gen_server, sys,
};
use sys::SysError;

struct Counter {
    n: i64,
    timeouts: usize,
}

#[gen_server]
impl Counter {
    #[init]
    fn new(n: i64) -> Self {
        Counter { n, timeouts: 0 }
    }
    #[call]
    fn get(&self) -> i64 {
        self.n
    }
    #[call]
    fn timeouts(&self) -> usize {
        self.timeouts
    }
    #[cast]
    fn add(&mut self, k: i64) {
        self.n += k;
    }
    #[cast]
    fn idle_for(&mut self, millis: u64) -> Flow {
        Flow::Timeout(Duration::from_millis(millis))
    }
    #[info(other)]
    fn info(&mut self, info: Info) {
        if info == Info::Timeout {
            self.timeouts += 1;
        }
    }
    #[call]
    async fn suspend_myself(&mut self, cx: &mut Cx<Self>) -> bool {
        let myself = SysError::Call(CallError::Exit(Atom::from_static("calling_self").into()));
        sys::suspend(&cx.server_ref()).await == Err(myself)
    }
}

async fn counter(n: i64) -> (Node, ServerRef<Counter>) {
    let node = Node::builder("sys@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap();
    let counter = node.spawn(Counter::spec(n)).name("counter").await.unwrap();
    (node, counter)
}

#[tokio::test]
async fn a_suspended_server_serves_sys_only_and_loses_nothing() {
    let (node, counter) = counter(0).await;
    sys::suspend(&counter).await.unwrap();
    let order: Vec<_> = (1..=1_000).collect();
    for k in &order {
        counter.add(*k);
    }
    let waiting = counter.get().timeout(Duration::from_millis(50)).await;
    assert_eq!(waiting, Err(CallError::Timeout));
    sys::replace_state(&counter, |counter: &mut Counter| counter.n = 1_000_000)
        .await
        .unwrap();
    let Dest::Pid(pid) = counter.dest() else {
        panic!("a spawned server has a pid")
    };
    let info = node.process_info(pid).await.unwrap();
    assert_eq!(info.message_queue_len, 1_001, "what waits is counted");
    sys::resume(&counter).await.unwrap();
    let sum: i64 = order.iter().sum();
    assert_eq!(counter.get().await, Ok(1_000_000 + sum));
    node.stop().await;
}

#[tokio::test]
async fn a_suspended_server_still_ends() {
    let (node, counter) = counter(0).await;
    sys::suspend(&counter).await.unwrap();
    counter.stop().await.unwrap();
    let again = node.spawn(Counter::spec(0)).name("counter").await.unwrap();
    sys::suspend(&again).await.unwrap();
    sys::terminate(&again, ExitReason::Shutdown).await.unwrap();
    let waiting = node.call::<i64>("counter", &Atom::from_static("get")).await;
    assert!(waiting.is_err());
    node.stop().await;
}

#[tokio::test]
async fn calls_kept_while_suspended_hear_of_the_end() {
    let (node, counter) = counter(0).await;
    sys::suspend(&counter).await.unwrap();
    let caller = counter.clone();
    let call = tokio::spawn(async move { caller.get().forever().await });
    tokio::task::yield_now().await;
    // Read, and put aside.
    sys::get_status(&counter).await.unwrap();
    counter.stop_with(ExitReason::Shutdown, None).await.unwrap();
    assert_eq!(
        call.await.unwrap(),
        Err(CallError::Exit(ExitReason::Shutdown))
    );
    node.stop().await;
}

#[tokio::test]
async fn no_timeout_comes_to_a_suspended_server() {
    let (node, counter) = counter(0).await;
    counter.idle_for(20);
    sys::suspend(&counter).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    sys::replace_state(&counter, |counter: &mut Counter| {
        assert_eq!(counter.timeouts, 0);
    })
    .await
    .unwrap();
    sys::resume(&counter).await.unwrap();
    // It begins anew.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(counter.timeouts().await, Ok(1));
    node.stop().await;
}

#[tokio::test]
async fn statistics_count_only_while_they_are_on() {
    let (node, counter) = counter(0).await;
    assert_eq!(sys::read_statistics(&counter).await, Ok(None));
    sys::statistics(&counter, true).await.unwrap();
    counter.get().await.unwrap();
    counter.add(1);
    let _: i64 = node
        .call("counter", &Atom::from_static("get"))
        .await
        .unwrap();
    let counted = sys::read_statistics(&counter).await.unwrap().unwrap();
    assert_eq!((counted.messages_in, counted.messages_out), (3, 2));
    sys::statistics(&counter, false).await.unwrap();
    assert_eq!(sys::read_statistics(&counter).await, Ok(None));
    node.stop().await;
}

#[tokio::test]
async fn a_log_holds_the_last_events_and_no_more() {
    let (node, counter) = counter(0).await;
    sys::log(&counter, Some(4)).await.unwrap();
    for k in 0..10 {
        counter.add(k);
    }
    let _: i64 = node
        .call("counter", &Atom::from_static("get"))
        .await
        .unwrap();
    let log = sys::read_log(&counter).await.unwrap();
    let shown: Vec<_> = log.iter().map(Term::to_string).collect();
    assert_eq!(shown[0], "{in,{'$gen_cast',{add,9}}}");
    assert!(shown[1].starts_with("{noreply,"), "{}", shown[1]);
    assert!(shown[2].starts_with("{in,{'$gen_call',{<"), "{}", shown[2]);
    assert!(shown[3].starts_with("{out,45,{<"), "{}", shown[3]);
    assert_eq!(shown.len(), 4);
    sys::no_debug(&counter).await.unwrap();
    assert_eq!(sys::read_log(&counter).await, Ok(vec![]));
    node.stop().await;
}

#[tokio::test]
async fn what_would_run_foreign_code_is_refused() {
    let (node, counter) = counter(0).await;
    let atom = |text| Term::from(Atom::from_static(text));
    let debug = |option, how| Term::tuple([atom("debug"), Term::tuple([atom(option), how])]);
    for request in [
        Term::tuple([atom("replace_state"), atom("fun")]),
        debug("install", Term::tuple([atom("fun"), atom("state")])),
        debug("log_to_file", Term::charlist("should-not-exist.log")),
        Term::tuple([atom("change_code"), atom("counter"), atom("old"), Term::NIL]),
        atom("nonsense"),
    ] {
        let answer = sys::request(&counter, &request).await.unwrap();
        assert!(answer.as_tagged("error").is_some(), "{request}: {answer}");
    }
    assert_eq!(counter.get().await, Ok(0));
    node.stop().await;
}

#[tokio::test]
async fn a_server_that_suspends_itself_gets_an_error_at_once() {
    let (node, counter) = counter(0).await;
    assert_eq!(counter.suspend_myself().await, Ok(true));
    node.stop().await;
}

#[tokio::test]
async fn replacing_the_state_of_nobody_fails_at_once() {
    let (node, counter) = counter(0).await;
    counter.stop().await.unwrap();
    let replaced = sys::replace_state(&counter, |_: &mut Counter| ()).await;
    assert_eq!(replaced, Err(SysError::Call(CallError::NoProc)));
    let state = sys::get_state(&(&node, "counter")).await;
    assert_eq!(state, Err(SysError::Call(CallError::NoProc)));
    node.stop().await;
}

#[tokio::test]
async fn a_replacement_that_panics_is_told_to_who_asked_for_it() {
    let (node, counter) = counter(1).await;
    let replaced = sys::replace_state(&counter, |_: &mut Counter| panic!("no such state")).await;
    let Err(SysError::Call(CallError::Exit(ExitReason::Panic(text)))) = replaced else {
        panic!("{replaced:?}")
    };
    assert_eq!(&*text, "no such state");
    let again = counter.get().await;
    assert!(again.is_err(), "{again:?}");
    node.stop().await;
}

/// Cannot say what it is.
struct Shy;

#[gen_server]
impl Shy {
    #[init]
    fn new() -> Self {
        Shy
    }
    #[call]
    fn pong(&self) -> bool {
        true
    }
    #[format_status]
    fn shown(&self) -> i64 {
        panic!("not for you")
    }
}

#[tokio::test]
async fn a_state_that_panics_when_it_is_shown_ends_nobody() {
    let (node, _) = counter(1).await;
    let shy = node.spawn(Shy::spec()).await.unwrap();
    let state = sys::get_state(&shy).await.unwrap();
    assert_eq!(
        state.as_text().as_deref(),
        Some("format_status panicked: not for you")
    );
    assert_eq!(shy.pong().await, Ok(true));
    node.stop().await;
}
