//! Attributes of fields that contradict each other, or the form around them.
use kista_etf::{Decode, Term};

#[derive(Decode)]
struct SkipRename {
    #[etf(skip, rename = "b")]
    a: u8,
}

#[derive(Decode)]
struct SkipFlatten {
    #[etf(skip, flatten)]
    a: u8,
}

#[derive(Decode)]
struct FlattenWith {
    #[etf(flatten, with = module)]
    a: u8,
}

#[derive(Decode)]
struct FlattenDefault {
    #[etf(flatten, default)]
    a: u8,
}

#[derive(Decode)]
struct FlattenTuple(#[etf(flatten)] u8, u8);

#[derive(Decode)]
#[etf(record)]
struct RenameInRecord {
    #[etf(rename = "b")]
    a: u8,
}

#[derive(Decode)]
struct DefaultInTuple(#[etf(default)] u8, u8);

#[derive(Decode)]
struct NilOfNoOption {
    #[etf(nil)]
    a: u8,
}

#[derive(Decode)]
struct NilWith {
    #[etf(nil, with = module)]
    a: Option<u8>,
}

#[derive(Decode)]
struct SkipIfWithoutDefault {
    #[etf(skip_encoding_if = path)]
    a: u8,
}

#[derive(Decode)]
struct SameKey {
    a: u8,
    #[etf(rename = "a")]
    b: u8,
}

#[derive(Decode)]
#[etf(rename_all = "lowercase")]
struct SameStyle {
    ab: u8,
    a_b: u8,
}

#[derive(Decode)]
#[etf(elixir = "E")]
struct ElixirKey {
    __struct__: Term,
}

#[derive(Decode)]
#[etf(deny_unknown)]
struct DenyFlatten {
    #[etf(flatten)]
    a: u8,
}

fn main() {}
