//! Attributes that are unknown, in the wrong place, or there twice.
use kista_etf::Decode;

#[derive(Decode)]
#[etf(tag = "s")]
struct Tag;

#[derive(Decode)]
#[etf(tag = "type")]
enum TagOnEnum {
    A(u8),
}

#[derive(Decode)]
#[etf(other::path)]
struct APath;

#[derive(Decode)]
#[etf(flatten)]
struct Flatten(u8);

#[derive(Decode)]
struct Misspelt {
    #[etf(renam = "a")]
    a: u8,
}

#[derive(Decode)]
struct SkipIf {
    #[etf(skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
}

#[derive(Decode)]
enum Misplaced {
    #[etf(untagged)]
    A,
}

#[derive(Decode)]
struct Twice {
    #[etf(rename = "b")]
    #[etf(rename = "c")]
    a: u8,
}

fn main() {}
