//! `gen_event:which_handlers/1`, run here: observer asks it of `error_logger`.

use kista_etf::{Term, term};

use super::{Module, supervisor};
use crate::plain::ProcessCx;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("which_handlers", async |cx: ProcessCx, manager: Term| {
        supervisor::asked(&cx, &manager, &term!(which_handlers)).await
    });
}
