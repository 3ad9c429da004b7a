//! An event manager and a state machine of ours, asked by Erlang's own `gen_event` and `gen_statem`. The scenarios
//! (`erlang/behaviours.erl`) run against OTP's own first.

use std::sync::Arc;
use std::time::Duration;

use kista::gen_event::{self, EventHandler, Handled, Handler, Removed};
use kista::gen_statem::{Entered, Event, GenStatem, Init, StatemCx, Timeout, Transition, statem};
use kista::{
    Address, Atom, Decode, Encode, ExitReason, InitStop, Me, Message, Node, ReplyTo, Term,
};
use kista_interop::{Bed, Program};

const OURS: &str = "ours@127.0.0.1";
const REFERENCE: &str = "reference@127.0.0.1";

fn atom(text: &'static str) -> Atom {
    Atom::from_static(text)
}

/// The events that [`Tally`] knows: `{add, N}`, `{leave, N}`.
#[derive(Encode, Decode)]
#[etf(crate = kista::etf)]
enum Sum {
    Add(i64),
    Leave(i64),
}

/// As `erlang/tally.erl`.
struct Tally(i64);

impl Tally {
    fn make(args: Term) -> Result<Handler<Sum>, ExitReason> {
        match (args.as_int(), args.is_atom("take")) {
            (Some(sum), _) => Ok(Handler::new(Self(sum))),
            // What the handler before it leaves comes with `init`.
            (None, true) => Ok(Handler::new(Self(0))),
            (None, false) => Ok(Handler::new(Refuses(args))),
        }
    }
}

impl EventHandler<Sum> for Tally {
    async fn init(&mut self, swapped: Option<Term>, _me: &Me) -> Result<(), ExitReason> {
        if let Some(sum) = swapped.and_then(|left| left.as_int()) {
            self.0 = sum;
        }
        Ok(())
    }

    async fn handle_event(&mut self, event: &Sum, _me: &Me) -> Handled<Sum> {
        match event {
            Sum::Add(n) => self.0 += n,
            Sum::Leave(sum) if *sum == self.0 => return Handled::Remove,
            Sum::Leave(_) => {}
        }
        Handled::Keep
    }

    async fn handle_call(&mut self, request: Term, _me: &Me) -> (Term, Handled<Sum>) {
        match request.is_atom("crash") {
            true => panic!("asked to"),
            false => (Term::from(self.0), Handled::Keep),
        }
    }

    async fn terminate(&mut self, _why: &Removed, _me: &Me) -> Term {
        Term::from(self.0)
    }

    fn format_status(&self) -> Term {
        Term::from(self.0)
    }
}

/// A tally that cannot start.
struct Refuses(Term);

impl EventHandler<Sum> for Refuses {
    async fn init(&mut self, _swapped: Option<Term>, _me: &Me) -> Result<(), ExitReason> {
        let why = [Term::from(atom("no_number")), self.0.clone()];
        Err(ExitReason::from(Term::tuple(why)))
    }

    async fn handle_event(&mut self, _event: &Sum, _me: &Me) -> Handled<Sum> {
        Handled::Keep
    }
}

/// As `erlang/door.erl`.
struct Door {
    code: Vec<i64>,
    pressed: Vec<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Locked,
    Open,
}

#[derive(Message)]
enum Msg {
    Button(i64),
    Pass(ReplyTo<Atom>),
    State(ReplyTo<Atom>),
    Leave(ReplyTo<Atom>),
}

fn name(state: State) -> Atom {
    match state {
        State::Locked => atom("locked"),
        State::Open => atom("open"),
    }
}

impl GenStatem for Door {
    type Args = Vec<i64>;
    type State = State;
    type Msg = Msg;
    type Timer = ();
    type Content = ();
    type Client = Address<Msg>;

    async fn init(code: Vec<i64>, _cx: &mut StatemCx<Self>) -> Result<Init<Self>, InitStop> {
        let pressed = Vec::new();
        Ok(Init::new(Door { code, pressed }, State::Locked))
    }

    async fn enter(
        &mut self,
        _old: &State,
        state: &State,
        _cx: &mut StatemCx<Self>,
    ) -> Entered<Self> {
        self.pressed.clear();
        match state {
            State::Locked => Entered::keep_state(),
            State::Open => Entered::keep_state().state_timeout(Duration::from_millis(200), ()),
        }
    }

    async fn handle(
        &mut self,
        state: &State,
        event: Event<Self>,
        _cx: &mut StatemCx<Self>,
    ) -> Transition<Self> {
        match (state, event) {
            (State::Locked, Event::Message(Msg::Button(button))) => {
                self.pressed.push(button);
                if self.pressed == self.code {
                    return Transition::next_state(State::Open);
                }
                if self.pressed.len() == self.code.len() {
                    self.pressed.clear();
                }
                Transition::keep_state()
            }
            (State::Open, Event::Message(Msg::Pass(reply))) => {
                Transition::keep_state().reply(reply, atom("passed"))
            }
            (State::Open, Event::Timeout(Timeout::State, ())) => {
                Transition::next_state(State::Locked)
            }
            (_, Event::Message(Msg::State(reply))) => {
                Transition::keep_state().reply(reply, name(*state))
            }
            (_, Event::Message(Msg::Leave(reply))) => {
                let left = [atom("shutdown"), atom("left")].map(Term::from);
                Transition::stop(Term::tuple(left)).reply(reply, atom("bye"))
            }
            (_, event @ Event::Message(_)) => Transition::keep_state().postpone(event),
            _ => Transition::keep_state(),
        }
    }

    fn format_status(&self, state: &State) -> Term {
        Term::tuple([Term::from(name(*state)), Term::NIL])
    }
}

async fn ours(bed: &Bed) -> Node {
    let node = bed.node(OURS).visible().start().await;
    let node = node.expect("our node starts");
    let alarms = gen_event::manager_with::<Sum>([("tally", Arc::new(Tally::make) as _)]);
    let alarms = node.spawn(alarms).name("alarms").await;
    alarms.expect("the manager starts");
    let door = node.spawn(statem::<Door>(vec![1, 2])).name("door").await;
    door.expect("the machine starts");
    node
}

/// OTP's own, beside which the scenarios prove themselves.
fn reference(bed: &Bed) -> Program {
    let mut reference = bed.erlang(REFERENCE, "behaviours", "reference", &[]);
    reference.expect(&format!("ready {REFERENCE}"), Duration::from_secs(60));
    reference
}

/// Runs on OTP's own first, then on ours.
async fn scenario(function: &str) {
    let bed = Bed::new();
    let _reference = reference(&bed);
    let node = ours(&bed).await;
    for peer in [REFERENCE, OURS] {
        let mut erl = bed.erlang("erl@127.0.0.1", "behaviours", function, &[peer]);
        let done = move || {
            erl.expect_ok(Duration::from_secs(60));
        };
        tokio::task::spawn_blocking(done).await.expect("ok");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erlang_uses_our_event_manager_as_its_own() {
    scenario("events").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erlang_uses_our_state_machine_as_its_own() {
    scenario("door").await;
}
