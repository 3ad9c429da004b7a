//! `os`. The environment is not told: it may hold secrets.

use kista_etf::{Atom, Term, term};

use super::{Module, badarg, machine, time};

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("type", async || {
        let name = std::env::consts::OS;
        let name = match name {
            "macos" => "darwin",
            other => other,
        };
        term!({unix, (Atom::from_static(name))})
    });
    module.add("version", async || machine::kernel_version());
    module.add("getpid", async || {
        Term::charlist(&std::process::id().to_string())
    });
    module.add("timestamp", async || time::timestamp());
    module.add("system_time", async || time::system());
    module.add("system_time", async |unit: Term| {
        time::converted(time::system(), &unit).ok_or_else(badarg)
    });
}
