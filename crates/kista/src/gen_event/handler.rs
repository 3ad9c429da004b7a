use std::fmt;
use std::future::Future;
use std::pin::Pin;

use kista_etf::{Atom, Binary, Term, atoms};

use super::{EventType, HandlerId};
use crate::process::Me;
use crate::{ExitReason, Info};

/// One of the handlers of a manager: state, and what it does with each event.
///
/// All callbacks run in the manager's process, one at a time: while one awaits, the manager's other events wait. A
/// callback that panics or returns [`Handled::Fail`] costs its own handler only. `me` is the manager's process.
///
/// Source: *gen_event Behaviour* in OTP Design Principles; the `gen_event` module of STDLIB.
pub trait EventHandler<E: EventType>: Send + 'static {
    /// The first act, when it is added. `swapped` is what the [`terminate`](Self::terminate) of the handler that it
    /// replaces returned. An error means that it is not added; who adds it hears the reason.
    fn init(
        &mut self,
        _swapped: Option<Term>,
        _me: &Me,
    ) -> impl Future<Output = Result<(), ExitReason>> + Send {
        async { Ok(()) }
    }

    /// An event of the manager's type.
    fn handle_event(&mut self, event: &E, me: &Me) -> impl Future<Output = Handled<E>> + Send;

    /// An event from Erlang that is none of the manager's type. By default it is logged, limited, and dropped.
    fn handle_other(&mut self, event: &Term, me: &Me) -> impl Future<Output = Handled<E>> + Send {
        me.log_not_understood(&Info::Term(event.clone()));
        async { Handled::Keep }
    }

    /// A request to this handler alone: `gen_event:call/3`. By default the answer is `{error, bad_request}`.
    fn handle_call(
        &mut self,
        _request: Term,
        _me: &Me,
    ) -> impl Future<Output = (Term, Handled<E>)> + Send {
        async {
            let bad = Term::from(Atom::from_static("bad_request"));
            (Term::tuple([Term::from(atoms::ERROR), bad]), Handled::Keep)
        }
    }

    /// What is neither event nor request: plain messages, trapped exits, DOWN. By default it is dropped.
    fn handle_info(&mut self, _info: &Info, _me: &Me) -> impl Future<Output = Handled<E>> + Send {
        async { Handled::Keep }
    }

    /// The last act. What it returns is the answer to who deletes the handler, and what the handler that replaces it
    /// begins with.
    fn terminate(&mut self, _why: &Removed, _me: &Me) -> impl Future<Output = Term> + Send {
        async { Term::from(atoms::OK) }
    }

    /// The state as `sys:get_state` shows it. By default `{opaque, Type}`.
    fn format_status(&self) -> Term {
        let name = Binary::from(std::any::type_name::<Self>().as_bytes());
        Term::tuple([Term::from(Atom::from_static("opaque")), Term::from(name)])
    }
}

/// What becomes of a handler after a callback.
#[non_exhaustive]
pub enum Handled<E: EventType> {
    /// It stays.
    Keep,
    /// It stays, and the manager gives memory back before it waits: `{ok, State, hibernate}`.
    Hibernate,
    /// It goes, by its own wish: `remove_handler`.
    Remove,
    /// It goes, because something went wrong; its supervisor is told, and a line is logged.
    Fail(ExitReason),
    /// Another takes its place and its supervisor: `{swap_handler, ..}`.
    Swap {
        /// What this handler's `terminate` gets, as [`Removed::Swapped`].
        args: Term,
        /// The name of the new one.
        id: HandlerId,
        /// The new one; its `init` gets what `terminate` returns.
        handler: Handler<E>,
    },
}

/// Why a handler goes; the argument of [`EventHandler::terminate`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Removed {
    /// It was deleted from outside, with these arguments.
    Deleted(Term),
    /// It removed itself.
    Removed,
    /// Another replaces it; with these arguments.
    Swapped(Term),
    /// It failed.
    Failed(ExitReason),
    /// The process that supervised it ended.
    SupervisorEnded(ExitReason),
    /// The manager ends.
    Stop,
}

/// A handler whatever its type, to be given to a manager.
pub struct Handler<E: EventType>(pub(super) Box<dyn AnyHandler<E>>);

impl<E: EventType> Handler<E> {
    /// Boxes it.
    pub fn new(handler: impl EventHandler<E>) -> Self {
        Self(Box::new(handler))
    }
}

impl<E: EventType> fmt::Debug for Handler<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handler({})", self.0.format_status())
    }
}

pub(super) type Act<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// [`EventHandler`] for trait objects: a future of any type has to be boxed.
pub(super) trait AnyHandler<E: EventType>: Send {
    fn init<'a>(&'a mut self, swapped: Option<Term>, me: &'a Me)
    -> Act<'a, Result<(), ExitReason>>;
    fn handle_event<'a>(&'a mut self, event: &'a E, me: &'a Me) -> Act<'a, Handled<E>>;
    fn handle_other<'a>(&'a mut self, event: &'a Term, me: &'a Me) -> Act<'a, Handled<E>>;
    fn handle_call<'a>(&'a mut self, request: Term, me: &'a Me) -> Act<'a, (Term, Handled<E>)>;
    fn handle_info<'a>(&'a mut self, info: &'a Info, me: &'a Me) -> Act<'a, Handled<E>>;
    fn terminate<'a>(&'a mut self, why: &'a Removed, me: &'a Me) -> Act<'a, Term>;
    fn format_status(&self) -> Term;
}

impl<E: EventType, H: EventHandler<E>> AnyHandler<E> for H {
    fn init<'a>(
        &'a mut self,
        swapped: Option<Term>,
        me: &'a Me,
    ) -> Act<'a, Result<(), ExitReason>> {
        Box::pin(EventHandler::init(self, swapped, me))
    }

    fn handle_event<'a>(&'a mut self, event: &'a E, me: &'a Me) -> Act<'a, Handled<E>> {
        Box::pin(EventHandler::handle_event(self, event, me))
    }

    fn handle_other<'a>(&'a mut self, event: &'a Term, me: &'a Me) -> Act<'a, Handled<E>> {
        Box::pin(EventHandler::handle_other(self, event, me))
    }

    fn handle_call<'a>(&'a mut self, request: Term, me: &'a Me) -> Act<'a, (Term, Handled<E>)> {
        Box::pin(EventHandler::handle_call(self, request, me))
    }

    fn handle_info<'a>(&'a mut self, info: &'a Info, me: &'a Me) -> Act<'a, Handled<E>> {
        Box::pin(EventHandler::handle_info(self, info, me))
    }

    fn terminate<'a>(&'a mut self, why: &'a Removed, me: &'a Me) -> Act<'a, Term> {
        Box::pin(EventHandler::terminate(self, why, me))
    }

    fn format_status(&self) -> Term {
        EventHandler::format_status(self)
    }
}
