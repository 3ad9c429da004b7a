//! A million servers, started and stopped in several ways on each flavour of the runtime, by starters of which some are killed
//! midway: each server is answered for, and nothing is left.
//!
//!     cargo run --release --example starts -p kista [servers]

mod round;

use kista::Node;
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let servers = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |n| n.parse())?;
    for (flavour, mut builder) in [
        ("current_thread", Builder::new_current_thread()),
        ("multi_thread", Builder::new_multi_thread()),
    ] {
        let runtime = builder.enable_all().build()?;
        let work = async move {
            let node = Node::builder("starts@127.0.0.1")
                .no_network()
                .start()
                .await?;
            let began = std::time::Instant::now();
            let stopped = round::round(&node, servers).await;
            let seconds = began.elapsed().as_secs_f64();
            println!(
                "{flavour}: {servers} servers in {seconds:.1} s, {stopped} of them stopped by starters that lived"
            );
            node.stop().await;
            Ok::<_, kista::NodeError>(())
        };
        runtime.block_on(work)?;
    }
    Ok(())
}
