//! Two nodes that dial each other at the same moment: however it falls out, one connection is left, and both sides have it.
//!
//! An [`Interposer`] holds both nodes' names until both have dialled, so that each round is a true collision, and lets them go in
//! one of five orders. Erlang's name is between those of our two nodes, so that each rule of names is met from both sides. Some
//! rounds are of another kind: one side leaves and dials again while the other has not heard of the end, and is asked whether the
//! connection that it has is `alive`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kista::{Cx, Dynamic, Flow, GenServer, InitStop, Node};

use super::{PATIENCE, QUIET, ours};
use crate::interposer::{Interposer, Plan};
use crate::{Bed, Program, Random};

const LESSER: &str = "a@127.0.0.1";
const ERL: &str = "m@127.0.0.1";
const GREATER: &str = "z@127.0.0.1";

/// What is done.
#[derive(Debug, Clone, Copy)]
pub struct Collisions {
    /// Draws the order of each round.
    pub seed: u64,
    /// True collisions.
    pub rounds: usize,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct Collided {
    /// Rounds in which both dialled before either was answered, and one connection was left.
    pub collisions: usize,
    /// Rounds in which one side was gone and the other had not heard of it.
    pub stale: usize,
    /// Rounds that did not come to a collision, and were taken again.
    pub missed: usize,
    /// What our nodes answered, how many times.
    pub ours: BTreeMap<String, usize>,
    /// What Erlang answered.
    pub theirs: BTreeMap<String, usize>,
}

impl Collided {
    /// Both sides gave each of the answers that there are.
    ///
    /// # Panics
    ///
    /// When one of them never came.
    pub fn assert_every_branch(&self) {
        for answers in [&self.ours, &self.theirs] {
            for answer in ["ok", "nok", "ok_simultaneous", "alive"] {
                assert!(answers.contains_key(answer), "no `{answer}`: {self:?}");
            }
        }
    }
}

/// Runs the rounds.
///
/// # Panics
///
/// When a round does not end in exactly one connection that both sides have and can use.
pub async fn collisions(plan: Collisions) -> Collided {
    println!("collisions: seed {}, {} rounds", plan.seed, plan.rounds);
    let interposer = Interposer::start().await.expect("a port");
    let bed = Bed::on_epmd(interposer.port());
    let mut erl = bed.erlang_with(&QUIET, ERL, bed.cookie(), "collisions", "run", &[]);
    erl.expect(&format!("ready {ERL}"), PATIENCE);
    let mut nodes = Vec::new();
    for name in [LESSER, GREATER] {
        let node = ours(&bed, name).start().await.expect("our node starts");
        node.spawn(kista::spec::<Echo>(()))
            .name("echo")
            .await
            .expect("echo starts");
        nodes.push(node);
    }
    let mut random = Random::new(plan.seed);
    let mut round = Round {
        interposer: &interposer,
        erl: &mut erl,
        number: 0,
    };
    let (mut collisions, mut stale, mut missed) = (0, 0, 0);
    while collisions < plan.rounds {
        let node = &nodes[random.below(2)];
        round.number += 1;
        if random.below(8) == 0 {
            round.stale(node, random.below(2) == 0).await;
            round.part(node).await;
            stale += 1;
            continue;
        }
        let ours = node.name().as_str().to_owned();
        interposer.plan(match random.below(5) {
            0 => Plan::Meet,
            1 => Plan::Answered(ours),
            2 => Plan::Answered(ERL.to_owned()),
            3 => Plan::Through(ours),
            _ => Plan::Through(ERL.to_owned()),
        });
        round.collide(node).await;
        if interposer.met() {
            collisions += 1;
        } else {
            missed += 1;
            assert!(missed < 100, "the dials do not meet");
        }
        interposer.plan(Plan::Pass);
        round.one_is_left(node).await;
        round.part(node).await;
    }
    let mut collided = Collided {
        collisions,
        stale,
        missed,
        ours: BTreeMap::new(),
        theirs: BTreeMap::new(),
    };
    for ((who, what), times) in interposer.answers() {
        let answers = if ERL.starts_with(&who) {
            &mut collided.theirs
        } else {
            &mut collided.ours
        };
        *answers.entry(what).or_default() += times;
    }
    for node in nodes {
        node.stop().await;
    }
    collided
}

struct Round<'a> {
    interposer: &'a Interposer,
    erl: &'a mut Program,
    number: usize,
}

impl Round<'_> {
    /// Both sides know that there is no connection.
    async fn part(&mut self, node: &Node) {
        node.disconnect(ERL);
        self.ask("gone", node);
        let none = || node.hidden_nodes().is_empty() && node.nodes().is_empty();
        self.soon("our side is still connected", none).await;
        self.soon("a connection is left", || self.interposer.standing() == 0)
            .await;
    }

    /// Both dial.
    async fn collide(&mut self, node: &Node) {
        self.erl.tell(&format!("dial {}", node.name().as_str()));
        let dialled = node.connect(ERL).await;
        let said = self
            .erl
            .line("dialled ...", PATIENCE, |line| line.starts_with("dialled"));
        assert!(dialled.is_ok(), "{dialled:?} in {}", self.story());
        // OTP may still have a handshake of the round before, which was given up; who asks it to connect then shares its failure, and
        // nothing is dialled.
        assert!(
            said == "dialled true" || !self.interposer.met(),
            "{said} in {}",
            self.story()
        );
    }

    /// One side leaves and comes again, while the other believes in the connection that was.
    async fn stale(&mut self, node: &Node, we_leave: bool) {
        node.connect(ERL).await.expect("a connection");
        self.ask("call", node);
        self.interposer.hold_ends(true);
        if we_leave {
            node.disconnect(ERL);
            let dialled = node.connect(ERL).await;
            assert!(dialled.is_ok(), "{dialled:?} in {}", self.story());
        } else {
            self.ask("leave", node);
            self.ask("dial", node);
        }
        self.interposer.hold_ends(false);
        self.one_is_left(node).await;
    }

    /// Both sides are connected, once, and can use it.
    async fn one_is_left(&mut self, node: &Node) {
        self.soon("more or less than one connection", || {
            self.interposer.standing() == 1
        })
        .await;
        let number = self.number as u64;
        let answer = node.call::<u64>(("collisions", ERL), &number).await;
        assert_eq!(answer, Ok(number));
        self.ask("call", node);
        assert_eq!(node.hidden_nodes().len(), 1, "{}", self.number);
        assert_eq!(self.interposer.standing(), 1, "{}", self.number);
    }

    /// Has Erlang do something, and waits until it has.
    fn ask(&mut self, what: &str, node: &Node) {
        self.erl.tell(&format!("{what} {}", node.name().as_str()));
        self.hear(match what {
            "dial" => "dialled true",
            "leave" => "left",
            "call" => "called",
            other => other,
        });
    }

    fn hear(&mut self, answer: &str) {
        let words = ["dialled", "left", "called", "gone", "failed"];
        let said = self.erl.line(answer, PATIENCE, |line| {
            words.iter().any(|word| line.starts_with(word))
        });
        assert_eq!(said, answer, "in {}", self.story());
    }

    /// Which round, and what was said so far.
    fn story(&self) -> String {
        format!("round {}, after {}", self.number, self.interposer.story())
    }

    async fn soon(&self, otherwise: &str, is: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is() {
            assert!(Instant::now() < end, "{otherwise} in {}", self.story());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

struct Echo;

impl GenServer for Echo {
    type Args = ();
    type Msg = Dynamic;
    type Client = kista::Address<Dynamic>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self)
    }

    async fn handle(&mut self, message: Dynamic, _cx: &mut Cx<Self>) -> Flow {
        if let Dynamic::Call(request, reply) = message {
            reply.reply(request);
        }
        Flow::Continue
    }
}
