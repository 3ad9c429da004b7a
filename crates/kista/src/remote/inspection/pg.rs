//! `pg`: its look-ups. In a scope that is not there no group has members, and which groups it has is `badarg`, as in OTP.

use kista_etf::Term;

use super::{Module, badarg};
use crate::pg::Scope;
use crate::plain::ProcessCx;
use crate::remote::Raise;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("get_members", async |cx: ProcessCx, group: Term| {
        members(scope(&cx, None), group)
    });
    module.add(
        "get_members",
        async |cx: ProcessCx, of: Term, group: Term| members(scope(&cx, Some(&of)), group),
    );
    module.add("get_local_members", async |cx: ProcessCx, group: Term| {
        local_members(scope(&cx, None), group)
    });
    module.add(
        "get_local_members",
        async |cx: ProcessCx, of: Term, group: Term| local_members(scope(&cx, Some(&of)), group),
    );
    module.add("which_groups", async |cx: ProcessCx| {
        groups(scope(&cx, None), Scope::groups)
    });
    module.add("which_groups", async |cx: ProcessCx, of: Term| {
        groups(scope(&cx, Some(&of)), Scope::groups)
    });
    module.add("which_local_groups", async |cx: ProcessCx| {
        groups(scope(&cx, None), Scope::local_groups)
    });
    module.add("which_local_groups", async |cx: ProcessCx, of: Term| {
        groups(scope(&cx, Some(&of)), Scope::local_groups)
    });
}

fn scope(cx: &ProcessCx, of: Option<&Term>) -> Option<Scope> {
    let name = match of {
        None => crate::pg::DEFAULT_SCOPE,
        Some(name) => name.as_atom_str()?,
    };
    cx.node().pg_scope(name)
}

fn groups(scope: Option<Scope>, of: impl Fn(&Scope) -> Vec<Term>) -> Result<Term, Raise> {
    scope.map(|scope| Term::list(of(&scope))).ok_or_else(badarg)
}

fn members(scope: Option<Scope>, group: Term) -> Term {
    Term::from(scope.map_or_else(Vec::new, |scope| scope.members(group)))
}

fn local_members(scope: Option<Scope>, group: Term) -> Term {
    Term::from(scope.map_or_else(Vec::new, |scope| scope.local_members(group)))
}
