//! Types of fields that have no form, or not the one that is needed.
use std::collections::HashMap;
use kista_etf::{Decode, Encode};

struct Opaque;

#[derive(Encode, Decode)]
struct Field {
    a: Opaque,
}

#[derive(Decode)]
struct Static {
    a: &'static str,
}

#[derive(Encode, Decode)]
struct InAMap {
    a: u8,
}

#[derive(Encode)]
#[etf(proplist)]
struct MapInProplist {
    #[etf(flatten)]
    a: InAMap,
}

#[derive(Encode, Decode)]
#[etf(deny_unknown)]
struct Strict {
    a: u8,
}

#[derive(Decode)]
struct FlattenStrict {
    #[etf(flatten)]
    a: Strict,
}

#[derive(Encode)]
struct FlattenNumbers {
    #[etf(flatten)]
    a: HashMap<u8, u8>,
}

#[derive(Encode, Decode)]
struct NotInMilliseconds {
    #[etf(with = kista_etf::with::milliseconds)]
    a: u64,
}

fn main() {}
