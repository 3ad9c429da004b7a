//! Dangers in the functions that look at a node: answers of another shape than OTP's, and answers to those who may not look. What
//! Erlang gets is held in `interop/`.

#[path = "support/port.rs"]
mod port;

use kista::application::Application;
use kista::supervisor::Supervisor;
use kista::{BadRpc, EpmdMode, ExposeError, Node, NodeBuilder, Peers, Pid, Raise, Term};
use port::free_port;

/// All of them, with arguments that they take.
const CALLS: [(&str, &str); 14] = [
    ("which_applications", "[]"),
    ("which_applications", "[5000]"),
    ("loaded_applications", "[]"),
    ("get_application", "[]"),
    ("get_application", "[lists]"),
    ("get_env", "[port]"),
    ("get_env", "[store, port]"),
    ("get_env", "[store, port, 1]"),
    ("get_all_env", "[]"),
    ("get_all_env", "[store]"),
    ("get_key", "[vsn]"),
    ("get_key", "[store, vsn]"),
    ("get_all_key", "[]"),
    ("get_all_key", "[store]"),
];

fn term(text: &str) -> Term {
    text.parse().expect("a term")
}

fn arguments(text: &str) -> Vec<Term> {
    term(text).into_list().expect("a list")
}

fn store() -> Application {
    Application::new("store")
        .version("1.2")
        .description("keeps things")
        .registered(["store_sup"])
        .env("port", 8080)
        .start("store_sup", |_| Supervisor::one_for_one())
}

/// Two nodes; this asks `at`.
struct Asking {
    from: Node,
    at: Node,
}

impl Asking {
    async fn start(configure: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Self {
        let port = free_port();
        let node = |name: &str, epmd| {
            let builder = Node::builder(format!("{name}@127.0.0.1")).cookie("inspection");
            builder.epmd(epmd).epmd_port(port)
        };
        let from = node("from", EpmdMode::Embedded).start().await.unwrap();
        let at = configure(node("at", EpmdMode::Running))
            .application(store())
            .start()
            .await
            .unwrap();
        at.applications().start("store").await.unwrap();
        Self { from, at }
    }

    /// Asks as a process of this group leader.
    async fn ask_led(&self, leader: Option<Pid>, function: &str, args: &str) -> Answer {
        let (function, args) = (function.to_owned(), arguments(args));
        let (done, answer) = tokio::sync::oneshot::channel();
        let at = self.at.name();
        let ask = async move |cx: kista::ProcessCx| {
            if let Some(leader) = leader {
                cx.set_group_leader(leader, cx.pid());
            }
            let call = cx.node().rpc::<Term>(at, ("application", &*function), args);
            let _ = done.send(call.await);
        };
        self.from.spawn_fn(ask).unwrap();
        answer.await.expect("it was asked")
    }

    async fn ask(&self, function: &str, arguments: &str) -> Answer {
        self.ask_led(None, function, arguments).await
    }

    async fn stop(self) {
        self.at.stop().await;
        self.from.stop().await;
    }
}

type Answer = Result<Term, BadRpc>;

fn raised(answer: &Answer) -> String {
    match answer {
        Err(BadRpc::Exit(reason)) => reason.as_tuple().unwrap()[0].to_string(),
        other => panic!("it did not fail: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_look_finds_nothing_to_look_with() {
    let asking = Asking::start(|at| at.inspectable_by(Peers::none())).await;
    for (function, arguments) in CALLS {
        let refused = asking.ask(function, arguments).await;
        assert_eq!(raised(&refused), "undef", "{function}{arguments}");
    }
    // The node itself may.
    let own = asking
        .at
        .rpc::<Term>(asking.at.name(), ("application", "loaded_applications"), ());
    let loaded = own.await.unwrap();
    assert_eq!(loaded, term(r#"[{store,"keeps things","1.2"}]"#));
    asking.stop().await;

    let asking = Asking::start(|at| at.inspectable_by(Peers::only(["from@127.0.0.1"]))).await;
    for (function, arguments) in CALLS {
        asking.ask(function, arguments).await.unwrap();
    }
    asking.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_program_exposes_itself_comes_before_and_stays_when_looking_is_switched_off() {
    let asking = Asking::start(|at| at.inspectable_by(Peers::none())).await;
    let mine = async || Err::<(), _>(Raise::throw(term("mine")));
    let at = &asking.at;
    at.expose("application", "which_applications", mine)
        .unwrap();
    assert_eq!(
        asking.ask("which_applications", "[]").await,
        Ok(term("mine"))
    );
    assert!(matches!(
        at.expose("application", "which_applications", mine),
        Err(ExposeError::Taken(_))
    ));
    assert_eq!(at.exposed().len(), 1);
    asking.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_name_the_callers_group_leader_says_which_application() {
    let asking = Asking::start(|at| at).await;
    let leader = asking.at.applications().master("store").unwrap();
    for (function, arguments, of_store, of_none) in [
        ("get_application", "[]", "{ok,store}", "undefined"),
        ("get_env", "[port]", "{ok,8080}", "undefined"),
        ("get_all_env", "[]", "[{port,8080}]", "[]"),
        ("get_key", "[vsn]", r#"{ok,"1.2"}"#, "undefined"),
    ] {
        let led = asking.ask_led(Some(leader), function, arguments).await;
        assert_eq!(led, Ok(term(of_store)), "{function}");
        let other = asking.ask(function, arguments).await;
        assert_eq!(other, Ok(term(of_none)), "{function}");
    }
    let all = asking.ask_led(Some(leader), "get_all_key", "[]").await;
    assert_eq!(all, asking.ask("get_all_key", "[store]").await);
    assert_eq!(asking.ask("get_all_key", "[]").await, Ok(Term::NIL));
    asking.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_no_atom_can_name_is_left_out_and_hides_no_other() {
    let asking = Asking::start(|at| at).await;
    let applications = asking.at.applications();
    applications.set_env("store", &"k".repeat(256), 1).unwrap();
    let all = asking.ask("get_all_env", "[store]").await;
    assert_eq!(all, Ok(term("[{port,8080}]")));
    asking.stop().await;
}
