//! Supervisors: the four strategies, each with one child that crashes, and what each makes of it.
//!
//! `cargo run --release --example supervisor`

use std::error::Error;
use std::time::Duration;

use kista::events::{Subscription, Update};
use kista::reports::{REPORTS, Report};
use kista::supervisor::{Backoff, Child, Supervisor, SupervisorRef, SupervisorSpec};
use kista::{Node, Pid, gen_server};

/// A stage of a pipeline, that is told to crash.
struct Stage {
    name: String,
}

#[gen_server(local)]
impl Stage {
    #[init]
    fn new(name: String) -> Self {
        Stage { name }
    }
    #[cast]
    fn crash(&mut self) {
        panic!("{} was told to crash", self.name)
    }
    #[call]
    fn label(&self) -> String {
        self.name.clone()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Panics are exit reasons here; their traces would only be in the way.
    std::panic::set_hook(Box::new(|_| {}));
    let node = Node::builder("supervisor@127.0.0.1")
        .no_network()
        .start()
        .await?;
    let mut reports = node.subscribe::<Report>(REPORTS)?;

    for (strategy, spec) in [
        ("one_for_one", Supervisor::one_for_one()),
        ("rest_for_one", Supervisor::rest_for_one()),
        ("one_for_all", Supervisor::one_for_all()),
    ] {
        pipeline(&node, strategy, spec).await?;
    }
    dynamic(&node).await?;
    loops(&node, &mut reports).await?;
    node.stop().await;
    Ok(())
}

/// Three stages in a row; the middle one crashes.
async fn pipeline(node: &Node, strategy: &str, spec: SupervisorSpec) -> Result<(), Box<dyn Error>> {
    let stages = ["source", "filter", "sink"];
    let children = stages.map(|name| Child::new(name, Stage::spec(name.to_owned())));
    let supervisor = node.spawn(spec.children(children).spec()).await?;

    let before = pids(&supervisor).await?;
    supervisor.child::<Stage>("filter").await?.crash();
    // Its end arrives in its own time; then the supervisor answers nothing until the restart is done.
    let after = loop {
        let now = pids(&supervisor).await?;
        if now[1] != before[1] {
            break now;
        }
        tokio::task::yield_now().await;
    };
    let restarted: Vec<_> = (0..3)
        .filter(|n| before[*n] != after[*n])
        .map(|n| stages[n])
        .collect();
    println!(
        "{strategy}: filter crashed, restarted: {}",
        restarted.join(", ")
    );
    supervisor.stop().await?;
    Ok(())
}

async fn pids(supervisor: &SupervisorRef) -> Result<Vec<Option<Pid>>, Box<dyn Error>> {
    let mut children = supervisor.which_children().await?;
    children.reverse();
    Ok(children.iter().map(|child| child.process.pid()).collect())
}

/// Children that are started when they are needed, each from its own argument.
async fn dynamic(node: &Node) -> Result<(), Box<dyn Error>> {
    let child = Child::dynamic("session", Stage::spec).temporary();
    let sessions = node
        .spawn(Supervisor::simple_one_for_one(child).spec())
        .await?;
    for n in 0..1_000 {
        sessions.start_with(format!("session {n}")).await?;
    }
    let last = sessions.start_with("the last".to_owned()).await?;
    let last = node.server::<Stage>(last.ok_or("it chose not to start")?);
    let counts = sessions.count_children().await?;
    println!(
        "simple_one_for_one: {} children, among them {:?}",
        counts.active,
        last.label().await?
    );
    sessions.stop().await?;
    Ok(())
}

/// A child that crashes again and again: each restart waits twice as long, and one too many ends the supervisor.
async fn loops(node: &Node, reports: &mut Subscription<Report>) -> Result<(), Box<dyn Error>> {
    let spec = Supervisor::one_for_one()
        .intensity(3, Duration::from_secs(5))
        .backoff(Backoff::new(
            Duration::from_millis(20),
            Duration::from_secs(1),
        ))
        .child(Child::new("looping", Stage::spec("looping".to_owned())).name("looping"));
    let supervisor = node.spawn(spec.spec()).await?;
    let looping = node.server::<Stage>("looping");
    while supervisor.is_alive() {
        looping.crash();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    while let Some(Update::Event(report)) = reports.next().await {
        if let Report::Supervisor {
            context,
            child,
            reason,
            ..
        } = report
            && child.id == "looping".into()
        {
            println!("report: {context} {} {reason}", child.id);
            if context == kista::reports::Context::Shutdown {
                break;
            }
        }
    }
    Ok(())
}
