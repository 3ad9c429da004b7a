//! What the hot paths cost, counted in instructions: a regression is seen on any machine, however busy it is.
//!
//! Each test runs its work under `valgrind --tool=callgrind` twice, once with more of it; the difference is what the work itself
//! takes. The bounds leave room for another compiler or another libc, about a third of what was counted, and no more. They are
//! different ones for code that was not optimised, which is what is tested first; the release build is measured with the peers' tests.
//!
//! For the program that is counted the clock stands still (`still.c`): a lane looks at it to know when others are to have their turn, and
//! a server whose turns are long has none of them done by its callers. So a slow machine took more instructions than a fast one.
//!
//! Without valgrind, and if `scripts/apt` cannot install it either, the tests say so and pass: the count of tests says nothing of it,
//! the line `NOT MEASURED` does.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use kista::dist::frame::{FrameReader, FrameWriter, Inbound, Outbox, ReaderLimits, WriteBuffer};
use kista::dist::{Control, Flags};
use kista::etf::{AtomQuota, Decode, Decoder, Encode, Encoder};
use kista::{Atom, Node, Pid, ReplyTo, ServerRef, gen_server};

/// Instructions for one operation: optimised, and not.
struct Bound {
    release: u64,
    debug: u64,
}

/// How often the work is done, the second time in addition.
const FEW: u64 = 1_000;
const MANY: u64 = 5_000;

/// Tells this program, started again, to do the work of the test that is named beside it, so often.
const TIMES: &str = "KISTA_INSTRUCTIONS_OF";

fn at_most(test: &str, bound: &Bound, work: fn(u64)) {
    if let Ok(times) = std::env::var(TIMES) {
        let begun = Instant::now();
        work(times.parse().unwrap());
        return assert_eq!(begun, Instant::now(), "the clock does not stand still");
    }
    if !has_valgrind() {
        println!("NOT MEASURED: {test}: no valgrind, and none could be installed");
        return;
    }
    let each = (instructions(test, FEW + MANY) - instructions(test, FEW)) / MANY;
    let bound = match cfg!(debug_assertions) {
        true => bound.debug,
        false => bound.release,
    };
    println!("{test}: {each} instructions, at most {bound}");
    assert!(
        each <= bound,
        "{test} takes {each} instructions, more than {bound}"
    );
    assert!(
        each > bound / 4,
        "{test} takes {each} instructions: the bound of {bound} guards nothing"
    );
}

fn has_valgrind() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    let runs = || Command::new("valgrind").arg("--version").output().is_ok();
    *HAS.get_or_init(|| {
        let apt = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/apt");
        runs() || (Command::new(apt).arg("valgrind").status().is_ok() && runs())
    })
}

fn instructions(test: &str, times: u64) -> u64 {
    // No time limit within it ever comes.
    let out = Command::new("timeout")
        .args(["300", "valgrind"])
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1"])
        .env(TIMES, times.to_string())
        .env("LD_PRELOAD", still_clock())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
    let collected = said
        .lines()
        .find_map(|line| line.split("Collected :").nth(1));
    collected
        .expect("callgrind says how many")
        .trim()
        .parse()
        .unwrap()
}

/// `still.c`, made by what links every Rust program. Others may make theirs right now.
fn still_clock() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/instructions/still.c");
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("still.so");
        let own = path.with_extension(process::id().to_string());
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-o"])
            .args([&own, Path::new(source)]);
        assert!(compiler.status().expect("a C compiler, cc").success());
        fs::rename(own, &path).unwrap();
        path
    })
}

struct Sink(u64);

#[gen_server]
impl Sink {
    #[init]
    fn new() -> Self {
        Self(0)
    }
    #[cast]
    fn tick(&mut self, n: u64) {
        self.0 = self.0.wrapping_add(n);
    }
    #[call]
    fn add(&mut self, n: u64) -> u64 {
        n + 1
    }
}

/// Calls another one, as often as it is told.
struct Asker(ServerRef<Sink>);

#[gen_server]
impl Asker {
    #[init]
    fn new(sink: ServerRef<Sink>) -> Self {
        Self(sink)
    }
    #[call]
    async fn ask(&mut self, times: u64) {
        for n in 0..times {
            assert_eq!(self.0.add(n).await, Ok(n + 1));
        }
    }
}

/// Hands a token on to the other one.
#[derive(Default)]
struct Link {
    other: Option<ServerRef<Link>>,
    back: Option<ReplyTo<()>>,
}

#[gen_server(local)]
impl Link {
    #[init]
    fn new() -> Self {
        Self::default()
    }
    #[call]
    fn join(&mut self, other: ServerRef<Link>) {
        self.other = Some(other);
    }
    #[call]
    fn begin(&mut self, hops: u64, back: ReplyTo<()>) {
        self.back = Some(back);
        self.token(hops);
    }
    #[cast]
    fn token(&mut self, hops: u64) {
        match (&self.other, hops) {
            (Some(other), 1..) => drop(other.token(hops - 1)),
            _ => self.back.take().into_iter().for_each(|back| back.reply(())),
        }
    }
}

/// On one thread, so that who runs when is the same each time; in a task of its own, as the work of a program is.
fn on_a_node<F: Future<Output = ()> + Send + 'static>(work: fn(Node, u64) -> F, times: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let whole = runtime.spawn(async move {
        let node = Node::builder("counted@localhost")
            .no_network()
            .start()
            .await;
        work(node.unwrap(), times).await;
    });
    runtime.block_on(whole).unwrap();
}

async fn sends(node: Node, times: u64) {
    let sink = node.spawn(Sink::spec()).await.unwrap();
    for n in 0..times {
        sink.tick(n).await.unwrap();
    }
    assert_eq!(sink.add(1).await, Ok(2));
}

async fn calls(node: Node, times: u64) {
    let sink = node.spawn(Sink::spec()).await.unwrap();
    for n in 0..times {
        assert_eq!(sink.add(n).await, Ok(n + 1));
    }
}

/// By a process, of a server that is only called: it does the server's turns itself.
async fn handed_calls(node: Node, times: u64) {
    let sink = node.spawn(Sink::spec()).await.unwrap();
    let asker = node.spawn(Asker::spec(sink)).await.unwrap();
    asker.ask(times).forever().await.unwrap();
}

/// Of an even number: the token is back where it began.
async fn hops(node: Node, times: u64) {
    let one = node.spawn(Link::spec()).await.unwrap();
    let other = node.spawn(Link::spec()).await.unwrap();
    one.join(other.clone()).await.unwrap();
    other.join(one.clone()).await.unwrap();
    one.begin(times).forever().await.unwrap();
}

#[test]
fn a_local_send() {
    let bound = Bound {
        release: 410,
        debug: 3_800,
    };
    at_most("a_local_send", &bound, |times| on_a_node(sends, times));
}

#[test]
fn a_hop() {
    let bound = Bound {
        release: 1_450,
        debug: 10_600,
    };
    at_most("a_hop", &bound, |times| on_a_node(hops, times));
}

#[test]
fn a_local_call() {
    let bound = Bound {
        release: 7_200,
        debug: 41_000,
    };
    at_most("a_local_call", &bound, |times| on_a_node(calls, times));
}

#[test]
fn a_handed_call() {
    let bound = Bound {
        release: 1_600,
        debug: 11_900,
    };
    at_most("a_handed_call", &bound, |times| {
        on_a_node(handed_calls, times)
    });
}

fn pid(id: u32) -> Pid {
    Pid {
        node: Atom::from_static("counted@localhost"),
        id,
        serial: 0,
        creation: 4,
    }
}

#[derive(Encode, Decode, PartialEq, Debug)]
enum Said {
    Tick(u64),
}

/// Frames of messages `{tick, N}` from one process to one other.
fn frames(times: u64) -> WriteBuffer {
    let mut outbox = Outbox::new();
    let mut payload = Encoder::with_atom_table();
    let (from, to) = (Some(pid(1)), pid(2));
    for n in 0..times {
        payload.clear();
        Said::Tick(n).encode(&mut payload).unwrap();
        let token = None;
        outbox
            .push(Control::Send { from, to, token }, Some(&payload))
            .unwrap();
    }
    let mut writer = FrameWriter::new(Flags::ours(false));
    writer.accept(&mut outbox);
    let mut out = WriteBuffer::new();
    writer.fill(&mut out, usize::MAX);
    out
}

#[test]
fn a_message_is_encoded() {
    let bound = Bound {
        release: 580,
        debug: 5_700,
    };
    at_most("a_message_is_encoded", &bound, |times| {
        black_box(frames(times));
    });
}

#[test]
fn a_message_is_encoded_and_decoded() {
    let bound = Bound {
        release: 1_400,
        debug: 12_900,
    };
    at_most("a_message_is_encoded_and_decoded", &bound, |times| {
        let bytes = frames(times).to_vec();
        let quota = Arc::new(AtomQuota::unlimited());
        let mut reader = FrameReader::new(Flags::ours(false), ReaderLimits::default(), quota);
        let mut next = 0;
        let mut read = |mut decoder: Decoder<'_>| {
            assert_eq!(Said::decode(&mut decoder), Ok(Said::Tick(next)));
            next += 1;
        };
        for piece in bytes.chunks(64 * 1024) {
            reader.push(piece);
            while let Some(inbound) = reader.next_run().unwrap() {
                match inbound {
                    Inbound::Signal { payload, .. } => read(payload.unwrap().decoder()),
                    Inbound::Run { run, .. } => {
                        let mut place = run.place;
                        read(place.decoder(&run.block));
                        while place.advance(&run.block) {
                            read(place.decoder(&run.block));
                        }
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(next, times);
    });
}
