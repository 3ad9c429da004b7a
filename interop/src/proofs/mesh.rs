//! One link of three is cut: what each of the three sees when nothing changes any more.
//!
//! The same is done to three nodes of OTP, and to two with one of ours. Which link it is, and which end of it cuts, goes round. With
//! `prevent_overlapping_partitions` all three end alone. But each closes a connection as soon as it is asked to, and who is asked before it
//! has noticed its own loss does not tell that loss: then the other two stay together. OTP leaves that to chance, and a node that stood
//! still for a while is likely to meet it; what must never be is a third outcome.
//!
//! Before each cut they find each other. As OTP's `global` may not dial here, whoever hears of a node that is not yet connected tells that as a
//! loss; and who removes a node in the moment in which that one connects waits for it without end. So nobody may be in step before all are
//! connected. OTP's pause before it meets somebody, which ours is as long as, is 0.2 s at first, and a busy machine takes longer for three
//! connections; so OTP's name servers stand still until all are there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kista::{AutoConnect, Node};

use super::PATIENCE;
use crate::{Bed, Program};

const OURS: &str = "a@127.0.0.1";
const NAMES: [&str; 3] = [OURS, "m@127.0.0.1", "n@127.0.0.1"];

/// What is done.
#[derive(Debug, Clone, Copy)]
pub struct Mesh {
    /// Cuts of each of the two meshes.
    pub rounds: usize,
    /// What the three are told, as OTP's kernel is.
    pub prevent_overlapping_partitions: bool,
    /// The one that is ours, or stands for it, is a hidden node.
    pub hidden: bool,
}

/// How many nodes each of the three sees at last, from the least to the most, and how often that was.
pub type Outcomes = BTreeMap<[usize; 3], usize>;

/// What came of it.
#[derive(Debug, Clone)]
pub struct Meshed {
    /// Among three of OTP.
    pub theirs: Outcomes,
    /// Where one was ours.
    pub ours: Outcomes,
    /// How often three of OTP did not find each other again, connected as they were, until all was cut; and where one was ours.
    pub apart: [usize; 2],
}

/// Cuts so many times.
///
/// # Panics
///
/// When the three cannot be parted.
pub async fn mesh(plan: Mesh) -> Meshed {
    println!("mesh: {plan:?}");
    let mut meshed = Meshed {
        theirs: Outcomes::new(),
        ours: Outcomes::new(),
        apart: [0; 2],
    };
    let [alone, with_ours] = &mut meshed.apart;
    for (ours, outcomes, apart) in [
        (false, &mut meshed.theirs, alone),
        (true, &mut meshed.ours, with_ours),
    ] {
        let bed = Bed::new();
        let mut three = Vec::new();
        for name in NAMES {
            three.push(One::start(&bed, name, ours && name == OURS, plan).await);
        }
        for round in 0..plan.rounds {
            while let Err(seen) = join(&mut three, plan.hidden).await {
                println!("round {round}: the three do not find each other: {seen:#?}");
                *apart += 1;
                part(&mut three).await;
            }
            // Each of the six ends of a link.
            let (cutter, other) = ([1, 0, 2, 1, 0, 2][round % 6], [2, 1, 0, 0, 2, 1][round % 6]);
            three[cutter].cut(NAMES[other]);
            let mut left = settled(&mut three).await;
            left.sort_unstable();
            *outcomes.entry(left).or_default() += 1;
            println!(
                "round {round}, {} cuts {}: {left:?}",
                NAMES[cutter], NAMES[other]
            );
        }
        for one in three {
            one.end().await;
        }
    }
    meshed
}

/// One of the three. None dials by itself, so that what was cut stays so.
enum One {
    Ours(Node),
    Theirs(Program),
}

impl One {
    async fn start(bed: &Bed, name: &str, ours: bool, plan: Mesh) -> Self {
        let hidden = plan.hidden && name == OURS;
        if ours {
            let builder = bed
                .node(name)
                .auto_connect(AutoConnect::Never)
                .prevent_overlapping_partitions(plan.prevent_overlapping_partitions);
            let builder = if hidden { builder } else { builder.visible() };
            return Self::Ours(builder.start().await.expect("our node starts"));
        }
        let prevent = plan.prevent_overlapping_partitions.to_string();
        let mut options = vec!["-kernel", "dist_auto_connect", "never"];
        options.extend(["prevent_overlapping_partitions", &prevent]);
        if hidden {
            options.push("-hidden");
        }
        let mut erl = bed.erlang_with(&options, name, bed.cookie(), "names", "serve", &[name]);
        erl.expect(&format!("ready {name}"), PATIENCE);
        Self::Theirs(erl)
    }

    async fn connect(&mut self, to: &str) {
        match self {
            // The other one may be about to dial, or to leave: it is tried again.
            Self::Ours(node) => drop(node.connect(to).await),
            Self::Theirs(_) => drop(self.ask(&format!("net_kernel:connect_node('{to}')"))),
        }
    }

    /// Whether its name server stands still, and nobody gets in step with it; ours is held by those of the others.
    fn hold(&mut self, hold: bool) {
        if let Self::Theirs(_) = self {
            let does = if hold { "suspend" } else { "resume" };
            drop(self.ask(&format!("sys:{does}(global_name_server,infinity)")));
        }
    }

    fn cut(&mut self, from: &str) {
        match self {
            Self::Ours(node) => drop(node.disconnect(from)),
            Self::Theirs(_) => drop(self.ask(&format!("erlang:disconnect_node('{from}')"))),
        }
    }

    fn connected(&mut self) -> usize {
        match self {
            Self::Ours(node) => node.nodes().len() + node.hidden_nodes().len(),
            Self::Theirs(_) => self.count("nodes(connected)"),
        }
    }

    async fn synced(&mut self) -> usize {
        match self {
            Self::Ours(node) => match node.global().await {
                Ok(global) => global.synced().await.map_or(0, |nodes| nodes.len()),
                Err(_) => 0,
            },
            Self::Theirs(_) => self.count("gen_server:call(global_name_server,get_synced)"),
        }
    }

    fn count(&mut self, list: &str) -> usize {
        let count = self.ask(&format!("length({list})"));
        count.parse().unwrap_or_else(|_| panic!("{list}: {count}"))
    }

    fn ask(&mut self, expression: &str) -> String {
        let Self::Theirs(erl) = self else {
            unreachable!("ours is not asked in Erlang");
        };
        tokio::task::block_in_place(|| {
            erl.tell(&format!("{expression}."));
            let line = erl.line(expression, PATIENCE, |line| line.starts_with("= "));
            line[2..].to_owned()
        })
    }

    /// Its connections, and what its name server knows of them.
    fn story(&mut self) -> String {
        match self {
            Self::Ours(node) => format!("{:?}", node.connections()),
            Self::Theirs(_) => self.ask("{nodes(connected), sys:get_state(global_name_server)}"),
        }
    }

    async fn end(self) {
        if let Self::Ours(node) = self {
            node.stop().await;
        }
    }
}

/// Until all are connected with all, and those who have names together have them together.
async fn join(three: &mut [One], hidden: bool) -> Result<(), Vec<String>> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        three.iter_mut().for_each(|one| one.hold(true));
        for (from, to) in [(0, 1), (0, 2), (1, 2)] {
            three[from].connect(NAMES[to]).await;
        }
        let all = async || three.iter_mut().all(|one| one.connected() == 2);
        let connected = in_a_moment(all).await;
        three.iter_mut().for_each(|one| one.hold(false));
        let all = async || {
            let mut all = true;
            for (n, one) in three.iter_mut().enumerate() {
                let synced = match (hidden, n) {
                    (true, 0) => 0,
                    (true, _) => 1,
                    (false, _) => 2,
                };
                all &= one.connected() == 2 && one.synced().await == synced;
            }
            all
        };
        if connected && in_a_moment(all).await {
            return Ok(());
        }
        if Instant::now() > end {
            let mut seen = Vec::new();
            for one in three.iter_mut() {
                let (connected, synced) = (one.connected(), one.synced().await);
                seen.push(format!("{connected}, {synced}: {}", one.story()));
            }
            return Err(seen);
        }
    }
}

/// Whether it comes in the moment after which what is not there is asked for again: a late word about the cut before may have undone it.
async fn in_a_moment(mut check: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..50 {
        if check().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

/// Cuts all of them from each other.
async fn part(three: &mut [One]) {
    let end = Instant::now() + PATIENCE;
    while three.iter_mut().any(|one| one.connected() > 0) {
        assert!(Instant::now() < end, "they cannot be parted");
        for one in three.iter_mut() {
            NAMES.iter().for_each(|name| one.cut(name));
        }
        settled(three).await;
    }
}

/// How many nodes each of them sees, when nothing has changed for a while.
async fn settled(three: &mut [One]) -> [usize; 3] {
    let (mut last, mut since) = (None, Instant::now());
    while since.elapsed() < Duration::from_secs(1) {
        let now = [0, 1, 2].map(|n: usize| three[n].connected());
        if last != Some(now) {
            (last, since) = (Some(now), Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    last.expect("it was looked")
}
