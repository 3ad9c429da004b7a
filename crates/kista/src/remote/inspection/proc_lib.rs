//! `proc_lib`: what a process was started with, and what it says of itself.

use kista_etf::{Pid, Term, term};

use super::{Module, process};
use crate::plain::ProcessCx;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("translate_initial_call", translate_initial_call);
    module.add("get_label", async |_pid: Pid| term!(undefined));
}

/// Of a plain process, and of none: `{proc_lib, init_p, 5}`, which says that it has no behaviour.
async fn translate_initial_call(cx: ProcessCx, of: Term) -> Term {
    let process = of.as_pid().and_then(|pid| cx.node().find(pid));
    match process.filter(|process| !process.me().is_plain() && !process.is_guest()) {
        Some(process) => process::initial_call(&*process),
        None => term!({proc_lib, init_p, 5}),
    }
}
