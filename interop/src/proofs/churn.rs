//! A cluster whose nodes come and go: what is left behind when it comes to rest.
//!
//! Each of some Erlang nodes and some of ours, each an OS process, begins, finds others, takes names of `global`, groups of `pg` and locks,
//! and gives them up; and then is killed, or leaves the others and comes back, or stops in order, as its own random numbers draw, and begins
//! anew. Every so often all of them come to rest: those that are down begin, and all find each other. Then:
//!
//! 1. What a node does comes to an end: no call of `global` or `pg` hangs.
//! 2. All are connected with all, and have the same names.
//! 3. No lock is held on any node, since nobody is who asked for one.
//! 4. On all nodes the same processes have the same names and are in the same groups; and each of them is alive, on a node of this life.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kista::{Atom, Term};

use super::PATIENCE;
use crate::{Bed, Program, Random};

/// What is done.
#[derive(Debug, Clone)]
pub struct Churn {
    /// Draws what becomes of each node, and what it does.
    pub seed: u64,
    /// How long all of it takes, but for the rests.
    pub time: Duration,
    /// How long nodes come and go before the next rest.
    pub phase: Duration,
    /// Erlang nodes.
    pub erlang: usize,
    /// Ours.
    pub ours: usize,
    /// The program that is one of ours when it is called `member --name NAME`: this one.
    pub program: PathBuf,
}

/// What happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Churned {
    /// Lives of nodes that began.
    pub begun: usize,
    /// Of those, ended by SIGKILL.
    pub killed: usize,
    /// Ended in order.
    pub stopped: usize,
    /// How often one left the others and came back.
    pub left: usize,
    /// Rests, each of which found what it should.
    pub rests: usize,
    /// Names that were held in all the rests.
    pub names: usize,
    /// Members of groups likewise.
    pub members: usize,
}

/// Lets nodes come and go for that time.
///
/// # Panics
///
/// When something is left behind, or hangs.
pub fn churn(bed: &Bed, plan: &Churn) -> Churned {
    println!("churn: {plan:?}");
    let mut random = Random::new(plan.seed);
    let kinds = [vec![true; plan.ours], vec![false; plan.erlang]].concat();
    let mut slots: Vec<_> = kinds
        .into_iter()
        .enumerate()
        .map(|(n, ours)| Slot {
            bed,
            plan,
            // Names in every order: who has the lesser one decides some things.
            name: format!("n{:02}@127.0.0.1", n * 7 % (plan.ours + plan.erlang)),
            ours,
            random: Random::new(random.below(usize::MAX) as u64),
            program: None,
            lives: false,
            counted: Churned::default(),
        })
        .collect();
    let names: Vec<_> = slots.iter().map(|slot| slot.name.clone()).collect();
    let mut sum = Churned::default();
    let mut left = plan.time;
    while !left.is_zero() {
        let end = Instant::now() + plan.phase.min(left);
        left = left.saturating_sub(plan.phase);
        std::thread::scope(|scope| {
            for slot in &mut slots {
                scope.spawn(|| slot.come_and_go(end, &names));
            }
        });
        rest(&mut slots, &names, &mut sum);
        for slot in &mut slots {
            let counted = std::mem::take(&mut slot.counted);
            sum.begun += counted.begun;
            sum.killed += counted.killed;
            sum.stopped += counted.stopped;
            sum.left += counted.left;
        }
        println!("rest: {sum:?}");
    }
    sum
}

/// One of the names, and who has it now.
struct Slot<'a> {
    bed: &'a Bed,
    plan: &'a Churn,
    name: String,
    ours: bool,
    random: Random,
    program: Option<Program>,
    /// It acts by itself.
    lives: bool,
    counted: Churned,
}

impl Slot<'_> {
    fn come_and_go(&mut self, end: Instant, names: &[String]) {
        while Instant::now() < end {
            if self.program.is_none() {
                self.begin();
                self.find(names);
            }
            self.live();
            self.sleep(300, 6_000);
            match self.random.below(10) {
                0..5 => {
                    self.counted.killed += 1;
                    // Dropped, it is killed.
                    self.program = None;
                }
                5..7 => self.stop(),
                _ => {
                    self.rest();
                    self.counted.left += 1;
                    self.ask("global:disconnect()", "leave");
                    self.sleep(0, 1_000);
                    self.find(names);
                }
            }
            if self.program.is_none() {
                self.sleep(0, 2_000);
            }
        }
    }

    fn sleep(&mut self, least: u64, more: usize) {
        let millis = least + self.random.below(more) as u64;
        std::thread::sleep(Duration::from_millis(millis));
    }

    fn begin(&mut self) {
        let mut program = match self.ours {
            true => {
                let arguments = ["member", "--name", &self.name];
                let command = self.bed.our_command(&self.plan.program, &arguments);
                Program::start(&self.name, command)
            }
            false => self.bed.erlang(&self.name, "churn", "serve", &[&self.name]),
        };
        program.expect(&format!("ready {}", self.name), PATIENCE);
        (self.program, self.lives) = (Some(program), false);
        self.counted.begun += 1;
    }

    /// Connects to some, of which some may be there. They know the others.
    fn find(&mut self, names: &[String]) {
        for _ in 0..3 {
            let other = &names[self.random.below(names.len())];
            self.connect(other);
        }
    }

    fn connect(&mut self, other: &str) {
        if other != self.name {
            let erlang = format!("net_kernel:connect_node('{other}')");
            self.ask(&erlang, &format!("connect {other}"));
        }
    }

    fn live(&mut self) {
        self.lives = true;
        let seed = self.random.below(1 << 30);
        self.ask(&format!("churn:live({seed})"), &format!("live {seed}"));
    }

    fn rest(&mut self) {
        if std::mem::take(&mut self.lives) {
            let ended = self.ask("churn:rest()", "rest");
            assert_eq!(ended, "normal", "{}", self.name);
        }
    }

    fn stop(&mut self) {
        let mut program = self.program.take().expect("it runs");
        self.counted.stopped += 1;
        match self.ours {
            true => program.tell("stop"),
            false => program.tell("init:stop()."),
        }
        program.wait(PATIENCE);
    }

    #[track_caller]
    fn ask(&mut self, erlang: &str, ours: &str) -> String {
        let program = self.program.as_mut().expect("it runs");
        match self.ours {
            true => program.tell(ours),
            false => program.tell(&format!("{erlang}.")),
        }
        let line = program.line(erlang, PATIENCE, |line| line.starts_with("= "));
        line[2..].to_owned()
    }

    #[track_caller]
    fn term(&mut self, erlang: &str, ours: &str) -> Term {
        let text = self.ask(erlang, ours);
        let term = text.parse();
        term.unwrap_or_else(|error| panic!("{}: {erlang}: {error}: {text}", self.name))
    }
}

/// What one node sees.
#[derive(Debug, Clone, PartialEq)]
struct View {
    synced: BTreeSet<Atom>,
    locks: Term,
    /// By name or group: who.
    names: Term,
    groups: Term,
}

/// Everybody is there and has met everybody, and nothing is left of those who were there before.
fn rest(slots: &mut [Slot<'_>], names: &[String], sum: &mut Churned) {
    for slot in slots.iter_mut() {
        match &slot.program {
            Some(_) => slot.rest(),
            None => slot.begin(),
        }
    }
    let end = Instant::now() + PATIENCE;
    let views = loop {
        let views: Vec<_> = slots.iter_mut().map(view).collect();
        let wrong = wrong(slots, &views);
        let Some(wrong) = wrong else { break views };
        assert!(
            Instant::now() < end,
            "after {PATIENCE:?} of rest: {wrong}\n{}",
            stories(slots)
        );
        meet(slots, names, &views);
        std::thread::sleep(Duration::from_millis(500));
    };
    sum.rests += 1;
    sum.names += views[0].names.as_list().map_or(0, <[Term]>::len);
    sum.members += holders(&views[0].groups).len();
}

fn view(slot: &mut Slot<'_>) -> View {
    let view = slot.term("churn:view()", "view");
    let [synced, locks, names, groups] = view.as_tuple().expect("four things") else {
        panic!("{}: {view}", slot.name);
    };
    let synced = synced.as_list().expect("a list").iter();
    View {
        synced: synced.filter_map(Term::as_atom).collect(),
        locks: locks.clone(),
        names: names.clone(),
        groups: groups.clone(),
    }
}

/// What is not yet as it should be.
fn wrong(slots: &mut [Slot<'_>], views: &[View]) -> Option<String> {
    let all = slots.len();
    for (slot, view) in slots.iter().zip(views) {
        let (name, first) = (&slot.name, &views[0]);
        if view.synced.len() != all - 1 {
            return Some(format!("{name} has the same names as {:?}", view.synced));
        }
        if view.locks != Term::NIL {
            return Some(format!("{name} has locks: {}", view.locks));
        }
        if view.names != first.names || view.groups != first.groups {
            let (one, other) = (&slots[0].name, name);
            return Some(format!("{one} sees {first:#?}\nand {other} {view:#?}"));
        }
    }
    let alive: BTreeMap<_, BTreeSet<_>> = slots
        .iter_mut()
        .map(|slot| {
            let all = slot.term("churn:processes()", "processes");
            let all = all.as_list().expect("a list").iter().map(Term::to_string);
            (slot.name.clone(), all.collect())
        })
        .collect();
    let held = [holders(&views[0].names), holders(&views[0].groups)].concat();
    let dead = held.into_iter().find(|pid| {
        let node = pid.as_tuple().and_then(|parts| parts[0].as_atom_str());
        let alive = node.and_then(|node| alive.get(node));
        !alive.is_some_and(|alive| alive.contains(&pid.to_string()))
    });
    dead.map(|pid| format!("{pid} is no more, in {:#?}", views[0]))
}

/// The pids of `[{Key, Pid}]`, and of `[{Key, [Pid]}]`.
fn holders(of: &Term) -> Vec<Term> {
    let mut holders = Vec::new();
    for pair in of.as_list().expect("a list").iter() {
        let [_, who] = pair.as_tuple().expect("a pair") else {
            panic!("no pair: {pair}");
        };
        match who.as_list() {
            Some(list) => holders.extend(list.iter().cloned()),
            None => holders.push(who.clone()),
        }
    }
    holders
}

/// Who lacks others asks for one of them.
fn meet(slots: &mut [Slot<'_>], names: &[String], views: &[View]) {
    for (slot, view) in slots.iter_mut().zip(views) {
        let known = |name: &String| view.synced.iter().any(|known| known.as_str() == name);
        let lacks: Vec<_> = names
            .iter()
            .filter(|name| !known(name) && **name != slot.name)
            .collect();
        if !lacks.is_empty() {
            let other = lacks[slot.random.below(lacks.len())];
            slot.connect(other);
        }
    }
}

fn stories(slots: &[Slot<'_>]) -> String {
    let last = |program: &Program| {
        let printed = program.printed();
        let printed = printed.iter().filter(|line| !line.starts_with("= "));
        let lines: Vec<_> = printed.rev().take(20).map(String::as_str).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n  ")
    };
    let stories = slots.iter().map(|slot| {
        let printed = slot.program.as_ref().map(last).unwrap_or_default();
        format!("{}:\n  {printed}\n", slot.name)
    });
    stories.collect()
}
