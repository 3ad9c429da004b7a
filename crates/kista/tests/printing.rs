//! Printing on a node: to its own group leader, and to processes that are named. What Erlang prints here, and we there, is in `interop/`.

#[path = "support/log.rs"]
mod log;

use kista::etf::term;
use kista::io::{FormatError, IoError};
use kista::{Info, Node, ProcessCx, Term};
use log::Lines;
use tokio::sync::oneshot;

const MOST: usize = 1024 * 1024;

/// What code of a process comes to.
async fn inside<T, F, R>(node: &Node, code: F) -> T
where
    F: FnOnce(ProcessCx) -> R + Send + 'static,
    R: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let (done, is_done) = oneshot::channel();
    let code = async move |cx: ProcessCx| drop(done.send(code(cx).await));
    node.spawn_fn(code).unwrap();
    is_done.await.unwrap()
}

async fn node() -> Node {
    let node = Node::builder("printing@127.0.0.1").no_network();
    node.start().await.unwrap()
}

#[tokio::test]
async fn what_is_too_long_for_a_request_is_an_error_and_said_in_the_log() {
    let (lines, _guard) = Lines::capture();
    let node = node().await;
    let printed = inside(&node, async |cx| {
        let most = "x".repeat(MOST);
        let more = format!("{most}y");
        let arguments = [Term::from(more.as_str())];
        (
            cx.io().put_chars(&most).await,
            cx.io().put_chars(&more).await,
            cx.io().format("~ts", &arguments).await,
        )
    });
    let (most, more, formatted) = printed.await;
    assert_eq!(most, Ok(()));
    assert_eq!(more, Err(IoError::Refused(term!(enospc))));
    let too_long = FormatError::TooLong { limit: MOST };
    assert_eq!(formatted, Err(IoError::Format(too_long)));
    assert_eq!(lines.with(&["INFO", "xxxx"]).len(), 1);
    let said = lines.with(&["WARN", "not printed", "more than 1 MiB"]);
    assert_eq!(said.len(), 1, "{said:#?}");
    node.stop().await;
}

#[tokio::test]
async fn a_device_that_is_named_is_printed_to_and_not_the_group_leader() {
    let (lines, _guard) = Lines::capture();
    let node = node().await;
    let (heard, hears) = oneshot::channel();
    let device = node.spawn_fn(async move |mut cx| {
        let Info::Term(message) = cx.receive().await else {
            return;
        };
        let Some([from, reply_as, request]) = message.as_tagged("io_request") else {
            return;
        };
        let _ = heard.send(request.clone());
        let reply = term!({io_reply, (reply_as.clone()), {error, full}});
        cx.send(from.as_pid().unwrap(), &reply);
    });
    let device = device.unwrap();
    let printed = inside(&node, async move |cx| {
        let first = cx.io().to(device).put_chars("elsewhere").await;
        // It has ended by now, or is about to.
        let second = cx.io().to(device).put_chars("nowhere").await;
        (first, second, cx.io().put_chars("here").await)
    });
    let (first, second, here) = printed.await;
    assert_eq!(first, Err(IoError::Refused(term!(full))));
    assert_eq!(second, Err(IoError::Terminated));
    assert_eq!(here, Ok(()));
    let request = hears.await.unwrap();
    assert_eq!(request, term!({put_chars, unicode, <<"elsewhere">>}));
    assert_eq!(lines.with(&["kista::io", "where"]).len(), 0);
    assert_eq!(lines.with(&["kista::io", "here"]).len(), 1);
    node.stop().await;
}
