//! What is a module here, and what is in it: `Module:module_info/0,1`, `erlang:function_exported/3`, and what `code` says.
//!
//! Rules:
//! 1. A module is what has exposed or served functions, and the Rust type of a behaviour that some process runs now.
//! 2. The functions of such a type are none; its behaviour is what `sys:get_status` of one of its processes names.

use std::sync::Arc;
use std::time::Duration;

use kista_etf::{Atom, Term, atoms, term};

use super::{FUNCTIONS, badarg, process};
use crate::node::Node;
use crate::plain::ProcessCx;
use crate::process::Dest;
use crate::remote::Raise;
use crate::remote::function::{Callable, callable};

/// How long a process is waited for that is asked what it is.
const PATIENCE: Duration = Duration::from_millis(200);

const FUNCTION: &str = "module_info";

pub(super) fn prepare() {
    Atom::from_static(FUNCTION);
}

/// `Module:module_info/0,1`, of whatever name: whether it is a module is seen when it runs.
pub(super) fn find(module: Atom, function: Atom, arity: usize) -> Option<Arc<dyn Callable>> {
    if function.as_str() != FUNCTION {
        return None;
    }
    match arity {
        0 => Some(callable(async move |cx: ProcessCx| {
            let mut all = Vec::new();
            for item in ["module", "exports", "attributes", "compile"] {
                let value = item_of(cx.node(), module, item).await?;
                all.push((Atom::from_static(item), value));
            }
            Ok::<_, Raise>(all)
        })),
        1 => Some(callable(async move |cx: ProcessCx, item: Term| {
            let item = item.as_atom_str().ok_or_else(badarg)?;
            item_of(cx.node(), module, item).await
        })),
        _ => None,
    }
}

async fn item_of(node: &Node, module: Atom, item: &str) -> Result<Term, Raise> {
    if !is_module(node, module) {
        return Err(Raise::error(atoms::UNDEF));
    }
    Ok(match item {
        "module" => Term::from(module),
        "exports" | "functions" => Term::list(
            functions(node, module)
                .into_iter()
                .map(|(function, arity)| Term::from((function, arity))),
        ),
        "attributes" => attributes(node, module).await,
        "compile" => term!([{version, (Term::charlist(env!("CARGO_PKG_VERSION")))}]),
        "native" => Term::from(true),
        "nifs" => Term::NIL,
        "md5" => Term::from(""),
        _ => return Err(badarg()),
    })
}

/// With the behaviour, when it is the type of one.
async fn attributes(node: &Node, module: Atom) -> Term {
    let version = term!({vsn, [(Term::charlist(env!("CARGO_PKG_VERSION")))]});
    let Some(pid) = runs(node, module) else {
        return Term::list([version]);
    };
    let status = super::sys::ask(node, Dest::Pid(pid), atoms::GET_STATUS, Some(PATIENCE)).await;
    let behaviour = status.ok().and_then(|status| {
        let [_, module, ..] = status.as_tagged("status")? else {
            return None;
        };
        let [behaviour] = module.as_tagged("module")? else {
            return None;
        };
        Some(behaviour.clone())
    });
    let behaviour = behaviour.map(|behaviour| term!({behaviour, [(behaviour)]}));
    Term::list(std::iter::once(version).chain(behaviour))
}

/// A process of this behaviour that `sys` can ask.
fn runs(node: &Node, module: Atom) -> Option<crate::Pid> {
    let mut found = None;
    node.each_process(|process| {
        let me = process.me();
        if found.is_none() && !me.is_plain() && process::module(me.behaviour()) == module {
            found = Some(me.pid());
        }
    });
    found
}

pub(super) fn is_module(node: &Node, module: Atom) -> bool {
    FUNCTIONS.0.keys().any(|(m, _, _)| *m == module)
        || node.remote().exposed.contains(module, None)
        || runs(node, module).is_some()
}

fn functions(node: &Node, module: Atom) -> Vec<(Atom, usize)> {
    let served = FUNCTIONS.0.keys().copied();
    let exposed = node.exposed();
    let mut all: Vec<_> = served
        .chain(exposed)
        .filter(|(m, _, _)| *m == module)
        .map(|(_, function, arity)| (function, arity))
        .collect();
    all.sort_unstable_by_key(|(function, arity)| (function.as_str(), *arity));
    all.dedup();
    all
}

/// All modules but the types of behaviours.
pub(super) fn all(node: &Node) -> Vec<Atom> {
    let served = FUNCTIONS.0.keys().map(|(module, _, _)| *module);
    let exposed = node.exposed();
    let mut all: Vec<_> = served
        .chain(exposed.into_iter().map(|(module, _, _)| module))
        .collect();
    all.sort_unstable_by_key(|module| module.as_str());
    all.dedup();
    all
}

pub(super) async fn function_exported(
    cx: ProcessCx,
    module: Term,
    function: Term,
    arity: u8,
) -> Result<bool, Raise> {
    let name = |name: &Term| name.as_atom_str().ok_or_else(badarg).map(Atom::lookup);
    let (Some(module), Some(function)) = (name(&module)?, name(&function)?) else {
        return Ok(false);
    };
    let arity = usize::from(arity);
    Ok(FUNCTIONS.0.contains_key(&(module, function, arity))
        || cx
            .node()
            .remote()
            .exposed
            .contains(module, Some((function, arity))))
}

pub(super) async fn module_loaded(cx: ProcessCx, module: Term) -> Result<bool, Raise> {
    let name = module.as_atom_str().ok_or_else(badarg)?;
    Ok(Atom::lookup(name).is_some_and(|module| is_module(cx.node(), module)))
}
