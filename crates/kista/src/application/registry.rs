//! What everybody may look at: which applications are known, loaded and running, and their environments. The controller writes
//! it; those who read wait for nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use kista_etf::{Atom, Pid, Term};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

use super::{Application, ApplicationInfo, StartType};

/// The values of environments, by application and key.
pub(crate) type Environments = BTreeMap<Atom, BTreeMap<String, Term>>;

/// All that is known of a node's applications.
pub(crate) struct Registry(RwLock<Tables>);

struct Tables {
    known: BTreeMap<Atom, Arc<Application>>,
    loaded: BTreeMap<Atom, Arc<Application>>,
    /// The last started first.
    running: Vec<Running>,
    masters: FxHashMap<Pid, Atom>,
    environments: Environments,
    /// What the node's configuration says, which comes before what the application says.
    configured: Environments,
}

struct Running {
    name: Atom,
    start_type: StartType,
}

impl Registry {
    pub(crate) fn new(known: Vec<Application>, configured: Environments) -> Self {
        let known = known.into_iter().map(|a| (a.name(), Arc::new(a)));
        Self(RwLock::new(Tables {
            known: known.collect(),
            loaded: BTreeMap::new(),
            running: Vec::new(),
            masters: FxHashMap::default(),
            environments: BTreeMap::new(),
            configured,
        }))
    }

    pub(super) fn add(&self, application: Application) {
        let application = Arc::new(application);
        let mut tables = self.0.write();
        tables.known.insert(application.name(), application);
    }

    /// The one that is loaded; else the one that would be.
    pub(super) fn find(&self, name: Atom) -> Option<Arc<Application>> {
        let tables = self.0.read();
        let found = tables.loaded.get(&name).or_else(|| tables.known.get(&name));
        found.cloned()
    }

    pub(crate) fn find_loaded(&self, name: Atom) -> Option<Arc<Application>> {
        self.0.read().loaded.get(&name).cloned()
    }

    pub(super) fn is_loaded(&self, name: Atom) -> bool {
        self.0.read().loaded.contains_key(&name)
    }

    pub(super) fn load(&self, application: Arc<Application>) {
        let name = application.name();
        let mut tables = self.0.write();
        let configured = tables.configured.get(&name).cloned().unwrap_or_default();
        let environment = tables.environments.entry(name).or_default();
        environment.extend(application.defaults().iter().cloned());
        environment.extend(configured);
        tables.known.insert(name, Arc::clone(&application));
        tables.loaded.insert(name, application);
    }

    pub(super) fn unload(&self, name: Atom) {
        let mut tables = self.0.write();
        tables.loaded.remove(&name);
        tables.environments.remove(&name);
    }

    pub(super) fn has_started(&self, name: Atom, start_type: StartType) {
        self.0
            .write()
            .running
            .insert(0, Running { name, start_type });
    }

    pub(super) fn has_ended(&self, name: Atom) {
        self.0
            .write()
            .running
            .retain(|running| running.name != name);
    }

    pub(super) fn add_master(&self, master: Pid, of: Atom) {
        self.0.write().masters.insert(master, of);
    }

    pub(super) fn forget_master(&self, master: Pid) {
        self.0.write().masters.remove(&master);
    }

    /// The application whose processes have this group leader.
    pub(crate) fn of_leader(&self, leader: Pid) -> Option<Atom> {
        self.0.read().masters.get(&leader).copied()
    }

    pub(super) fn master(&self, name: Atom) -> Option<Pid> {
        let tables = self.0.read();
        let mut masters = tables.masters.iter();
        masters.find(|(_, of)| **of == name).map(|(pid, _)| *pid)
    }

    pub(super) fn start_type(&self, name: Atom) -> Option<StartType> {
        let tables = self.0.read();
        let mut running = tables.running.iter();
        let found = running.find(|running| running.name == name);
        found.map(|running| running.start_type)
    }

    pub(super) fn running(&self) -> Vec<ApplicationInfo> {
        let tables = self.0.read();
        let running = tables.running.iter();
        running
            .filter_map(|running| tables.loaded.get(&running.name))
            .map(|application| ApplicationInfo::of(application))
            .collect()
    }

    pub(super) fn loaded(&self) -> Vec<ApplicationInfo> {
        let tables = self.0.read();
        let loaded = tables.loaded.values();
        loaded
            .map(|application| ApplicationInfo::of(application))
            .collect()
    }

    pub(crate) fn env(&self, name: Atom, key: &str) -> Option<Term> {
        self.0.read().environments.get(&name)?.get(key).cloned()
    }

    pub(super) fn all_env(&self, name: Atom) -> Vec<(String, Term)> {
        let tables = self.0.read();
        let environment = tables.environments.get(&name).into_iter().flatten();
        environment
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(super) fn set_env(&self, name: Atom, key: &str, value: Term) -> Option<Term> {
        let mut tables = self.0.write();
        let environment = tables.environments.entry(name).or_default();
        environment.insert(key.to_owned(), value)
    }

    pub(super) fn unset_env(&self, name: Atom, key: &str) -> Option<Term> {
        self.0.write().environments.get_mut(&name)?.remove(key)
    }
}
