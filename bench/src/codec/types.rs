//! The documents, as the Rust types that a user would write for them.

use bytes::Bytes;
use kista_etf::{Atom, Binary, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};
use kista_etf::{ListHeader, Pid, Reference, atom};
use serde::{Deserialize, Serialize};

/// `{'$gen_call', {Pid, [alias|Ref]}, {add, 2}}`
#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(record = "$gen_call")]
pub(crate) struct Call {
    from: (Pid, Alias),
    request: Request,
}

/// `{add, K}` and `get`
#[derive(Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
pub(crate) enum Request {
    Get,
    Add(i64),
}

/// `[alias|Ref]`
#[derive(Debug, PartialEq)]
pub(crate) struct Alias(Reference);

impl Encode for Alias {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.list(1);
        e.atom(atom!("alias"));
        e.reference(&self.0);
        Ok(())
    }
}

impl<'a> Decode<'a> for Alias {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        if d.list()? != ListHeader::Elements(1) || d.atom_str()? != "alias" {
            return Err(DecodeError::custom("expected [alias|Ref]"));
        }
        d.reference().map(Self)
    }
}

impl Call {
    pub(crate) fn new() -> Self {
        let node = Atom::new("peer@127.0.0.1").expect("an atom");
        let pid = Pid {
            node,
            id: 97,
            serial: 3,
            creation: 1_700_000_000,
        };
        let alias = Alias(Reference::from_words(node, pid.creation, [1, 2, 3]));
        Self {
            from: (pid, alias),
            request: Request::Add(2),
        }
    }
}

/// `[0, 1, ..., 999]`
#[derive(Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
pub(crate) struct Integers(Vec<i64>);

impl Integers {
    pub(crate) fn new() -> Self {
        Self((0..1000).collect())
    }
}

/// A struct of these fields, and the document with its keys in their order.
macro_rules! settings {
    ($($field:ident)*) => {
        /// `#{in_flight => 1, ...}`
        #[derive(Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
        pub(crate) struct Settings {
            $(pub(crate) $field: u32,)*
        }

        impl Settings {
            pub(crate) fn new() -> Self {
                let mut values = 1..;
                Self { $($field: values.next().expect("endless"),)* }
            }
        }
    };
}

settings! {
    acceptors active_connections address allowed_origins backlog bytes_in bytes_out cache_hits cache_misses cache_size
    certificate_expiry checkpoint_every cipher_suites compression_level connect_timeout disk_free drain_timeout
    errors_total failed_logins fsync_every gc_runs handshake_timeout heap_size idle_timeout in_flight keepalive
    last_restart latency_p50 latency_p99 max_connections max_frame_size max_retries memory_total message_queue mtu
    node_count open_files partitions pool_size port priority queue_limit reductions replicas requests_total
    retry_after run_queue send_buffer shard_count uptime
}

impl Settings {
    /// The order in which OTP 25 writes these keys: that of their hashes, as in any map of more than 32.
    const OTP_ORDER: &str = "in_flight heap_size replicas certificate_expiry latency_p99 requests_total priority \
        idle_timeout pool_size run_queue mtu compression_level disk_free last_restart drain_timeout max_retries acceptors \
        partitions failed_logins node_count memory_total address allowed_origins cache_size cache_hits cipher_suites \
        active_connections port cache_misses bytes_in send_buffer uptime connect_timeout retry_after queue_limit backlog \
        max_connections fsync_every bytes_out latency_p50 max_frame_size errors_total gc_runs reductions shard_count \
        handshake_timeout message_queue keepalive checkpoint_every open_files";

    /// The document as OTP writes it: its keys are neither sorted nor in the order of the struct.
    pub(crate) fn in_order_of_a_hash() -> Bytes {
        let own = kista_etf::to_vec(&Self::new()).expect("a document can be written");
        let term: kista_etf::Term = kista_etf::from_slice(&own).expect("our own bytes");
        let map = term.as_map().expect("a map");
        let mut e = Encoder::new();
        e.raw(&[131]);
        e.map(map.len());
        for key in Self::OTP_ORDER.split_whitespace() {
            e.atom_str(key).expect("an atom");
            e.term(map.field(key).expect("a field of this name"))
                .expect("a term can be written");
        }
        e.to_bytes()
    }
}

/// `[{property_000, <<"...">>}, ...]`
#[derive(Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
pub(crate) struct Properties(Vec<(Atom, Binary)>);

impl Properties {
    pub(crate) fn new() -> Self {
        let property = |(name, text): (String, String)| {
            let name = Atom::new(&name).expect("an atom");
            (name, Binary::from(text))
        };
        Self(Self::text().into_iter().map(property).collect())
    }

    /// The names and the texts.
    pub(crate) fn text() -> Vec<(String, String)> {
        (0..100)
            .map(|n| (format!("property_{n:03}"), format!("{n:03} ").repeat(25)))
            .collect()
    }
}

/// A binary of 1 MiB.
#[derive(Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
pub(crate) struct Blob(pub(crate) Bytes);

impl Blob {
    pub(crate) fn new() -> Self {
        Self(
            (0..1 << 20)
                .map(|n: u32| n.wrapping_mul(167) as u8)
                .collect(),
        )
    }
}

/// The nested document, with text that is owned or borrowed.
#[derive(Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
pub(crate) struct Order<S = String> {
    id: S,
    version: u32,
    /// `{{2026, 7, 1}, {12, 30, 5}}`
    placed: ((u16, u8, u8), (u8, u8, u8)),
    customer: Customer<S>,
    lines: Vec<Line<S>>,
    discounts: Vec<f64>,
    notes: Vec<S>,
}

#[derive(Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
struct Customer<S> {
    name: S,
    email: S,
    verified: bool,
    /// `{Latitude, Longitude}`
    place: (f64, f64),
    rating: Option<f64>,
}

#[derive(Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
struct Line<S> {
    sku: S,
    title: S,
    price: f64,
    quantity: u32,
    /// `{Width, Height, Depth}`
    size: (f64, f64, f64),
    state: State,
    labels: Vec<S>,
}

#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    InStock,
    BackOrdered,
    Shipped,
}

impl Order {
    pub(crate) fn new() -> Self {
        let states = [State::InStock, State::BackOrdered, State::Shipped];
        let line = |n: u32| Line {
            sku: format!("SKU-{:05}-{}", n * 731, n % 7),
            title: format!("A box of {} useful things, variant {n}", n * 12),
            price: f64::from(n) * 3.25 + 0.5,
            quantity: n * 37 % 400,
            size: (f64::from(n) * 0.5, f64::from(n) * 1.5, 20.25),
            state: states[n as usize % states.len()],
            labels: vec![format!("aisle-{n}"), "fragile".to_owned()],
        };
        Self {
            id: "2f1c0e9a-5d5b-4a55-9d0e-8f1f6a5c7b21".to_owned(),
            version: 70_000,
            placed: ((2026, 7, 1), (12, 30, 5)),
            customer: Customer {
                name: "Jo\u{eb}lle van der Berg".to_owned(),
                email: "joelle@example.org".to_owned(),
                verified: true,
                place: (52.375, 4.875),
                rating: Some(4.75),
            },
            lines: (0..49).map(line).collect(),
            discounts: (0..10).map(|n| f64::from(n) * 0.125).collect(),
            notes: vec!["Leave it with the neighbours.".to_owned(); 3],
        }
    }
}
