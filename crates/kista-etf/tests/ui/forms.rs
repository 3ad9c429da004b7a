//! Forms of a struct that exclude each other, or what else stands there.
use kista_etf::Decode;

#[derive(Decode)]
#[etf(record, tuple)]
struct Two {
    a: u8,
}

#[derive(Decode)]
#[etf(proplist, elixir = "E")]
struct ProplistElixir {
    a: u8,
}

#[derive(Decode)]
#[etf(rename = "s")]
struct Renamed {
    a: u8,
}

#[derive(Decode)]
#[etf(record, rename = "s")]
struct RenamedRecord;

#[derive(Decode)]
#[etf(record, deny_unknown)]
struct DenyRecord {
    a: u8,
}

#[derive(Decode)]
#[etf(tuple, rename_all = "camelCase")]
struct RenameTuple {
    a: u8,
}

#[derive(Decode)]
#[etf(keys = "binary")]
struct KeysOfTuple(u8, u8);

#[derive(Decode)]
#[etf(proplist)]
struct UnitProplist;

#[derive(Decode)]
#[etf(elixir = "E", keys = "binary")]
struct ElixirBinary {
    a: u8,
}

#[derive(Decode)]
#[etf(tuple)]
struct UnitTuple;

#[derive(Decode)]
union Union {
    a: u8,
}

fn main() {}
