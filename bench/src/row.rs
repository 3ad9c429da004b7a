//! What is measured.

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
    Local,
    /// Messages between two OS processes, over loopback.
    Network,
    /// One document to bytes or back, over and over.
    Codec(Document, Direction),
}

/// Which way a codec goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Encode,
    Decode,
}

impl Row {
    /// The row of this name, as one of a row's processes is told it.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ROWS.iter().find(|row| row.name == name)
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
    Row { name: "L1", what: "local send, one process to one", ops: 2_000_000, work: Work::Local },
    Row { name: "L4", what: "local call, one caller", ops: 300_000, work: Work::Local },
    Row { name: "N1", what: "send {atom, int} to another OS process, one to one", ops: 1_000_000, work: Work::Network },
    Row { name: "N5", what: "call to another OS process, one caller", ops: 20_000, work: Work::Network },
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
];
