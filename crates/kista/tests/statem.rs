//! State machines as processes. The first two are the examples of *gen_statem Behaviour* in OTP Design Principles. Which
//! event comes when is decided by the pure core, and tested there (`src/gen_statem/machine/tests.rs`).

use std::time::Duration;

use kista::gen_statem::{
    Entered, Event, GenStatem, Init, Statem, StatemCx, StatemRef, Timeout, Transition, statem,
};
use kista::{
    Address, CallError, ExitReason, Info, InitStop, Message, Node, ReplyTo, StartError, Term, sys,
};
use tokio::time::Instant;

async fn node(name: &str) -> Node {
    let node = Node::builder(name).no_network().start().await;
    node.expect("a node without a network starts")
}

mod push_button {
    use super::*;

    pub(super) enum Msg {
        Push(ReplyTo<State>),
        Count(ReplyTo<u32>),
    }
    impl Message for Msg {}

    #[derive(Clone, Copy, Debug, PartialEq)]
    pub(super) enum State {
        Off,
        On,
    }

    pub(super) struct Button {
        pushed: u32,
    }

    impl GenStatem for Button {
        type Args = ();
        type State = State;
        type Msg = Msg;
        type Timer = ();
        type Content = ();
        type Client = Address<Msg>;

        async fn init((): (), _cx: &mut StatemCx<Self>) -> Result<Init<Self>, InitStop> {
            Ok(Init::new(Button { pushed: 0 }, State::Off))
        }

        async fn handle(
            &mut self,
            state: &State,
            event: Event<Self>,
            _cx: &mut StatemCx<Self>,
        ) -> Transition<Self> {
            match (state, event) {
                (State::Off, Event::Message(Msg::Push(reply))) => {
                    self.pushed += 1;
                    Transition::next_state(State::On).reply(reply, State::On)
                }
                (State::On, Event::Message(Msg::Push(reply))) => {
                    Transition::next_state(State::Off).reply(reply, State::Off)
                }
                (_, Event::Message(Msg::Count(reply))) => {
                    Transition::keep_state().reply(reply, self.pushed)
                }
                _ => Transition::keep_state(),
            }
        }
    }
}

#[tokio::test]
async fn a_push_button_counts_how_often_it_was_switched_on() {
    use push_button::{Button, Msg, State};
    let node = node("button@test").await;
    let button = node.spawn(statem::<Button>(())).name("button").await;
    let button = button.expect("it starts");
    assert_eq!(button.call(Msg::Count).await, Ok(0));
    for state in [State::On, State::Off, State::On] {
        assert_eq!(button.call(Msg::Push).await, Ok(state));
    }
    assert_eq!(button.call(Msg::Count).await, Ok(2));
    button.stop().await.expect("it stops");
    assert_eq!(button.call(Msg::Push).await, Err(CallError::NoProc));
    node.stop().await;
}

/// The code lock: opens for 10 s by the right code; buttons pressed while it is open are for the time after; an idle hand is
/// forgotten after 30 s. It logs what it does.
mod code_lock {
    use super::*;

    pub(super) enum Msg {
        Button(char),
        CodeLength(ReplyTo<usize>),
        Log(ReplyTo<Vec<String>>),
    }
    impl Message for Msg {}

    #[derive(Debug, PartialEq)]
    pub(super) enum State {
        Locked,
        Open,
    }

    pub(super) struct CodeLock {
        code: Vec<char>,
        buttons: Vec<char>,
        log: Vec<String>,
    }

    impl GenStatem for CodeLock {
        type Args = &'static str;
        type State = State;
        type Msg = Msg;
        type Timer = ();
        type Content = ();
        type Client = Address<Msg>;

        async fn init(
            code: &'static str,
            _cx: &mut StatemCx<Self>,
        ) -> Result<Init<Self>, InitStop> {
            let lock = CodeLock {
                code: code.chars().collect(),
                buttons: Vec::new(),
                log: Vec::new(),
            };
            Ok(Init::new(lock, State::Locked))
        }

        async fn enter(
            &mut self,
            _old: &State,
            state: &State,
            _cx: &mut StatemCx<Self>,
        ) -> Entered<Self> {
            match state {
                State::Locked => {
                    self.log.push("locked".into());
                    self.buttons.clear();
                    Entered::keep_state()
                }
                State::Open => {
                    self.log.push("open".into());
                    Entered::keep_state().state_timeout(Duration::from_secs(10), ())
                }
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
                    self.buttons.push(button);
                    if self.buttons.len() > self.code.len() {
                        self.buttons.remove(0);
                    }
                    if self.buttons == self.code {
                        return Transition::next_state(State::Open);
                    }
                    Transition::keep_state().event_timeout(Duration::from_secs(30), ())
                }
                (State::Locked, Event::Timeout(Timeout::Event, ())) => {
                    self.log.push("forgotten".into());
                    self.buttons.clear();
                    Transition::keep_state()
                }
                (State::Open, Event::Timeout(Timeout::State, ())) => {
                    Transition::next_state(State::Locked)
                }
                (State::Open, event @ Event::Message(Msg::Button(_))) => {
                    Transition::keep_state().postpone(event)
                }
                (_, Event::Message(Msg::CodeLength(reply))) => {
                    Transition::keep_state().reply(reply, self.code.len())
                }
                (_, Event::Message(Msg::Log(reply))) => {
                    let log = std::mem::take(&mut self.log);
                    Transition::keep_state().reply(reply, log)
                }
                _ => Transition::keep_state(),
            }
        }
    }

    impl CodeLock {
        pub(super) async fn press(lock: &StatemRef<Self>, buttons: &str) {
            for button in buttons.chars() {
                lock.cast(Msg::Button(button));
            }
        }

        pub(super) async fn log(lock: &StatemRef<Self>) -> Vec<String> {
            lock.call(Msg::Log).await.expect("it answers")
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_lock_opens_by_its_code_and_locks_itself_again() {
    use code_lock::{CodeLock, Msg};
    let node = node("lock@test").await;
    let lock = node
        .spawn(statem::<CodeLock>("1234"))
        .await
        .expect("starts");
    assert_eq!(
        CodeLock::log(&lock).await,
        ["locked"],
        "entered at the start"
    );
    CodeLock::press(&lock, "91234").await;
    assert_eq!(CodeLock::log(&lock).await, ["open"]);
    assert_eq!(lock.call(Msg::CodeLength).await, Ok(4), "in every state");
    tokio::time::sleep(Duration::from_millis(9_900)).await;
    assert_eq!(
        CodeLock::log(&lock).await,
        [""; 0],
        "no other event cut it short"
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(CodeLock::log(&lock).await, ["locked"]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn buttons_pressed_while_the_lock_is_open_are_postponed() {
    use code_lock::CodeLock;
    let node = node("postpone@test").await;
    let lock = node.spawn(statem::<CodeLock>("12")).await.expect("starts");
    // Twice the code: the second time is for the time after.
    CodeLock::press(&lock, "1212").await;
    assert_eq!(CodeLock::log(&lock).await, ["locked", "open"]);
    tokio::time::sleep(Duration::from_millis(10_100)).await;
    assert_eq!(CodeLock::log(&lock).await, ["locked", "open"]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(CodeLock::log(&lock).await, ["locked"], "once each");
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_hand_is_forgotten_but_not_a_slow_one() {
    use code_lock::CodeLock;
    let node = node("idle@test").await;
    let lock = node.spawn(statem::<CodeLock>("12")).await.expect("starts");
    CodeLock::press(&lock, "1").await;
    tokio::time::sleep(Duration::from_secs(31)).await;
    CodeLock::press(&lock, "2").await;
    assert_eq!(CodeLock::log(&lock).await, ["locked", "forgotten"]);
    CodeLock::press(&lock, "1").await;
    tokio::time::sleep(Duration::from_secs(29)).await;
    CodeLock::press(&lock, "2").await;
    assert_eq!(CodeLock::log(&lock).await, ["open"]);
    node.stop().await;
}

/// Does what it is sent, and remembers what it handled.
struct Puppet {
    seen: Vec<String>,
    ended: Option<tokio::sync::oneshot::Sender<String>>,
}

type Do = Box<dyn FnOnce(&mut Puppet) -> Transition<Puppet> + Send>;

enum Order {
    /// Handled in state 0; postponed in others.
    Ask(ReplyTo<u32>),
    Do(Do),
    Slow(Duration),
    Note(u32),
    Seen(ReplyTo<Vec<String>>),
}
impl Message for Order {}

impl GenStatem for Puppet {
    type Args = fn() -> Result<Init<Self>, InitStop>;
    type State = u32;
    type Msg = Order;
    type Timer = &'static str;
    type Content = u32;
    type Client = Address<Order>;

    async fn init(
        start: fn() -> Result<Init<Self>, InitStop>,
        _cx: &mut StatemCx<Self>,
    ) -> Result<Init<Self>, InitStop> {
        start()
    }

    async fn enter(&mut self, old: &u32, state: &u32, _cx: &mut StatemCx<Self>) -> Entered<Self> {
        self.seen.push(format!("enter {old} {state}"));
        match state {
            99 => panic!("no such state"),
            98 => Entered::stop("not this one"),
            _ => Entered::keep_state(),
        }
    }

    async fn handle(
        &mut self,
        state: &u32,
        event: Event<Self>,
        _cx: &mut StatemCx<Self>,
    ) -> Transition<Self> {
        match event {
            Event::Message(Order::Ask(reply)) if *state == 0 => {
                Transition::keep_state().reply(reply, 7)
            }
            event @ Event::Message(Order::Ask(_)) => Transition::keep_state().postpone(event),
            Event::Message(Order::Do(act)) => act(self),
            Event::Message(Order::Slow(time)) => {
                tokio::time::sleep(time).await;
                Transition::keep_state()
            }
            Event::Message(Order::Note(n)) => {
                self.seen.push(format!("note {n}"));
                Transition::keep_state()
            }
            Event::Message(Order::Seen(reply)) => {
                let seen = std::mem::take(&mut self.seen);
                Transition::keep_state().reply(reply, seen)
            }
            Event::Timeout(which, content) => {
                self.seen.push(format!("{which:?} {content}"));
                Transition::keep_state()
            }
            Event::Internal(n) => {
                self.seen.push(format!("internal {n}"));
                Transition::keep_state()
            }
            Event::Info(info) => {
                self.seen.push(format!("{info:?}"));
                Transition::keep_state()
            }
        }
    }

    async fn terminate(&mut self, reason: &ExitReason, state: &u32, _cx: &mut StatemCx<Self>) {
        if let Some(ended) = self.ended.take() {
            let _ = ended.send(format!("{reason} in {state}"));
        }
    }

    fn format_status(&self, state: &u32) -> Term {
        Term::tuple([Term::from(*state), Term::from(self.seen.len() as u64)])
    }
}

fn puppet() -> Puppet {
    Puppet {
        seen: Vec::new(),
        ended: None,
    }
}

async fn start(node: &Node) -> StatemRef<Puppet> {
    let started = node.spawn(statem::<Puppet>(|| Ok(Init::new(puppet(), 1))));
    started.await.expect("it starts")
}

fn order(
    machine: &StatemRef<Puppet>,
    act: impl FnOnce(&mut Puppet) -> Transition<Puppet> + Send + 'static,
) {
    machine.cast(Order::Do(Box::new(act)));
}

async fn seen(machine: &StatemRef<Puppet>) -> Vec<String> {
    machine
        .call(Order::Seen)
        .forever()
        .await
        .expect("it answers")
}

#[tokio::test]
async fn the_first_state_and_its_events_come_before_anything_received() {
    let node = node("first@test").await;
    let init = || {
        Ok(Init::new(puppet(), 5)
            .next_event(Event::Internal(1))
            .next_event(Event::Internal(2))
            .state_timeout(Duration::ZERO, 3))
    };
    let machine = node.spawn(statem::<Puppet>(init)).await.expect("starts");
    machine.cast(Order::Note(4));
    assert_eq!(
        seen(&machine).await,
        ["enter 5 5", "internal 1", "internal 2", "State 3", "note 4"]
    );
    node.stop().await;
}

#[tokio::test]
async fn a_machine_that_cannot_start_says_why() {
    let node = node("why@test").await;
    let refuses = node.spawn(statem::<Puppet>(|| Err(InitStop::Ignore)));
    assert_eq!(refuses.await.expect_err("ignored"), StartError::Ignored);
    let fails = node.spawn(statem::<Puppet>(|| Err("no".into())));
    assert_eq!(
        fails.await.expect_err("failed"),
        StartError::Init(ExitReason::from("no"))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_postponed_call_keeps_its_caller() {
    let node = node("call@test").await;
    let machine = start(&node).await;
    let asking = machine.clone();
    let answer = tokio::spawn(async move { asking.call(Order::Ask).forever().await });
    // Handled between: the call is not.
    machine.cast(Order::Note(1));
    while !seen(&machine).await.contains(&"note 1".to_owned()) {}
    assert!(!answer.is_finished());
    order(&machine, |_| Transition::next_state(0));
    assert_eq!(answer.await.expect("no panic"), Ok(7));
    node.stop().await;
}

#[tokio::test]
async fn a_postponed_call_hears_how_the_machine_ended() {
    let node = node("ended@test").await;
    let machine = start(&node).await;
    let asking = machine.clone();
    let answer = tokio::spawn(async move { asking.call(Order::Ask).forever().await });
    tokio::task::yield_now().await;
    seen(&machine).await;
    order(&machine, |_| Transition::stop("enough"));
    assert_eq!(
        answer.await.expect("no panic"),
        Err(CallError::Exit(ExitReason::from("enough")))
    );
    node.stop().await;
}

#[tokio::test]
async fn stop_and_reply_does_both() {
    let node = node("both@test").await;
    let machine = start(&node).await;
    let (ended, end) = tokio::sync::oneshot::channel();
    let answer = machine.call(|reply: ReplyTo<u32>| {
        Order::Do(Box::new(move |puppet| {
            puppet.ended = Some(ended);
            Transition::stop(ExitReason::Normal).reply(reply, 3)
        }))
    });
    assert_eq!(answer.await, Ok(3));
    assert_eq!(end.await.expect("terminate ran"), "normal in 1");
    node.stop().await;
}

#[tokio::test]
async fn terminate_knows_the_state_in_which_a_callback_failed() {
    let node = node("panic@test").await;
    for (state, expected) in [
        (99, "{panic,<<\"no such state\">>} in 99"),
        (98, "<<\"not this one\">> in 98"),
    ] {
        let machine = start(&node).await;
        let (ended, end) = tokio::sync::oneshot::channel();
        order(&machine, move |puppet| {
            puppet.ended = Some(ended);
            Transition::next_state(state)
        });
        assert_eq!(end.await.expect("terminate ran"), expected);
    }
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn named_timeouts_outlive_states_and_carry_what_they_were_given() {
    let node = node("named@test").await;
    let machine = start(&node).await;
    let start_time = Instant::now();
    order(&machine, |_| {
        Transition::next_state(2)
            .timeout(Timeout::Named("a"), Duration::from_secs(3), 1)
            .timeout(Timeout::Named("b"), Duration::from_secs(1), 2)
            .timeout(Timeout::Named("c"), Duration::from_secs(2), 3)
            .state_timeout(Duration::from_secs(1), 4)
    });
    order(&machine, |_| {
        Transition::next_state(3)
            .cancel(Timeout::Named("c"))
            .update(Timeout::Named("a"), 5)
    });
    tokio::time::sleep_until(start_time + Duration::from_millis(2_900)).await;
    assert_eq!(
        seen(&machine).await,
        ["enter 1 1", "enter 1 2", "enter 2 3", "Named(\"b\") 2"]
    );
    tokio::time::sleep_until(start_time + Duration::from_millis(3_100)).await;
    assert_eq!(seen(&machine).await, ["Named(\"a\") 5"]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_absolute_timeout_rings_at_its_time_and_at_once_when_that_has_passed() {
    let node = node("absolute@test").await;
    let machine = start(&node).await;
    let now = Instant::now().into_std();
    order(&machine, move |_| {
        Transition::keep_state()
            .timeout(Timeout::Named("later"), now + Duration::from_secs(5), 1)
            .timeout(Timeout::Named("past"), now - Duration::from_secs(5), 2)
            .timeout(Timeout::Named("never"), Duration::MAX, 3)
    });
    tokio::time::sleep(Duration::from_millis(4_900)).await;
    assert_eq!(seen(&machine).await, ["enter 1 1", "Named(\"past\") 2"]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(seen(&machine).await, ["Named(\"later\") 1"]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_rings_waits_for_the_messages_before_it() {
    let node = node("behind@test").await;
    let machine = start(&node).await;
    order(&machine, |_| {
        Transition::keep_state().event_timeout(Duration::from_millis(50), 1)
    });
    machine.cast(Order::Slow(Duration::from_millis(10)));
    order(&machine, |_| {
        Transition::keep_state().timeout(Timeout::Named("x"), Duration::from_millis(50), 2)
    });
    // It rings while the machine is busy, and this one has arrived.
    machine.cast(Order::Slow(Duration::from_millis(100)));
    machine.cast(Order::Note(3));
    assert_eq!(seen(&machine).await, ["enter 1 1", "note 3"]);
    assert_eq!(seen(&machine).await, ["Named(\"x\") 2"]);
    node.stop().await;
}

/// A message that sends itself anew until the timer has rung.
fn flood(machine: StatemRef<Puppet>) {
    order(&machine.clone(), move |puppet| {
        if !puppet.seen.contains(&"Named(\"x\") 1".to_owned()) {
            flood(machine);
        }
        Transition::keep_state()
    });
}

#[tokio::test]
async fn a_flood_of_messages_does_not_keep_a_timer_from_ringing() {
    let node = node("flood@test").await;
    let machine = start(&node).await;
    order(&machine, |_| {
        Transition::keep_state().timeout(Timeout::Named("x"), Duration::from_millis(20), 1)
    });
    // The queue is never empty.
    for _ in 0..8 {
        flood(machine.clone());
    }
    let rang = async { while !seen(&machine).await.contains(&"Named(\"x\") 1".to_owned()) {} };
    tokio::time::timeout(Duration::from_secs(60), rang)
        .await
        .expect("it rings");
    node.stop().await;
}

#[tokio::test]
async fn what_is_no_message_of_its_own_is_an_info_event() {
    let node = node("info@test").await;
    let machine = start(&node).await;
    node.send(machine.dest(), &Term::from(5));
    let seen = seen(&machine).await;
    assert_eq!(seen[1..], [format!("{:?}", Info::Term(Term::from(5)))]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn sys_sees_and_holds_a_machine() {
    let node = node("sys@test").await;
    let machine = start(&node).await;
    let state = sys::get_state(&machine).await.expect("answered");
    assert_eq!(state.to_string(), "{1,1}");
    let status = sys::get_status(&machine).await.expect("answered");
    assert!(
        status.to_string().contains("{module,gen_statem}"),
        "{status}"
    );

    order(&machine, |_| {
        Transition::keep_state().state_timeout(Duration::from_secs(1), 1)
    });
    sys::suspend(&machine).await.expect("answered");
    machine.cast(Order::Note(2));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let state = sys::get_state(&machine).await.expect("answered");
    assert_eq!(state.to_string(), "{1,1}", "nothing is handled");
    sys::resume(&machine).await.expect("answered");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(seen(&machine).await, ["enter 1 1", "note 2", "State 1"]);

    let replaced = sys::replace_state(&machine, |machine: &mut Statem<Puppet>| {
        machine.data().seen.push("replaced".into());
        machine.set_state(0);
        *machine.state()
    });
    assert_eq!(replaced.await, Ok(0));
    assert_eq!(machine.call(Order::Ask).await, Ok(7), "it is in state 0");
    assert_eq!(seen(&machine).await, ["replaced"], "and did not enter it");
    node.stop().await;
}
