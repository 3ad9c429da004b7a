//! Signals to the program. They reach every node in it, so that this test has a program of its own.

use std::future::pending;
use std::process::{Command, id};
use std::time::Duration;

use kista::application::{Application, ApplicationError, StartType};
use kista::supervisor::{Child, Shutdown, Supervisor};
use kista::{Atom, Cx, Node, StopCause, gen_server};
use tokio::time::timeout;

/// A guard against hanging, not a promise.
const SOON: Duration = Duration::from_secs(60);

struct Hanging;

#[gen_server(local)]
impl Hanging {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        Hanging
    }
    #[cast]
    async fn hang(&mut self) {
        pending::<()>().await;
    }
}

fn terminate() {
    let status = Command::new("kill")
        .args(["-TERM", &id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn a_second_signal_kills_what_is_left() {
    let hanging = Application::new("hanging").start("hanging_sup", |_| {
        let child = Child::new("child", Hanging::spec()).name("child");
        Supervisor::one_for_one().child(child.shutdown(Shutdown::Infinity))
    });
    let node = Node::builder("signals@127.0.0.1")
        .no_network()
        .stop_on_signals()
        .stop_timeout(Duration::from_secs(1_000_000))
        .boot(hanging, StartType::Permanent)
        .start()
        .await
        .unwrap();
    let child = node.whereis("child").unwrap();
    node.server::<Hanging>(child).hang();
    terminate();
    let applications = node.applications();
    while applications.start("hanging").await != Err(ApplicationError::NodeStopping) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    terminate();
    let stopped = timeout(SOON, node.stopped()).await.expect("it waits on");
    assert_eq!(stopped.cause, StopCause::Signal("SIGTERM"));
    let named = stopped.unfinished.iter();
    let named = named.filter(|process| process.pid == child);
    let [named] = &*named.collect::<Vec<_>>() else {
        panic!("the child is not named once: {stopped}")
    };
    assert_eq!(named.application, Some(Atom::new("hanging").unwrap()));
    assert_eq!(stopped.exit_code(), 1);
}
