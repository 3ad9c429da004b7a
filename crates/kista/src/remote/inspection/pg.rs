//! `pg`: its look-ups. A scope that is not there has no groups, as the scope `pg` of a node that did not start it.

use kista_etf::Term;

use super::Module;
use crate::pg::Scope;
use crate::plain::ProcessCx;

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
        scope(&cx, None).map_or(Term::NIL, |scope| Term::list(scope.groups()))
    });
    module.add("which_groups", async |cx: ProcessCx, of: Term| {
        scope(&cx, Some(&of)).map_or(Term::NIL, |scope| Term::list(scope.groups()))
    });
    module.add("which_local_groups", async |cx: ProcessCx| {
        scope(&cx, None).map_or(Term::NIL, |scope| Term::list(scope.local_groups()))
    });
    module.add("which_local_groups", async |cx: ProcessCx, of: Term| {
        scope(&cx, Some(&of)).map_or(Term::NIL, |scope| Term::list(scope.local_groups()))
    });
}

fn scope(cx: &ProcessCx, of: Option<&Term>) -> Option<Scope> {
    let name = match of {
        None => crate::pg::DEFAULT_SCOPE,
        Some(name) => name.as_atom_str()?,
    };
    cx.node().pg_scope(name)
}

fn members(scope: Option<Scope>, group: Term) -> Term {
    Term::from(scope.map_or_else(Vec::new, |scope| scope.members(group)))
}

fn local_members(scope: Option<Scope>, group: Term) -> Term {
    Term::from(scope.map_or_else(Vec::new, |scope| scope.local_members(group)))
}
