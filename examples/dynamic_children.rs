//! Dynamic children: sessions that a supervisor starts when somebody comes, restarts when they crash, and forgets when they are
//! over; and the reports of it.
//!
//! `cargo run --release --example dynamic_children`

use std::error::Error;
use std::time::Duration;

use kista::events::{Subscription, Update};
use kista::reports::{REPORTS, Report};
use kista::supervisor::{Child, Supervisor, SupervisorRef};
use kista::{ExitReason, Flow, Node, Pid, ServerRef, gen_server};

/// What one user has in the basket.
#[derive(Debug)]
struct Session {
    user: String,
    items: Vec<String>,
}

#[gen_server]
impl Session {
    #[init]
    fn new(user: String) -> Self {
        Session {
            user,
            items: Vec::new(),
        }
    }
    #[call]
    fn put(&mut self, item: String) -> usize {
        self.items.push(item);
        self.items.len()
    }
    /// An item that is not there is a bug.
    #[call]
    fn item(&self, at: usize) -> String {
        self.items[at].clone()
    }
    #[cast]
    fn leave(&mut self) -> Flow {
        println!("{} leaves", self.user);
        Flow::Stop(ExitReason::Normal)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Panics are exit reasons here, and told in reports; their traces would only be in the way.
    std::panic::set_hook(Box::new(|_| {}));
    let node = Node::builder("shop@127.0.0.1").no_network().start().await?;
    let mut reports = node.subscribe::<Report>(REPORTS)?;

    // One specification for all of them: each is made of the argument that it is started with.
    let session = Child::dynamic("session", Session::spec)
        .transient()
        .shutdown(Duration::from_secs(1));
    let spec = Supervisor::simple_one_for_one(session).intensity(10, Duration::from_secs(5));
    let sessions = node.spawn(spec.spec()).name("sessions").await?;

    let (anna, _) = start(&node, &sessions, "anna").await?;
    let (bert, pid) = start(&node, &sessions, "bert").await?;
    anna.put("tea".to_owned()).await?;
    bert.put("milk".to_owned()).await?;
    show(&sessions).await?;

    // A crash: bert's session begins anew, as another process; anna's is not concerned.
    let crashed = bert.item(7).await;
    println!("\nbert asks for item 7: {}", crashed.is_err());
    until_crashed(&mut reports).await;
    while sessions.which_child(kista::Term::from(pid)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    println!("anna still has {}", anna.item(0).await?);
    show(&sessions).await?;

    // An end of its own choice: a transient child is forgotten then.
    anna.leave();
    while sessions.count_children().await?.active > 1 {
        tokio::task::yield_now().await;
    }
    show(&sessions).await?;

    // As many as are needed: a start costs the same however many there are.
    for n in 0..10_000 {
        sessions.start_with(format!("guest {n}")).await?;
    }
    show(&sessions).await?;

    // All are told to end at once, and all are waited for.
    sessions.stop().await?;
    println!("stopped: {} processes are left", node.processes().len());
    node.stop().await;
    Ok(())
}

async fn start(
    node: &Node,
    sessions: &SupervisorRef,
    user: &str,
) -> Result<(ServerRef<Session>, Pid), Box<dyn Error>> {
    let started = sessions.start_with(user.to_owned()).await?;
    let pid = started.ok_or("it chose not to start")?;
    println!("{user} comes: {pid}");
    Ok((node.server(pid), pid))
}

async fn show(sessions: &SupervisorRef) -> Result<(), Box<dyn Error>> {
    let counts = sessions.count_children().await?;
    println!("sessions: {} run", counts.active);
    Ok(())
}

/// Prints what is reported, up to what the supervisor says of the crash.
async fn until_crashed(reports: &mut Subscription<Report>) {
    while let Some(Update::Event(report)) = reports.next().await {
        println!("{report}");
        if matches!(report, Report::Supervisor { .. }) {
            break;
        }
    }
}
