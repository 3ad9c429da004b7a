//! The functions of OTP that operators and their tools call to look at a node: served without being exposed.
//!
//! Rules:
//! 1. They look, and change nothing.
//! 2. They have the names, the arguments and the shapes of OTP: strings are lists of characters, keys are atoms. What OTP has and a
//!    node in Rust has not is what OTP has for none of it: `[]`, `undefined`.
//! 3. Who may call them is one option of the node, [`NodeBuilder::inspectable_by`](crate::NodeBuilder::inspectable_by): for all
//!    others they are `undef`. This node itself may always call.
//! 4. A function that the program exposes comes before one of these.
//! 5. They are the same for all nodes of a program, and cost a node nothing.
//!
//! One file for each module of OTP.

mod application;

use std::sync::{Arc, LazyLock};

use kista_etf::Atom;
use rustc_hash::FxHashMap;

use super::Function;
use super::function::{Callable, callable};

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    let mut functions = Functions::default();
    application::serve(&mut functions.of("application"));
    functions
});

/// All of them, by module, name and arity.
#[derive(Default)]
struct Functions(FxHashMap<(Atom, Atom, usize), Arc<dyn Callable>>);

/// Those of one module, as they are added.
struct Module<'a> {
    name: Atom,
    functions: &'a mut Functions,
}

/// Makes the names of all of them atoms: a peer that may make no more atoms finds them all the same.
pub(super) fn prepare() {
    LazyLock::force(&FUNCTIONS);
}

pub(super) fn find(module: Atom, function: Atom, arity: usize) -> Option<Arc<dyn Callable>> {
    FUNCTIONS.0.get(&(module, function, arity)).cloned()
}

impl Functions {
    fn of(&mut self, module: &'static str) -> Module<'_> {
        Module {
            name: Atom::from_static(module),
            functions: self,
        }
    }
}

impl Module<'_> {
    fn add<Shape: 'static, F: Function<Shape>>(&mut self, name: &'static str, code: F) {
        let key = (self.name, Atom::from_static(name), F::ARITY);
        let former = self.functions.0.insert(key, callable(code));
        debug_assert!(former.is_none(), "{key:?} is there twice");
    }
}
