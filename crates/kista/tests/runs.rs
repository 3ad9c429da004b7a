//! Bursts from one process elsewhere to one process here, which travel through this node together: nobody can tell.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/plain.rs"]
mod plain;
#[path = "support/port.rs"]
mod port;

use std::sync::Arc;
use std::time::Duration;

use kista::dist::frame::{FrameWriter, Outbox, WriteBuffer};
use kista::dist::{Control, Flags};
use kista::etf::Encoder;
use kista::{
    Atom, Cx, Dest, EpmdMode, ExitReason, Flow, Info, Node, Overflow, Pid, QueueBound, ReplyTo,
    ServerRef, SpawnOptions, Term, gen_server, sys,
};
use plain::SOON;
use port::free_port;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

/// How many there are in a burst: more than one poll of a process takes.
const BURST: i64 = 500;

/// A node, and a peer of it that writes many messages at once.
struct Peer {
    node: Node,
    socket: TcpStream,
    writer: FrameWriter,
    outbox: Outbox,
}

impl Peer {
    async fn start(name: &str) -> Self {
        let port = free_port();
        let name = format!("{name}@127.0.0.1");
        let builder = Node::builder(&*name).cookie("c").epmd(EpmdMode::Embedded);
        let node = builder.epmd_port(port).start().await.unwrap();
        let socket = bare::connect(node.port(), &name, "peer@127.0.0.1", "c").await;
        Self {
            node,
            socket,
            writer: FrameWriter::new(Flags::ours(true)),
            outbox: Outbox::new(),
        }
    }

    fn pid() -> Pid {
        Pid {
            node: Atom::from_static("peer@127.0.0.1"),
            id: 1,
            serial: 0,
            creation: 77,
        }
    }

    fn put(&mut self, control: Control, payload: Option<&Term>) {
        let payload = payload.map(|term| {
            let mut e = Encoder::with_atom_table();
            e.term(term).unwrap();
            e
        });
        self.outbox.push(control, payload.as_ref()).unwrap();
    }

    fn message(&mut self, to: Pid, term: impl Into<Term>) {
        let (from, token) = (Some(Self::pid()), None);
        self.put(Control::Send { from, to, token }, Some(&term.into()));
    }

    fn burst(&mut self, to: Pid) {
        for n in 0..BURST {
            self.message(to, n);
        }
    }

    fn exit(&mut self, to: Pid, reason: &'static str) {
        let (from, token) = (Self::pid(), None);
        let reason = Term::from(Atom::from_static(reason));
        self.put(Control::Exit2 { from, to, token }, Some(&reason));
    }

    /// All that was put, in one piece.
    async fn go(&mut self) {
        self.writer.accept(&mut self.outbox);
        let mut out = WriteBuffer::new();
        self.writer.fill(&mut out, usize::MAX);
        self.socket.write_all(&out.to_vec()).await.unwrap();
    }

    /// The connection first: a node that stops waits for a peer that does not answer.
    async fn stop(self) {
        drop(self.socket);
        self.node.stop().await;
    }
}

/// Writes down what it gets.
struct Log {
    got: Vec<i64>,
    gate: Arc<Notify>,
    told: mpsc::UnboundedSender<Vec<i64>>,
}

#[gen_server]
impl Log {
    #[init]
    fn new(gate: Arc<Notify>, told: mpsc::UnboundedSender<Vec<i64>>) -> Self {
        Self {
            got: Vec::new(),
            gate,
            told,
        }
    }
    #[call]
    fn got(&self) -> Vec<i64> {
        self.got.clone()
    }
    #[call]
    fn unbound(&self, cx: &mut Cx<Self>) {
        cx.queue_bound(None);
    }
    #[cast]
    async fn wait(&mut self) {
        self.gate.notified().await;
    }
    #[info(other)]
    async fn other(&mut self, info: Info, cx: &mut Cx<Self>) -> Flow {
        match info {
            Info::Term(Term::Atom(name)) => match name.as_str() {
                "panic" => panic!("told to"),
                "wait" => self.gate.notified().await,
                "stop" => return Flow::Stop(ExitReason::Normal),
                "again" => cx.continue_with(LogMsg::Wait),
                "bound" => {
                    self.gate.notified().await;
                    cx.queue_bound(Some(QueueBound::new(100, Overflow::Reject)));
                }
                _ => {}
            },
            Info::Term(term) => self.got.extend(term.as_int()),
            _ => {}
        }
        Flow::Continue
    }
    #[terminate]
    fn terminate(&mut self) {
        let _ = self.told.send(std::mem::take(&mut self.got));
    }
}

struct Logged {
    log: ServerRef<Log>,
    pid: Pid,
    gate: Arc<Notify>,
    told: mpsc::UnboundedReceiver<Vec<i64>>,
}

async fn log(node: &Node, options: SpawnOptions) -> Logged {
    let (gate, (told, at_the_end)) = (Arc::new(Notify::new()), mpsc::unbounded_channel());
    let spec = Log::spec(Arc::clone(&gate), told);
    let log = node.spawn(spec).options(options).await.unwrap();
    let Dest::Pid(pid) = log.dest() else {
        panic!("a spawned server has a pid")
    };
    Logged {
        log,
        pid,
        gate,
        told: at_the_end,
    }
}

async fn until<F: Future<Output = bool>>(what: &str, mut done: impl FnMut() -> F) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, waiting).await.expect(what);
}

fn all() -> Vec<i64> {
    (0..BURST).collect()
}

#[tokio::test]
async fn a_burst_arrives_whole_and_in_order_and_is_counted() {
    let mut peer = Peer::start("whole").await;
    let node = peer.node.clone();
    let Logged { log, pid, .. } = log(&node, SpawnOptions::new()).await;
    for _ in 0..3 {
        peer.burst(pid);
    }
    peer.go().await;
    until("all arrive", async || {
        log.got().await.unwrap().len() == 3 * BURST as usize
    })
    .await;
    assert_eq!(log.got().await.unwrap(), [all(), all(), all()].concat());
    let info = node.process_info(pid).await.unwrap();
    // Beside them, only the calls.
    assert!(info.messages_in >= 3 * BURST as u64, "{info:?}");
    assert_eq!(info.message_queue_len, 0);
    let peers = node.connections();
    assert_eq!(peers.len(), 1);
    until("all bytes are given back", async || {
        node.connections()
            .iter()
            .all(|peer| peer.undecoded_bytes == 0)
    })
    .await;
    peer.stop().await;
}

#[tokio::test]
async fn what_waits_is_counted_message_by_message() {
    let mut peer = Peer::start("counted").await;
    let node = peer.node.clone();
    let Logged { log, pid, gate, .. } = log(&node, SpawnOptions::new()).await;
    let unread = async || node.process_info(pid).await.unwrap().message_queue_len;
    // Within a handler: what arrives meanwhile is the shell's to keep.
    log.wait().await.unwrap();
    peer.burst(pid);
    peer.go().await;
    until("all are seen", async || unread().await == BURST as usize).await;
    assert!(node.connections()[0].undecoded_bytes > BURST as usize);
    gate.notify_one();
    until("all are read", async || {
        log.got().await.unwrap().len() == BURST as usize
    })
    .await;
    assert_eq!(unread().await, 0);
    // In the middle of a burst, and with something that it gives itself in front of the rest.
    for n in 0..BURST {
        peer.message(pid, n);
        if n == 9 {
            peer.message(pid, Atom::from_static("again"));
        }
    }
    peer.go().await;
    until("it waits", async || unread().await == BURST as usize - 10).await;
    gate.notify_one();
    until("all are read", async || {
        log.got().await.unwrap().len() == 2 * BURST as usize
    })
    .await;
    assert_eq!(log.got().await.unwrap(), [all(), all()].concat());
    assert_eq!(unread().await, 0);
    peer.stop().await;
}

#[tokio::test]
async fn an_exit_signal_overtakes_nothing_and_is_not_overtaken() {
    let mut peer = Peer::start("exits").await;
    let node = peer.node.clone();
    let Logged { pid, mut told, .. } = log(&node, SpawnOptions::new()).await;
    peer.burst(pid);
    peer.message(pid, Atom::from_static("stop"));
    peer.exit(pid, "kill");
    peer.burst(pid);
    peer.go().await;
    // `terminate` runs if it came to the stop first; a signal that ends it leaves nothing to tell. Both are OTP's, but nothing
    // behind the signal is ever read.
    if let Some(got) = timeout(SOON, told.recv()).await.unwrap() {
        assert_eq!(got, all());
    }
    until("it ends", async || !node.is_alive(pid)).await;
    peer.stop().await;
}

#[tokio::test]
async fn a_panic_within_a_burst_ends_the_process_there() {
    let mut peer = Peer::start("panics").await;
    let node = peer.node.clone();
    let Logged { pid, mut told, .. } = log(&node, SpawnOptions::new()).await;
    for n in 0..BURST {
        peer.message(pid, n);
        if n == 99 {
            peer.message(pid, Atom::from_static("panic"));
        }
    }
    peer.go().await;
    let got = timeout(SOON, told.recv()).await.unwrap().unwrap();
    assert_eq!(got, (0..100).collect::<Vec<_>>());
    until("all bytes are given back", async || {
        node.connections()[0].undecoded_bytes == 0
    })
    .await;
    peer.stop().await;
}

#[tokio::test]
async fn a_suspended_server_keeps_a_burst_and_reads_it_afterwards() {
    let mut peer = Peer::start("suspended").await;
    let node = peer.node.clone();
    let Logged { log, pid, .. } = log(&node, SpawnOptions::new()).await;
    sys::suspend(&log).await.unwrap();
    peer.burst(pid);
    peer.go().await;
    until("all wait", async || {
        node.process_info(pid).await.unwrap().message_queue_len == BURST as usize
    })
    .await;
    peer.burst(pid);
    peer.go().await;
    sys::resume(&log).await.unwrap();
    until("all are read", async || {
        log.got().await.unwrap().len() == 2 * BURST as usize
    })
    .await;
    assert_eq!(log.got().await.unwrap(), [all(), all()].concat());
    assert_eq!(node.process_info(pid).await.unwrap().message_queue_len, 0);
    peer.stop().await;
}

#[tokio::test]
async fn a_bounded_queue_refuses_and_drops_within_a_burst() {
    for (overflow, kept) in [
        (Overflow::Reject, 0..100),
        (Overflow::DropNewest, 0..100),
        (Overflow::DropOldest, BURST - 100..BURST),
    ] {
        let mut peer = Peer::start("bounded").await;
        let node = peer.node.clone();
        let bound = SpawnOptions::new().bound(QueueBound::new(100, overflow));
        let Logged { log, pid, gate, .. } = log(&node, bound).await;
        log.wait().await.unwrap();
        until("it has begun with it", async || {
            node.process_info(pid).await.unwrap().message_queue_len == 0
        })
        .await;
        peer.burst(pid);
        peer.go().await;
        let lost = async || {
            let info = node.process_info(pid).await.unwrap();
            info.messages_refused + info.messages_dropped
        };
        until("what does not fit is lost", async || {
            lost().await == BURST as u64 - 100
        })
        .await;
        gate.notify_one();
        // A call takes a place, too.
        until("all are read", async || {
            node.process_info(pid).await.unwrap().message_queue_len == 0
        })
        .await;
        let got = log.got().await.unwrap();
        assert_eq!(got, kept.collect::<Vec<_>>(), "{overflow:?}");
        peer.stop().await;
    }
}

#[tokio::test]
async fn a_bound_that_is_set_while_a_burst_waits_counts_each_message_of_it() {
    let mut peer = Peer::start("bound_later").await;
    let node = peer.node.clone();
    let Logged { log, pid, gate, .. } = log(&node, SpawnOptions::new()).await;
    let unread = async || node.process_info(pid).await.unwrap().message_queue_len;
    peer.message(pid, Atom::from_static("bound"));
    peer.burst(pid);
    peer.message(pid, Atom::from_static("wait"));
    peer.go().await;
    until("all wait", async || unread().await == BURST as usize + 1).await;
    gate.notify_one();
    // It has read the burst, and waits again; from now on there is room for a hundred.
    until("they are read", async || unread().await == 0).await;
    peer.burst(pid);
    peer.go().await;
    until("the others are refused", async || {
        node.process_info(pid).await.unwrap().messages_refused == BURST as u64 - 100
    })
    .await;
    // With the report of the loss.
    assert_eq!(unread().await, 101);
    gate.notify_one();
    until("all are read", async || unread().await == 0).await;
    assert_eq!(
        log.got().await.unwrap(),
        [all(), (0..100).collect()].concat()
    );
    // Without the bound bursts are taken whole again.
    log.unbound().await.unwrap();
    peer.burst(pid);
    peer.go().await;
    until("all arrive", async || {
        log.got().await.unwrap().len() == 2 * BURST as usize + 100
    })
    .await;
    peer.stop().await;
}

#[tokio::test]
async fn a_plain_process_picks_out_of_a_burst() {
    let mut peer = Peer::start("picks").await;
    let node = peer.node.clone();
    let (done, picked) = tokio::sync::oneshot::channel();
    let pid = node
        .spawn_fn(async move |mut cx| {
            let int = |info: &Info| match info {
                Info::Term(term) => term.as_int(),
                _ => None,
            };
            let last = cx.receive_if(|info| int(info) == Some(BURST - 1)).await;
            let mut rest = Vec::new();
            for _ in 0..BURST - 1 {
                rest.extend(int(&cx.receive().await));
            }
            let _ = done.send((int(&last), rest));
        })
        .unwrap();
    peer.burst(pid);
    peer.go().await;
    let (last, rest) = timeout(SOON, picked).await.unwrap().unwrap();
    assert_eq!(last, Some(BURST - 1));
    assert_eq!(rest, (0..BURST - 1).collect::<Vec<_>>());
    peer.stop().await;
}

#[tokio::test]
async fn bursts_that_signals_part_cost_what_they_are_long() {
    // So many that whoever looks through all that waits at each of them takes minutes.
    const BURSTS: i64 = 40_000;
    let mut peer = Peer::start("parted").await;
    let node = peer.node.clone();
    let (done, read) = tokio::sync::oneshot::channel();
    let pid = node
        .spawn_fn(async move |mut cx| {
            cx.trap_exit(true);
            for n in 0..BURSTS {
                for m in 0..6 {
                    assert_eq!(cx.receive().await, Info::Term((6 * n + m).into()));
                }
                assert!(matches!(cx.receive().await, Info::Exit { .. }));
            }
            let _ = done.send(());
        })
        .unwrap();
    for n in 0..BURSTS {
        for m in 0..6 {
            peer.message(pid, 6 * n + m);
        }
        peer.exit(pid, "parted");
    }
    peer.go().await;
    timeout(SOON, read).await.unwrap().unwrap();
    peer.stop().await;
}

#[tokio::test]
async fn an_answer_among_a_burst_reaches_its_call() {
    // The peer answers by `{[alias|Ref], Answer}` to the pid, between messages that are as they are.
    let mut peer = Peer::start("answers").await;
    let node = peer.node.clone();
    let Logged { log, pid, .. } = log(&node, SpawnOptions::new()).await;
    for n in 0..20 {
        peer.message(pid, n);
    }
    let tail = Term::from(Atom::from_static("no reference"));
    let like = Term::improper([Term::from(Atom::from_static("alias"))], tail);
    peer.message(pid, Term::tuple([like, Term::from(1)]));
    for n in 20..40 {
        peer.message(pid, n);
    }
    peer.go().await;
    until("all are read", async || {
        log.got().await.unwrap().len() == 40
    })
    .await;
    assert_eq!(log.got().await.unwrap(), (0..40).collect::<Vec<_>>());
    peer.stop().await;
}

/// What calls a server gets from elsewhere, within a burst, it answers.
struct Kept(Vec<ReplyTo<i64>>);

#[gen_server]
impl Kept {
    #[init]
    fn new() -> Self {
        Self(Vec::new())
    }
    #[call]
    fn keep(&mut self, reply: ReplyTo<i64>) {
        self.0.push(reply);
    }
    #[cast]
    fn answer(&mut self) {
        for (n, reply) in self.0.drain(..).enumerate() {
            reply.reply(n as i64);
        }
    }
}

#[tokio::test]
async fn calls_within_a_burst_are_kept_and_refused_each_by_itself() {
    let port = free_port();
    let start = async |name: &str, mode| {
        let builder = Node::builder(format!("{name}@127.0.0.1"))
            .cookie("c")
            .epmd(mode);
        builder.epmd_port(port).visible().start().await.unwrap()
    };
    let here = start("kept_here", EpmdMode::Embedded).await;
    let there = start("kept_there", EpmdMode::Running).await;
    let kept = there.spawn(Kept::spec()).name("kept");
    let _kept = kept.await.unwrap();
    let remote = here.server::<Kept>(("kept", "kept_there@127.0.0.1"));
    let asked: Vec<_> = (0..300).map(|_| remote.keep().send_request()).collect();
    // One that the server does not know is refused, and says what it was.
    let other = here.call::<Term>(
        ("kept", "kept_there@127.0.0.1"),
        &Atom::from_static("unknown"),
    );
    let refused = other.await.unwrap_err();
    assert!(refused.to_string().contains("unknown"), "{refused}");
    drop(remote.answer());
    for (n, asked) in asked.into_iter().enumerate() {
        assert_eq!(timeout(SOON, asked).await.unwrap(), Ok(n as i64));
    }
    here.stop().await;
    there.stop().await;
}
