//! What is measured.

/// One kind of work, which every peer that can do it does in the same amount.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its short name, for the command line and the JSON.
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) what: &'static str,
    /// How many operations one run measures; a tenth of it goes before, unmeasured.
    pub(crate) ops: u64,
    /// Between two OS processes, over loopback.
    pub(crate) network: bool,
}

/// All rows, in the order in which they are printed.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "L1",
        what: "local send, one process to one",
        ops: 2_000_000,
        network: false,
    },
    Row {
        name: "L4",
        what: "local call, one caller",
        ops: 300_000,
        network: false,
    },
    Row {
        name: "N1",
        what: "send {atom, int} to another OS process, one to one",
        ops: 1_000_000,
        network: true,
    },
    Row {
        name: "N5",
        what: "call to another OS process, one caller",
        ops: 20_000,
        network: true,
    },
];
