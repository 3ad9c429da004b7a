//! The functions of OTP that operators and their tools call to look at a node: served without being exposed.
//!
//! Rules:
//! 1. They look, and change nothing. What observer starts here to look again and again ends with it. The one that does more,
//!    `kista:stop/0`, is for whom [`NodeBuilder::stoppable_by`](crate::NodeBuilder::stoppable_by) names: nobody by default.
//! 2. They have the names, the arguments and the shapes of OTP: strings are lists of characters, keys are atoms. What OTP has and a
//!    node in Rust has not is what OTP has for none of it: `[]`, `undefined`, 0; where its tools divide by it, OTP's default.
//! 3. The shapes are those that OTP 25 and 29 share; where a later release has a key more, it is there for all: no tool of an earlier
//!    one stumbles over it. What a release asks for is never answered with less than its own reply has.
//! 4. Who may call them is one option of the node, [`NodeBuilder::inspectable_by`](crate::NodeBuilder::inspectable_by): for all
//!    others they are `undef`. This node itself may always call.
//! 5. A function that the program exposes comes before one of these.
//! 6. They are the same for all nodes of a program, and cost a node nothing.
//!
//! One file for each module of OTP; beside them:
//!
//! | file | what |
//! |---|---|
//! | `process_info.rs`, `system_info.rs`, `statistics.rs`, `memory.rs`, `time.rs` | the larger functions of `erlang` |
//! | `machine.rs` | what the operating system says of this program and its machine |
//! | `process.rs` | a process as others see it without asking it; its names |
//! | `module_info.rs` | of what are modules here: Rust types of behaviours, and those of these files |
//! | `kista.rs` | our own: `kista:info/0` and its kin, in place of a remote shell |

mod application;
mod appmon_info;
mod c;
mod code;
mod dbg;
mod erlang;
mod ets;
mod gen_event;
mod global;
mod init;
mod io;
mod io_lib;
mod kista;
mod machine;
mod memory;
mod module_info;
mod net_adm;
mod net_kernel;
mod observer_backend;
mod os;
mod pg;
mod proc_lib;
mod process;
mod process_info;
mod statistics;
mod supervisor;
mod sys;
mod system_info;
mod time;

use std::sync::{Arc, LazyLock};

use kista_etf::{Atom, Term, atoms};
use rustc_hash::FxHashMap;

pub(super) use statistics::Traffic;

use super::function::{Callable, callable};
use super::{Function, Raise};

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    let mut functions = Functions::default();
    application::serve(&mut functions.of("application"));
    appmon_info::serve(&mut functions.of("appmon_info"));
    c::serve(&mut functions.of("c"));
    code::serve(&mut functions.of("code"));
    dbg::serve(&mut functions.of("dbg"));
    erlang::serve(&mut functions.of("erlang"));
    ets::serve(&mut functions.of("ets"));
    gen_event::serve(&mut functions.of("gen_event"));
    global::serve(&mut functions.of("global"));
    init::serve(&mut functions.of("init"));
    io::serve(&mut functions.of("io"));
    io_lib::serve(&mut functions.of("io_lib"));
    kista::serve(&mut functions.of("kista"));
    net_adm::serve(&mut functions.of("net_adm"));
    net_kernel::serve(&mut functions.of("net_kernel"));
    observer_backend::serve(&mut functions.of("observer_backend"));
    os::serve(&mut functions.of("os"));
    pg::serve(&mut functions.of("pg"));
    proc_lib::serve(&mut functions.of("proc_lib"));
    supervisor::serve(&mut functions.of("supervisor"));
    sys::serve(&mut functions.of("sys"));
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
    machine::prepare();
    module_info::prepare();
}

pub(super) fn find(module: Atom, function: Atom, arity: usize) -> Option<Arc<dyn Callable>> {
    let served = FUNCTIONS.0.get(&(module, function, arity)).cloned();
    served.or_else(|| module_info::find(module, function, arity))
}

/// Whether it is the one function here that does something: to stop the node.
pub(super) fn stops(module: Atom, function: Atom) -> bool {
    module.as_str() == "kista" && function.as_str() == "stop"
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

fn badarg() -> Raise {
    Raise::error(atoms::BADARG)
}

/// `[{Key, Value}]`, of keys that are atoms.
fn proplist(entries: impl IntoIterator<Item = (&'static str, Term)>) -> Term {
    let pair = |(key, value)| Term::tuple([Term::from(Atom::from_static(key)), value]);
    Term::list(entries.into_iter().map(pair))
}
