use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use kista_etf::{Atom, atoms};

use super::call::Call;
use super::registry::ViaName;
use super::reply_to::{CallSlot, ReplyTo};
use super::{CallError, Message, SendError, Sent, WireKind};
use crate::node::{Node, Outcall};
use crate::process::{Dest, NotTaken, Process, Room, Signal, current};

/// Where a server that takes `M` is reached: on this node, by moving values; elsewhere, by encoding them.
///
/// Users mostly hold a [`ServerRef`](crate::ServerRef), which wraps one. An address by name or by pid looks the process
/// up at each use; a local process of the same type gets the moved value also then.
pub struct Address<M>(Inner<M>);

enum Inner<M> {
    Local(Arc<Process<M>>),
    Looked { node: Node, dest: Dest },
    Via { node: Node, via: Box<ViaName> },
}

/// What a `ServerRef` dereferences to: an [`Address`], or the generated methods around one.
pub trait Client<M: Message>: From<Address<M>> + Clone + Send + Sync + 'static {
    /// The address underneath.
    fn address(&self) -> &Address<M>;
}

impl<M: Message> Client<M> for Address<M> {
    fn address(&self) -> &Self {
        self
    }
}

impl<M: Message> Address<M> {
    pub(crate) fn local(process: Arc<Process<M>>) -> Self {
        Self(Inner::Local(process))
    }

    pub(crate) fn looked_up(node: Node, dest: Dest) -> Self {
        Self(Inner::Looked { node, dest })
    }

    pub(crate) fn via(node: Node, via: ViaName) -> Self {
        let via = Box::new(via);
        Self(Inner::Via { node, via })
    }

    /// Asks and waits for the answer: `address.call(|reply| Msg::Add(2, reply)).await?`.
    ///
    /// Nothing is sent before the first poll. The time allowed is 5 s unless [`Call::timeout`] says otherwise.
    pub fn call<T, F>(&self, request: F) -> Call<'_, M, T>
    where
        T: Send + 'static,
        F: FnOnce(ReplyTo<T>) -> M,
    {
        let bound_to = self.process().map(|process| process.pid());
        let slot = CallSlot::bound(bound_to, M::kind_name);
        let message = request(ReplyTo::local(Arc::clone(&slot)));
        Call::new(self, message, slot)
    }

    /// Sends and waits for nothing. To a dead process it is dropped, as in Erlang.
    #[inline(always)]
    pub fn cast(&self, message: M) -> Sent {
        match &self.0 {
            Inner::Local(process) => Self::cast_local(process, message),
            Inner::Looked { .. } | Inner::Via { .. } => self.cast_looked_up(message),
        }
    }

    #[inline(always)]
    fn cast_local(process: &Process<M>, message: M) -> Sent {
        current::count_sent();
        match process.push(|| Signal::Message(message)) {
            Ok(None) => Sent::done(),
            other => Self::not_simply_sent(process, other),
        }
    }

    #[cold]
    fn not_simply_sent(
        process: &Process<M>,
        pushed: Result<Option<Arc<dyn Room>>, NotTaken<M>>,
    ) -> Sent {
        match pushed {
            Ok(None) => Sent::done(),
            Ok(Some(room)) => {
                current::hold(Arc::clone(&room));
                Sent::busy(room)
            }
            // The process has ended. The message is dropped here.
            Err(NotTaken::Ended(_)) => Sent::done(),
            Err(NotTaken::Divert(Signal::Message(message), fallback)) => {
                let node = process.node();
                Self::cast_encoded(node, node.name(), Dest::Name(fallback), &message)
            }
            Err(NotTaken::Overloaded(_) | NotTaken::Divert(..)) => {
                Sent::failed(SendError::Overloaded)
            }
        }
    }

    fn cast_looked_up(&self, message: M) -> Sent {
        match self.resolve() {
            Resolved::Local(process) => Self::cast_local(&process, message),
            Resolved::Nobody => Sent::done(),
            Resolved::Wire(node, peer, dest) => Self::cast_encoded(node, peer, dest, &message),
        }
    }

    fn cast_encoded(node: &Node, peer: Atom, dest: Dest, message: &M) -> Sent {
        let plain = message.wire_kind() == Some(WireKind::Info);
        node.send_there(peer, dest, |e| {
            if !plain {
                e.tuple(2);
                e.atom(atoms::GEN_CAST);
            }
            if message.encode(e)? == WireKind::Info && !plain {
                // A plain message after all: written again without the wrapping.
                e.clear();
                message.encode(e)?;
            }
            Ok(())
        })
    }

    /// Where messages go. For a name in another registry: to whom they would go now; a pid that nobody has, when that is
    /// nobody.
    pub fn dest(&self) -> Dest {
        match &self.0 {
            Inner::Local(process) => Dest::Pid(process.pid()),
            Inner::Looked { dest, .. } => *dest,
            Inner::Via { node, via } => {
                let pid = via.whereis().unwrap_or_else(|| node.outside());
                Dest::Pid(pid)
            }
        }
    }

    /// The process, when this is bound to one of this node.
    pub(super) fn process(&self) -> Option<&Process<M>> {
        match &self.0 {
            Inner::Local(process) => Some(process),
            Inner::Looked { .. } | Inner::Via { .. } => None,
        }
    }

    pub(crate) fn node(&self) -> &Node {
        match &self.0 {
            Inner::Local(process) => process.node(),
            Inner::Looked { node, .. } | Inner::Via { node, .. } => node,
        }
    }

    pub(super) fn resolve(&self) -> Resolved<'_, M> {
        match &self.0 {
            Inner::Local(process) => Resolved::Local(Cow::Borrowed(process)),
            Inner::Looked { node, dest } => Self::look_up(node, *dest),
            Inner::Via { node, via } => match via.whereis() {
                Some(pid) => Self::look_up(node, Dest::Pid(pid)),
                None => Resolved::Nobody,
            },
        }
    }

    fn look_up(node: &Node, dest: Dest) -> Resolved<'_, M> {
        let peer = node.node_of(dest);
        if peer != node.name() {
            // What is elsewhere counts as alive.
            return Resolved::Wire(node, peer, dest);
        }
        match node.local_process::<M>(dest) {
            Some(process) => Resolved::Local(Cow::Owned(process)),
            None if node.is_alive(dest) => Resolved::Wire(node, peer, dest),
            None => Resolved::Nobody,
        }
    }

    /// Starts a call that goes encoded. The message's own token arms the slot with the answer's decoder.
    pub(super) fn start_outcall(
        node: &Node,
        dest: Dest,
        message: &M,
    ) -> Result<Outcall, CallError> {
        Outcall::start(node, dest, |e| match message.encode(e)? {
            WireKind::Call => Ok(()),
            WireKind::Cast | WireKind::Info => Err(kista_etf::EncodeError::custom(
                "this message is not a call: it carries no reply token",
            )),
        })
    }

    /// Whether a call by the running process would wait for itself.
    pub(super) fn is_self(process: &Process<M>) -> bool {
        current::pid_on(process.node()) == Some(process.pid())
    }
}

/// An address after the look-up.
pub(super) enum Resolved<'a, M> {
    Local(Cow<'a, Arc<Process<M>>>),
    /// On that node; or on this one, with another message type.
    Wire(&'a Node, Atom, Dest),
    /// It would be here, and is not.
    Nobody,
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Inner::Local(process) => Inner::Local(Arc::clone(process)),
            Inner::Looked { node, dest } => Inner::Looked {
                node: node.clone(),
                dest: *dest,
            },
            Inner::Via { node, via } => Inner::Via {
                node: node.clone(),
                via: via.clone(),
            },
        })
    }
}

impl<M: Message> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Via { via, .. } => write!(f, "Address({via})"),
            _ => write!(f, "Address({})", self.dest()),
        }
    }
}
