//! Test code that runs as a plain process.

// Each test program takes what it needs.
#![allow(dead_code)]

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use kista::{ExitReason, Info, Node, ProcessCx, SpawnOptions, Term};

/// A guard against hanging, not a promise.
pub(crate) const SOON: Duration = Duration::from_secs(60);

pub(crate) async fn node(name: &str) -> Node {
    let node = Node::builder(format!("{name}@127.0.0.1")).no_network();
    node.start().await.unwrap()
}

/// Runs the code as a process, and gives what it returns.
pub(crate) async fn run<F, R, T>(node: &Node, code: F) -> T
where
    F: FnOnce(ProcessCx) -> R + Send + 'static,
    R: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    run_with(node, SpawnOptions::new(), code).await
}

pub(crate) async fn run_with<F, R, T>(node: &Node, options: SpawnOptions, code: F) -> T
where
    F: FnOnce(ProcessCx) -> R + Send + 'static,
    R: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let (done, ended) = tokio::sync::oneshot::channel();
    node.spawn_opt(options, async move |cx| {
        let _ = done.send(code(cx).await);
    })
    .unwrap();
    let ended = tokio::time::timeout(SOON, ended).await;
    ended.expect("it hangs").expect("the process failed")
}

thread_local! {
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Whether this runs while code of [`as_caller`] is polled on this thread: for a server, whether its caller does its turn.
pub(crate) fn is_within_caller() -> bool {
    WITHIN.get()
}

/// As [`run`]; whoever runs within the process's own turns can see that.
pub(crate) async fn run_as_caller<T: Send + 'static>(
    node: &Node,
    code: impl Future<Output = T> + Send + 'static,
) -> T {
    run(node, |_cx| as_caller(code)).await
}

/// The code of a process; whoever runs within its turns can see that.
pub(crate) async fn as_caller<T>(code: impl Future<Output = T>) -> T {
    let mut code = pin!(code);
    poll_fn(|cx| {
        let outer = WITHIN.replace(true);
        let polled = code.as_mut().poll(cx);
        WITHIN.set(outer);
        polled
    })
    .await
}

pub(crate) fn term(n: i64) -> Info {
    Info::Term(Term::from(n))
}

pub(crate) fn reason(text: &'static str) -> ExitReason {
    ExitReason::from(kista::Atom::from_static(text))
}
