//! A million processes, spawned, linked, monitored and ended, ten times over; memory does not grow from round to round.
//!
//!     cargo run --release --example million -p kista [processes [rounds]]

mod rounds;

use kista::Node;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let processes = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let rounds = args.next().map_or(Ok(10), |n| n.parse())?;
    let node = Node::builder("million@127.0.0.1")
        .no_network()
        .start()
        .await?;
    let mut after = Vec::new();
    for round in 1..=rounds {
        let began = std::time::Instant::now();
        rounds::round(&node, processes).await;
        after.push(rounds::resident_bytes());
        println!(
            "round {round}: {processes} processes in {:.1} s, {} MiB resident afterwards, {} processes left",
            began.elapsed().as_secs_f64(),
            after[after.len() - 1] >> 20,
            node.processes().len(),
        );
    }
    node.stop().await;
    // The first rounds make the tables, and teach the allocator what is wanted.
    if let [_, _, settled, .., last] = after[..] {
        let allowed = settled + settled / 10;
        if last > allowed {
            return Err(format!("memory grew from {settled} to {last} bytes").into());
        }
        println!("memory did not grow: {settled} bytes after round 3, {last} at the end");
    }
    Ok(())
}
