use std::time::Duration;

use super::*;
use crate::gen_server::{Address, InitStop, Message};
use crate::gen_statem::{StatemCx, Transition};

/// A machine whose callbacks are what the test says, without a process.
struct Scripted;

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    A,
    B,
}
use State::{A, B};

struct Msg(u32);
impl Message for Msg {}

type Name = &'static str;

impl GenStatem for Scripted {
    type Args = ();
    type State = State;
    type Msg = Msg;
    type Timer = Name;
    type Content = u32;
    type Client = Address<Msg>;

    async fn init((): (), _cx: &mut StatemCx<Self>) -> Result<Init<Self>, InitStop> {
        unreachable!("the core calls nobody")
    }

    async fn handle(
        &mut self,
        _state: &State,
        _event: Event<Self>,
        _cx: &mut StatemCx<Self>,
    ) -> Transition<Self> {
        unreachable!("the core calls nobody")
    }
}

struct Bench {
    machine: Machine<Scripted>,
    effects: Vec<TimerEffect>,
    /// The enter calls so far.
    entered: Vec<(State, State)>,
}

impl Bench {
    fn start(init: Init<Scripted>) -> Self {
        let (machine, _) = Machine::new(init);
        let mut bench = Self {
            machine,
            effects: Vec::new(),
            entered: Vec::new(),
        };
        bench.enter(Entered::keep_state());
        bench
    }

    fn in_state_a() -> Self {
        let mut bench = Self::start(Init::new(Scripted, A));
        bench.entered.clear();
        bench
    }

    fn enter(&mut self, entered: Entered<Scripted>) -> After {
        let (old, new) = self.machine.entering();
        self.entered.push((*old, *new));
        self.machine.entered(entered, &mut self.effects)
    }

    /// One transition with an enter call that does nothing.
    fn go(&mut self, transition: Transition<Scripted>) {
        match self.machine.transition(transition, &mut self.effects) {
            After::Enter => assert!(matches!(self.enter(Entered::keep_state()), After::Done)),
            After::Done => {}
            After::Stop(reason) => panic!("it stops: {reason}"),
        }
    }

    /// Everything that the machine has to handle before it waits; each is handled by keeping the state.
    fn drain(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some(event) = self.machine.next() {
            seen.push(show(&event));
            self.go(Transition::keep_state());
        }
        seen
    }

    fn started(&self) -> Vec<TimerId> {
        let starts = self.effects.iter().filter_map(|effect| match effect {
            TimerEffect::Start(timer, _) => Some(*timer),
            TimerEffect::Cancel(_) => None,
        });
        starts.collect()
    }
}

fn show(event: &Event<Scripted>) -> String {
    match event {
        Event::Message(Msg(n)) => format!("message {n}"),
        Event::Internal(n) => format!("internal {n}"),
        Event::Timeout(Timeout::Named(name), n) => format!("{name} {n}"),
        Event::Timeout(which, n) => format!("{which:?} {n}"),
        Event::Info(info) => format!("{info:?}"),
    }
}

fn message(n: u32) -> Event<Scripted> {
    Event::Message(Msg(n))
}

const LATER: Duration = Duration::from_secs(1);

#[test]
fn the_state_is_entered_before_anything_else() {
    let mut bench = Bench::start(Init::new(Scripted, A).next_event(Event::Internal(1)));
    assert_eq!(
        bench.entered,
        [(A, A)],
        "the first state is entered from itself"
    );
    assert_eq!(bench.drain(), ["internal 1"]);

    let go = Transition::next_state(B).state_timeout(LATER, 1);
    assert!(matches!(
        bench.machine.transition(go, &mut bench.effects),
        After::Enter
    ));
    assert_eq!(
        bench.effects,
        [],
        "no timer runs before the state is entered"
    );
    let more = Entered::keep_state().timeout(Timeout::Named("x"), Duration::ZERO, 2);
    assert!(matches!(bench.enter(more), After::Done));
    assert_eq!(bench.entered, [(A, A), (A, B)]);
    assert_eq!(bench.started().len(), 1);
    assert_eq!(bench.drain(), ["x 2"]);
}

#[test]
fn what_the_enter_call_sets_counts_as_the_later_setting() {
    let mut bench = Bench::in_state_a();
    let go = Transition::next_state(B).state_timeout(Duration::ZERO, 1);
    let _ = bench.machine.transition(go, &mut bench.effects);
    bench.enter(Entered::keep_state().state_timeout(Duration::ZERO, 2));
    assert_eq!(bench.drain(), ["State 2"]);
}

#[test]
fn a_state_may_be_entered_again_from_its_enter_call() {
    let mut bench = Bench::in_state_a();
    let _ = bench
        .machine
        .transition(Transition::next_state(B), &mut bench.effects);
    assert!(matches!(bench.enter(Entered::repeat_state()), After::Enter));
    assert!(matches!(bench.enter(Entered::keep_state()), After::Done));
    assert_eq!(bench.entered, [(A, B), (B, B)]);
}

#[test]
fn a_machine_can_stop_in_its_enter_call() {
    let mut bench = Bench::in_state_a();
    let _ = bench
        .machine
        .transition(Transition::next_state(B), &mut bench.effects);
    let stop = bench.enter(Entered::stop(ExitReason::Shutdown));
    assert!(matches!(stop, After::Stop(ExitReason::Shutdown)));
    assert_eq!(*bench.machine.state(), B);
}

#[test]
fn postponed_events_come_back_in_order_when_the_state_changes() {
    let mut bench = Bench::in_state_a();
    for n in [1, 2] {
        bench.go(Transition::keep_state().postpone(message(n)));
        assert!(bench.machine.next().is_none(), "not in the same state");
    }
    // The event that changes the state may itself be postponed; what is queued comes after the postponed.
    bench.go(Transition::keep_state()
        .next_event(message(4))
        .next_event(message(5)));
    let four = bench.machine.next().expect("inserted");
    bench.go(Transition::next_state(B).postpone(four));
    assert_eq!(
        bench.drain(),
        ["message 1", "message 2", "message 4", "message 5"]
    );
}

#[test]
fn a_postponed_event_can_be_postponed_again() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().postpone(message(1)));
    bench.go(Transition::next_state(B).postpone(message(2)));
    for n in [1, 2] {
        let event = bench.machine.next().expect("back");
        assert_eq!(show(&event), format!("message {n}"));
        bench.go(Transition::keep_state().postpone(event));
    }
    assert!(bench.machine.next().is_none());
    bench.go(Transition::next_state(A));
    assert_eq!(bench.drain(), ["message 1", "message 2"]);
}

#[test]
fn the_same_state_is_no_change() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().state_timeout(LATER, 1));
    bench.go(Transition::next_state(A).postpone(message(1)));
    bench.go(Transition::repeat_state());
    assert_eq!(bench.entered, [(A, A)], "only repeat_state enters");
    assert!(bench.machine.next().is_none(), "nothing is retried");
    let [timer] = bench.started()[..] else {
        panic!("one timer: {:?}", bench.effects)
    };
    assert!(bench.machine.rang(timer).is_some(), "it runs on");
}

#[test]
fn inserted_events_come_first_and_in_order() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().postpone(message(1)));
    bench.go(Transition::next_state(B)
        .next_event(Event::Internal(1))
        .next_event(message(2)));
    assert_eq!(bench.drain(), ["internal 1", "message 2", "message 1"]);
}

#[test]
fn any_event_cancels_the_event_timeout() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().event_timeout(LATER, 1));
    let [timer] = bench.started()[..] else {
        panic!("one timer: {:?}", bench.effects)
    };
    bench.go(Transition::keep_state());
    assert_eq!(bench.effects.last(), Some(&TimerEffect::Cancel(timer)));
    assert!(bench.machine.rang(timer).is_none());
}

#[test]
fn an_event_timeout_without_time_is_lost_to_any_event_before_it() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().event_timeout(Duration::ZERO, 1));
    assert_eq!(bench.drain(), ["Event 1"]);
    bench.go(Transition::keep_state()
        .next_event(message(1))
        .event_timeout(Duration::ZERO, 1));
    assert_eq!(bench.drain(), ["message 1"]);
    let both = || Transition::keep_state();
    bench.go(both()
        .state_timeout(Duration::ZERO, 1)
        .event_timeout(Duration::ZERO, 2));
    assert_eq!(bench.drain(), ["State 1"]);
    bench.go(both()
        .event_timeout(Duration::ZERO, 2)
        .state_timeout(Duration::ZERO, 1));
    assert_eq!(bench.drain(), ["Event 2", "State 1"]);
}

#[test]
fn an_event_timeout_keeps_its_turn_when_what_was_due_before_it_is_set_anew() {
    let mut bench = Bench::in_state_a();
    let named = || Timeout::Named("x");
    bench.go(Transition::keep_state()
        .next_event(message(1))
        .timeout(named(), Duration::ZERO, 1));
    assert!(bench.machine.next().is_some());
    bench.go(Transition::keep_state()
        .event_timeout(Duration::ZERO, 2)
        .timeout(named(), Duration::ZERO, 3));
    assert_eq!(bench.drain(), ["Event 2", "x 3"]);
}

#[test]
fn a_timeout_without_time_comes_before_what_was_not_received() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().postpone(message(1)));
    bench.go(Transition::next_state(B)
        .timeout(Timeout::Named("x"), Duration::ZERO, 3)
        .state_timeout(Duration::ZERO, 4)
        .next_event(message(2)));
    assert_eq!(bench.drain(), ["message 2", "message 1", "x 3", "State 4"]);
    assert_eq!(bench.effects, [], "no timer is started for them");
}

#[test]
fn a_change_of_state_cancels_the_state_timeout_only() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().state_timeout(LATER, 1).timeout(
        Timeout::Named("x"),
        LATER,
        2,
    ));
    let [state, named] = bench.started()[..] else {
        panic!("two timers: {:?}", bench.effects)
    };
    bench.go(Transition::next_state(B).state_timeout(LATER, 3));
    assert!(bench.machine.rang(state).is_none());
    assert!(bench.machine.rang(named).is_some());
    let new = *bench.started().last().expect("the new state's own");
    assert_eq!(
        bench.machine.rang(new).as_ref().map(show),
        Some("State 3".to_owned())
    );
}

#[test]
fn a_state_timeout_without_time_dies_with_its_state() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state()
        .next_event(message(1))
        .state_timeout(Duration::ZERO, 1));
    assert!(bench.machine.next().is_some());
    bench.go(Transition::next_state(B));
    assert_eq!(bench.drain(), [""; 0]);
}

#[test]
fn a_replaced_timeout_does_not_ring() {
    let mut bench = Bench::in_state_a();
    let name = || Timeout::Named("x");
    bench.go(Transition::keep_state().timeout(name(), LATER, 1));
    bench.go(Transition::keep_state().timeout(name(), LATER, 2));
    bench.go(Transition::keep_state()
        .timeout(name(), LATER, 3)
        .timeout(name(), LATER, 4));
    let [first, second, third] = bench.started()[..] else {
        panic!("the last of one list counts: {:?}", bench.effects)
    };
    assert!(bench.machine.rang(first).is_none());
    assert!(bench.machine.rang(second).is_none());
    assert_eq!(
        bench.machine.rang(third).as_ref().map(show),
        Some("x 4".to_owned())
    );
    assert!(bench.machine.rang(third).is_none(), "once only");
}

#[test]
fn a_cancelled_timeout_does_not_ring() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().timeout(Timeout::Named("x"), LATER, 1));
    bench.go(Transition::keep_state()
        .cancel(Timeout::Named("x"))
        .cancel(Timeout::Named("never started")));
    let [timer] = bench.started()[..] else {
        panic!("one timer: {:?}", bench.effects)
    };
    assert!(bench.machine.rang(timer).is_none());
    bench.go(Transition::keep_state().next_event(message(1)).timeout(
        Timeout::Named("x"),
        Duration::ZERO,
        2,
    ));
    assert!(bench.machine.next().is_some());
    bench.go(Transition::keep_state().cancel(Timeout::Named("x")));
    assert!(bench.machine.next().is_none(), "nor one that was due");
}

#[test]
fn an_update_keeps_the_time_and_rings_at_once_when_nothing_runs() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().state_timeout(LATER, 1));
    bench.go(Transition::keep_state().update(Timeout::State, 2));
    let [timer] = bench.started()[..] else {
        panic!("an update starts nothing: {:?}", bench.effects)
    };
    assert_eq!(
        bench.machine.rang(timer).as_ref().map(show),
        Some("State 2".to_owned())
    );
    bench.go(Transition::keep_state().update(Timeout::Named("x"), 3));
    assert_eq!(bench.drain(), ["x 3"]);
}

#[test]
fn hibernation_is_asked_for_by_each_transition_anew() {
    let mut bench = Bench::in_state_a();
    bench.go(Transition::keep_state().hibernate());
    assert!(bench.machine.wants_hibernation());
    bench.go(Transition::keep_state().hibernate());
    bench.go(Transition::keep_state());
    assert!(!bench.machine.wants_hibernation());
}

#[test]
fn a_stop_does_nothing_else() {
    let mut bench = Bench::in_state_a();
    let stop = Transition::stop(ExitReason::Normal)
        .next_event(message(1))
        .state_timeout(LATER, 1);
    assert!(matches!(
        bench.machine.transition(stop, &mut bench.effects),
        After::Stop(ExitReason::Normal)
    ));
    assert!(bench.machine.next().is_none());
    assert_eq!(bench.effects, []);
}
