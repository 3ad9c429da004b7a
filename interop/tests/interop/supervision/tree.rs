//! Random trees and what is done to them, each from one seed; `Display` writes them as `trees.erl` reads them.

use std::fmt::{self, Display};
use std::time::Duration;

use kista::supervisor::{AutoShutdown, Restart, Shutdown};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    OneForOne,
    OneForAll,
    RestForOne,
    Simple,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Traps,
    Deaf,
    Breaks,
    Stubborn,
}

#[derive(Clone)]
pub(super) struct Worker {
    pub(super) id: String,
    pub(super) restart: Restart,
    pub(super) significant: bool,
    pub(super) shutdown: Shutdown,
    pub(super) manner: Manner,
}

#[derive(Clone)]
pub(super) struct Sup {
    pub(super) id: String,
    pub(super) strategy: Strategy,
    pub(super) intensity: u32,
    pub(super) auto: AutoShutdown,
    pub(super) restart: Restart,
    pub(super) significant: bool,
    pub(super) kids: Vec<Kid>,
}

#[derive(Clone)]
pub(super) enum Kid {
    Worker(Worker),
    Sup(Sup),
}

pub(super) enum Step {
    Die(String, &'static str),
    Terminate(String, String),
    Restart(String, String),
    Delete(String, String),
    Start(String, Worker),
    StartDynamic(String, String),
    TerminateDynamic(String, String),
    Fail(String, u64),
    Ignore(String, u64),
}

pub(super) struct Tree {
    pub(super) name: String,
    pub(super) top: Sup,
    pub(super) steps: Vec<Step>,
}

const STEPS: usize = 16;
/// How many levels of supervisors there are at most.
const DEPTH: u64 = 3;
/// How long a stubborn child is waited for, in milliseconds.
const PATIENCE: u64 = 5;

impl Tree {
    pub(super) fn random(seed: u64) -> Self {
        let mut growing = Growing {
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            sups: Vec::new(),
            dynamic: 0,
            workers: 0,
        };
        let top = growing.sup(DEPTH, AutoShutdown::Never);
        let steps = (0..STEPS).map(|_| growing.step()).collect();
        Self {
            name: format!("t{seed}"),
            top,
            steps,
        }
    }
}

/// A small generator, so that a seed says everything.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize].clone()
    }
}

/// A tree while it is made: what its steps can be about.
struct Growing {
    dice: Dice,
    sups: Vec<Known>,
    workers: usize,
    dynamic: usize,
}

struct Known {
    id: String,
    strategy: Strategy,
    auto: AutoShutdown,
    /// The children, and those that were added; of dynamic ones their own names.
    kids: Vec<String>,
}

impl Growing {
    fn sup(&mut self, depth: u64, above: AutoShutdown) -> Sup {
        let at = self.sups.len();
        let strategy = self.dice.pick(&[
            Strategy::OneForOne,
            Strategy::OneForOne,
            Strategy::OneForAll,
            Strategy::RestForOne,
            Strategy::Simple,
        ]);
        let auto = match strategy {
            // OTP 26 and later refuse others.
            Strategy::Simple => AutoShutdown::Never,
            _ => self.dice.pick(&[
                AutoShutdown::Never,
                AutoShutdown::AnySignificant,
                AutoShutdown::AllSignificant,
            ]),
        };
        let id = match at {
            0 => "top".to_owned(),
            _ => format!("s{at}"),
        };
        self.sups.push(Known {
            id: id.clone(),
            strategy,
            auto,
            kids: Vec::new(),
        });
        let (restart, significant) = self.restart(above);
        let kids: Vec<Kid> = match strategy {
            Strategy::Simple => {
                let template = format!("w{at}");
                vec![Kid::Worker(self.worker(template, auto))]
            }
            _ => (0..self.dice.roll(4) + 1)
                .map(|_| self.kid(at, depth, auto))
                .collect(),
        };
        Sup {
            id,
            strategy,
            intensity: self.dice.roll(5) as u32,
            auto,
            restart,
            significant,
            kids,
        }
    }

    fn kid(&mut self, of: usize, depth: u64, above: AutoShutdown) -> Kid {
        let kid = match depth > 1 && self.dice.roll(3) == 0 {
            true => Kid::Sup(self.sup(depth - 1, above)),
            false => {
                let id = self.new_worker();
                Kid::Worker(self.worker(id, above))
            }
        };
        let id = match &kid {
            Kid::Worker(worker) => worker.id.clone(),
            Kid::Sup(sup) => sup.id.clone(),
        };
        self.sups[of].kids.push(id);
        kid
    }

    fn new_worker(&mut self) -> String {
        self.workers += 1;
        format!("c{}", self.workers)
    }

    fn worker(&mut self, id: String, above: AutoShutdown) -> Worker {
        let (restart, significant) = self.restart(above);
        let manner = self.dice.pick(&[
            Manner::Traps,
            Manner::Traps,
            Manner::Traps,
            Manner::Traps,
            Manner::Deaf,
            Manner::Breaks,
            Manner::Stubborn,
        ]);
        let time = Duration::from_millis(match manner {
            Manner::Stubborn => PATIENCE,
            _ => 5_000,
        });
        let shutdown = match self.dice.roll(4) {
            0 => Shutdown::BrutalKill,
            // Nobody waits for a stubborn one for ever.
            1 if manner != Manner::Stubborn => Shutdown::Infinity,
            _ => Shutdown::After(time),
        };
        Worker {
            id,
            restart,
            significant,
            shutdown,
            manner,
        }
    }

    /// And whether it is significant, which not all may be.
    fn restart(&mut self, above: AutoShutdown) -> (Restart, bool) {
        let restart = self
            .dice
            .pick(&[Restart::Permanent, Restart::Transient, Restart::Temporary]);
        let may = restart != Restart::Permanent && above != AutoShutdown::Never;
        (restart, may && self.dice.roll(3) == 0)
    }

    fn step(&mut self) -> Step {
        let at = self.dice.roll(self.sups.len() as u64) as usize;
        let sup = self.sups[at].id.clone();
        let simple = self.sups[at].strategy == Strategy::Simple;
        let kid = self.any_kid(at);
        let worker = match kid.starts_with('s') {
            true => "c0".to_owned(),
            false => kid.clone(),
        };
        match self.dice.roll(14) {
            0..=5 => {
                let reason = self.dice.pick(&["normal", "shutdown", "crash", "killed"]);
                Step::Die(worker, reason)
            }
            6 | 7 | 9 | 10 if simple => {
                self.dynamic += 1;
                let id = format!("d{at}_{}", self.dynamic);
                self.sups[at].kids.push(id.clone());
                Step::StartDynamic(sup, id)
            }
            8 if simple => Step::TerminateDynamic(sup, kid),
            6 => Step::Terminate(sup, kid),
            7 => Step::Restart(sup, kid),
            8 => Step::Delete(sup, kid),
            // Under a name that there is, or a new one.
            9 => {
                let worker = self.worker(worker, self.sups[at].auto);
                Step::Start(sup, worker)
            }
            10 => {
                let id = self.new_worker();
                self.sups[at].kids.push(id.clone());
                let worker = self.worker(id, self.sups[at].auto);
                Step::Start(sup, worker)
            }
            // What a dynamic child that is ignored at its restart becomes differs: see the semantics.
            11 if !simple => Step::Ignore(worker, self.dice.roll(2) + 1),
            _ => Step::Fail(worker, self.dice.roll(3) + 1),
        }
    }

    fn any_kid(&mut self, of: usize) -> String {
        let known = self.sups[of].kids.len() as u64;
        // Sometimes one that is not there.
        let at = self.dice.roll(known + 1) as usize;
        let kid = self.sups[of].kids.get(at).cloned();
        kid.unwrap_or_else(|| format!("c{}", self.workers))
    }
}

impl Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, top, steps } = self;
        write!(f, "{{{name},{top},[{}]}}", Joined(steps))
    }
}

impl Display for Sup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strategy = match self.strategy {
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
            Strategy::Simple => "simple_one_for_one",
        };
        let auto = match self.auto {
            AutoShutdown::Never => "never",
            AutoShutdown::AnySignificant => "any_significant",
            AutoShutdown::AllSignificant => "all_significant",
        };
        let Self {
            id,
            intensity,
            restart,
            significant,
            kids,
            ..
        } = self;
        let restart = word(*restart);
        write!(
            f,
            "{{sup,{id},{strategy},{intensity},{auto},{restart},{significant},[{}]}}",
            Joined(kids)
        )
    }
}

impl Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(worker) => worker.fmt(f),
            Self::Sup(sup) => sup.fmt(f),
        }
    }
}

impl Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shutdown = match self.shutdown {
            Shutdown::BrutalKill => "brutal_kill".to_owned(),
            Shutdown::Infinity => "infinity".to_owned(),
            Shutdown::After(time) => time.as_millis().to_string(),
        };
        let manner = match self.manner {
            Manner::Traps => "traps",
            Manner::Deaf => "deaf",
            Manner::Breaks => "breaks",
            Manner::Stubborn => "stubborn",
        };
        let (id, restart) = (&self.id, word(self.restart));
        write!(
            f,
            "{{worker,{id},{restart},{},{shutdown},{manner}}}",
            self.significant
        )
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Die(id, reason) => write!(f, "{{die,{id},{reason}}}"),
            Self::Terminate(sup, id) => write!(f, "{{terminate,{sup},{id}}}"),
            Self::Restart(sup, id) => write!(f, "{{restart,{sup},{id}}}"),
            Self::Delete(sup, id) => write!(f, "{{delete,{sup},{id}}}"),
            Self::Start(sup, worker) => write!(f, "{{start,{sup},{worker}}}"),
            Self::StartDynamic(sup, id) => write!(f, "{{start_dynamic,{sup},{id}}}"),
            Self::TerminateDynamic(sup, id) => write!(f, "{{terminate_dynamic,{sup},{id}}}"),
            Self::Fail(id, times) => write!(f, "{{fail,{id},{times}}}"),
            Self::Ignore(id, times) => write!(f, "{{ignore,{id},{times}}}"),
        }
    }
}

struct Joined<'a, T>(&'a [T]);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, item) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}{item}")?;
        }
        Ok(())
    }
}

const fn word(restart: Restart) -> &'static str {
    match restart {
        Restart::Permanent => "permanent",
        Restart::Transient => "transient",
        Restart::Temporary => "temporary",
    }
}
