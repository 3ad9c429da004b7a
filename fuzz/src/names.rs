//! The few atoms that exist before any input is read, and the quota that lets no more be made.

use std::sync::LazyLock;

use kista_etf::{Atom, AtomName, AtomQuota, Limits};

/// No new atoms: every other name stays text.
pub(crate) static QUOTA: AtomQuota = AtomQuota::new(0);

/// The same for what takes limits and no quota. The process's table grows by whole blocks, which no input pays for.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::DEFAULT;
    limits.new_atoms = 0;
    limits
}

/// A message's atom table: interned names and one that is not.
pub(crate) static TABLE: LazyLock<Vec<AtomName>> = LazyLock::new(|| {
    let known = ["ok", "error", "nonode@nohost", "a", "b", "name", "items"];
    let mut table: Vec<AtomName> = known
        .iter()
        .map(|name| AtomName::from(Atom::new(name).expect("short")))
        .collect();
    table.push(AtomName::text("beyond the quota").expect("short"));
    table
});
