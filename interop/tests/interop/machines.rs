//! Random state machines, run by OTP's `gen_statem` and by ours: their logs are the same.

use std::time::Duration;

use kista::gen_statem::{
    Entered, Event, GenStatem, Init, Outcome, StatemCx, Timeout, Transition, statem,
};
use kista::{Address, Atom, Encode, InitStop, Message, ReplyTo, Term};
use kista_interop::Bed;

const ERL: &str = "erl@127.0.0.1";
const MACHINES: u64 = 1_000;
const STATES: u64 = 3;
const EVENTS: u32 = 14;
/// From here on a machine only logs: programs can postpone in circles.
const LIMIT: usize = 200;
const NEVER: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, Encode)]
#[etf(crate = kista::etf)]
enum To {
    Keep,
    Repeat,
    Next(u8),
}

#[derive(Clone, Copy, Debug, Encode)]
#[etf(crate = kista::etf)]
enum Key {
    State,
    Event,
    Named(u8),
}

#[derive(Clone, Copy, Debug, Encode)]
#[etf(crate = kista::etf)]
enum Action {
    Postpone,
    NextEvent(u32),
    /// With no time at all, or with more than the test takes.
    Timeout(Key, bool, u32),
    Cancel(Key),
    Update(Key, u32),
}

/// What each event does in each state; what entering each state does; the events sent from outside.
type Program = (Vec<Vec<(To, Vec<Action>)>>, Vec<Vec<Action>>, Vec<u32>);

/// Xorshift: the same programs in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    fn program(&mut self) -> Program {
        let table = (0..EVENTS)
            .map(|id| (0..STATES).map(|_| (self.to(), self.actions(id))).collect())
            .collect();
        let enters = (0..STATES)
            .map(|_| {
                let mut actions = self.actions(EVENTS / 2);
                actions.retain(|a| !matches!(a, Action::Postpone | Action::NextEvent(_)));
                actions
            })
            .collect();
        let inputs = (0..self.below(6) + 3)
            .map(|_| self.below(u64::from(EVENTS / 2)) as u32)
            .collect();
        (table, enters, inputs)
    }

    fn to(&mut self) -> To {
        match self.below(5) {
            0 | 1 => To::Keep,
            2 => To::Repeat,
            _ => To::Next(self.below(STATES) as u8),
        }
    }

    fn actions(&mut self, id: u32) -> Vec<Action> {
        (0..self.below(5)).map(|_| self.action(id)).collect()
    }

    /// What an event brings about has a higher number than itself, so that all comes to an end.
    fn action(&mut self, id: u32) -> Action {
        let later = id + 1 + self.below(u64::from(EVENTS - id)) as u32;
        let later = later.min(EVENTS - 1);
        let key = match self.below(4) {
            0 => Key::State,
            1 => Key::Event,
            n => Key::Named(n as u8),
        };
        match self.below(8) {
            0 | 1 => Action::Postpone,
            2 if id + 1 < EVENTS => Action::NextEvent(later),
            3 => Action::Cancel(key),
            4 => Action::Update(key, later),
            _ => Action::Timeout(key, self.below(3) > 0, later),
        }
    }
}

/// As `erlang/scripted.erl`.
struct Scripted {
    program: Program,
    log: Vec<Term>,
}

enum Msg {
    Step(u32),
    Log(ReplyTo<Vec<Term>>),
}

impl Message for Msg {}

fn timeout(key: Key) -> Timeout<u8> {
    match key {
        Key::State => Timeout::State,
        Key::Event => Timeout::Event,
        Key::Named(name) => Timeout::Named(name),
    }
}

/// The timeouts among the actions.
fn timeouts<K>(outcome: Outcome<Scripted, K>, actions: &[Action]) -> Outcome<Scripted, K> {
    actions
        .iter()
        .fold(outcome, |outcome, action| match *action {
            Action::Timeout(key, zero, id) => {
                let time = if zero { Duration::ZERO } else { NEVER };
                outcome.timeout(timeout(key), time, id)
            }
            Action::Cancel(key) => outcome.cancel(timeout(key)),
            Action::Update(key, id) => outcome.update(timeout(key), id),
            Action::Postpone | Action::NextEvent(_) => outcome,
        })
}

fn word(text: &'static str) -> Term {
    Term::from(Atom::from_static(text))
}

impl GenStatem for Scripted {
    type Args = Program;
    type State = u8;
    type Msg = Msg;
    type Timer = u8;
    type Content = u32;
    type Client = Address<Msg>;

    async fn init(program: Program, _cx: &mut StatemCx<Self>) -> Result<Init<Self>, InitStop> {
        let log = Vec::new();
        Ok(Init::new(Scripted { program, log }, 0))
    }

    async fn enter(&mut self, old: &u8, state: &u8, _cx: &mut StatemCx<Self>) -> Entered<Self> {
        let acts = self.log.len() < LIMIT;
        self.log.push(Term::tuple([
            word("enter"),
            Term::from(*old),
            Term::from(*state),
        ]));
        match acts {
            true => timeouts(Entered::keep_state(), &self.program.1[usize::from(*state)]),
            false => Entered::keep_state(),
        }
    }

    async fn handle(
        &mut self,
        state: &u8,
        event: Event<Self>,
        _cx: &mut StatemCx<Self>,
    ) -> Transition<Self> {
        let (kind, id) = match &event {
            Event::Message(Msg::Step(id)) => (word("message"), *id),
            Event::Internal(id) => (word("internal"), *id),
            Event::Timeout(Timeout::State, id) => (word("state"), *id),
            Event::Timeout(Timeout::Event, id) => (word("event"), *id),
            Event::Timeout(Timeout::Named(name), id) => {
                (Term::tuple([word("named"), Term::from(*name)]), *id)
            }
            Event::Message(Msg::Log(_)) | Event::Info(_) => {
                if let Event::Message(Msg::Log(reply)) = event {
                    reply.reply(std::mem::take(&mut self.log));
                }
                return Transition::keep_state();
            }
        };
        let acts = self.log.len() < LIMIT;
        self.log
            .push(Term::tuple([Term::from(*state), kind, Term::from(id)]));
        if !acts {
            return Transition::keep_state();
        }
        let (to, actions) = &self.program.0[id as usize][usize::from(*state)];
        let mut transition = match *to {
            To::Keep => Transition::keep_state(),
            To::Repeat => Transition::repeat_state(),
            To::Next(state) => Transition::next_state(state),
        };
        for action in actions {
            if let Action::NextEvent(id) = action {
                transition = transition.next_event(Event::Internal(*id));
            }
        }
        let transition = timeouts(transition, actions);
        match actions.iter().any(|a| matches!(a, Action::Postpone)) {
            true => transition.postpone(event),
            false => transition,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_machines_do_the_same_in_erlang_and_here() {
    let bed = Bed::new();
    let mut erl = bed.erlang(ERL, "scripted", "serve", &[]);
    erl.expect(&format!("ready {ERL}"), Duration::from_secs(60));
    let node = bed.node("ours@127.0.0.1").visible().start().await;
    let node = node.expect("our node starts");
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 1..=MACHINES {
        let program = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).program();
        let theirs: Vec<Term> = node
            .call(("runner", ERL), &program)
            .timeout(Duration::from_secs(60))
            .await
            .expect("a log");
        let machine = node
            .spawn(statem::<Scripted>(program.clone()))
            .await
            .expect("it starts");
        for id in &program.2 {
            machine.cast(Msg::Step(*id));
        }
        let ours = machine.call(Msg::Log).forever().await.expect("a log");
        machine.stop().await.expect("it stops");
        let same = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
        assert!(
            ours == theirs,
            "seed {seed}, alike for {same}, then {:?} where Erlang has {:?}: {program:?}",
            ours.get(same..)
                .map(|rest| rest.iter().take(5).collect::<Vec<_>>()),
            theirs
                .get(same..)
                .map(|rest| rest.iter().take(5).collect::<Vec<_>>()),
        );
        kinds.extend(theirs.iter().filter_map(|entry| {
            let kind = &entry.as_tuple()?[1];
            Some(kind.to_string())
        }));
    }
    for kind in ["message", "internal", "state", "event", "{named,2}"] {
        assert!(kinds.contains(kind), "no {kind} in any log: {kinds:?}");
    }
    node.stop().await;
}
