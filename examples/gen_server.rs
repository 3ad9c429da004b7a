//! A gen_server with everything one can do: a download queue that loads its list after the start, answers late, notices when it
//! has been idle, and says how it ends. Run it with `cargo run --example gen_server`.

use std::collections::VecDeque;
use std::time::Duration;

use kista::{
    CallError, Cx, Encode, ExitReason, Flow, Info, Node, ReplyTo, RequestIds, gen_server, sys,
};

/// What waits, and who waits for it.
struct Downloads {
    waiting: VecDeque<(String, ReplyTo<u64>)>,
    done: u64,
}

/// What `sys` is to see of them.
#[derive(Encode)]
struct Shown {
    waiting: Vec<String>,
    done: u64,
}

#[gen_server]
impl Downloads {
    /// Runs in the new process. Only what the starter has to wait for belongs here.
    #[init]
    fn new(list: String, cx: &mut Cx<Self>) -> Self {
        println!("init: the starter waits");
        cx.continue_with(DownloadsMsg::Load(list));
        Downloads {
            waiting: VecDeque::new(),
            done: 0,
        }
    }

    /// The rest of the start: before any message, but the starter has gone on.
    #[handle_continue]
    async fn load(&mut self, list: String) {
        println!("continue: {list} is loaded");
    }

    /// `gen_server:call(Server, done)`: answered with what the method returns.
    #[call]
    fn done(&self) -> u64 {
        self.done
    }

    /// `gen_server:call(Server, {fetch, Url})`: answered later, when the download is finished.
    #[call]
    fn fetch(&mut self, url: String, reply: ReplyTo<u64>) {
        println!("call: fetch {url}; its caller waits");
        self.waiting.push_back((url, reply));
    }

    /// `gen_server:cast(Server, finish)`: nobody waits. After it the server wants to know when nothing happens for 50 ms.
    #[cast]
    fn finish(&mut self) -> Flow {
        if let Some((url, reply)) = self.waiting.pop_front() {
            self.done += 1;
            println!("cast: {url} is finished; the call is answered");
            reply.reply(1_000 * self.done);
        }
        Flow::Timeout(Duration::from_millis(50))
    }

    /// `Server ! {progress, Percent}`
    #[info]
    fn progress(&mut self, percent: u8) {
        println!("info: {percent} % of the current one");
    }

    /// DOWN messages, trapped exits, and what no method takes.
    #[info(other)]
    fn other(&mut self, info: Info) {
        println!("info: {info:?}");
    }

    /// No message within the time that `finish` gave.
    #[timeout]
    fn idle(&mut self) -> Flow {
        println!("timeout: nothing to do, so the server rests");
        Flow::Hibernate
    }

    /// An answer, and then the end: `{stop, Reason, Reply, State}`.
    #[call]
    fn close(&mut self, cx: &mut Cx<Self>) -> u64 {
        cx.then(Flow::Stop(ExitReason::Shutdown));
        self.done
    }

    #[format_status]
    fn shown(&self) -> Shown {
        Shown {
            waiting: self.waiting.iter().map(|(url, _)| url.clone()).collect(),
            done: self.done,
        }
    }

    #[terminate]
    fn terminate(&mut self, reason: &ExitReason) {
        println!("terminate: {reason}, {} left", self.waiting.len());
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder("example@127.0.0.1")
        .no_network()
        .start()
        .await?;
    let downloads = node
        .spawn(Downloads::spec("the list".to_owned()))
        .name("downloads")
        .await?;

    // Two requests at once; their answers come when they come.
    let mut requests = RequestIds::new();
    for url in ["a.iso", "b.iso"] {
        let request = downloads.fetch(url.to_owned()).send_request();
        requests.add(request, url);
    }
    downloads.progress(50);
    println!("main: sys sees {}", sys::get_state(&downloads).await?);
    downloads.finish();
    downloads.finish();
    while let Some((bytes, url)) = requests.receive_next().await {
        println!("main: {url} has {} bytes", bytes?);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;

    // Nobody will finish this one: the caller hears how the server ended.
    let lost = downloads.fetch("c.iso".to_owned()).send_request();
    println!("main: {} done, and closed", downloads.close().await?);
    match lost.await {
        Err(CallError::Exit(reason)) => println!("main: c.iso is lost: {reason}"),
        other => println!("main: unexpected: {other:?}"),
    }
    node.stop().await;
    Ok(())
}
