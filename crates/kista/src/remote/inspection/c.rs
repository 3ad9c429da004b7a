//! `c`: the shell's look at memory, which observer's own code uses.

use kista_etf::Term;

use super::{Module, badarg, memory};
use crate::plain::ProcessCx;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("memory", async |cx: ProcessCx| {
        memory::term(&memory::all(cx.node()))
    });
    module.add("memory", async |cx: ProcessCx, wanted: Term| {
        memory::of(cx.node(), &wanted).ok_or_else(badarg)
    });
}
