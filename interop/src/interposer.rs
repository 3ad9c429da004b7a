//! Somebody between the nodes: an EPMD that names its own ports, and passes on what arrives there, when it likes.
//!
//! 1. A node that registers is given a port in front of its own; whoever asks for it gets that one. So every connection between
//!    the nodes of this EPMD comes by here.
//! 2. A connection's first message, the name of the dialling node, is held until the [`Plan`] lets it go: two dials can be made to
//!    collide. A plan that waits for a second dial gives up after `ALONE`, and says so.
//! 3. The acceptor's answer is read and counted, and the end of the handshake noticed. After that bytes just pass.
//! 4. The end of one half is passed on to the other, unless ends are held: then a node that left looks alive.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kista::dist::epmd::{AliveReply, NamesReply, NodeInfo, PortReply, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// How long a dial waits for one in the other direction.
const ALONE: Duration = Duration::from_secs(3);

/// So many events are told when something goes wrong.
const STORY: usize = 40;

/// When the names of dialling nodes are passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// At once.
    Pass,
    /// When there are two, both.
    Meet,
    /// When there are two, first this node's; the other's when the first has got its answer.
    Answered(String),
    /// When there are two, first this node's; the other's when the first has come through, or was sent away.
    Through(String),
}

/// The EPMD and all that passes.
#[derive(Debug)]
pub struct Interposer {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// By name without host: what EPMD answers, with the port in front of the node's.
    nodes: HashMap<String, NodeInfo>,
    plan: Plan,
    /// Of this plan: who dials, who was answered, who came through or was sent away.
    dialled: HashSet<String>,
    answered: HashSet<String>,
    finished: HashSet<String>,
    alone: bool,
    hold_ends: bool,
    /// Who answered what, how many times.
    answers: BTreeMap<(String, String), usize>,
    /// Connections that came through and stand.
    standing: usize,
    dials: usize,
    /// What happened to the last connections.
    story: VecDeque<String>,
}

impl State {
    fn tell(&mut self, what: String) {
        if self.story.len() >= STORY {
            self.story.pop_front();
        }
        self.story.push_back(what);
    }
}

impl Interposer {
    /// An EPMD on some port.
    ///
    /// # Errors
    ///
    /// When there is no port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                nodes: HashMap::new(),
                plan: Plan::Pass,
                dialled: HashSet::new(),
                answered: HashSet::new(),
                finished: HashSet::new(),
                alone: false,
                hold_ends: false,
                answers: BTreeMap::new(),
                standing: 0,
                dials: 0,
                story: VecDeque::new(),
            }),
            changed: Notify::new(),
        });
        tokio::spawn(epmd(Arc::clone(&shared), listener, port));
        Ok(Self { port, shared })
    }

    /// The port of the EPMD.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on dials are held by this plan.
    pub fn plan(&self, plan: Plan) {
        let mut state = self.shared.lock();
        state.tell(format!("plan: {plan:?}"));
        state.plan = plan;
        state.dialled.clear();
        state.answered.clear();
        state.finished.clear();
        state.alone = false;
        drop(state);
        self.shared.changed.notify_waiters();
    }

    /// Whether two dials met under this plan.
    pub fn met(&self) -> bool {
        let state = self.shared.lock();
        state.dialled.len() >= 2 && !state.alone
    }

    /// Whether ends of connections are kept from the other side.
    pub fn hold_ends(&self, hold: bool) {
        self.shared.lock().hold_ends = hold;
        self.shared.changed.notify_waiters();
    }

    /// Who answered what to a dial, how many times.
    pub fn answers(&self) -> BTreeMap<(String, String), usize> {
        self.shared.lock().answers.clone()
    }

    /// What happened to the last connections, for who wonders.
    pub fn story(&self) -> String {
        let state = self.shared.lock();
        let lines: Vec<&str> = state.story.iter().map(String::as_str).collect();
        format!("{:?}\n{}", state.answers, lines.join("\n"))
    }

    /// Connections that came through their handshake and stand.
    pub fn standing(&self) -> usize {
        self.shared.lock().standing
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under the lock")
    }

    /// Returns when `is` is so.
    async fn until(&self, is: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if is(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Holds a dial by the plan.
    async fn gate(&self, dialler: &str) {
        self.lock().dialled.insert(dialler.to_owned());
        self.changed.notify_waiters();
        let both = self.until(|state| state.plan == Plan::Pass || state.dialled.len() >= 2);
        if tokio::time::timeout(ALONE, both).await.is_err() {
            self.lock().alone = true;
            self.changed.notify_waiters();
            return;
        }
        let turn = self.until(|state| match &state.plan {
            _ if state.alone => true,
            Plan::Pass | Plan::Meet => true,
            Plan::Answered(first) => first == dialler || state.answered.contains(first),
            Plan::Through(first) => first == dialler || state.finished.contains(first),
        });
        let _ = tokio::time::timeout(ALONE, turn).await;
    }

    fn note(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_waiters();
    }
}

async fn epmd(shared: Arc<Shared>, listener: TcpListener, port: u16) {
    while let Ok((socket, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let _ = answer(shared, socket, port).await;
        });
    }
}

async fn answer(shared: Arc<Shared>, mut socket: TcpStream, port: u16) -> io::Result<()> {
    let mut bytes = Vec::new();
    let request = loop {
        if let Some((request, _)) = Request::decode(&bytes).map_err(io::Error::other)? {
            break request;
        }
        if socket.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    match request {
        Request::Alive(mut info) => {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let behind = info.port;
            info.port = listener.local_addr()?.port();
            let name = info.name.clone();
            shared.lock().nodes.insert(name.clone(), info);
            let creation = AliveReply::Registered {
                creation: u32::from(behind) + 4,
            };
            socket.write_all(&creation.encode(true)).await?;
            let passing = tokio::spawn(front(Arc::clone(&shared), listener, behind, name.clone()));
            // The registration lasts as long as the connection.
            let _ = socket.read(&mut [0; 64]).await;
            passing.abort();
            shared.lock().nodes.remove(&name);
        }
        Request::Port(name) => {
            let found = shared.lock().nodes.get(&name).cloned();
            let reply = found.map_or(PortReply::NotFound, PortReply::Found);
            socket.write_all(&reply.encode()).await?;
        }
        Request::Names => {
            let names = shared
                .lock()
                .nodes
                .values()
                .map(|info| (info.name.clone(), info.port))
                .collect();
            let reply = NamesReply {
                epmd_port: port.into(),
                names,
            };
            socket.write_all(&reply.encode()).await?;
        }
        _ => {}
    }
    Ok(())
}

async fn front(shared: Arc<Shared>, listener: TcpListener, behind: u16, acceptor: String) {
    while let Ok((socket, _)) = listener.accept().await {
        let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
        tokio::spawn(async move {
            let mut dial = Dial {
                shared: &shared,
                number: {
                    let mut state = shared.lock();
                    state.dials += 1;
                    state.dials
                },
                dialler: String::new(),
                standing: false,
            };
            let _ = dial.pass(socket, behind, &acceptor).await;
        });
    }
}

/// One connection, from its first byte to its end.
struct Dial<'a> {
    shared: &'a Arc<Shared>,
    number: usize,
    dialler: String,
    standing: bool,
}

impl Dial<'_> {
    async fn pass(&mut self, socket: TcpStream, behind: u16, acceptor: &str) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let (mut from_dialler, mut to_dialler) = socket.into_split();
        let name = message(&mut from_dialler).await?;
        self.dialler = dialler(&name).unwrap_or_default();
        let number = self.number;
        let tell = |what: String| {
            let mut state = self.shared.lock();
            state.tell(format!("{number}: {what}"));
        };
        tell(format!("{} dials {acceptor}", self.dialler));
        self.shared.gate(&self.dialler).await;
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, behind)).await?;
        socket.set_nodelay(true)?;
        let (mut from_acceptor, mut to_acceptor) = socket.into_split();
        to_acceptor.write_all(&name).await?;
        let status = message(&mut from_acceptor).await?;
        let text = String::from_utf8_lossy(&status[3..]).into_owned();
        tell(format!("it is answered {text}"));
        self.shared.note(|state| {
            let key = (acceptor.to_owned(), text.clone());
            *state.answers.entry(key).or_default() += 1;
            state.answered.insert(self.dialler.clone());
            if text == "nok" || text == "not_allowed" {
                state.finished.insert(self.dialler.clone());
            }
        });
        to_dialler.write_all(&status).await?;
        // The rest of the handshake, in which the dialler says nothing that matters here.
        let forward = tokio::spawn(forward(
            Arc::clone(self.shared),
            from_dialler,
            to_acceptor,
            number,
        ));
        loop {
            let part = message(&mut from_acceptor).await;
            let Ok(part) = part else {
                tell("the acceptor left in the handshake".to_owned());
                break;
            };
            let last = part.get(2) == Some(&b'a');
            if last {
                self.standing = true;
                self.shared.note(|state| {
                    state.standing += 1;
                    state.finished.insert(self.dialler.clone());
                });
            }
            to_dialler.write_all(&part).await?;
            if last {
                tell("it is through".to_owned());
                copy(self.shared, from_acceptor, to_dialler).await;
                tell("the acceptor left".to_owned());
                break;
            }
        }
        let _ = forward.await;
        Ok(())
    }
}

impl Drop for Dial<'_> {
    fn drop(&mut self) {
        self.shared.note(|state| {
            state.finished.insert(std::mem::take(&mut self.dialler));
            if self.standing {
                state.standing -= 1;
            }
            state.tell(format!("{}: over", self.number));
        });
    }
}

async fn forward(shared: Arc<Shared>, from: OwnedReadHalf, to: OwnedWriteHalf, number: usize) {
    copy(&shared, from, to).await;
    shared.note(|state| state.tell(format!("{number}: the dialler left")));
}

/// Passes bytes on to the end, and then the end.
async fn copy(shared: &Shared, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
    shared.until(|state| !state.hold_ends).await;
    let _ = to.shutdown().await;
}

/// One message of the handshake, with its length.
async fn message(from: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
    let length = from.read_u16().await?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.resize(2 + usize::from(length), 0);
    from.read_exact(&mut bytes[2..]).await?;
    Ok(bytes)
}

/// The name in a `send_name`: `N`, flags of 8 bytes, creation of 4, length of 2, name.
fn dialler(message: &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(message.get(17..)?).into_owned())
}
