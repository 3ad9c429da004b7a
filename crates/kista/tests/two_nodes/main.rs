//! Nodes of this library with each other, over real sockets and an EPMD of their own. What Erlang itself says is in `interop/`.

#[path = "../support/port.rs"]
mod port;

#[path = "../support/mod.rs"]
mod support;

mod calls;
mod ends;
mod nodes;
mod relations;
mod traffic;

use port::free_port;
use std::time::Duration;

use tokio::sync::mpsc;

use support::Echo;

use kista::{
    Atom, CallError, Cx, Dest, EpmdMode, ExitReason, Info, MonitorNodes, Node, NodeEvent, Pid,
    ProcessCx, ReplyTo, SendError, ServerRef, Term, gen_server, spec,
};

/// A small server with a wire form.
struct Counter {
    n: i64,
}

#[gen_server]
impl Counter {
    #[init]
    fn new(start: i64) -> Self {
        Counter { n: start }
    }
    #[call]
    fn add(&mut self, k: i64) -> i64 {
        self.n += k;
        self.n
    }
    #[cast]
    fn reset(&mut self) {
        self.n = 0;
    }
    #[call]
    async fn hang(&mut self) -> i64 {
        std::future::pending().await
    }
    #[call]
    fn lose(&mut self, reply: ReplyTo<i64>) {
        drop(reply);
    }
}

/// Hears everything, does as told.
struct Ear {
    heard: Vec<Info>,
    waiting: Option<ReplyTo<Info>>,
}

#[gen_server(local)]
impl Ear {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        cx.monitor_nodes(true);
        Ear {
            heard: Vec::new(),
            waiting: None,
        }
    }
    #[call]
    fn link(&mut self, to: Pid, cx: &mut Cx<Self>) {
        cx.link(to);
    }
    #[call]
    fn unlink(&mut self, to: Pid, cx: &mut Cx<Self>) {
        cx.unlink(to);
    }
    #[call]
    fn watch(&mut self, to: Dest, cx: &mut Cx<Self>) {
        cx.monitor(to);
    }
    #[call]
    fn exit(&mut self, to: Pid, reason: ExitReason, cx: &mut Cx<Self>) {
        cx.exit(to, reason);
    }
    #[call]
    fn next(&mut self, reply: ReplyTo<Info>) {
        self.waiting = Some(reply);
        self.answer();
    }
    #[info(other)]
    fn other(&mut self, info: Info) {
        self.heard.push(info);
        self.answer();
    }
}

impl Ear {
    fn answer(&mut self) {
        if !self.heard.is_empty()
            && let Some(reply) = self.waiting.take()
        {
            reply.reply(self.heard.remove(0));
        }
    }
}

struct Pair {
    port: u16,
    a: Node,
    b: Node,
}

impl Pair {
    async fn start() -> Self {
        let port = free_port();
        let a = start(port, "a", EpmdMode::Embedded).await;
        let b = start(port, "b", EpmdMode::Running).await;
        Self { port, a, b }
    }

    async fn stop(self) {
        self.b.stop().await;
        self.a.stop().await;
    }
}

async fn start(epmd: u16, name: &str, mode: EpmdMode) -> Node {
    Node::builder(format!("{name}@127.0.0.1"))
        .cookie("two")
        .visible()
        .epmd(mode)
        .epmd_port(epmd)
        .start()
        .await
        .unwrap()
}

fn on_b(name: &'static str) -> (&'static str, &'static str) {
    (name, "b@127.0.0.1")
}

async fn counter_on_b(pair: &Pair) -> Pid {
    let counter = pair
        .b
        .spawn(Counter::spec(0))
        .name("counter")
        .await
        .unwrap();
    let Dest::Pid(pid) = counter.dest() else {
        panic!("a spawned server has a pid")
    };
    pid
}

async fn ear(node: &Node) -> ServerRef<Ear> {
    node.spawn(Ear::spec()).await.unwrap()
}

/// The server is in `hang` once another call waits in vain.
async fn until_it_hangs(counter: &ServerRef<Counter>) {
    while counter.add(0).timeout(Duration::from_millis(50)).await != Err(CallError::Timeout) {}
}

/// The next thing heard that is not about nodes.
async fn next_signal(ear: &ServerRef<Ear>) -> Info {
    loop {
        match ear.next().await.unwrap() {
            Info::NodeUp(_) | Info::NodeDown(_) => {}
            info => return info,
        }
    }
}
