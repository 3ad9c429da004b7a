//! The table of names that an EPMD serves.
//!
//! Rules: a name belongs to the connection that registered it, until that connection closes; only the holder of the
//! [`RegisteredName`] can give it back. Every registration gets another creation, never 0 to 3. Names and bytes are capped.

use std::collections::BTreeMap;

use super::NodeInfo;

/// How much a [`Registry`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryLimits {
    /// Most names at once. Default 4096.
    pub names: usize,
    /// Longest name in bytes. Default 255.
    pub name_bytes: usize,
    /// Longest `extra` in bytes. Default 256.
    pub extra_bytes: usize,
}

impl Default for RegistryLimits {
    fn default() -> Self {
        Self {
            names: 4096,
            name_bytes: 255,
            extra_bytes: 256,
        }
    }
}

/// The right to a registered name. Give it to [`Registry::unregister`] when the connection closes.
#[derive(Debug, PartialEq, Eq)]
pub struct RegisteredName {
    name: String,
    id: u64,
    creation: u32,
}

impl RegisteredName {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The creation that was given to the node.
    #[must_use]
    pub fn creation(&self) -> u32 {
        self.creation
    }
}

/// Why a name was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusedName {
    /// A living node has it.
    #[error("a node of that name is registered")]
    Taken,
    /// Empty.
    #[error("the name is empty")]
    Empty,
    /// Longer than the limit, or its `extra` is.
    #[error("the name or its extra bytes are too long")]
    TooLong,
    /// Control characters, which would break the lists that humans read.
    #[error("the name contains control characters")]
    BadName,
    /// The table is full.
    #[error("the table of names is full")]
    Full,
}

#[derive(Debug)]
struct Entry {
    info: NodeInfo,
    id: u64,
}

/// The names of the nodes on this host.
///
/// ```
/// use kista_dist::epmd::{NodeInfo, Registry, RegistryLimits};
/// let mut registry = Registry::new(4369, 1000, RegistryLimits::default());
/// let held = registry.register(NodeInfo::new("demo", 5000, false)).unwrap();
/// assert_eq!(registry.lookup("demo").unwrap().port, 5000);
/// registry.unregister(held);
/// assert!(registry.lookup("demo").is_none());
/// ```
#[derive(Debug)]
pub struct Registry {
    port: u16,
    next_creation: u32,
    next_id: u64,
    limits: RegistryLimits,
    entries: BTreeMap<String, Entry>,
}

impl Registry {
    /// An empty table of an EPMD that listens at `port`. `seed` is where creations begin: take a random number, so that they
    /// differ after a restart.
    #[must_use]
    pub fn new(port: u16, seed: u32, limits: RegistryLimits) -> Self {
        Self {
            port,
            next_creation: seed,
            next_id: 0,
            limits,
            entries: BTreeMap::new(),
        }
    }

    /// The port that this EPMD listens at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Registers a node.
    ///
    /// # Errors
    /// [`RefusedName`].
    pub fn register(&mut self, info: NodeInfo) -> Result<RegisteredName, RefusedName> {
        if info.name.is_empty() {
            return Err(RefusedName::Empty);
        }
        if info.name.len() > self.limits.name_bytes || info.extra.len() > self.limits.extra_bytes {
            return Err(RefusedName::TooLong);
        }
        if info.name.chars().any(char::is_control) {
            return Err(RefusedName::BadName);
        }
        if self.entries.contains_key(&info.name) {
            return Err(RefusedName::Taken);
        }
        if self.entries.len() >= self.limits.names {
            return Err(RefusedName::Full);
        }
        let creation = self.next_creation.max(4);
        self.next_creation = creation.wrapping_add(1);
        self.next_id += 1;
        let name = info.name.clone();
        self.entries.insert(
            name.clone(),
            Entry {
                info,
                id: self.next_id,
            },
        );
        Ok(RegisteredName {
            name,
            id: self.next_id,
            creation,
        })
    }

    /// Takes a name back.
    pub fn unregister(&mut self, held: RegisteredName) {
        if self
            .entries
            .get(&held.name)
            .is_some_and(|entry| entry.id == held.id)
        {
            self.entries.remove(&held.name);
        }
    }

    /// What is known of a node.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<&NodeInfo> {
        self.entries.get(name).map(|entry| &entry.info)
    }

    /// All nodes, by name.
    pub fn iter(&self) -> impl Iterator<Item = &NodeInfo> {
        self.entries.values().map(|entry| &entry.info)
    }

    /// How many names are registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The reply to DUMP, with the NUL bytes that the C program sends.
    pub(super) fn dump(&self) -> Vec<u8> {
        let mut out = u32::from(self.port).to_be_bytes().to_vec();
        for entry in self.entries.values() {
            let NodeInfo { name, port, .. } = &entry.info;
            out.extend_from_slice(
                format!(
                    "active name     <{name}> at port {port}, fd = {}\n\0",
                    entry.id
                )
                .as_bytes(),
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str) -> NodeInfo {
        NodeInfo::new(name, 1, false)
    }

    #[test]
    fn a_living_name_is_not_taken_over() {
        let mut r = Registry::new(4369, 0, RegistryLimits::default());
        let first = r.register(info("a")).unwrap();
        assert_eq!(r.register(info("a")), Err(RefusedName::Taken));
        let stale = RegisteredName {
            name: "a".into(),
            id: 99,
            creation: 0,
        };
        r.unregister(stale);
        assert!(r.lookup("a").is_some(), "only the holder gives a name back");
        let creation = first.creation();
        r.unregister(first);
        assert_ne!(
            r.register(info("a")).unwrap().creation(),
            creation,
            "a restart must be told apart"
        );
    }

    #[test]
    fn creations_are_never_legacy_values() {
        let mut r = Registry::new(4369, u32::MAX, RegistryLimits::default());
        assert_eq!(r.register(info("a")).unwrap().creation(), u32::MAX);
        assert_eq!(r.register(info("b")).unwrap().creation(), 4);
    }

    #[test]
    fn floods_of_names_end_at_the_cap() {
        let mut r = Registry::new(
            4369,
            9,
            RegistryLimits {
                names: 2,
                ..RegistryLimits::default()
            },
        );
        r.register(info("a")).unwrap();
        r.register(info("b")).unwrap();
        assert_eq!(r.register(info("c")), Err(RefusedName::Full));
        assert_eq!(
            r.register(info(&"x".repeat(256))),
            Err(RefusedName::TooLong)
        );
        assert_eq!(r.register(info("")), Err(RefusedName::Empty));
        assert_eq!(
            r.register(info("a\nname b at port 1")),
            Err(RefusedName::BadName)
        );
    }
}
