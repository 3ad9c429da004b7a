//! A graceful shutdown: this program sends SIGTERM to itself while its server is called. What was asked before is answered, what
//! does not end in its time is killed and named, and the exit code tells.
//!
//! `cargo run --release --example shutdown; echo $?`, and the same with `-- --hang`

use std::error::Error;
use std::time::Duration;

use kista::application::{Application, StartType};
use kista::supervisor::{Child, Supervisor};
use kista::{CallError, Cx, ExitReason, Node, Stopped, gen_server};

/// Answers slowly.
struct Orders {
    taken: u32,
}

#[gen_server(local)]
impl Orders {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Self {
        // Told to end it first answers what came before.
        cx.trap_exit(true);
        Orders { taken: 0 }
    }
    #[call]
    async fn take(&mut self) -> u32 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.taken += 1;
        self.taken
    }
    #[cast]
    async fn hang(&mut self) {
        std::future::pending::<()>().await;
    }
    #[terminate]
    fn terminate(&mut self, reason: &ExitReason) {
        println!("orders: ends with {reason} after {} orders", self.taken);
    }
}

#[tokio::main]
async fn main() -> Result<Stopped, Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .init();
    let shop = Application::new("shop")
        .start("shop_sup", |_cx| {
            let orders = Child::new("orders", Orders::spec()).name("orders");
            Supervisor::one_for_one().child(orders.shutdown(Duration::from_secs(2)))
        })
        .prep_stop(async |_cx| println!("shop: no new customers from here on"))
        .stop(async |_cx| println!("shop: closed"));
    let node = Node::builder("shutdown@127.0.0.1")
        .no_network()
        .stop_on_signals()
        .stop_timeout(Duration::from_secs(10))
        .boot(shop, StartType::Permanent)
        .start()
        .await?;

    let customers: Vec<_> = (0..4)
        .map(|n| {
            let orders = node.server::<Orders>("orders");
            tokio::spawn(async move {
                loop {
                    match orders.take().await {
                        Ok(_) => {}
                        Err(CallError::Exit(reason)) => break println!("customer {n}: {reason}"),
                        Err(other) => break println!("customer {n}: {other}"),
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(250)).await;
    if std::env::args().any(|argument| argument == "--hang") {
        node.server::<Orders>("orders").hang();
    }
    println!("SIGTERM");
    let pid = std::process::id().to_string();
    std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status()?;

    let stopped = node.stopped().await;
    for customer in customers {
        customer.await?;
    }
    println!("{stopped}; exit code {}", stopped.exit_code());
    Ok(stopped)
}
