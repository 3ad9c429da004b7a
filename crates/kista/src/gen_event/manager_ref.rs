use std::fmt;

use kista_etf::{Atom, Encode, EncodeError, Encoder, Term};

use super::request::{reread, to_term};
use super::{EventHandler, EventType, Handler, HandlerId, ManagerMsg};
use crate::gen_server::{Address, CallError, Client, Sent};
use crate::node::Request;
use crate::process::current;
use crate::{ExitReason, Pid};

/// A handle of an event manager, here or on another node, Kista's or Erlang's. Cheap to clone; keeps nothing alive.
///
/// It is what a `ServerRef<Manager<E>>` dereferences to, so these are the methods of what
/// [`Node::spawn`](crate::Node::spawn) and [`Node::server`](crate::Node::server) return. Requests wait for their turn
/// without a time limit, as OTP's do.
pub struct EventManager<E: EventType>(Address<ManagerMsg<E>>);

/// Why a manager did not do what it was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManagerError {
    /// The manager has no handler of this name.
    #[error("the manager has no such handler")]
    NoHandler,
    /// The handler failed: it was not added, or it is removed now. A panic is `{panic, Text}`.
    #[error("the handler failed: {0}")]
    Failed(ExitReason),
    /// Only a process can supervise a handler.
    #[error("a handler is supervised by a process: call this from one")]
    NotAProcess,
    /// The manager is on another node, or has another type of events, and a handler of this program cannot go there:
    /// [`EventManager::add_by_name`] adds one that is there already.
    #[error("a handler does not leave its node: add one that is there by its name")]
    Elsewhere,
    /// The manager was not reached, or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl<E: EventType> EventManager<E> {
    /// Sends an event to all handlers, and waits for nothing: `gen_event:notify/2`.
    pub fn notify(&self, event: E) -> Sent {
        self.0.cast(ManagerMsg::Notify(event))
    }

    /// Sends an event, and waits until all handlers have had it: `gen_event:sync_notify/2`.
    ///
    /// # Errors
    /// When the manager was not reached, or ended.
    pub async fn sync_notify(&self, event: E) -> Result<(), CallError> {
        if self.is_typed() {
            let ask = |reply| ManagerMsg::SyncNotify(event, reply);
            return self.0.call(ask).forever().await;
        }
        let _: Term = self.request(&(word("sync_notify"), event)).await?;
        Ok(())
    }

    /// Adds a handler, in front of the others: `gen_event:add_handler/3`. Its `init` has run when this returns.
    ///
    /// # Errors
    /// [`ManagerError::Failed`] when `init` failed, [`ManagerError::Elsewhere`], [`ManagerError::Call`].
    pub async fn add_handler(
        &self,
        id: impl Into<HandlerId>,
        handler: impl EventHandler<E>,
    ) -> Result<(), ManagerError> {
        self.add(id.into(), Handler::new(handler), None).await
    }

    /// Adds a handler and supervises it: when it goes, whyever, the calling process gets the message
    /// `{gen_event_EXIT, Handler, Reason}`, and when the process ends, so does the handler.
    ///
    /// The process and the manager are linked from now on; a process that does not want to end with the manager traps exits.
    ///
    /// # Errors
    /// As [`add_handler`](Self::add_handler); [`ManagerError::NotAProcess`].
    pub async fn add_sup_handler(
        &self,
        id: impl Into<HandlerId>,
        handler: impl EventHandler<E>,
    ) -> Result<(), ManagerError> {
        let supervisor = self.caller()?;
        self.add(id.into(), Handler::new(handler), Some(supervisor))
            .await
    }

    /// Adds a handler that the manager knows by name: a callback module of Erlang, or one that a manager of Kista was made
    /// with ([`manager_with`](super::manager_with)).
    ///
    /// # Errors
    /// [`ManagerError::Failed`] with what the manager answered.
    pub async fn add_by_name(
        &self,
        id: impl Into<HandlerId>,
        args: &impl Encode,
    ) -> Result<(), ManagerError> {
        let request = (word("add_handler"), id.into(), Verbatim(args));
        self.done(self.request(&request).await?)
    }

    /// Takes a handler away and gives what its `terminate` returned: `gen_event:delete_handler/3`.
    ///
    /// # Errors
    /// [`ManagerError::NoHandler`], [`ManagerError::Call`].
    pub async fn delete_handler(
        &self,
        id: impl Into<HandlerId>,
        args: impl Into<Term>,
    ) -> Result<Term, ManagerError> {
        let (id, args) = (id.into(), args.into());
        if self.is_typed() {
            let ask = |reply| ManagerMsg::Delete { id, args, reply };
            let left = self.0.call(ask).forever().await?;
            return left.ok_or(ManagerError::NoHandler);
        }
        let left: Term = self.request(&(word("delete_handler"), id, args)).await?;
        match is_error(&left, "module_not_found") {
            true => Err(ManagerError::NoHandler),
            false => Ok(left),
        }
    }

    /// Replaces a handler: the `init` of the new one gets what the `terminate` of the old one returns. If there is no old
    /// one it gets the atom `error`. The new one has the supervisor of the old one: `gen_event:swap_handler/3`.
    ///
    /// # Errors
    /// As [`add_handler`](Self::add_handler); the old one is gone then.
    pub async fn swap_handler(
        &self,
        old: impl Into<HandlerId>,
        args: impl Into<Term>,
        new: impl Into<HandlerId>,
        handler: impl EventHandler<E>,
    ) -> Result<(), ManagerError> {
        let old = (old.into(), args.into());
        self.swap(old, (new.into(), Handler::new(handler)), None)
            .await
    }

    /// As [`swap_handler`](Self::swap_handler); the calling process supervises the new one.
    ///
    /// # Errors
    /// As [`add_sup_handler`](Self::add_sup_handler).
    pub async fn swap_sup_handler(
        &self,
        old: impl Into<HandlerId>,
        args: impl Into<Term>,
        new: impl Into<HandlerId>,
        handler: impl EventHandler<E>,
    ) -> Result<(), ManagerError> {
        let supervisor = Some(self.caller()?);
        let old = (old.into(), args.into());
        self.swap(old, (new.into(), Handler::new(handler)), supervisor)
            .await
    }

    /// Asks one handler and gives its answer as `T`: `gen_event:call/3`.
    ///
    /// # Errors
    /// [`ManagerError::NoHandler`]; [`ManagerError::Failed`] when the handler failed, which removes it;
    /// [`ManagerError::Call`], also when the answer is no `T`.
    pub async fn call_handler<T: kista_etf::DecodeOwned>(
        &self,
        id: impl Into<HandlerId>,
        request: &impl Encode,
    ) -> Result<T, ManagerError> {
        let id = id.into();
        let answer = if self.is_typed() {
            let request = to_term(request).map_err(CallError::Request)?;
            let ask = |reply| ManagerMsg::Call { id, request, reply };
            match self.0.call(ask).forever().await? {
                None => return Err(ManagerError::NoHandler),
                Some(answer) => answer.map_err(ManagerError::Failed)?,
            }
        } else {
            let request = (word("call"), id, Verbatim(request));
            let answer: Term = self.request(&request).await?;
            if is_error(&answer, "bad_module") {
                return Err(ManagerError::NoHandler);
            }
            if let Some([why]) = answer.as_tagged("error")
                && why.as_tagged("EXIT").is_some()
            {
                return Err(ManagerError::Failed(reason_of(why)));
            }
            answer
        };
        let read = reread(&answer);
        read.map_err(|error| ManagerError::Call(CallError::Reply(error)))
    }

    /// The names of all handlers, the newest first: `gen_event:which_handlers/1`.
    ///
    /// # Errors
    /// When the manager was not reached.
    pub async fn which_handlers(&self) -> Result<Vec<HandlerId>, CallError> {
        match self.is_typed() {
            true => self.0.call(ManagerMsg::WhichHandlers).forever().await,
            false => self.request(&word("which_handlers")).await,
        }
    }

    async fn add(
        &self,
        id: HandlerId,
        handler: Handler<E>,
        supervisor: Option<Pid>,
    ) -> Result<(), ManagerError> {
        self.must_be_typed()?;
        let ask = |reply| ManagerMsg::Add {
            id,
            handler,
            supervisor,
            reply,
        };
        let added = self.0.call(ask).forever().await?;
        added.map_err(ManagerError::Failed)
    }

    async fn swap(
        &self,
        old: (HandlerId, Term),
        new: (HandlerId, Handler<E>),
        supervisor: Option<Pid>,
    ) -> Result<(), ManagerError> {
        self.must_be_typed()?;
        let ask = |reply| ManagerMsg::Swap {
            old,
            new,
            supervisor,
            reply,
        };
        let swapped = self.0.call(ask).forever().await?;
        swapped.map_err(ManagerError::Failed)
    }

    /// Whether the manager takes moved values: it is here and of this type, or it is nowhere.
    fn is_typed(&self) -> bool {
        let (node, dest) = (self.0.node(), self.0.dest());
        node.local_process::<ManagerMsg<E>>(dest).is_some() || !node.is_alive(dest)
    }

    fn must_be_typed(&self) -> Result<(), ManagerError> {
        match self.is_typed() {
            true => Ok(()),
            false => Err(ManagerError::Elsewhere),
        }
    }

    fn caller(&self) -> Result<Pid, ManagerError> {
        current::pid_on(self.0.node()).ok_or(ManagerError::NotAProcess)
    }

    fn request<T: kista_etf::DecodeOwned>(&self, request: &impl Encode) -> Request<T> {
        // OTP puts the caller's pid in the label's place, and reads nothing out of it.
        let label = word("gen_event");
        Request::new(self.0.node(), self.0.dest(), label, request).forever()
    }

    fn done(&self, answer: Term) -> Result<(), ManagerError> {
        match answer.is_atom("ok") {
            true => Ok(()),
            false => Err(ManagerError::Failed(reason_of(&answer))),
        }
    }
}

/// A value that stays borrowed inside a tuple.
struct Verbatim<'a, T>(&'a T);

impl<T: Encode> Encode for Verbatim<'_, T> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        self.0.encode(e)
    }
}

fn word(text: &'static str) -> Atom {
    Atom::from_static(text)
}

/// `{error, What}`.
fn is_error(answer: &Term, what: &str) -> bool {
    matches!(answer.as_tagged("error"), Some([why]) if why.is_atom(what))
}

/// What stands in `{'EXIT', Reason}` or `{error, Reason}`.
fn reason_of(answer: &Term) -> ExitReason {
    let inner = answer
        .as_tagged("EXIT")
        .or_else(|| answer.as_tagged("error"));
    match inner {
        Some([reason]) => ExitReason::from(reason.clone()),
        _ => ExitReason::from(answer.clone()),
    }
}

impl<E: EventType> From<Address<ManagerMsg<E>>> for EventManager<E> {
    fn from(address: Address<ManagerMsg<E>>) -> Self {
        Self(address)
    }
}

impl<E: EventType> Client<ManagerMsg<E>> for EventManager<E> {
    fn address(&self) -> &Address<ManagerMsg<E>> {
        &self.0
    }
}

impl<E: EventType> Clone for EventManager<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: EventType> fmt::Debug for EventManager<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventManager({})", self.0.dest())
    }
}
