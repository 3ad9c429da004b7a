//! What the dead answer.

use std::future::pending;

use super::*;

#[tokio::test]
async fn the_dead_acknowledge_an_unlink() {
    let node = Node::builder("dead@127.0.0.1").no_network();
    let node = node.start().await.unwrap();
    let dead = node.spawn_fn(async |_| ()).unwrap();
    let pid = node.spawn_fn(async |_| pending::<()>().await).unwrap();
    while node.is_alive(dead) {
        tokio::task::yield_now().await;
    }
    let (id, _) = {
        let process = node.find(pid).unwrap();
        let mut state = process.me().state.lock();
        assert!(state.link(dead, Via::Here));
        state.unlink(dead).unwrap()
    };
    node.signal(dead, ControlSignal::Unlink { from: pid, id });
    // The record is gone: else this would be taken for a link that crossed the unlink.
    node.signal(pid, ControlSignal::Link { from: dead });
    let said = node.process_info(pid).await.unwrap();
    assert_eq!(said.links, [dead]);
    node.stop().await;
}
