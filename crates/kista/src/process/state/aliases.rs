use kista_etf::Reference;
use rustc_hash::FxHashMap;

/// For how long an alias is active: the options of `erlang:alias/1` and of `monitor/3`'s `alias`.
///
/// Whatever the mode, an alias ends with its process and by [`Me::unalias`](crate::Me::unalias).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AliasMode {
    /// `explicit_unalias`: until it is taken back.
    Explicit,
    /// `reply`: until the first message by it has come.
    Reply,
    /// `demonitor`: until its monitor is gone, by a DOWN or by a demonitor. Without a monitor the same as `Explicit`.
    Demonitor,
    /// `reply_demonitor`: as `Demonitor`, and until the first message by it has come, which takes the monitor back too.
    ReplyDemonitor,
}

/// The active aliases of a process. Most have none: then it is one null pointer.
#[derive(Default)]
pub(super) struct Aliases(Option<Box<FxHashMap<Reference, AliasMode>>>);

impl Aliases {
    pub(super) fn add(&mut self, alias: Reference, mode: AliasMode) {
        self.0.get_or_insert_default().insert(alias, mode);
    }

    pub(super) fn remove(&mut self, alias: &Reference) -> bool {
        let Some(active) = &mut self.0 else {
            return false;
        };
        let was_active = active.remove(alias).is_some();
        if active.is_empty() {
            self.0 = None;
        }
        was_active
    }

    pub(super) fn is_active(&self, alias: &Reference) -> bool {
        self.0
            .as_ref()
            .is_some_and(|active| active.contains_key(alias))
    }

    /// A message came by it. Its mode when it was active; one that takes one message is no more.
    pub(super) fn use_once(&mut self, alias: &Reference) -> Option<AliasMode> {
        let mode = *self.0.as_ref()?.get(alias)?;
        if matches!(mode, AliasMode::Reply | AliasMode::ReplyDemonitor) {
            self.remove(alias);
        }
        Some(mode)
    }

    /// The monitor of the same name fired or was given up.
    pub(super) fn monitor_is_gone(&mut self, reference: &Reference) {
        let mode = self.0.as_ref().and_then(|active| active.get(reference));
        if matches!(mode, Some(AliasMode::Demonitor | AliasMode::ReplyDemonitor)) {
            self.remove(reference);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |active| active.len())
    }
}
