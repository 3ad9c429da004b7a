use std::any::TypeId;
use std::fmt;

use kista_etf::{Pid, Term};

use super::Supervisor;
use super::answer::{ChildInfo, Counts};
use super::child::{Child, ChildId};
use super::error::SupervisorError;
use super::request::{Answer, Request, SupervisorMsg};
use crate::gen_server::{Address, CallError, Client, GenServer, ServerRef};

/// A handle of a supervisor; on another node it can be one of Erlang's or Elixir's.
pub type SupervisorRef = ServerRef<Supervisor>;

/// What a [`SupervisorRef`] dereferences to. Each method waits for as long as the supervisor lives, as in OTP: it may be busy with a
/// child that takes its time to start or to end.
#[derive(Clone)]
pub struct SupervisorClient(Address<SupervisorMsg>);

impl From<Address<SupervisorMsg>> for SupervisorClient {
    fn from(address: Address<SupervisorMsg>) -> Self {
        Self(address)
    }
}

impl Client<SupervisorMsg> for SupervisorClient {
    fn address(&self) -> &Address<SupervisorMsg> {
        &self.0
    }
}

impl SupervisorClient {
    /// Adds a child behind the others and starts it: `supervisor:start_child/2`. `None` when it chose not to start; unless it is
    /// temporary it stays known then.
    ///
    /// # Errors
    /// [`SupervisorError::AlreadyStarted`], [`AlreadyPresent`](SupervisorError::AlreadyPresent),
    /// [`Start`](SupervisorError::Start), [`Spec`](SupervisorError::Spec), [`SimpleOneForOne`](SupervisorError::SimpleOneForOne).
    /// A child that did not start is not kept.
    pub async fn start_child(&self, child: Child) -> Result<Option<Pid>, SupervisorError> {
        self.ask(|reply| Request::StartChild(Box::new(child), reply))
            .await
    }

    /// Starts a child of a `simple_one_for_one` from this argument: see [`Child::dynamic`].
    ///
    /// # Errors
    /// [`SupervisorError::Start`], [`OtherArgument`](SupervisorError::OtherArgument),
    /// [`NotSimpleOneForOne`](SupervisorError::NotSimpleOneForOne).
    pub async fn start_with<A: Send + 'static>(
        &self,
        argument: A,
    ) -> Result<Option<Pid>, SupervisorError> {
        self.ask(|reply| Request::StartWith(Box::new(argument), reply))
            .await
    }

    /// Starts a child of a `simple_one_for_one`, here or on another node, from extra arguments: `supervisor:start_child(Sup, Args)`.
    ///
    /// # Errors
    /// As [`start_with`](Self::start_with); [`SupervisorError::LocalOnly`].
    pub async fn start_with_terms(
        &self,
        arguments: impl IntoIterator<Item = Term>,
    ) -> Result<Option<Pid>, SupervisorError> {
        let arguments = Term::list(arguments);
        self.ask(|reply| Request::StartRemote(arguments, reply))
            .await
    }

    /// Stops a child, as its specification says: `supervisor:terminate_child/2`. It stays known and is not restarted by
    /// itself, unless it is temporary: then it is forgotten.
    ///
    /// # Errors
    /// [`SupervisorError::NotFound`], [`SimpleOneForOne`](SupervisorError::SimpleOneForOne).
    pub async fn terminate_child(&self, id: impl Into<ChildId>) -> Result<(), SupervisorError> {
        let id = id.into();
        self.ask(|reply| Request::Terminate(id, reply)).await
    }

    /// Stops a child of a `simple_one_for_one`. A process that has ended already is no error.
    ///
    /// # Errors
    /// [`SupervisorError::NotFound`]: it lives, and is not a child of this supervisor.
    pub async fn terminate_pid(&self, pid: Pid) -> Result<(), SupervisorError> {
        self.terminate_child(Term::from(pid)).await
    }

    /// Starts a child again that was terminated or ended for good: `supervisor:restart_child/2`.
    ///
    /// # Errors
    /// [`SupervisorError::NotFound`], [`Running`](SupervisorError::Running), [`Restarting`](SupervisorError::Restarting),
    /// [`Start`](SupervisorError::Start), [`SimpleOneForOne`](SupervisorError::SimpleOneForOne).
    pub async fn restart_child(
        &self,
        id: impl Into<ChildId>,
    ) -> Result<Option<Pid>, SupervisorError> {
        let id = id.into();
        self.ask(|reply| Request::Restart(id, reply)).await
    }

    /// Forgets a child that does not run: `supervisor:delete_child/2`.
    ///
    /// # Errors
    /// [`SupervisorError::NotFound`], [`Running`](SupervisorError::Running), [`Restarting`](SupervisorError::Restarting),
    /// [`SimpleOneForOne`](SupervisorError::SimpleOneForOne).
    pub async fn delete_child(&self, id: impl Into<ChildId>) -> Result<(), SupervisorError> {
        let id = id.into();
        self.ask(|reply| Request::Delete(id, reply)).await
    }

    /// All children, the last started first: `supervisor:which_children/1`.
    ///
    /// # Errors
    /// The supervisor did not answer.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, CallError> {
        let call = self
            .0
            .call(|reply| SupervisorMsg(Request::WhichChildren(reply)));
        call.forever().await
    }

    /// One child; of a `simple_one_for_one` by its pid: `supervisor:which_child/2`, which OTP has since 28.
    ///
    /// # Errors
    /// [`SupervisorError::NotFound`]; [`SimpleOneForOne`](SupervisorError::SimpleOneForOne) when it is no pid there.
    pub async fn which_child(&self, id: impl Into<ChildId>) -> Result<ChildInfo, SupervisorError> {
        let id = id.into();
        self.ask(|reply| Request::WhichChild(id, reply)).await
    }

    /// How many there are: `supervisor:count_children/1`.
    ///
    /// # Errors
    /// The supervisor did not answer.
    pub async fn count_children(&self) -> Result<Counts, CallError> {
        let call = self
            .0
            .call(|reply| SupervisorMsg(Request::CountChildren(reply)));
        call.forever().await
    }

    /// The specification of a child as Erlang sees it, a map: `supervisor:get_childspec/2`. In a `simple_one_for_one` a pid is
    /// as good as the id.
    ///
    /// # Errors
    /// [`SupervisorError::NotFound`].
    pub async fn childspec(&self, id: impl Into<ChildId>) -> Result<Term, SupervisorError> {
        let id = id.into();
        self.ask(|reply| Request::Childspec(id, reply)).await
    }

    /// The child of this id as what it is, while it runs. The handle is of the process that runs now; for one that finds the
    /// child also after a restart give it a [`name`](Child::name).
    ///
    /// # Errors
    /// [`SupervisorError::NotFound`] also when it does not run; [`OtherServer`](SupervisorError::OtherServer).
    pub async fn child<S: GenServer>(
        &self,
        id: impl Into<ChildId>,
    ) -> Result<ServerRef<S>, SupervisorError> {
        let id = id.into();
        let pid = self
            .ask(|reply| Request::Find(id, TypeId::of::<S>(), reply))
            .await?;
        Ok(self.0.node().server::<S>(pid))
    }

    async fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(Answer<T>) -> Request,
    ) -> Result<T, SupervisorError> {
        let call = self.0.call(|reply| SupervisorMsg(request(reply)));
        call.forever().await?
    }
}

impl fmt::Debug for SupervisorClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SupervisorClient({})", self.0.dest())
    }
}
