//! Two nodes that speak TLS, with certificates that are made here; and what a node outside their CA is told.
//!
//! `cargo run --example tls`. For nodes on several machines the directory of the CA is copied, as one copies the cookie. An Erlang node gets
//! a certificate by `Authority::issue`, and is started with `-proto_dist inet_tls -ssl_dist_optfile FILE`.

use std::error::Error;
use std::path::Path;

use kista::tls::Authority;
use kista::{EpmdMode, Node, Route, Tls, gen_server};

struct Greeter;

#[gen_server]
impl Greeter {
    #[init]
    fn new() -> Self {
        Greeter
    }
    #[call]
    fn greet(&self, name: String) -> String {
        format!("Hello, {name}!")
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::temp_dir().join(format!("kista-example-tls-{}", std::process::id()));
    let shown = show(&dir).await;
    std::fs::remove_dir_all(&dir)?;
    shown
}

async fn show(dir: &Path) -> Result<(), Box<dyn Error>> {
    // The first of the two makes the CA.
    let ours = dir.join("ours");
    let server = node("server", Tls::generated_in(&ours)).await?;
    let client = node("client", Tls::generated_in(&ours)).await?;
    server.spawn(Greeter::spec()).name("greeter").await?;

    let address = server.listens_on()[0];
    let route = Route::to(address.ip().to_string(), address.port());
    client.add_route("server@127.0.0.1", route.clone())?;
    let greeter = client.server::<Greeter>(("greeter", "server@127.0.0.1"));
    println!("{}", greeter.greet("Kista".to_owned()).await?);
    let seen = client.connection_info("server@127.0.0.1");
    let tls = seen.and_then(|info| info.tls).ok_or("not over TLS")?;
    println!("over TLS {} with {:?}", tls.version, tls.peer_names);

    // The right cookie, and a CA of its own.
    let stranger = node("stranger", Tls::generated_in(dir.join("theirs"))).await?;
    stranger.add_route("server@127.0.0.1", route)?;
    match stranger.connect("server@127.0.0.1").await {
        Ok(()) => return Err("a stranger was let in".into()),
        Err(error) => println!("stranger: {error}"),
    }

    // What a node that is not ours is given: erlang-cert.pem and erlang-key.pem beside ca.pem.
    let issued = Authority::open(&ours)?.issue("127.0.0.1")?;
    issued.write(&ours, "erlang")?;
    for node in [stranger, client, server] {
        node.stop().await;
    }
    Ok(())
}

async fn node(alive: &str, tls: Tls) -> Result<Node, Box<dyn Error>> {
    let builder = Node::builder(format!("{alive}@127.0.0.1"))
        .cookie("secret")
        .epmd(EpmdMode::Off)
        .tls(tls);
    Ok(builder.start().await?)
}
