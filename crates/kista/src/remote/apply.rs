//! A function of another node's choice, applied to arguments that are not decoded yet: `apply(Module, Function, Arguments)`.
//!
//! Rules:
//! 1. `erlang:apply/2` and `/3` are seen through, as far as they name a function: [`DEEPEST`] of them in each other, no recursion.
//! 2. What cannot be applied is the exception that Erlang raises: `undef` for what is not exposed, and for a closure, whose module is
//!    not here; `function_clause` for arguments that are not of the function's types; `badarg`, `badfun`, `badarity`.
//! 3. A panic of the function is an error `{panic, Text}`.
//! 4. Arguments that are no term are [`Broken`]: the peer's fault, and nothing runs.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

use kista_etf::{Atom, AtomName, DecodeError, Decoder, ListHeader, Term, atoms};

use super::function::{Arguments, Running, Value};
use super::{Class, Raise};
use crate::ExitReason;
use crate::process::{Never, Process, caught_text};

/// How many `erlang:apply` may be in each other.
const DEEPEST: usize = 8;

/// What a function came to.
pub(crate) type Outcome = Result<Value, Raise>;

/// The bytes of a request are no term: its connection is to be closed.
pub(crate) type Broken = DecodeError;

/// A function with its arguments, about to run, or why it can not.
pub(crate) struct Application {
    running: Result<Running, Raise>,
    /// `{Module, Function, Arity, []}`: where an error is said to be raised.
    place: Term,
    /// The lists that were opened on the way to the arguments and have yet to be closed.
    open: usize,
}

impl Application {
    /// Reads arguments, for a function that this peer named (`None`: this node itself).
    pub(crate) fn read(
        process: &Arc<Process<Never>>,
        peer: Option<Atom>,
        mut module: AtomName,
        mut function: AtomName,
        d: &mut Decoder<'_>,
    ) -> Result<Self, Broken> {
        let mut wanted = None;
        for open in 0.. {
            let start = d.mark();
            let Some((header, arity)) = argument_list(d) else {
                d.reset(start);
                let arguments = d.term()?;
                return Ok(Self::improper(module, function, arguments, open));
            };
            if wanted.is_some_and(|wanted| wanted != arity) {
                d.reset(start);
                let fun = export(&module, &function, wanted.unwrap_or_default());
                let arguments = d.term()?;
                let badarity = tagged("badarity", Term::tuple([fun, arguments]));
                return Ok(Self::in_apply(badarity, open));
            }
            // Not when they came as a string: then none of them is a name or a function.
            let is_apply = open < DEEPEST
                && is(&module, "erlang")
                && is(&function, "apply")
                && matches!(header, ListHeader::Elements(_));
            if is_apply && arity == 3 {
                let (m, f) = (d.term()?, d.term()?);
                match (m.as_atom_name(), f.as_atom_name()) {
                    (Some(m), Some(f)) => (module, function) = (m, f),
                    _ => return Self::skip_rest(Term::from(atoms::BADARG), d, open + 1),
                }
                wanted = None;
                continue;
            }
            if is_apply && arity == 2 {
                let fun = d.term()?;
                let Term::Export(export) = fun else {
                    return Self::no_function(fun, d, open + 1);
                };
                wanted = Some(usize::from(export.arity));
                (module, function) = (export.module, export.function);
                continue;
            }
            if !is_proper(d, header) {
                d.reset(start);
                let arguments = d.term()?;
                return Ok(Self::improper(module, function, arguments, open));
            }
            let remote = process.node().remote();
            let Some(callable) = remote.find(&module, &function, arity, peer) else {
                d.reset(start);
                let arguments = d.term()?;
                let raise = Raise::error(atoms::UNDEF);
                return Ok(Self::refused(module, function, arguments, raise, open));
            };
            let arguments = Arguments { header, decoder: d };
            // The function's own code may run here already: a plain function that returns a future.
            let begun = catch_unwind(AssertUnwindSafe(|| callable.begin(process, arguments)));
            let running = match begun {
                Ok(Ok(running)) => Ok(running),
                Ok(Err(_)) => {
                    d.reset(start);
                    let arguments = d.term()?;
                    let raise = Raise::error(Atom::from_static("function_clause"));
                    return Ok(Self::refused(module, function, arguments, raise, open));
                }
                Err(panic) => Err(Raise::error(panicked(panic))),
            };
            let place = place(module, function, Term::from(arity));
            return Ok(Self {
                running,
                place,
                open,
            });
        }
        unreachable!("the loop ends by itself")
    }

    /// After the arguments: the ends of the lists that they were in.
    pub(crate) fn close(&self, d: &mut Decoder<'_>) -> Result<(), Broken> {
        (0..self.open).try_for_each(|_| d.nil())
    }

    /// Runs it, in the process that it was read for.
    pub(crate) async fn run(self) -> Outcome {
        let Self { running, place, .. } = self;
        let outcome = match running {
            Ok(running) => catch(running).await,
            Err(raise) => Err(raise),
        };
        outcome.map_err(|mut raise| {
            if raise.class != Class::Exit && raise.stacktrace.is_none() {
                raise.stacktrace = Some(Term::list([place]));
            }
            raise
        })
    }

    /// It is not called at all: the stacktrace shows the arguments.
    fn refused(
        module: AtomName,
        function: AtomName,
        arguments: Term,
        raise: Raise,
        open: usize,
    ) -> Self {
        let place = place(module, function, arguments);
        Self {
            running: Err(raise.stacktrace(Term::list([place.clone()]))),
            place,
            open,
        }
    }

    /// The arguments are no proper list.
    fn improper(module: AtomName, function: AtomName, arguments: Term, open: usize) -> Self {
        let applied = Self::not_a_function([module.into(), function.into(), arguments]);
        Self { open, ..applied }
    }

    /// `erlang:apply(Module, Function, Arguments)` with what can not be called at all.
    pub(crate) fn not_a_function(call: [Term; 3]) -> Self {
        let erlang = |name| AtomName::from(Atom::from_static(name));
        let raise = Raise::error(atoms::BADARG);
        Self::refused(
            erlang("erlang"),
            erlang("apply"),
            Term::list(call),
            raise,
            0,
        )
    }

    /// `erlang:apply` itself raises this error.
    fn in_apply(reason: Term, open: usize) -> Self {
        let erlang = |name| AtomName::from(Atom::from_static(name));
        Self {
            running: Err(Raise::error(reason)),
            place: place(erlang("erlang"), erlang("apply"), Term::from(2)),
            open,
        }
    }

    /// Not an export: a closure of a module that is not here, or no function at all.
    fn no_function(fun: Term, d: &mut Decoder<'_>, open: usize) -> Result<Self, Broken> {
        if !matches!(fun, Term::Fun(_)) {
            return Self::skip_rest(tagged("badfun", fun), d, open);
        }
        let arguments = d.term()?;
        let place = Term::tuple([fun, arguments, Term::NIL]);
        Ok(Self {
            running: Err(Raise::error(atoms::UNDEF).stacktrace(Term::list([place.clone()]))),
            place,
            open,
        })
    }

    fn skip_rest(reason: Term, d: &mut Decoder<'_>, open: usize) -> Result<Self, Broken> {
        d.skip()?;
        Ok(Self::in_apply(reason, open))
    }
}

/// The beginning of a list of arguments, and how many there are. `None`: it is no list. Whether it is a proper one is seen at its end.
fn argument_list<'a>(d: &mut Decoder<'a>) -> Option<(ListHeader<'a>, usize)> {
    let header = d.list().ok()?;
    let arity = match header {
        ListHeader::Nil => 0,
        ListHeader::Bytes(bytes) => bytes.len(),
        ListHeader::Elements(count) => count,
        _ => return None,
    };
    Some((header, arity))
}

/// Whether the list that begins with this header, at whose first element the decoder stands, has a proper end.
fn is_proper(d: &mut Decoder<'_>, header: ListHeader<'_>) -> bool {
    let ListHeader::Elements(count) = header else {
        return true;
    };
    let start = d.mark();
    let proper = (0..count).try_for_each(|_| d.skip()).is_ok() && d.nil().is_ok();
    d.reset(start);
    proper
}

/// Polls it as often as it takes; a panic is an error.
async fn catch(mut running: Running) -> Outcome {
    poll_fn(
        move |cx| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(Err(Raise::error(panicked(panic)))),
        },
    )
    .await
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> Term {
    ExitReason::Panic(caught_text(panic).into()).to_term()
}

fn is(name: &AtomName, text: &str) -> bool {
    name.as_str() == text
}

fn place(module: AtomName, function: AtomName, arguments: Term) -> Term {
    Term::tuple([module.into(), function.into(), arguments, Term::NIL])
}

fn tagged(tag: &'static str, value: Term) -> Term {
    Term::tuple([Term::from(Atom::from_static(tag)), value])
}

fn export(module: &AtomName, function: &AtomName, arity: usize) -> Term {
    Term::Export(Box::new(kista_etf::term::Export {
        module: module.clone(),
        function: function.clone(),
        // It came out of one byte.
        arity: u8::try_from(arity).unwrap_or(u8::MAX),
    }))
}
