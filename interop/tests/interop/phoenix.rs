//! Phoenix.PubSub across the border: the example of ours (`examples/phoenix_pubsub`) and Elixir nodes that say what its default adapter says
//! (`elixir/pubsub.exs`).

use std::time::{Duration, Instant};

use kista::{Atom, Decode, Encode, ExitReason, Info, Node, Pid, Term};
use kista_interop::{Bed, Program};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

#[path = "../../../examples/phoenix_pubsub/pubsub.rs"]
mod pubsub;

#[path = "../../../examples/phoenix_pubsub/lines.rs"]
mod lines;

use pubsub::PubSub;

const OURS: &str = "ours@127.0.0.1";
const EX: &str = "ex@127.0.0.1";
const NAME: &str = "MyApp.PubSub";
const PATIENCE: Duration = Duration::from_secs(60);

/// A node with the PubSub of that name.
struct Elixir(Program);

impl Elixir {
    fn start(bed: &Bed, name: &str, pool_size: &str) -> Self {
        let mut program = bed.elixir(name, "pubsub", &[NAME, pool_size]);
        program.expect(&format!("ready {name}"), PATIENCE);
        Self(program)
    }

    #[track_caller]
    fn ask(&mut self, expression: &str) -> String {
        tokio::task::block_in_place(|| {
            self.0.tell(expression);
            let line = self
                .0
                .line(expression, PATIENCE, |line| line.starts_with("= "));
            line[2..].to_owned()
        })
    }

    #[track_caller]
    fn becomes(&mut self, expression: &str, value: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let is = self.ask(expression);
            if is == value {
                return;
            }
            assert!(Instant::now() < end, "{expression} is {is}, not {value}");
            tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(20)));
        }
    }

    /// Its workers know one of ours in each group.
    fn knows_us(&mut self, groups: usize) {
        let known = format!(
            "for pid <- Enum.flat_map(:pg.which_groups(Phoenix.PubSub), &:pg.get_members(Phoenix.PubSub, &1)), node(pid) == :\"{OURS}\", reduce: 0, do: (n -> n + 1)"
        );
        self.becomes(&known, &groups.to_string());
    }
}

async fn ours(bed: &Bed, pool_size: usize) -> (Node, PubSub) {
    let node = bed.node(OURS).visible().start().await;
    let node = node.expect("our node starts");
    let pubsub = PubSub::start(&node, NAME, pool_size).await;
    (node, pubsub.expect("it starts"))
}

/// A process that hands on what it gets.
fn listener(node: &Node) -> (Pid, UnboundedReceiver<Term>) {
    let (hear, heard) = unbounded_channel();
    let listen = async move |mut cx: kista::ProcessCx| {
        while let Info::Term(message) = cx.receive().await {
            let _ = hear.send(message);
        }
    };
    (node.spawn_fn(listen).expect("it starts"), heard)
}

async fn next(heard: &mut UnboundedReceiver<Term>) -> Term {
    let next = tokio::time::timeout(PATIENCE, heard.recv()).await;
    next.expect("nothing is heard").expect("it listens")
}

/// As `defstruct` has it there.
#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(crate = kista::etf, elixir = "Greeting")]
struct Greeting {
    from: Atom,
    text: String,
}

fn greeting() -> Greeting {
    Greeting {
        from: Atom::from_static("rust"),
        text: "två".to_owned(),
    }
}

#[tokio::test]
async fn a_typed_line_that_is_not_utf8_ends_nothing() {
    let mut typed = &b"one\n\n\xff\xfe two\r\nend"[..];
    let mut lines = Vec::new();
    while let Some(line) = lines::next_line(&mut typed).await.expect("it is read") {
        lines.push(line);
    }
    assert_eq!(lines, ["one", "", "\u{fffd}\u{fffd} two", "end"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broadcasts_reach_the_subscribers_of_the_topic_on_both_sides_and_nobody_else() {
    let bed = Bed::new();
    let mut ex = Elixir::start(&bed, EX, "1");
    let mut other = Elixir::start(&bed, "other@127.0.0.1", "1");
    let (node, pubsub) = ours(&bed, 1).await;
    node.connect(EX).await.expect("connected");
    other.ask(&format!("Node.connect(:\"{EX}\")"));
    for ex in [&mut ex, &mut other] {
        ex.knows_us(1);
        ex.ask("Listener.start(MyApp.PubSub, \"room:1\", :one)");
        ex.ask("Listener.start(MyApp.PubSub, \"room:2\", :two)");
    }
    let ((one, mut heard), (two, mut heard_two)) = (listener(&node), listener(&node));
    pubsub.subscribe(one, "room:1").await.expect("subscribed");
    pubsub.subscribe(two, "room:2").await.expect("subscribed");
    while pubsub_members(&node) < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // From us: to both of theirs, and to ours; to all but one; to one node; to this one.
    pubsub.broadcast("room:1", &greeting());
    pubsub.broadcast_from(one, "room:1", &1);
    pubsub.direct_broadcast(Atom::new(EX).unwrap(), "room:1", "to you");
    pubsub.local_broadcast("room:1", &2);
    pubsub.broadcast("room:2", &3);
    let said = "%Greeting{from: :rust, text: \"två\"}, 1";
    ex.becomes("Listener.heard(:one)", &format!("[{said}, \"to you\"]"));
    other.becomes("Listener.heard(:one)", &format!("[{said}]"));
    for ex in [&mut ex, &mut other] {
        ex.becomes("Listener.heard(:two)", "[3]");
    }
    let theirs = next(&mut heard).await;
    let theirs: Greeting = kista::etf::from_term(&theirs).expect("a greeting");
    assert_eq!(theirs, greeting());
    assert_eq!(next(&mut heard).await, Term::from(2));
    assert_eq!(next(&mut heard_two).await, Term::from(3));

    // From Elixir: by a group, and by the worker's name.
    let broadcast =
        "Adapter.broadcast(MyApp.PubSub, 1, \"room:1\", %Greeting{from: :ex, text: \"hej\"})";
    ex.ask(broadcast);
    let direct = format!("Adapter.direct(MyApp.PubSub, :\"{OURS}\", \"room:1\", {{:to, \"us\"}})");
    other.ask(&direct);
    let mut all = [next(&mut heard).await, next(&mut heard).await].map(|term| term.to_string());
    all.sort();
    assert!(
        all[0].contains("'Elixir.Greeting'") && all[0].contains("hej"),
        "{all:?}"
    );
    assert_eq!(all[1], "{to,<<\"us\">>}");
    ex.ask("Adapter.broadcast(MyApp.PubSub, 1, \"room:2\", :last)");
    assert_eq!(
        next(&mut heard_two).await,
        Term::from(Atom::from_static("last"))
    );
    assert!(heard.is_empty() && heard_two.is_empty());

    // What is in order there is in order here.
    ex.ask("for n <- 1..500, do: Adapter.broadcast(MyApp.PubSub, 1, \"room:1\", n); :ok");
    for n in 1..=500 {
        assert_eq!(next(&mut heard).await, Term::from(n));
    }

    // Who takes it back, or ends, hears nothing more.
    pubsub
        .unsubscribe(one, "room:1")
        .await
        .expect("it is taken back");
    let (three, mut heard_three) = listener(&node);
    pubsub.subscribe(three, "room:1").await.expect("subscribed");
    node.exit(two, ExitReason::Kill);
    ex.ask("Adapter.broadcast(MyApp.PubSub, 1, \"room:1\", :again)");
    assert_eq!(
        next(&mut heard_three).await,
        Term::from(Atom::from_static("again"))
    );
    assert!(heard.is_empty());

    // And the others hear that we leave.
    pubsub.stop().await.expect("it stops");
    ex.knows_us(0);
    node.stop().await;
}

fn pubsub_members(node: &Node) -> usize {
    let scope = node.pg_scope("Elixir.Phoenix.PubSub").expect("it runs");
    let adapter = Atom::from_static("Elixir.MyApp.PubSub.Adapter");
    scope.members(adapter).len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_of_workers_hears_what_comes_by_any_of_them() {
    let bed = Bed::new();
    let mut ex = Elixir::start(&bed, EX, "3");
    let (node, pubsub) = ours(&bed, 3).await;
    let (one, mut heard) = listener(&node);
    pubsub.subscribe(one, "t").await.expect("subscribed");
    ex.ask(&format!("Node.connect(:\"{OURS}\")"));
    ex.knows_us(3);
    ex.ask("Listener.start(MyApp.PubSub, \"t\", :one)");
    let by_each = "for g <- Adapter.groups(MyApp.PubSub, 3), do: Adapter.broadcast_by(g, \"t\", g)";
    assert_eq!(ex.ask(by_each), "[1, 1, 1]");
    let mut by = Vec::new();
    for _ in 0..3 {
        by.push(next(&mut heard).await.to_string());
    }
    by.sort();
    let adapter = "Elixir.MyApp.PubSub.Adapter";
    let all = ["", "_2", "_3"].map(|n| format!("'{adapter}{n}'"));
    assert_eq!(by, all);
    while pubsub_members(&node) < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pubsub.broadcast_from(one, "t", "back");
    ex.becomes("Listener.heard(:one)", "[\"back\"]");
    // A worker that ends is started anew, and is in its group again.
    node.exit(node.whereis(adapter).expect("it runs"), ExitReason::Kill);
    ex.knows_us(3);
    ex.ask(&format!(
        "Adapter.direct(MyApp.PubSub, :\"{OURS}\", \"t\", :anew)"
    ));
    assert_eq!(
        next(&mut heard).await,
        Term::from(Atom::from_static("anew"))
    );
    node.stop().await;
}
