use std::any::Any;

use kista_etf::{Atom, Term};

/// What `sys` knows of a behaviour, and may do to it. A behaviour makes one of these from a borrow of its state each time
/// it asks its [`Inbox`](super::Inbox) for the next event: nothing is kept, so nothing is paid for it while idle.
pub(crate) trait Behaviour: Send {
    /// The OTP module of this behaviour, which `get_status` names: `gen_server`.
    fn module(&self) -> Atom;

    /// What `get_state` answers.
    fn state(&self) -> Term;

    /// What `get_status` tells behind its header: by default `[{data, [{"State", State}]}]`.
    fn status(&self) -> Vec<Term> {
        vec![super::status::data([("State", self.state())])]
    }

    /// The value that a local `replace_state` changes; its closure names the type.
    fn replaceable(&mut self) -> &mut dyn Any;
}
