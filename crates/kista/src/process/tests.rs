//! What the dead say, looked at where it arrives.

use super::*;
use crate::{Atom, SpawnOptions};

/// A process without a task: what it is sent stays in its queue.
async fn watcher(node: &Node) -> Arc<Process<Never>> {
    let born = node.birth::<Never>("watcher", SpawnOptions::new(), None);
    born.map_err(drop).expect("there is room").process
}

#[tokio::test]
async fn the_dead_answer_a_monitor_by_name_with_the_name() {
    let node = Node::builder("answers@localhost").no_network();
    let node = node.start().await.expect("a node without network starts");
    let (dead, watcher) = (watcher(&node).await, watcher(&node).await);
    dead.end(&ExitReason::Normal);
    let name = Atom::from_static("late");
    for (name, from) in [
        (Some(name), Dest::Name(name)),
        (None, Dest::Pid(dead.pid())),
    ] {
        let reference = node.make_ref();
        let monitor = ControlSignal::Monitor {
            watcher: watcher.pid(),
            reference,
            name,
        };
        node.signal(dead.pid(), monitor);
        let mut arrived = std::collections::VecDeque::new();
        watcher.queue.try_take(&mut arrived);
        let Some(Signal::Control(envelope)) = arrived.pop_front() else {
            panic!("no answer")
        };
        let ControlSignal::Down {
            from: said,
            reference: of,
            reason,
        } = envelope.signal
        else {
            panic!("no DOWN")
        };
        assert_eq!((said, of, reason), (from, reference, ExitReason::NoProc));
    }
    watcher.end(&ExitReason::Normal);
    node.stop().await;
}
