//! Variants that nobody could tell apart, and attributes that contradict each other.
use kista_etf::{Decode, Term};

#[derive(Decode)]
enum SameTag {
    Add(u8),
    #[etf(rename = "add")]
    Plus(u16),
}

#[derive(Decode)]
enum SameTagAsMap {
    Add(u8),
    #[etf(rename = "add")]
    Fields { a: u8 },
}

#[derive(Decode)]
enum OtherIsNotLast {
    #[etf(other)]
    Other(Term),
    Known,
}

#[derive(Decode)]
enum TwoOthers {
    #[etf(other)]
    One(Term),
    #[etf(other)]
    Two(Term),
}

#[derive(Decode)]
enum OtherOfNothing {
    #[etf(other)]
    Other,
}

#[derive(Decode)]
enum OtherOfTwo {
    #[etf(other)]
    Other(Term, Term),
}

#[derive(Decode)]
enum OtherSkipped {
    #[etf(other)]
    Other(#[etf(skip)] Term),
}

#[derive(Decode)]
enum OtherRenamed {
    #[etf(other, rename = "o")]
    Other(Term),
}

#[derive(Decode)]
enum OtherTuple {
    #[etf(other, tuple)]
    Other { term: Term },
}

#[derive(Decode)]
#[etf(untagged)]
enum UntaggedOther {
    #[etf(other)]
    Other(Term),
}

#[derive(Decode)]
#[etf(untagged)]
enum UntaggedRename {
    #[etf(rename = "a")]
    A(u8),
}

#[derive(Decode)]
enum TupleTwice {
    #[etf(tuple)]
    A(u8),
}

#[derive(Decode)]
enum RenameNothing {
    #[etf(rename_all = "camelCase")]
    A(u8),
}

#[derive(Decode)]
#[etf(deny_unknown)]
enum DenyNothing {
    A(u8),
}

#[derive(Decode)]
#[etf(rename_all_fields = "camelCase")]
enum RenameFieldsOfNothing {
    A(u8),
}

fn main() {}
