//! `#[derive(Message)]`: one enum of messages for a state machine, a plain process, a server written by hand, and the events of a
//! manager, sent from here as values and from anywhere as terms.

#[path = "support/plain.rs"]
mod plain;

use std::time::Duration;

use kista::gen_event::{self, EventHandler, Handled};
use kista::gen_statem::{Event, GenStatem, Init, Statem, StatemCx, Transition, statem};
use kista::{
    Address, Atom, CallError, Cx, Decode, Encode, Flow, GenServer, Info, InitStop, Me, Message,
    Node, Pid, ProcessCx, ReplyTo, SpawnOptions, Term, spec,
};
use plain::{SOON, node, run};
use tokio::time::timeout;

/// Every kind of message.
#[derive(Debug, Message)]
enum Msg {
    Push,
    Set(i64),
    Pair(String, bool),
    Count(ReplyTo<i64>),
    Add(i64, ReplyTo<i64>),
    #[message(name = "isEven")]
    IsEven(ReplyTo<bool>),
    #[message(info)]
    Tick(i64),
    #[message(info, name = "TOCK")]
    Tock,
    Lose(ReplyTo<i64>),
    #[message(local)]
    Here {
        what: Marker,
    },
    #[message(other)]
    Asked(Term, ReplyTo<Term>),
}

/// Has no wire form.
#[derive(Debug, PartialEq)]
struct Marker;

/// What all of them do with a message: keep a number.
fn act(n: &mut i64, message: Msg) {
    match message {
        Msg::Push => *n += 1,
        Msg::Set(to) => *n = to,
        Msg::Pair(text, negative) => {
            let length = text.len() as i64;
            *n = if negative { -length } else { length };
        }
        Msg::Count(reply) => reply.reply(*n),
        Msg::Add(k, reply) => {
            *n += k;
            reply.reply(*n);
        }
        Msg::IsEven(reply) => reply.reply(*n % 2 == 0),
        Msg::Tick(k) => *n -= k,
        Msg::Tock => *n = 0,
        Msg::Lose(reply) => drop(reply),
        Msg::Here { what } => {
            assert_eq!(what, Marker);
            *n = 1_000;
        }
        Msg::Asked(term, reply) => reply.reply(term),
    }
}

struct Machine(i64);

impl GenStatem for Machine {
    type Args = ();
    type State = ();
    type Msg = Msg;
    type Timer = ();
    type Content = ();
    type Client = Address<Msg>;

    async fn init((): (), _cx: &mut StatemCx<Self>) -> Result<Init<Self>, InitStop> {
        Ok(Init::new(Self(0), ()))
    }

    async fn handle(
        &mut self,
        (): &(),
        event: Event<Self>,
        _cx: &mut StatemCx<Self>,
    ) -> Transition<Self> {
        if let Event::Message(message) = event {
            act(&mut self.0, message);
        }
        Transition::keep_state()
    }
}

struct ByHand(i64);

impl GenServer for ByHand {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self(0))
    }

    async fn handle(&mut self, message: Msg, _cx: &mut Cx<Self>) -> Flow {
        act(&mut self.0, message);
        Flow::Continue
    }
}

async fn plain_process(mut cx: ProcessCx) {
    let mut n = 0;
    loop {
        act(&mut n, cx.receive_as::<Msg>().await);
    }
}

fn atom(text: &'static str) -> Atom {
    Atom::from_static(text)
}

/// What Erlang would send: `gen_server:call`, `gen_server:cast`, and `!`.
async fn speak(node: &Node, to: Pid) {
    let call = async |request: Term| node.call::<Term>(to, &request).await;
    let word = |text| Term::from(atom(text));
    node.cast(to, &atom("push"));
    node.cast(to, &atom("push"));
    assert_eq!(call(word("count")).await, Ok(Term::from(2)));
    node.cast(to, &(atom("pair"), "abc", true));
    assert_eq!(call(word("count")).await, Ok(Term::from(-3)));
    node.cast(to, &(atom("set"), 40));
    let add = Term::tuple([word("add"), Term::from(2)]);
    assert_eq!(call(add).await, Ok(Term::from(42)));
    assert_eq!(call(word("isEven")).await, Ok(Term::from(true)));
    node.send(to, &(atom("tick"), 2));
    assert_eq!(call(word("count")).await, Ok(Term::from(40)));
    node.send(to, &atom("TOCK"));
    assert_eq!(call(word("count")).await, Ok(Term::from(0)));
    // A known name whose argument does not fit, and one that nobody has, are others.
    for other in [
        Term::tuple([word("add"), word("two")]),
        Term::tuple([word("add"), Term::from(1), Term::from(2)]),
        word("here"),
        Term::from(7),
    ] {
        assert_eq!(call(other.clone()).await, Ok(other));
    }
    let lost = node.call::<Term>(to, &atom("lose")).forever().await;
    let Err(CallError::Exit(lost)) = lost else {
        panic!("{lost:?}")
    };
    assert_eq!(lost.to_string(), "{no_reply,lose}");
}

#[tokio::test]
async fn a_machine_and_a_server_read_derived_messages_from_the_wire() {
    let node = node("wire").await;
    let machine = node.spawn(statem::<Machine>(())).name("machine").await;
    let by_hand = node.spawn(spec::<ByHand>(())).name("by_hand").await;
    for name in ["machine", "by_hand"] {
        speak(&node, node.whereis(name).unwrap()).await;
    }
    // And moved, as any message.
    let machine = machine.unwrap();
    machine.cast(Msg::Here { what: Marker });
    assert_eq!(machine.call(Msg::Count).await, Ok(1_000));
    let lost = machine.call(Msg::Lose).forever().await;
    let Err(CallError::Exit(lost)) = lost else {
        panic!("{lost:?}")
    };
    assert_eq!(lost.to_string(), r#"{no_reply,<<"call lose">>}"#);
    drop(by_hand);
    node.stop().await;
}

#[tokio::test]
async fn a_plain_process_reads_typed_messages_and_answers_calls() {
    let node = node("typed").await;
    let pid = node.spawn_fn(plain_process).unwrap();
    speak(&node, pid).await;
    // The end of the process reaches a caller whose token it holds.
    let holds = async |mut cx: ProcessCx| {
        let message = cx.receive_as::<Msg>().await;
        cx.exit(cx.pid(), plain::reason("over"));
        cx.receive_if(|_| false).await;
        drop(message);
    };
    let holder = node.spawn_fn(holds).unwrap();
    let call = node.call::<Term>(holder, &atom("count")).forever();
    let end = timeout(SOON, call).await.expect("the call hangs");
    assert_eq!(end, Err(CallError::Exit(plain::reason("over"))));
    node.stop().await;
}

#[tokio::test]
async fn what_is_no_message_of_the_type_stays_for_another_receive() {
    #[derive(Debug, PartialEq, Message)]
    enum Only {
        #[message(info)]
        Wanted(i64),
    }
    let node = node("stays").await;
    run(&node, async |mut cx| {
        let me = cx.pid();
        for n in 0..3 {
            cx.send(me, &(atom("unwanted"), n));
            cx.send(me, &(atom("wanted"), n));
            // The kind is not the same, nor the size.
            cx.node().cast(me, &(atom("wanted"), n));
            cx.send(me, &(atom("wanted"), n, n));
        }
        for n in 0..3 {
            assert_eq!(cx.receive_as::<Only>().await, Only::Wanted(n));
        }
        let none = cx.receive_as::<Only>().after(Duration::ZERO).await;
        assert_eq!(none, None);
        let mut left = 0;
        while cx.receive().after(Duration::ZERO).await.is_some() {
            left += 1;
        }
        assert_eq!(left, 9);
    })
    .await;
    node.stop().await;
}

/// A client of a machine that speaks to a plain process has to encode: each message is read as it was written.
#[tokio::test]
async fn what_a_typed_handle_writes_is_what_the_other_side_reads() {
    let node = node("written").await;
    let options = SpawnOptions::new().name("other");
    node.spawn_opt(options, plain_process).unwrap();
    let other = node.server::<Statem<Machine>>("other");
    other.cast(Msg::Push).result().unwrap();
    assert_eq!(other.call(Msg::Count).await, Ok(1));
    other.cast(Msg::Set(10)).result().unwrap();
    assert_eq!(other.call(|reply| Msg::Add(5, reply)).await, Ok(15));
    assert_eq!(other.call(Msg::IsEven).await, Ok(false));
    other
        .cast(Msg::Pair("four".to_owned(), false))
        .result()
        .unwrap();
    other.cast(Msg::Tick(1)).result().unwrap();
    assert_eq!(other.call(Msg::Count).await, Ok(3));
    other.cast(Msg::Tock).result().unwrap();
    assert_eq!(other.call(Msg::Count).await, Ok(0));
    let asked = other.call(|reply| Msg::Asked(Term::from("any"), reply));
    assert_eq!(asked.await, Ok(Term::from("any")));
    // What stays on its node says so.
    let error = other.cast(Msg::Here { what: Marker }).result().unwrap_err();
    assert!(error.to_string().contains("`Here` stays"), "{error}");
    node.stop().await;
}

/// Without calls it can be an event too.
#[derive(Debug, Clone, PartialEq, Encode, Decode, Message)]
#[etf(crate = kista::etf)]
enum Alarm {
    Raised(String),
    Cleared,
}

struct Heard(Vec<Alarm>);

impl EventHandler<Alarm> for Heard {
    async fn handle_event(&mut self, event: &Alarm, _me: &Me) -> Handled<Alarm> {
        self.0.push(event.clone());
        Handled::Keep
    }

    async fn handle_call(&mut self, _request: Term, _me: &Me) -> (Term, Handled<Alarm>) {
        (Term::from(self.0.len() as i64), Handled::Keep)
    }
}

#[tokio::test]
async fn one_type_is_the_event_of_a_manager_and_the_message_of_a_process() {
    let node = node("both").await;
    let manager = gen_event::manager::<Alarm>();
    let alarms = node.spawn(manager).name("alarms").await.unwrap();
    alarms
        .add_handler("heard", Heard(Vec::new()))
        .await
        .unwrap();
    let term = (atom("raised"), "disk full");
    node.send("alarms", &(atom("notify"), &term));
    alarms.sync_notify(Alarm::Cleared).await.unwrap();
    let heard = alarms.call_handler::<i64>("heard", &0).await.unwrap();
    assert_eq!(heard, 2);
    run(&node, async move |mut cx| {
        cx.node().cast(cx.pid(), &term);
        let raised = Alarm::Raised("disk full".to_owned());
        assert_eq!(cx.receive_as::<Alarm>().await, raised);
        // An event that is sent as it is, is a plain message, not a cast.
        cx.send(cx.pid(), &Alarm::Cleared);
        let none = cx.receive_as::<Alarm>().after(Duration::ZERO).await;
        assert_eq!(none, None);
        assert!(matches!(cx.receive().await, Info::Term(_)));
    })
    .await;
    node.stop().await;
}
