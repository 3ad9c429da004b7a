//! Links, monitors and exits that race: both sides must end with the same view of each other.
//!
//! Actors on both sides link, unlink, monitor (by pid and by name), demonitor, send exit signals to each other, and end, all at
//! once and without a word to each other (`erlang/races.erl` is the other half). Now and then one side cuts the connection, and the
//! next signal makes another. When all operations are done and nothing moves any more, the following must hold:
//!
//! 1. A link that one side's process has to the other side's, that one has too, and it lives.
//! 2. Whom a process monitors on the other side, that one knows to be monitored, as many times.
//! 3. A process's monitors are those that it made, has not taken back, and has not heard of: none fired twice, none was lost,
//!    none fired after it was taken back with `flush`.
//!
//! One thing is let pass, which OTP does to its own nodes too: `left_behind` in `erlang/races.erl` tells what, and of whom.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use kista::{Atom, Dest, ExitReason, Info, Node, Pid, ProcessCx, Reference, Term};

use super::{ERL, PATIENCE, QUIET, ours};
use crate::{Bed, Random};

const OURS: &str = "races@127.0.0.1";
/// Processes at any moment on each side.
const SLOTS: usize = 12;
/// Operations between two pauses of a millisecond.
const BURST: usize = 8;
/// How long the end may take to settle.
const SETTLING: Duration = Duration::from_secs(30);

/// What is raced.
#[derive(Debug, Clone, Copy)]
pub struct Races {
    /// What is drawn for whom; the order in which it happens is anybody's.
    pub seed: u64,
    /// Of both sides together.
    pub operations: usize,
    /// How often the connection is cut, half of the times by each side.
    pub cuts: usize,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub struct Raced {
    /// Operations of both sides.
    pub operations: usize,
    /// Processes of ours that ended on the way.
    pub ended: usize,
    /// Connections that were cut.
    pub cuts: usize,
    /// Links between the two sides at the end.
    pub links: usize,
    /// Monitors between the two sides at the end.
    pub monitors: usize,
    /// Monitors of our processes that OTP did not take back.
    pub left_behind: usize,
}

/// Runs a race and compares.
///
/// # Panics
///
/// When the views differ, with the seed and every difference.
pub async fn races(bed: &Bed, plan: Races) -> Raced {
    println!(
        "races: seed {}, {} operations, {} cuts",
        plan.seed, plan.operations, plan.cuts
    );
    let each = plan.operations / 2 / SLOTS * SLOTS;
    let (seed, slots, operations) = (plan.seed.to_string(), SLOTS.to_string(), each.to_string());
    let arguments = [OURS, &seed, &slots, &operations];
    let mut erl = bed.erlang_with(&QUIET, ERL, bed.cookie(), "races", "run", &arguments);
    erl.expect(&format!("ready {ERL}"), PATIENCE);

    let node = ours(bed, OURS).start().await.expect("our node starts");
    let world = World::new(node.clone(), plan.seed, each / SLOTS);
    let desk = node
        .spawn_fn({
            let world = world.clone();
            async move |cx| desk(world, cx).await
        })
        .expect("a process starts");
    node.register("races", desk).expect("the name is free");
    node.spawn_fn({
        let world = world.clone();
        async move |cx| keeper(world, cx).await
    })
    .expect("a process starts");

    let mut cuts = 0;
    let mut settling: Option<(Instant, usize)> = None;
    loop {
        world.tell();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let done = world.done();
        if cuts < plan.cuts && done * (plan.cuts + 1) >= each * (cuts + 1) {
            cuts += 1;
            if cuts % 2 == 0 {
                let _ = node.call::<Atom>(("races", ERL), &atom("cut")).await;
            } else {
                node.disconnect(ERL);
            }
            continue;
        }
        // A call may fall into a cut.
        let Ok(theirs) = node.call::<Theirs>(("races", ERL), &atom("view")).await else {
            continue;
        };
        if !theirs.0 || done < each {
            continue;
        }
        assert!(theirs.2.is_empty(), "{plan:?}: {:#?}", theirs.2);
        let compared = world.compare(&theirs.1, &theirs.3).await;
        let (since, agreed) = settling.get_or_insert_with(|| (Instant::now(), 0));
        match compared {
            // Once more, since something may have been under way.
            Ok(_) if *agreed < 3 => *agreed += 1,
            Ok((links, monitors, left_behind)) => {
                let _ = node.call::<Atom>(("races", ERL), &atom("stop")).await;
                node.stop().await;
                let ended = world.lock().ended;
                return Raced {
                    operations: 2 * each,
                    ended,
                    cuts,
                    links,
                    monitors,
                    left_behind,
                };
            }
            Err(differences) => {
                *agreed = 0;
                assert!(
                    since.elapsed() < SETTLING,
                    "{plan:?}: {differences:#?}; what erl printed: {:#?}",
                    erl.printed()
                );
            }
        }
    }
}

/// A living process's pid, links, monitors, who monitors it, and its book.
type View = (Pid, Vec<Pid>, Vec<Term>, Vec<Pid>, Vec<Term>);

/// Whether all is done; the living; what should not have come; whose monitors of which names were not taken back.
type Theirs = (bool, Vec<View>, Vec<String>, Vec<(Pid, Atom)>);

fn atom(text: &str) -> Atom {
    Atom::new(text).expect("short")
}

#[derive(Clone)]
struct World {
    node: Node,
    seed: u64,
    /// Operations of each slot.
    quota: usize,
    done: Arc<[AtomicUsize; SLOTS]>,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    own: Vec<Pid>,
    peers: Vec<Option<Pid>>,
    books: HashMap<Pid, Book>,
    strays: Vec<String>,
    ended: usize,
}

/// The monitors of a process, by reference: whom, and whether it was taken back too late.
type Book = HashMap<Reference, (Dest, bool)>;

impl World {
    fn new(node: Node, seed: u64, quota: usize) -> Self {
        Self {
            node,
            seed,
            quota,
            done: Arc::new(std::array::from_fn(|_| AtomicUsize::new(0))),
            shared: Arc::new(Mutex::new(Shared {
                own: Vec::new(),
                peers: vec![None; SLOTS],
                books: HashMap::new(),
                strays: Vec::new(),
                ended: 0,
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no panic under the lock")
    }

    fn done(&self) -> usize {
        self.done
            .iter()
            .map(|done| done.load(Ordering::Relaxed).min(self.quota))
            .sum()
    }

    /// Tells the other side who is in the slots now; what it was told before may have been lost with a connection.
    fn tell(&self) {
        let own = self.lock().own.clone();
        for (slot, pid) in (1i64..).zip(own) {
            drop(self.node.send(("races", ERL), &(atom("slot"), slot, pid)));
        }
    }

    fn start(&self, slot: usize, cx: &ProcessCx) -> Pid {
        let world = self.clone();
        let pid = cx
            .spawn_fn(async move |cx| actor(world, slot, cx).await)
            .expect("a process starts");
        cx.monitor(pid);
        let _ = self.node.register(race_name(slot), pid);
        pid
    }

    fn stray(&self, what: String) {
        self.lock().strays.push(what);
    }

    /// How many links and monitors there are between the two sides, and how many only here because OTP left them behind; or how the
    /// two views of them differ.
    async fn compare(
        &self,
        theirs: &[View],
        left_behind: &[(Pid, Atom)],
    ) -> Result<(usize, usize, usize), Vec<String>> {
        let mut differences = std::mem::take(&mut self.lock().strays);
        assert!(differences.is_empty(), "{differences:#?}");
        let own = self.lock().own.clone();
        let mut ours = BTreeMap::new();
        for pid in own {
            match self.node.process_info(pid).await {
                Some(info) => drop(ours.insert(pid, info)),
                None => differences.push(format!("{pid} has just ended")),
            }
        }
        let erl = atom(ERL);
        let our_links: Relations = ours
            .values()
            .flat_map(|info| info.links.iter().map(|&to| (info.pid, to)))
            .filter(|(_, to)| to.node == erl)
            .collect();
        let their_links: Relations = theirs
            .iter()
            .flat_map(|(pid, links, ..)| links.iter().map(|&to| (to, *pid)))
            .filter(|(to, _)| to.node != erl)
            .collect();
        differ("links", &our_links, &their_links, &mut differences);

        let by_name: HashMap<Atom, Pid> = (0..SLOTS)
            .filter_map(|slot| Some((atom(&race_name(slot)), self.node.whereis(&race_name(slot))?)))
            .collect();
        let peers = self.lock().peers.clone();
        let target = |dest: &Dest| match dest {
            Dest::Pid(pid) => Some(*pid),
            Dest::Remote { name, node } if *node == erl => {
                let slot = (0..SLOTS).find(|&slot| race_name(slot) == name.as_str())?;
                peers[slot]
            }
            Dest::Remote { name, .. } | Dest::Name(name) => by_name.get(name).copied(),
            _ => None,
        };
        let our_monitors: Relations = ours
            .values()
            .flat_map(|info| info.monitors.iter().map(|to| (info.pid, to)))
            .filter_map(|(pid, to)| Some((pid, target(to)?)))
            .filter(|(_, to)| to.node == erl)
            .collect();
        let their_watched: Relations = theirs
            .iter()
            .flat_map(|(pid, _, _, by, _)| by.iter().map(|&by| (by, *pid)))
            .filter(|(by, _)| by.node != erl)
            .collect();
        differ(
            "our monitors",
            &our_monitors,
            &their_watched,
            &mut differences,
        );
        let our_watched: Relations = ours
            .values()
            .flat_map(|info| info.monitored_by.iter().map(|&by| (by, info.pid)))
            .filter(|(by, _)| by.node == erl)
            .collect();
        let mut their_monitors: Relations = theirs
            .iter()
            .flat_map(|(pid, _, monitors, ..)| monitors.iter().map(|to| (*pid, to)))
            .filter_map(|(pid, to)| Some((pid, target(&dest(to)?)?)))
            .filter(|(_, to)| to.node != erl)
            .collect();
        let left_behind: Relations = left_behind
            .iter()
            .filter_map(|(pid, name)| Some((*pid, *by_name.get(name)?)))
            .collect();
        let left_behind = their_monitors.fill_up(&our_watched, &left_behind);
        differ(
            "their monitors",
            &our_watched,
            &their_monitors,
            &mut differences,
        );

        let text = |dest: &Dest| match dest {
            Dest::Name(name) => Dest::from((*name, self.node.name())).to_string(),
            other => other.to_string(),
        };
        for info in ours.values() {
            let book: Vec<Dest> = self.lock().books[&info.pid]
                .values()
                .filter(|(_, taken_back)| !taken_back)
                .map(|(dest, _)| *dest)
                .collect();
            let book: Bag<String> = book.iter().map(text).collect();
            let monitors: Bag<String> = info.monitors.iter().map(text).collect();
            if book != monitors {
                differences.push(format!(
                    "{} monitors {monitors:?} and has {book:?} in its book",
                    info.pid
                ));
            }
        }
        for (pid, _, monitors, _, book) in theirs {
            let monitors: Bag<String> = monitors.iter().map(Term::to_string).collect();
            let book: Bag<String> = book.iter().map(Term::to_string).collect();
            if book != monitors {
                differences.push(format!(
                    "{pid} monitors {monitors:?} and has {book:?} in its book"
                ));
            }
        }
        if differences.is_empty() {
            let monitors = our_monitors.0.values().chain(our_watched.0.values());
            Ok((our_links.0.len(), monitors.sum(), left_behind))
        } else {
            Err(differences)
        }
    }
}

/// How many times each is there.
#[derive(Debug, PartialEq)]
struct Bag<T: Ord>(BTreeMap<T, usize>);

impl<T: Ord> FromIterator<T> for Bag<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let mut bag = BTreeMap::new();
        for one in all {
            *bag.entry(one).or_default() += 1;
        }
        Self(bag)
    }
}

impl<T: Ord + Copy> Bag<T> {
    /// Adds what `whole` has more of, as far as it is in `spare`; how many that were.
    fn fill_up(&mut self, whole: &Self, spare: &Self) -> usize {
        let mut added = 0;
        for (one, most) in &spare.0 {
            let wanted = whole.0.get(one).copied().unwrap_or_default();
            let have = self.0.get(one).copied().unwrap_or_default();
            let more = wanted.saturating_sub(have).min(*most);
            if more > 0 {
                self.0.insert(*one, have + more);
                added += more;
            }
        }
        added
    }
}

/// Two ends each.
type Relations = Bag<(Pid, Pid)>;

fn differ(what: &str, ours: &Relations, theirs: &Relations, differences: &mut Vec<String>) {
    let all = ours.0.keys().chain(theirs.0.keys());
    let all: std::collections::BTreeSet<_> = all.collect();
    for ends @ (a, b) in all {
        let (here, there) = (ours.0.get(ends), theirs.0.get(ends));
        if here != there {
            differences.push(format!("{what} {a} - {b}: {here:?} here, {there:?} there"));
        }
    }
}

/// A pid, or `{Name, Node}`.
fn dest(term: &Term) -> Option<Dest> {
    match term {
        Term::Pid(pid) => Some(Dest::from(*pid)),
        other => match other.as_tuple()? {
            [name, node] => Some(Dest::from((name.as_atom()?, node.as_atom()?))),
            _ => None,
        },
    }
}

fn race_name(slot: usize) -> String {
    format!("race_{}", slot + 1)
}

/// Hears who is in the other side's slots.
async fn desk(world: World, mut cx: ProcessCx) {
    loop {
        if let Info::Term(term) = cx.receive().await
            && let Some([tag, slot, Term::Pid(pid)]) = term.as_tuple()
            && tag.as_atom_str() == Some("slot")
        {
            let slot: usize = slot.to_string().parse().expect("a number");
            world.lock().peers[slot - 1] = Some(*pid);
        }
    }
}

/// Has a process in every slot.
async fn keeper(world: World, mut cx: ProcessCx) {
    for slot in 0..SLOTS {
        let pid = world.start(slot, &cx);
        world.lock().own.push(pid);
    }
    world.tell();
    loop {
        let Info::Down {
            from: Dest::Pid(dead),
            ..
        } = cx.receive().await
        else {
            continue;
        };
        let slot = {
            let mut shared = world.lock();
            shared.books.remove(&dead);
            shared.ended += 1;
            shared.own.iter().position(|&pid| pid == dead)
        };
        let slot = slot.expect("it was in a slot");
        let pid = world.start(slot, &cx);
        world.lock().own[slot] = pid;
        let told = (atom("slot"), slot as i64 + 1, pid);
        drop(world.node.send(("races", ERL), &told));
    }
}

async fn actor(world: World, slot: usize, mut cx: ProcessCx) -> ExitReason {
    cx.trap_exit(slot % 4 != 3);
    world.lock().books.insert(cx.pid(), Book::new());
    while world.lock().peers.contains(&None) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    loop {
        while let Some(info) = cx.receive_if(|_| true).after(Duration::ZERO).await {
            heard(&world, &cx, info);
        }
        let number = world.done[slot].load(Ordering::Relaxed);
        if number >= world.quota {
            let info = cx.receive().await;
            heard(&world, &cx, info);
            continue;
        }
        world.done[slot].store(number + 1, Ordering::Relaxed);
        let mut random = Random::new(world.seed ^ ((slot as u64) << 48) ^ ((number as u64) << 8));
        if let Some(reason) = operation(&world, slot, &cx, &mut random) {
            return reason;
        }
        // Both sides take their time, so that neither is done long before the other.
        if number.is_multiple_of(BURST) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn heard(world: &World, cx: &ProcessCx, info: Info) {
    match info {
        Info::Down { reference, .. } => {
            let known = world
                .lock()
                .books
                .get_mut(&cx.pid())
                .and_then(|book| book.remove(&reference));
            if known.is_none() {
                world.stray(format!("{} heard {reference} down", cx.pid()));
            }
        }
        Info::Exit { .. } => {}
        other => world.stray(format!("{} got {other:?}", cx.pid())),
    }
}

/// One operation; the reason, when the process ends by it.
fn operation(
    world: &World,
    slot: usize,
    cx: &ProcessCx,
    random: &mut Random,
) -> Option<ExitReason> {
    let here = random.below(5) == 0;
    let number = random.below(SLOTS);
    let target = {
        let shared = world.lock();
        if here {
            shared.own.get(number).copied()
        } else {
            shared.peers[number]
        }
    };
    let target = target.filter(|&target| target != cx.pid())?;
    let note = |dest: Dest, reference: Reference| {
        if let Some(book) = world.lock().books.get_mut(&cx.pid()) {
            book.insert(reference, (dest, false));
        }
    };
    match random.below(100) {
        0..28 => cx.link(target),
        28..50 => cx.unlink(target),
        50..56 => {
            cx.link(target);
            cx.unlink(target);
            cx.link(target);
        }
        56..68 => note(target.into(), cx.monitor(target)),
        68..74 => {
            let dest = Dest::from((atom(&race_name(number)), target.node));
            note(dest, cx.monitor(dest));
        }
        74..90 => {
            let references: Vec<Reference> = {
                let shared = world.lock();
                shared.books.get(&cx.pid())?.keys().copied().collect()
            };
            if references.is_empty() {
                return None;
            }
            let reference = random.one(&references);
            let gone = if random.below(2) == 0 {
                cx.demonitor_flush(reference);
                true
            } else {
                cx.demonitor(reference)
            };
            let mut shared = world.lock();
            let book = shared.books.get_mut(&cx.pid())?;
            if gone {
                book.remove(&reference);
            } else if let Some(entry) = book.get_mut(&reference) {
                // What was on its way may still be in the queue.
                entry.1 = true;
            }
        }
        90..94 => cx.exit(target, raced("raced", slot)),
        94 => cx.exit(target, ExitReason::Kill),
        95 => cx.exit(target, ExitReason::Normal),
        96 => return Some(raced("ended", slot)),
        97 => return Some(ExitReason::Normal),
        _ => {}
    }
    None
}

fn raced(what: &str, slot: usize) -> ExitReason {
    ExitReason::from(Term::tuple([
        Term::from(atom(what)),
        Term::from(slot as i64),
    ]))
}
