use std::fmt;
use std::sync::Arc;

use kista_etf::{Atom, Pid, Reference, Term};

use super::error::PgError;
use super::pids::Pids;
use super::server::{Msg, ScopeServer};
use super::table::Table;
use crate::gen_server::ServerRef;
use crate::node::Node;
use crate::process::Me;

/// A scope on this node: its groups, and who is in them. Cheap to clone. See the [module](super) for the rules.
#[derive(Clone)]
pub struct Scope {
    node: Node,
    name: Atom,
    table: Arc<Table>,
}

impl Scope {
    pub(super) fn new(node: Node, name: Atom) -> Self {
        let table = node.pg_scopes().table(name);
        Self { node, name, table }
    }

    /// Its name: `pg`, unless it is another scope.
    pub fn name(&self) -> Atom {
        self.name
    }

    /// Processes of this node join: `pg:join/3`. When this has returned they are members here, and the others are being told.
    ///
    /// # Errors
    /// [`PgError`]; then nobody has joined.
    pub async fn join(&self, group: impl Into<Term>, pids: impl Pids) -> Result<(), PgError> {
        let (group, pids) = (group.into(), self.local(pids)?);
        let call = self.server();
        let call = call.call(|reply| Msg::Join(group, pids, reply)).forever();
        Ok(call.await?)
    }

    /// Processes of this node leave, each once for each time that it is named: `pg:leave/3`. False: none of them was a member.
    ///
    /// # Errors
    /// [`PgError`].
    pub async fn leave(&self, group: impl Into<Term>, pids: impl Pids) -> Result<bool, PgError> {
        let (group, pids) = (group.into(), self.local(pids)?);
        let call = self.server();
        let call = call.call(|reply| Msg::Leave(group, pids, reply)).forever();
        Ok(call.await?)
    }

    /// All members, in no order, each as often as it joined: `pg:get_members/2`.
    pub fn members(&self, group: impl Into<Term>) -> Vec<Pid> {
        self.table.members(&group.into())
    }

    /// The members of this node: `pg:get_local_members/2`.
    pub fn local_members(&self, group: impl Into<Term>) -> Vec<Pid> {
        self.table.local_members(&group.into())
    }

    /// The groups that have members: `pg:which_groups/1`.
    pub fn groups(&self) -> Vec<Term> {
        self.table.groups()
    }

    /// The groups that have members of this node: `pg:which_local_groups/1`.
    pub fn local_groups(&self) -> Vec<Term> {
        self.table.local_groups()
    }

    /// Has this process told of every change in a group, by a message that [`Change`](super::Change) reads, until it
    /// [takes that back](Self::demonitor) or ends. Gives the reference in those messages, and the members now: `pg:monitor/2`.
    ///
    /// # Errors
    /// [`PgError::Scope`].
    pub async fn monitor(
        &self,
        me: &Me,
        group: impl Into<Term>,
    ) -> Result<(Reference, Vec<Pid>), PgError> {
        let (reference, now) = self.watch(me.pid(), Some(group.into())).await?;
        let members = now.into_iter().next().map(|(_, pids)| pids);
        Ok((reference, members.unwrap_or_default()))
    }

    /// As [`monitor`](Self::monitor), of all groups: `pg:monitor_scope/1`.
    ///
    /// # Errors
    /// [`PgError::Scope`].
    pub async fn monitor_scope(
        &self,
        me: &Me,
    ) -> Result<(Reference, Vec<(Term, Vec<Pid>)>), PgError> {
        self.watch(me.pid(), None).await
    }

    /// Takes a monitor back. No further message is sent; what was sent before may still be unread. False: there was none.
    /// `pg:demonitor/2`.
    ///
    /// # Errors
    /// [`PgError::Scope`].
    pub async fn demonitor(&self, reference: Reference) -> Result<bool, PgError> {
        let call = self.server();
        let call = call
            .call(|reply| Msg::Demonitor(reference, reply))
            .forever();
        Ok(call.await?)
    }

    async fn watch(
        &self,
        who: Pid,
        group: Option<Term>,
    ) -> Result<(Reference, Vec<(Term, Vec<Pid>)>), PgError> {
        let reference = self.node.make_ref();
        let call = self.server();
        let call = call.call(|reply| Msg::Monitor(who, reference, group, reply));
        Ok((reference, call.forever().await?))
    }

    fn local(&self, pids: impl Pids) -> Result<Vec<Pid>, PgError> {
        let pids = pids.into_pids();
        match pids.iter().find(|pid| pid.node != self.node.name()) {
            Some(pid) => Err(PgError::NotLocal(*pid)),
            None => Ok(pids),
        }
    }

    fn server(&self) -> ServerRef<ScopeServer> {
        self.node.server(self.name)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({} on {})", self.name, self.node.name())
    }
}
