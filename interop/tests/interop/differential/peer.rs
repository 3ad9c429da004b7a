//! The other side of `erlang/differential.erl`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use kista_interop::{Bed, Program};

/// The peer's name.
pub(super) const NAME: &str = "erl@127.0.0.1";

/// How long a batch may take before the peer is held to be dead.
const PATIENCE: Duration = Duration::from_secs(120);

/// An Erlang node that answers questions about terms, a thousand at a time.
pub(super) struct Peer {
    socket: TcpStream,
    bed: Bed,
    _erl: Program,
}

impl Peer {
    pub(super) fn start(seed: u64) -> Self {
        let bed = Bed::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port().to_string();
        let mut erl = bed.erlang(NAME, "differential", "serve", &[&port]);
        listener.set_nonblocking(true).expect("a socket");
        let end = Instant::now() + PATIENCE;
        let socket = loop {
            match listener.accept() {
                Ok((socket, _)) => break socket,
                Err(_) if erl.is_running() && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => panic!("{error}; {:?}", erl.printed()),
            }
        };
        socket.set_nonblocking(false).expect("a socket");
        socket.set_nodelay(true).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut peer = Self {
            socket,
            bed,
            _erl: erl,
        };
        assert!(peer.ask(0, &seed.to_be_bytes()).is_empty());
        peer
    }

    pub(super) fn release(&self) -> u32 {
        self.bed.otp().release()
    }

    /// Pairs of a program and our bytes: pairs of what is wrong and the peer's bytes.
    pub(super) fn construct(&mut self, pairs: &[Vec<u8>]) -> Vec<Vec<u8>> {
        self.ask(1, &items(pairs))
    }

    /// So many random terms, written.
    pub(super) fn generate(&mut self, count: usize) -> Vec<Vec<u8>> {
        self.ask(2, &(count as u32).to_be_bytes())
    }

    /// Of each term of the last answer, written by us: what is wrong. An empty one is passed over.
    pub(super) fn compare(&mut self, written: &[Vec<u8>]) -> Vec<Vec<u8>> {
        self.ask(3, &items(written))
    }

    /// Pairs of a damaged term and how many bytes of it the peer reads, or nothing.
    pub(super) fn mutate(&mut self, count: usize) -> Vec<Vec<u8>> {
        self.ask(4, &(count as u32).to_be_bytes())
    }

    /// How many bytes the peer reads of each of these, or nothing.
    pub(super) fn judge(&mut self, some: &[Vec<u8>]) -> Vec<Vec<u8>> {
        self.ask(5, &items(some))
    }

    fn ask(&mut self, what: u8, question: &[u8]) -> Vec<Vec<u8>> {
        let length = (question.len() + 1) as u32;
        let whole = [&length.to_be_bytes()[..], &[what], question].concat();
        let mut answer = Vec::new();
        let mut exchange = || {
            self.socket.write_all(&whole)?;
            let mut length = [0; 4];
            self.socket.read_exact(&mut length)?;
            answer.resize(u32::from_be_bytes(length) as usize, 0);
            self.socket.read_exact(&mut answer)
        };
        if let Err(error) = exchange() {
            // It says why it ended, on another pipe.
            std::thread::sleep(Duration::from_millis(500));
            panic!(
                "the peer does not answer: {error}; {:?}",
                self._erl.printed()
            );
        }
        let mut rest = &answer[..];
        let mut items = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk() {
            let (item, after) = after.split_at(u32::from_be_bytes(*length) as usize);
            items.push(item.to_vec());
            rest = after;
        }
        items
    }
}

fn items(items: &[Vec<u8>]) -> Vec<u8> {
    let mut whole = Vec::new();
    for item in items {
        whole.extend_from_slice(&(item.len() as u32).to_be_bytes());
        whole.extend_from_slice(item);
    }
    whole
}
