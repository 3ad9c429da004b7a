//! Two networks in one process, hostile sockets, and real Erlang nodes, all by a host that only records.

mod dialling;
mod erl;
mod erlang;
mod fairness;
mod hostile;
mod liveness;
mod meeting;
mod names;
mod registration;
mod statistics;
#[cfg(feature = "tls")]
mod tls;
mod traffic;
mod with_erlang;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};

use kista_dist::Control;
use kista_dist::frame::{FrameWriter, Outbox, Payload, WriteBuffer};
use kista_dist::handshake::{
    Config as HandshakeConfig, Cookie, Event as HandshakeEvent, HandshakeError, Initiator,
};
use kista_etf::{Atom, AtomName, Encoder, Pid};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::*;
use crate::epmd::EpmdMode;

/// What a [`Recorder`] was told.
#[derive(Debug)]
pub(super) enum Seen {
    Up(Atom, u64),
    Signal(Control, Option<Payload>),
    Down {
        node: Atom,
        id: u64,
        was_up: bool,
        reason: String,
        watchers: Vec<Pid>,
    },
}

/// A host that writes down everything.
pub(super) struct Recorder {
    seen: mpsc::UnboundedSender<Seen>,
    pub(super) panic_next: AtomicBool,
    /// Takes its time in `down`.
    pub(super) slow_down: AtomicBool,
}

impl Receiver for Arc<Recorder> {
    fn signal(&mut self, control: Control, payload: Option<Payload>) {
        if self.panic_next.swap(false, Ordering::Relaxed) {
            panic!("a host that panics");
        }
        let _ = self.seen.send(Seen::Signal(control, payload));
    }
}

impl Host for Recorder {
    fn receiver(self: Arc<Self>, _: &Arc<Connection>) -> Box<dyn Receiver> {
        Box::new(self)
    }

    fn up(&self, connection: &Arc<Connection>) {
        let _ = self.seen.send(Seen::Up(connection.peer(), connection.id()));
    }

    fn down(&self, connection: &Arc<Connection>, was_up: bool, reason: &str, watchers: Vec<Pid>) {
        if self.slow_down.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(300));
        }
        let _ = self.seen.send(Seen::Down {
            node: connection.peer(),
            id: connection.id(),
            was_up,
            reason: reason.to_owned(),
            watchers,
        });
    }
}

/// A network and its recorder.
pub(super) struct TestNode {
    pub(super) net: Arc<Net>,
    pub(super) host: Arc<Recorder>,
    pub(super) seen: Mutex<mpsc::UnboundedReceiver<Seen>>,
    pub(super) name: Atom,
    last_up: Mutex<FxHashMap<Atom, u64>>,
}

pub(super) const COOKIE: &str = "secret";
/// A guard against hanging, not a promise.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn config(alive: &str, epmd_port: u16) -> NetConfig {
    let name = NodeName::parse(&format!("{alive}@127.0.0.1")).unwrap();
    let mut config = NetConfig::new(name, Cookie::from(COOKIE));
    config.epmd = EpmdMode::Embedded;
    config.epmd_port = epmd_port;
    config
}

impl TestNode {
    pub(super) async fn start(alive: &str, epmd_port: u16) -> Self {
        Self::with(config(alive, epmd_port)).await
    }

    pub(super) async fn with(config: NetConfig) -> Self {
        let name = config.name.atom();
        let net = Net::start(config).await.unwrap();
        let (sender, seen) = mpsc::unbounded_channel();
        let host = Arc::new(Recorder {
            seen: sender,
            panic_next: AtomicBool::new(false),
            slow_down: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&host);
        net.open(weak);
        Self {
            net,
            host,
            seen: Mutex::new(seen),
            name,
            last_up: Mutex::default(),
        }
    }

    pub(super) fn pid(&self, id: u32) -> Pid {
        Pid {
            node: self.name,
            id,
            serial: 0,
            creation: self.net.creation(),
        }
    }

    /// What was seen next.
    pub(super) async fn next(&self) -> Seen {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Ok(seen) = self.seen.lock().try_recv() {
                if let Seen::Up(node, id) = seen {
                    let earlier = self.last_up.lock().insert(node, id);
                    assert!(earlier.is_none_or(|earlier| earlier < id));
                }
                return seen;
            }
            assert!(Instant::now() < deadline, "{} saw nothing", self.name);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(super) async fn next_up(&self) -> (Atom, u64) {
        match self.next().await {
            Seen::Up(node, id) => (node, id),
            other => panic!("{} saw {other:?}", self.name),
        }
    }

    /// The next end of a connection; signals before it are skipped.
    pub(super) async fn next_down(&self) -> (Atom, bool, String) {
        loop {
            match self.next().await {
                Seen::Down {
                    node,
                    id,
                    was_up,
                    reason,
                    ..
                } => {
                    let up = self.last_up.lock().get(&node).copied();
                    assert!(
                        !was_up || up == Some(id),
                        "down of another connection than was up"
                    );
                    return (node, was_up, reason);
                }
                Seen::Signal(..) => {}
                other => panic!("{} saw {other:?}", self.name),
            }
        }
    }

    /// The next signal's payload as an integer.
    pub(super) async fn next_int(&self) -> i64 {
        match self.next().await {
            Seen::Signal(_, Some(payload)) => payload.decoder().int().unwrap(),
            other => panic!("{} saw {other:?}", self.name),
        }
    }

    pub(super) fn saw_nothing(&self) {
        if let Ok(seen) = self.seen.lock().try_recv() {
            panic!("{} saw {seen:?}", self.name);
        }
    }

    /// Queues an integer for process 1 of `to`, from process `from` of ours.
    pub(super) fn send_int(&self, to: Atom, from: u32, n: i64) -> Result<Pressure, SendError> {
        let mut payload = Encoder::with_atom_table();
        payload.int(n);
        self.send(to, from, &payload)
    }

    pub(super) fn send(
        &self,
        to: Atom,
        from: u32,
        payload: &Encoder,
    ) -> Result<Pressure, SendError> {
        let control = Control::Send {
            from: Some(self.pid(from)),
            to: Pid {
                node: to,
                id: 1,
                serial: 0,
                creation: 0,
            },
            token: None,
        };
        self.net
            .connection(to)
            .unwrap()
            .send(control, Some(payload))
    }
}

/// Two nodes that are connected.
pub(super) async fn pair() -> (TestNode, TestNode) {
    let port = free_port();
    let (a, b) = (
        TestNode::start("a", port).await,
        TestNode::start("b", port).await,
    );
    a.net.connect(b.name).await.unwrap();
    assert_eq!(a.next_up().await.0, b.name);
    assert_eq!(b.next_up().await.0, a.name);
    (a, b)
}

/// A port that is free, on all of loopback, and not one that the system gives to others.
pub(super) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let process = (std::process::id() % 50) as u16;
        let port = 20_000 + process * 200 + NEXT.fetch_add(1, Ordering::Relaxed) % 200;
        if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// Waits for a condition.
pub(super) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(super) fn reg_send(from: Pid, name: &str) -> Control {
    Control::RegSend {
        from,
        to: AtomName::from(Atom::new(name).unwrap()),
        token: None,
    }
}

/// A bare socket that went through the handshake with `node` under the name `name`.
pub(super) async fn bare(
    node: &TestNode,
    name: &str,
    cookie: &str,
) -> Result<TcpStream, Option<HandshakeError>> {
    bare_with(node, name, cookie, kista_dist::Flags::ours(true)).await
}

pub(super) async fn bare_with(
    node: &TestNode,
    name: &str,
    cookie: &str,
    flags: kista_dist::Flags,
) -> Result<TcpStream, Option<HandshakeError>> {
    let mut socket = TcpStream::connect(("127.0.0.1", node.net.port()))
        .await
        .unwrap();
    let config = HandshakeConfig::new(name, flags, 77, getrandom::u32().unwrap());
    let mut machine = Initiator::new(
        Instant::now(),
        config,
        node.name.as_str(),
        Cookie::from(cookie),
    );
    let mut buffer = [0; 1024];
    loop {
        let _ = socket.write_all(&machine.take_output()).await;
        match tokio::time::timeout(LIMIT, socket.read(&mut buffer))
            .await
            .unwrap()
        {
            Ok(0) | Err(_) => return Err(None),
            Ok(n) => machine
                .receive(Instant::now(), &buffer[..n])
                .map_err(Some)?,
        }
        while let Some(event) = machine.next_event() {
            match event {
                HandshakeEvent::Established(_) => {
                    assert!(
                        machine.leftover().iter().all(|b| *b == 0),
                        "nothing but ticks"
                    );
                    return Ok(socket);
                }
                HandshakeEvent::Status(kista_dist::handshake::Status::Alive) => {
                    machine.answer_alive(true).unwrap()
                }
                _ => {}
            }
        }
    }
}
