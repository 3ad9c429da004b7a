//! Every form and attribute of the derives: what is written, what is read, and what is refused.

#[path = "../support/mod.rs"]
mod support;

mod enums;
mod fields;
mod reading;
mod structs;
mod types;

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

use kista_etf::{
    Atom, AtomName, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Fault, Term, atom,
    from_slice, to_vec, with,
};
use support::{agrees, bytes_of, read, refused};

trait Kind {
    type Value;
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum Shape {
    LonelyPoint,
    WideCircle(f64),
    Rect {
        side_a: u8,
        side_b: u8,
    },
    #[etf(rename_all = "PascalCase", rename = "Tri")]
    Triangle {
        base_line: u8,
    },
    #[etf(tuple)]
    Line {
        from: u8,
        to: u8,
    },
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Page {
    offset: u32,
    limit: Option<u32>,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(proplist)]
struct Listen {
    port: u16,
    #[etf(default)]
    reuse: bool,
    #[etf(skip_encoding_if = Option::is_none)]
    ip: Option<(u8, u8, u8, u8)>,
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Recursive<T> {
    value: T,
    next: Option<Box<Self>>,
}
