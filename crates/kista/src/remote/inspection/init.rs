//! `init`: a program in Rust has its own arguments, which are nobody's business: none are told.

use kista_etf::{Term, term};

use super::Module;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("get_arguments", async || Term::NIL);
    module.add("get_argument", async |_flag: Term| term!(error));
    module.add("get_plain_arguments", async || Term::NIL);
    module.add("get_status", async || term!({started, started}));
    module.add("script_id", async || {
        Term::from((
            Term::charlist("Kista"),
            Term::charlist(env!("CARGO_PKG_VERSION")),
        ))
    });
}
