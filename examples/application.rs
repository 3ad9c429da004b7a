//! Applications: one that depends on another and on a library, with an environment from a configuration; and what the end of one
//! means for the node.
//!
//! `cargo run --release --example application`

use std::error::Error;
use std::time::Duration;

use kista::application::{Application, ApplicationCx, Callbacks, StartType};
use kista::config::Config;
use kista::supervisor::{Child, Supervisor};
use kista::{Cx, ExitReason, Node, Pid, StopCause, Term, gen_server};

/// Keeps prices, and reads its limit from the environment of its application.
struct Prices {
    limit: Option<Term>,
}

#[gen_server(local)]
impl Prices {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Self {
        Prices {
            limit: cx.env("limit"),
        }
    }
    #[call]
    fn limit(&self) -> String {
        self.limit
            .as_ref()
            .map_or_else(String::new, Term::to_string)
    }
    #[cast]
    fn crash(&mut self) {
        panic!("told to crash")
    }
}

/// What the simple form says in one line, written out: state between `start` and `stop`, and both stops.
struct Store;

impl Callbacks for Store {
    /// What is to be given back when it stops.
    type State = String;

    async fn start(&self, cx: &ApplicationCx) -> Result<(Pid, String), ExitReason> {
        let tree = Supervisor::one_for_one()
            .intensity(0, Duration::from_secs(1))
            .child(Child::new("prices", Prices::spec()).name("prices"));
        let top = cx.supervisor("store_sup", tree).await?;
        println!("  store starts, as {} under {}", top, cx.pid());
        Ok((top, "a lock".to_owned()))
    }

    async fn prep_stop(&self, lock: &mut String, _cx: &ApplicationCx) {
        println!("  store is about to stop; it still has {lock}");
    }

    async fn stop(&self, lock: String, _cx: &ApplicationCx) {
        println!("  store has stopped, and gives {lock} back");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Panics are exit reasons here; their traces would only be in the way.
    std::panic::set_hook(Box::new(|_| {}));
    let units = Application::new("units").version("3.1"); // a library: nothing to run
    let store = Application::new("store")
        .version("2.0")
        .depends_on(["units"])
        .env("limit", 10)
        .callbacks(Store);
    let web = Application::new("web")
        .version("1.4")
        .depends_on(["store"])
        .start("web_sup", |_cx| Supervisor::one_for_one())
        .stop(async |cx| println!("  {} has stopped", cx.name()));

    // In a real program: Config::read().file("kista.toml").variables("KISTA").load()
    let variables = [("KISTA_APPLICATIONS__STORE__LIMIT", "100")];
    let config = Config::read().variables_of("KISTA", variables).load()?;
    let node = Node::builder("application@127.0.0.1")
        .no_network()
        .config(&config)?
        .application(units)
        .application(store)
        .application(web)
        .start()
        .await?;
    let applications = node.applications();

    println!(
        "1. starting web alone: {}",
        applications.start("web").await.unwrap_err()
    );
    println!("2. starting web, and before it what it depends on:");
    let started = applications
        .ensure_all_started("web", StartType::Permanent)
        .await?;
    println!("  started, in order: {started:?}");
    let prices = node.server::<Prices>("prices");
    println!(
        "3. the configuration comes before the application's own: limit = {}",
        prices.limit().await?
    );

    println!("4. a permanent application ends, and the node with it, the last started first:");
    prices.crash();
    let stopped = node.stopped().await;
    println!("  {stopped}; exit code {}", stopped.exit_code());
    match stopped.cause {
        StopCause::ApplicationTerminated { .. } => Ok(()),
        other => Err(format!("another end was expected: {other}").into()),
    }
}
