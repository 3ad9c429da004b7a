//! `supervisor`, run here: what the supervisor itself answers to a call from anywhere.

use kista_etf::{Term, term};

use super::{Module, badarg};
use crate::plain::ProcessCx;
use crate::process::Dest;
use crate::remote::Raise;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("which_children", async |cx: ProcessCx, supervisor: Term| {
        asked(&cx, &supervisor, &term!(which_children)).await
    });
    module.add("count_children", async |cx: ProcessCx, supervisor: Term| {
        asked(&cx, &supervisor, &term!(count_children)).await
    });
    module.add(
        "get_childspec",
        async |cx: ProcessCx, supervisor: Term, id: Term| {
            asked(&cx, &supervisor, &term!({get_childspec, (id)})).await
        },
    );
}

/// `gen_server:call(Server, Request)`, with its exits.
pub(super) async fn asked(cx: &ProcessCx, server: &Term, request: &Term) -> Result<Term, Raise> {
    let dest = dest(server).ok_or_else(badarg)?;
    Ok(cx.node().call::<Term>(dest, request).await?)
}

/// A pid, a name, or `{Name, Node}`.
pub(super) fn dest(of: &Term) -> Option<Dest> {
    if let Some([name, node]) = of.as_tuple() {
        let (name, node) = (name.as_atom()?, node.as_atom()?);
        return Some(Dest::Remote { name, node });
    }
    let name = || of.as_atom().map(Dest::Name);
    of.as_pid().map(Dest::Pid).or_else(name)
}
