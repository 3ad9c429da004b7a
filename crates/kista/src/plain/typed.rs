use std::fmt;
use std::marker::PhantomData;

use kista_etf::Pid;

use super::receive::{Wanted, sealed};
use crate::gen_server::Message;
use crate::node::Node;
use crate::{Info, sys};

/// The first message that is one of a type.
pub struct As<M> {
    node: Node,
    /// Who answers the calls among them.
    pid: Pid,
    message: PhantomData<fn() -> M>,
}

impl<M> As<M> {
    pub(super) const fn new(node: Node, pid: Pid) -> Self {
        let message = PhantomData;
        Self { node, pid, message }
    }
}

impl<M> sealed::Sealed for As<M> {}

impl<M: Message> Wanted for As<M> {
    type Output = M;
    type Found = M;

    fn look(&mut self, info: &Info) -> Option<M> {
        let Info::Term(term) = info else { return None };
        let payload = self.node.payload(|e| e.term(term)).ok()?;
        sys::read_message(&self.node, self.pid, &payload)
    }

    fn output(message: M, _info: Info) -> M {
        message
    }
}

impl<M> fmt::Debug for As<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "As<{}>", std::any::type_name::<M>())
    }
}
