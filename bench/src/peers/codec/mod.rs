//! Who turns documents into bytes and back: ours in its three ways, and other libraries.

mod derive;
mod eetf;
mod erltf;
mod json;
mod rmp;
mod serde;
mod term;

use std::process::Command;

use super::{Peer, Role, children};
use crate::codec::Document;
use crate::row::{Direction, Row, Work};

/// A codec in Rust.
struct Codec {
    name: &'static str,
    /// The documents that it cannot hold, or only in a form that nobody would choose.
    except: &'static [Document],
    run: fn(Document, Direction),
}

/// All codecs in Rust; `derive` first, and each other is compared with it.
pub(super) fn all() -> impl Iterator<Item = Box<dyn Peer>> {
    let codec = |name, except, run| -> Box<dyn Peer> { Box::new(Codec { name, except, run }) };
    [
        codec("derive", &[], derive::run),
        codec("serde", &[], serde::run),
        codec("term", &[], term::run),
        codec("eetf", &[], eetf::run),
        codec("erltf", &[], erltf::run),
        codec("json", json::EXCEPT, json::run),
        codec("rmp", rmp::EXCEPT, rmp::run),
    ]
    .into_iter()
}

impl Peer for Codec {
    fn name(&self) -> &'static str {
        self.name
    }

    fn processes(&self, row: &Row) -> Option<Vec<Command>> {
        match row.work {
            Work::Codec(document, _) if !self.except.contains(&document) => {
                children(self.name, row)
            }
            _ => None,
        }
    }

    fn run(&self, row: &Row, _role: Role) {
        if let Work::Codec(document, direction) = row.work {
            (self.run)(document, direction);
        }
    }
}
