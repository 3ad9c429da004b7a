//! What a gen_server promises its callers, as `docs/semantics.md` states it.

#[path = "../support/log.rs"]
mod log;
#[path = "../support/mod.rs"]
mod support;

mod calls;
mod encoded;
mod ends;
mod starts;

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::Echo;

use kista::{
    Address, Atom, CallError, Cx, Dest, Dynamic, ExitReason, Flow, GenServer, Info, InitStop,
    Message, Node, Pid, ReplyTo, ServerRef, StartError, Term, gen_server, spec,
};

/// Keeps, drops or forwards reply tokens as it is told.
struct Keeper {
    kept: Vec<ReplyTo<i64>>,
    log: Log,
}

/// What `terminate` saw, readable after the end.
type Log = Arc<Mutex<Vec<String>>>;

#[gen_server(local)]
impl Keeper {
    #[init]
    fn new(log: Log) -> Self {
        Keeper {
            kept: Vec::new(),
            log,
        }
    }
    #[call]
    fn keep(&mut self, reply: ReplyTo<i64>) {
        self.kept.push(reply);
    }
    #[call]
    fn lose(&mut self, reply: ReplyTo<i64>) {
        drop(reply);
    }
    #[call]
    fn answer_kept(&mut self, value: i64) -> usize {
        let kept = std::mem::take(&mut self.kept);
        let count = kept.len();
        kept.into_iter().for_each(|reply| reply.reply(value));
        count
    }
    #[call]
    fn give_away(&mut self, reply: ReplyTo<i64>) {
        // Lives on in a plain task, past the server's end.
        tokio::spawn(async move {
            let _reply = reply;
            pending::<()>().await;
        });
    }
    #[call]
    async fn hang(&mut self) -> i64 {
        pending().await
    }
    #[call]
    fn blow_up(&mut self) -> i64 {
        panic!("boom")
    }
    #[call]
    async fn ask_myself(&mut self, cx: &mut Cx<Self>) -> Result<usize, CallError> {
        cx.server_ref().answer_kept(1).await
    }
    #[call]
    async fn ask(&mut self, other: ServerRef<Keeper>) -> Result<usize, CallError> {
        other.answer_kept(1).await
    }
    #[cast]
    fn note(&mut self, text: String) {
        self.log.lock().unwrap().push(text);
    }
    #[cast]
    fn quit(&mut self) -> Flow {
        Flow::Stop(ExitReason::Shutdown)
    }
    #[call]
    fn trap(&mut self, cx: &mut Cx<Self>) {
        cx.trap_exit(true);
    }
    #[call]
    async fn start_child(
        &mut self,
        log: Log,
        cx: &mut Cx<Self>,
    ) -> Result<ServerRef<Keeper>, StartError> {
        cx.spawn_link(Keeper::spec(log)).await
    }
    #[terminate]
    fn terminate(&mut self, reason: &ExitReason) {
        self.log.lock().unwrap().push(format!("terminate {reason}"));
    }
}

async fn node() -> Node {
    Node::builder("servers@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

async fn keeper(node: &Node) -> (ServerRef<Keeper>, Log) {
    let log = Log::default();
    (
        node.spawn(Keeper::spec(Arc::clone(&log))).await.unwrap(),
        log,
    )
}

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

fn pid(server: &ServerRef<Keeper>) -> Pid {
    let Dest::Pid(pid) = server.dest() else {
        panic!("a spawned server has a pid")
    };
    pid
}

/// Runs a call in a task of its own and waits until the server holds its token.
async fn call_and_keep(
    server: &ServerRef<Keeper>,
) -> tokio::task::JoinHandle<Result<i64, CallError>> {
    let caller = server.clone();
    let call = tokio::spawn(async move { caller.keep().await });
    tokio::task::yield_now().await;
    call
}

/// What the rest of the rules about calls need.
struct Odd {
    log: Log,
}

#[gen_server]
impl Odd {
    #[init]
    fn new(log: Log, cx: &mut Cx<Self>) -> Self {
        let registered = cx.node().whereis("odd") == Some(cx.pid());
        log.lock().unwrap().push(format!("registered {registered}"));
        Odd { log }
    }
    #[call]
    fn not_a_number(&self) -> f64 {
        f64::NAN
    }
    #[call]
    fn act(&mut self) {
        self.log.lock().unwrap().push("acted".to_owned());
    }
    /// Asks the next of a ring, which asks the one after it.
    #[call]
    async fn round(&mut self, next: Pid, after: Pid, cx: &mut Cx<Self>) -> String {
        let node = cx.node().clone();
        let next = node.server::<Odd>(Dest::Pid(next));
        let patience = Duration::from_millis(50);
        let answer = next.round(after, cx.pid()).timeout(patience).await;
        answer.unwrap_or_else(|error| error.to_string())
    }
    #[cast]
    fn stop_for(&mut self, reason: Term) -> Flow {
        Flow::Stop(ExitReason::from(reason))
    }
}

async fn odd(node: &Node) -> (ServerRef<Odd>, Log) {
    let log = Log::default();
    let odd = node.spawn(Odd::spec(Arc::clone(&log))).name("odd").await;
    (odd.unwrap(), log)
}
