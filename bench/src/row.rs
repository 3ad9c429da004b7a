//! What is measured.

use std::time::Duration;

use crate::codec::Document;

/// One kind of work, which every peer that can do it does in the same amount.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its short name, for the command line and the JSON.
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) what: &'static str,
    /// How many operations one run measures; a tenth of it goes before, unmeasured.
    pub(crate) ops: u64,
    /// What kind of work it is.
    pub(crate) work: Work,
}

/// The kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Messages within one OS process.
    Local(Pattern),
    /// Messages between two OS processes, over loopback.
    Network(Pattern, Wire),
    /// One document to bytes or back, over and over.
    Codec(Document, Direction),
}

impl Work {
    /// Who talks to whom, in a row of messages.
    pub(crate) const fn pattern(self) -> Option<Pattern> {
        match self {
            Self::Local(pattern) | Self::Network(pattern, _) => Some(pattern),
            Self::Codec(..) => None,
        }
    }

    /// Whether its two OS processes speak TLS.
    pub(crate) const fn over_tls(self) -> bool {
        matches!(self, Self::Network(_, Wire::Tls))
    }
}

/// What is between two OS processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Tcp,
    /// With certificates on both sides, each held against its CA.
    Tls,
}

/// Who talks to whom. An operation is a message received, a call answered, a process started and ended, or a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Each sender sends its share to the receiver of its number, or all of them to the only one: an integer, or when
    /// `bytes` is not 0 a binary of that size.
    Send {
        senders: usize,
        receivers: usize,
        bytes: usize,
    },
    /// Callers of one server, each of which waits for its answer before it asks again.
    Call { callers: usize },
    /// A function is run in a process of its own elsewhere, and its value awaited, over and over: `erpc:call`.
    Apply,
    /// A server is started and stopped, then the next.
    StartStop,
    /// All servers are started, then all are stopped.
    StartAll,
    /// Servers are started, and wait: how much memory is each? Nothing goes before unmeasured.
    Idle,
    /// A token goes round a ring of so many processes.
    Ring { nodes: usize },
    /// One server is flooded by one sender; meanwhile another is called, once each millisecond: how long do its callers wait?
    Flood,
    /// So many servers are called in turn by one caller. Each was called once before.
    CallEach { servers: usize },
    /// A server is called, once each millisecond, beside what else goes to another of the same node: how long do its callers wait?
    Delay(Beside),
    /// So many nodes in one OS process send to one node in the other, each to a receiver of its own there.
    Nodes { nodes: usize },
}

/// What goes on beside the calls of a [`Pattern::Delay`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    /// Small messages, so many per cent of what goes through when nothing holds the sender: a burst each millisecond.
    Small {
        percent: u32,
    },
    /// A binary of so many bytes, and so long after it was received another.
    Large {
        bytes: usize,
        pause: Duration,
    },
}

/// Which way a codec goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Encode,
    Decode,
    /// To values whose text is a part of the bytes, by those who can; others decode as ever.
    Borrow,
}

impl Row {
    /// The row of this name, as one of a row's processes is told it.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
    }

    const fn local(name: &'static str, what: &'static str, ops: u64, pattern: Pattern) -> Self {
        Self {
            name,
            what,
            ops,
            work: Work::Local(pattern),
        }
    }

    const fn network(name: &'static str, what: &'static str, ops: u64, pattern: Pattern) -> Self {
        Self {
            name,
            what,
            ops,
            work: Work::Network(pattern, Wire::Tcp),
        }
    }

    const fn tls(name: &'static str, what: &'static str, ops: u64, pattern: Pattern) -> Self {
        Self {
            name,
            what,
            ops,
            work: Work::Network(pattern, Wire::Tls),
        }
    }

    const fn codec(
        name: &'static str,
        what: &'static str,
        ops: u64,
        document: Document,
        direction: Direction,
    ) -> Self {
        Self {
            name,
            what,
            ops,
            work: Work::Codec(document, direction),
        }
    }
}

/// All rows, in the order in which they are printed.
#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    Row::local("L1", "local send, one process to one", 2_000_000, Pattern::Send { senders: 1, receivers: 1, bytes: 0 }),
    Row::local("L2", "local send, 100 processes to one", 2_000_000, Pattern::Send { senders: 100, receivers: 1, bytes: 0 }),
    Row::local("L3", "local send, 100 processes to one each", 2_000_000, Pattern::Send { senders: 100, receivers: 100, bytes: 0 }),
    Row::local("L4", "local call, one caller", 300_000, Pattern::Call { callers: 1 }),
    Row::local("L5", "local call, 100 callers of one server", 500_000, Pattern::Call { callers: 100 }),
    Row::local("L6", "start and stop a server, one by one", 100_000, Pattern::StartStop),
    Row::local("L6b", "start 100,000 servers, then stop them", 100_000, Pattern::StartAll),
    Row::local("L7", "start a server that idles, 100,000 at once", 100_000, Pattern::Idle),
    Row::local("L7m", "start a server that idles, 1,000,000 at once", 1_000_000, Pattern::Idle),
    Row::local("L8", "local hop in a ring of 1,000 processes", 1_000_000, Pattern::Ring { nodes: 1_000 }),
    Row::local("F1", "local call while another server is flooded, open loop, one a millisecond", 2_000, Pattern::Flood),
    Row::local("G1", "local call to each of 10 servers in turn", 1_000_000, Pattern::CallEach { servers: 10 }),
    Row::local("G2", "local call to each of 1,000 servers in turn", 1_000_000, Pattern::CallEach { servers: 1_000 }),
    Row::local("G3", "local call to each of 100,000 servers in turn", 1_000_000, Pattern::CallEach { servers: 100_000 }),
    Row::local("G4", "local call to each of 1,000,000 servers in turn", 1_000_000, Pattern::CallEach { servers: 1_000_000 }),
    Row::network("N1", "send {atom, int} to another OS process, one to one", 1_000_000, Pattern::Send { senders: 1, receivers: 1, bytes: 0 }),
    Row::network("N2", "send 1 KiB to another OS process, one to one", 500_000, Pattern::Send { senders: 1, receivers: 1, bytes: 1 << 10 }),
    Row::network("N3", "send 64 KiB to another OS process, one to one", 50_000, Pattern::Send { senders: 1, receivers: 1, bytes: 64 << 10 }),
    Row::network("N4", "send {atom, int} to another OS process, 100 to one each", 1_000_000, Pattern::Send { senders: 100, receivers: 100, bytes: 0 }),
    Row::network("N5", "call to another OS process, one caller", 20_000, Pattern::Call { callers: 1 }),
    Row::network("N6", "call to another OS process, 100 callers of one server", 200_000, Pattern::Call { callers: 100 }),
    Row::network("N7", "erpc:call to another OS process", 20_000, Pattern::Apply),
    Row::network("N8", "call to another OS process, open loop, one a millisecond", 5_000, Pattern::Delay(Beside::Nothing)),
    Row::network("N8s", "the same beside small messages at 30 % of the most", 5_000, Pattern::Delay(Beside::Small { percent: 30 })),
    Row::network("N8b", "the same beside a message of 64 MiB, then a pause of 400 ms, and so on", 10_000, Pattern::Delay(Beside::Large { bytes: 64 << 20, pause: Duration::from_millis(400) })),
    Row::network("C1", "send {atom, int} to another OS process from 1 node", 1_000_000, Pattern::Nodes { nodes: 1 }),
    Row::network("C10", "send {atom, int} to another OS process from 10 nodes", 1_000_000, Pattern::Nodes { nodes: 10 }),
    Row::network("C200", "send {atom, int} to another OS process from 200 nodes", 1_000_000, Pattern::Nodes { nodes: 200 }),
    Row::tls("S1", "N1 over TLS", 1_000_000, Pattern::Send { senders: 1, receivers: 1, bytes: 0 }),
    Row::tls("S2", "N2 over TLS", 500_000, Pattern::Send { senders: 1, receivers: 1, bytes: 1 << 10 }),
    Row::tls("S3", "N3 over TLS", 20_000, Pattern::Send { senders: 1, receivers: 1, bytes: 64 << 10 }),
    Row::tls("S5", "N5 over TLS", 20_000, Pattern::Call { callers: 1 }),
    Row::tls("S6", "N6 over TLS", 200_000, Pattern::Call { callers: 100 }),
    Row::codec("T1e", "encode {'$gen_call', {Pid, [alias|Ref]}, {add, 2}}", 1_000_000, Document::Call, Direction::Encode),
    Row::codec("T1d", "decode {'$gen_call', {Pid, [alias|Ref]}, {add, 2}}", 1_000_000, Document::Call, Direction::Decode),
    Row::codec("T2e", "encode a list of 1,000 small integers", 50_000, Document::Integers, Direction::Encode),
    Row::codec("T2d", "decode a list of 1,000 small integers", 50_000, Document::Integers, Direction::Decode),
    Row::codec("T3e", "encode a map of 50 atom keys", 100_000, Document::Settings, Direction::Encode),
    Row::codec("T3d", "decode a map of 50 atom keys", 100_000, Document::Settings, Direction::Decode),
    Row::codec("T4e", "encode a proplist of 100 binaries of 100 bytes", 50_000, Document::Properties, Direction::Encode),
    Row::codec("T4d", "decode a proplist of 100 binaries of 100 bytes", 50_000, Document::Properties, Direction::Decode),
    Row::codec("T5e", "encode a binary of 1 MiB", 5_000, Document::Blob, Direction::Encode),
    Row::codec("T5d", "decode a binary of 1 MiB", 5_000, Document::Blob, Direction::Decode),
    Row::codec("T6e", "encode a nested document of 10 KB", 20_000, Document::Order, Direction::Encode),
    Row::codec("T6d", "decode a nested document of 10 KB", 20_000, Document::Order, Direction::Decode),
    Row::codec("T6b", "decode a nested document of 10 KB, its text borrowed from the input", 20_000, Document::Order, Direction::Borrow),
];
