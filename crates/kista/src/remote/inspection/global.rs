//! `global`: its look-ups, on this node's table of names.

use kista_etf::Term;

use super::Module;
use crate::plain::ProcessCx;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("whereis_name", async |cx: ProcessCx, name: Term| {
        Term::from(cx.node().global_names().whereis(name))
    });
    module.add("registered_names", async |cx: ProcessCx| {
        Term::list(cx.node().global_names().registered_names())
    });
}
