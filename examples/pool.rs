//! A pool: three workers behind one name; one of them dies on the way. `cargo run --example pool`

use std::time::{Duration, Instant};

use kista::pool::{self, Routing, key_of};
use kista::{Cx, Node, gen_server};

/// Thinks for a while about each word.
struct Speller {
    done: u32,
}

#[gen_server]
impl Speller {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Self {
        println!("speller {} starts", cx.pid());
        Speller { done: 0 }
    }

    #[call]
    async fn spell(&mut self, word: String, cx: &mut Cx<Self>) -> String {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if word == "panic" {
            panic!("what a word");
        }
        self.done += 1;
        let letters: Vec<_> = word.chars().map(String::from).collect();
        format!(
            "{} (number {} of {})",
            letters.join("-"),
            self.done,
            cx.pid()
        )
    }
}

/// The same word goes to the same speller.
fn word(message: &SpellerMsg) -> u64 {
    match message {
        SpellerMsg::Spell(word, _) => key_of(word),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder("pool@127.0.0.1").no_network().start().await?;
    let spec = pool::of(Speller::spec(), 3)
        .route(Routing::LeastQueue)
        .max_queue(100);
    let spellers = node.spawn(spec.spec()).name("spellers").await?;

    let start = Instant::now();
    let words = ["kista", "panic", "stockholm", "erlang", "rust", "otp"];
    let calls = words.map(|word| {
        let spellers = spellers.clone();
        tokio::spawn(async move { (word, spellers.spell(word.to_owned()).await) })
    });
    for call in calls {
        match call.await? {
            (_, Ok(spelt)) => println!("{spelt}"),
            (word, Err(error)) => println!("{word}: {error}"),
        }
    }
    println!("six words in {} ms", start.elapsed().as_millis());
    println!("{:?}", pool::info(&spellers).await?);

    pool::resize(&spellers, 5).await?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    println!("{:?}", pool::info(&spellers).await?);

    let by_key = pool::of(Speller::spec(), 3).route(Routing::Key(word));
    let by_key = node.spawn(by_key.spec()).await?;
    for word in ["again", "and", "again"] {
        println!("{}", by_key.spell(word.to_owned()).await?);
    }
    node.stop().await;
    Ok(())
}
