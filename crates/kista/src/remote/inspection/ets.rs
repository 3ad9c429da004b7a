//! `ets`: there are no tables.

use kista_etf::{Term, term};

use super::Module;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("all", async || Term::NIL);
    module.add("info", async |_table: Term| term!(undefined));
    module.add("info", async |_table: Term, _item: Term| term!(undefined));
    module.add("whereis", async |_table: Term| term!(undefined));
}
