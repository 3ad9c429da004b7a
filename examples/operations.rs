//! A node as it is run: configured by a file and the environment, with logs, health, readiness and metrics for those who watch over it.
//!
//! `cargo run --example operations --features prometheus -- FILE` runs until SIGTERM or SIGINT; see `docs/operations.md`. Without a file it
//! asks itself what it says to others, and stops.

use std::error::Error;

use kista::config::Config;
use kista::health::{Http, Probe};
use kista::log::Log;
use kista::{Cx, Node, Stopped, gen_server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What the service sells. Without any it is not to get orders.
struct Stock {
    left: u32,
}

#[gen_server]
impl Stock {
    #[init]
    fn new(left: u32, _cx: &mut Cx<Self>) -> Self {
        Stock { left }
    }

    /// `gen_server:call(stock, left)`: how many are left.
    #[call]
    fn left(&self) -> u32 {
        self.left
    }

    /// `gen_server:call(stock, sell)`: sells one, and says how many are left.
    #[call]
    fn sell(&mut self) -> u32 {
        self.left = self.left.saturating_sub(1);
        self.left
    }
}

#[tokio::main]
async fn main() -> Result<Stopped, Box<dyn Error>> {
    let file = std::env::args().nth(1);
    let mut config = Config::read().variables("KISTA");
    if let Some(file) = &file {
        config = config.file(file);
    }
    let config = config.load()?;
    let _control = Log::new().config(&config)?.init()?;
    let builder = match file {
        Some(_) => Node::configured(&config)?,
        None => Node::builder("operations@127.0.0.1")
            .no_network()
            .http(Http::new(0).metrics())
            .config(&config)?,
    };
    let node = builder.start().await?;

    node.spawn(Stock::spec(2)).name("stock").await?;
    // By its name at each use: a server that was started anew is asked, too. One that does not answer is not ready either.
    let stock = node.server::<Stock>("stock");
    node.add_check(Probe::Ready, "stock", move || {
        let stock = stock.clone();
        async move {
            match stock.left().await {
                Ok(0) => Err("nothing is left to sell".to_owned()),
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            }
        }
    })?;
    if let Some(address) = node.http_address() {
        tracing::info!(%address, "healthz, readyz, metrics");
    }

    if file.is_none() {
        let address = node.http_address().expect("it was asked for");
        println!("{}", ask(address, "/readyz").await?);
        let stock = node.server::<Stock>("stock");
        while stock.sell().await? > 0 {}
        println!("{}", ask(address, "/readyz").await?);
        println!("{}", ask(address, "/metrics").await?);
        return Ok(node.stop().await);
    }
    Ok(node.stopped().await)
}

/// What `curl -i http://ADDRESS/PATH` prints.
async fn ask(address: std::net::SocketAddr, path: &str) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    Ok(answer)
}
