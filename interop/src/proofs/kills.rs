//! A peer that is killed in full traffic, and comes back under its name, again and again.
//!
//! In each of its lives, while both sides send as fast as they can:
//!
//! 1. Each of our watchers has a link and two monitors (by pid, by name) to its processes. Each of them fires exactly once, with
//!    `noconnection`, when the peer is killed.
//! 2. What a life of the peer sends arrives in order and without a gap, and nothing of it arrives after that life was reported to be
//!    over, nor anything of an earlier life.
//! 3. What is sent to a pid of an earlier life reaches nobody; a monitor of it says `noproc`, once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kista::{Atom, Dest, ExitReason, Info, Node, Pid, ProcessCx, Reference, Term};
use tokio::sync::{mpsc, oneshot};

use super::{ERL, PATIENCE, QUIET, ours};
use crate::{Bed, Random};

const OURS: &str = "kills@127.0.0.1";
/// Each is watched by a process of ours.
const VICTIMS: usize = 8;
/// On each side.
const SENDERS: usize = 3;

/// What is done.
#[derive(Debug, Clone, Copy)]
pub struct Kills {
    /// Draws the moment of each kill.
    pub seed: u64,
    /// Lives of the peer.
    pub lives: usize,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub struct Killed {
    /// Lives of the peer, each ended by SIGKILL.
    pub lives: usize,
    /// Links and monitors that fired, each once.
    pub fired: usize,
    /// Messages of the peer's that arrived.
    pub arrived: u64,
    /// Messages of ours that were accepted for the peer.
    pub sent: u64,
}

/// Kills the peer so many times.
///
/// # Panics
///
/// When something fires twice, not at all, or comes from a life that is over.
pub async fn kills(bed: &Bed, plan: Kills) -> Killed {
    println!("kills: seed {}, {} lives", plan.seed, plan.lives);
    let node = ours(bed, OURS).start().await.expect("our node starts");
    let world = Arc::new(World::default());
    let (told, mut tells) = mpsc::unbounded_channel();
    let sink = node
        .spawn_fn({
            let world = Arc::clone(&world);
            async move |cx| sink(world, told, cx).await
        })
        .expect("a process starts");
    node.register("sink", sink).expect("the name is free");
    let watchers: Vec<_> = (0..VICTIMS).map(|_| Watcher::start(&node)).collect();
    for _ in 0..SENDERS {
        let world = Arc::clone(&world);
        node.spawn_fn(async move |cx| sender(world, cx).await)
            .expect("a process starts");
    }

    let mut random = Random::new(plan.seed);
    let mut fired = 0;
    let mut earlier: Vec<Pid> = Vec::new();
    for life in 1..=plan.lives {
        let text = [life.to_string(), VICTIMS.to_string(), SENDERS.to_string()];
        let arguments = [OURS, &text[0], &text[1], &text[2]];
        let mut erl = bed.erlang_with(&QUIET, ERL, bed.cookie(), "kills", "live", &arguments);
        let victims = tokio::time::timeout(PATIENCE, tells.recv())
            .await
            .unwrap_or_else(|_| panic!("life {life} does not begin: {:#?}", erl.printed()))
            .expect("the sink lives");
        assert_eq!(victims.len(), VICTIMS);
        let mut watching = Vec::new();
        for (watcher, &victim) in watchers.iter().zip(&victims) {
            let (heard, hears) = oneshot::channel();
            let set = watcher.watch(victim, earlier.first().copied(), heard);
            match tokio::time::timeout(PATIENCE, set).await {
                Ok(set) => set.expect("the watcher lives"),
                Err(_) => panic!(
                    "life {life}: nothing is heard of {:?}; {}",
                    earlier.first(),
                    story(&node, sink).await
                ),
            }
            watching.push(hears);
        }
        {
            let mut targets = world.targets.lock().expect("no panic under the lock");
            targets.clear();
            targets.extend(victims.iter().map(|&pid| (life as u64, pid)));
            targets.extend(earlier.iter().map(|&pid| (life as u64 - 1, pid)));
        }
        world.at_rest.store(false, Relaxed);
        // Traffic in both directions, then some more.
        let before = world.arrived.load(Relaxed);
        tokio::time::timeout(PATIENCE, async {
            while world.arrived.load(Relaxed) < before + 1000 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .expect("traffic");
        tokio::time::sleep(Duration::from_millis(random.below(30) as u64)).await;
        erl.kill();
        for (n, heard) in watching.into_iter().enumerate() {
            let heard = tokio::time::timeout(PATIENCE, heard)
                .await
                .unwrap_or_else(|_| panic!("life {life}: watcher {n} does not hear all"))
                .expect("the watcher lives");
            fired += heard;
        }
        world.at_rest.store(true, Relaxed);
        earlier = victims;
        let wrong = world.wrong.lock().expect("no panic under the lock").clone();
        assert!(wrong.is_empty(), "life {life}, {plan:?}: {wrong:#?}");
        if life % 50 == 0 {
            println!("{life} lives, {fired} fired");
        }
    }
    for watcher in watchers {
        watcher.nothing_more().await;
    }
    let wrong = world.wrong.lock().expect("no panic under the lock").clone();
    assert!(wrong.is_empty(), "{plan:?}: {wrong:#?}");
    node.stop().await;
    Killed {
        lives: plan.lives,
        fired,
        arrived: world.arrived.load(Relaxed),
        sent: world.sent.load(Relaxed),
    }
}

/// What there is to see of the connection and of who gets its messages, twice.
async fn story(node: &Node, sink: Pid) -> String {
    let mut story = String::new();
    for _ in 0..2 {
        let waiting = node.process_info(sink).await;
        let waiting = waiting.map(|info| info.message_queue_len);
        let connection = node.connection_info(ERL);
        story += &format!("the sink has {waiting:?} waiting, the connection is {connection:?}; ");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    story
}

#[derive(Default)]
struct World {
    arrived: AtomicU64,
    sent: AtomicU64,
    /// Nobody is there: our senders go on, but leave the processor to whoever is to come.
    at_rest: AtomicBool,
    /// The life and the pid of processes of the peer.
    targets: Mutex<Vec<(u64, Pid)>>,
    wrong: Mutex<Vec<String>>,
}

impl World {
    fn wrong(&self, what: String) {
        self.wrong
            .lock()
            .expect("no panic under the lock")
            .push(what);
    }
}

enum FromPeer {
    Ready(u64, Vec<Pid>),
    Flood(u64, u64, u64),
}

/// Gets all that the peer sends, and judges it.
async fn sink(world: Arc<World>, told: mpsc::UnboundedSender<Vec<Pid>>, mut cx: ProcessCx) {
    let mut life = 0;
    let mut monitor: Option<Reference> = None;
    let mut next: HashMap<u64, u64> = HashMap::new();
    loop {
        match cx.receive().await {
            Info::Term(term) => match read(&term) {
                Some(FromPeer::Ready(number, victims)) => {
                    if monitor.is_some() || number != life + 1 {
                        world.wrong(format!("life {number} begins in life {life}"));
                    }
                    life = number;
                    next.clear();
                    monitor = Some(cx.monitor(("traffic", ERL)));
                    let _ = told.send(victims);
                }
                Some(FromPeer::Flood(number, sender, count)) => {
                    world.arrived.fetch_add(1, Relaxed);
                    let due = next.entry(sender).or_default();
                    if number != life || monitor.is_none() || count != *due {
                        world.wrong(format!(
                            "message {count} of sender {sender} of life {number}, in life {life}, where {due} was due"
                        ));
                    }
                    *due = count + 1;
                }
                None => world.wrong(format!("the sink got {term}")),
            },
            Info::Down {
                reference, reason, ..
            } if monitor == Some(reference) => {
                if reason != ExitReason::NoConnection {
                    world.wrong(format!("life {life} ended with {reason}"));
                }
                monitor = None;
            }
            other => world.wrong(format!("the sink got {other:?}")),
        }
    }
}

fn read(term: &Term) -> Option<FromPeer> {
    let words = term.as_tuple()?;
    let number = |n: usize| u64::try_from(words.get(n)?.as_int()?).ok();
    match words.first()?.as_atom_str()? {
        "flood" => Some(FromPeer::Flood(number(1)?, number(2)?, number(3)?)),
        "ready" => {
            let pids = words.get(2)?.as_list()?.iter().map(Term::as_pid);
            Some(FromPeer::Ready(number(1)?, pids.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

/// Sends as fast as it may: to a name, to pids of this life, and to pids of the one before.
async fn sender(world: Arc<World>, cx: ProcessCx) {
    let life = Atom::from_static("life");
    loop {
        let targets = world
            .targets
            .lock()
            .expect("no panic under the lock")
            .clone();
        if targets.is_empty() || world.at_rest.load(Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for (number, pid) in targets {
            let by_name = cx.send(("traffic", ERL), &(life, [0u8; 100].as_slice()));
            if by_name.await.is_ok() && cx.send(pid, &(life, number)).await.is_ok() {
                world.sent.fetch_add(2, Relaxed);
            }
        }
        tokio::task::yield_now().await;
    }
}

/// A process of ours that links and monitors.
struct Watcher {
    orders: mpsc::UnboundedSender<Order>,
}

#[derive(Debug)]
enum Order {
    Watch {
        victim: Pid,
        /// Of the life before.
        dead: Option<Pid>,
        set: oneshot::Sender<()>,
        heard: oneshot::Sender<usize>,
    },
    NothingMore(oneshot::Sender<()>),
}

impl Watcher {
    fn start(node: &Node) -> Self {
        let (orders, ordered) = mpsc::unbounded_channel();
        node.spawn_fn(async move |cx| watch(cx, ordered).await)
            .expect("a process starts");
        Self { orders }
    }

    /// What it returns is ready when everything is set; `heard` gets how much has fired, when everything has.
    fn watch(
        &self,
        victim: Pid,
        dead: Option<Pid>,
        heard: oneshot::Sender<usize>,
    ) -> oneshot::Receiver<()> {
        let (set, is_set) = oneshot::channel();
        let order = Order::Watch {
            victim,
            dead,
            set,
            heard,
        };
        self.orders.send(order).expect("the watcher lives");
        is_set
    }

    /// And with that it ends.
    async fn nothing_more(self) {
        let (nothing, is_nothing) = oneshot::channel();
        let order = Order::NothingMore(nothing);
        self.orders.send(order).expect("the watcher lives");
        is_nothing.await.expect("nothing more was heard");
    }
}

async fn watch(mut cx: ProcessCx, mut ordered: mpsc::UnboundedReceiver<Order>) {
    cx.trap_exit(true);
    loop {
        let order = tokio::select! {
            order = ordered.recv() => order,
            info = cx.receive() => panic!("a watcher without orders got {info:?}"),
        };
        match order {
            Some(Order::Watch {
                victim,
                dead,
                set,
                heard,
            }) => {
                if let Some(dead) = dead {
                    let reference = cx.monitor(dead);
                    let info = cx.receive().await;
                    let down = Info::Down {
                        reference,
                        from: dead.into(),
                        reason: ExitReason::NoProc,
                    };
                    assert_eq!(info, down, "of a pid of an earlier life");
                }
                cx.link(victim);
                let mut awaited = vec![
                    Info::Exit {
                        from: victim,
                        reason: ExitReason::NoConnection,
                    },
                    down(&cx, victim.into()),
                    down(&cx, ("traffic", ERL).into()),
                ];
                let _ = set.send(());
                let all = awaited.len();
                while !awaited.is_empty() {
                    let info = cx.receive().await;
                    let Some(at) = awaited.iter().position(|awaited| *awaited == info) else {
                        panic!("a watcher of {victim} got {info:?}, where {awaited:?} is awaited");
                    };
                    awaited.swap_remove(at);
                }
                let _ = heard.send(all);
            }
            Some(Order::NothingMore(nothing)) => {
                let more = cx.receive().after(Duration::from_millis(200)).await;
                assert_eq!(more, None);
                let _ = nothing.send(());
                return;
            }
            None => return,
        }
    }
}

fn down(cx: &ProcessCx, dest: Dest) -> Info {
    Info::Down {
        reference: cx.monitor(dest),
        from: dest,
        reason: ExitReason::NoConnection,
    }
}
