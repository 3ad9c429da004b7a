//! A state machine: the code lock of OTP's manual. Buttons pressed while it is open wait until it has locked itself again.
//! `cargo run --example statem`

use std::time::Duration;

use kista::gen_statem::{Entered, Event, GenStatem, Init, StatemCx, Timeout, Transition, statem};
use kista::{Address, InitStop, Message, Node, ReplyTo};

enum Msg {
    Button(char),
    /// Answered as soon as the lock is locked.
    Locked(ReplyTo<u32>),
}

impl Message for Msg {}

#[derive(Debug, PartialEq)]
enum State {
    Locked,
    Open,
}

struct CodeLock {
    code: String,
    pressed: String,
    opened: u32,
}

impl GenStatem for CodeLock {
    type Args = &'static str;
    type State = State;
    type Msg = Msg;
    type Timer = ();
    type Content = ();
    type Client = Address<Msg>;

    async fn init(code: &'static str, _cx: &mut StatemCx<Self>) -> Result<Init<Self>, InitStop> {
        let lock = CodeLock {
            code: code.to_owned(),
            pressed: String::new(),
            opened: 0,
        };
        Ok(Init::new(lock, State::Locked))
    }

    async fn enter(
        &mut self,
        old: &State,
        state: &State,
        _cx: &mut StatemCx<Self>,
    ) -> Entered<Self> {
        println!("lock: {old:?} -> {state:?}");
        self.pressed.clear();
        match state {
            State::Locked => Entered::keep_state(),
            State::Open => {
                self.opened += 1;
                Entered::keep_state().state_timeout(Duration::from_millis(300), ())
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
                println!("lock: {button}");
                self.pressed.push(button);
                if self.pressed.ends_with(&self.code) {
                    return Transition::next_state(State::Open);
                }
                // Any button starts this anew: it is for an idle hand.
                Transition::keep_state().event_timeout(Duration::from_millis(200), ())
            }
            (State::Locked, Event::Timeout(Timeout::Event, ())) => {
                println!("lock: too slow, {} is forgotten", self.pressed);
                self.pressed.clear();
                Transition::keep_state()
            }
            (State::Locked, Event::Message(Msg::Locked(reply))) => {
                Transition::keep_state().reply(reply, self.opened)
            }
            (State::Open, Event::Timeout(Timeout::State, ())) => {
                Transition::next_state(State::Locked)
            }
            // Not now: the same event again when the state has changed.
            (State::Open, event @ Event::Message(_)) => {
                println!("lock: later");
                Transition::keep_state().postpone(event)
            }
            _ => Transition::keep_state(),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder("statem@127.0.0.1")
        .no_network()
        .start()
        .await?;
    let lock = node.spawn(statem::<CodeLock>("1234")).await?;

    lock.cast(Msg::Button('1'));
    tokio::time::sleep(Duration::from_millis(300)).await;
    for button in "123412".chars() {
        lock.cast(Msg::Button(button));
    }
    let opened = lock.call(Msg::Locked).await?;
    println!("main: locked again, opened {opened} time(s)");
    for button in "34".chars() {
        lock.cast(Msg::Button(button));
    }
    let opened = lock.call(Msg::Locked).await?;
    println!("main: locked again, opened {opened} time(s)");
    node.stop().await;
    Ok(())
}
