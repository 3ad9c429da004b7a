//! What can be exposed: functions of typed arguments, behind one object-safe trait.

use std::any::type_name;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use kista_etf::{Decode, DecodeError, Decoder, Encode, ListHeader};

use super::Raise;
use crate::plain::ProcessCx;
use crate::process::{Never, Process};

/// What a function returned: written when it is known to whom.
pub(crate) type Value = Box<dyn Encode + Send>;

pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Value, Raise>> + Send>>;

/// The most arguments that an exposed function may take.
pub(crate) const MAX_ARITY: usize = 8;

/// An async function that can be exposed: of up to eight arguments that can be decoded, and before them, if it wants that, the
/// [`ProcessCx`] of the process that it runs in. It returns what an [`Answer`] is.
///
/// A closure is cloned for each call, so what it captured must be `Clone`: handles are. Its arguments need their types written.
///
/// ```
/// # use kista::{Node, ProcessCx, Pid, Raise, ExposeError};
/// # fn f(node: &Node) -> Result<(), ExposeError> {
/// node.expose("demo", "add", async |a: i64, b: i64| a + b)?;
/// node.expose("demo", "whoami", async |cx: ProcessCx| cx.pid())?;
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be exposed",
    label = "not an async function of up to eight arguments that implement `Decode`, which returns what implements `Encode`, or a `Result` of that and `Raise`",
    note = "write the types of a closure's arguments; what it captures must be `Clone + Send + Sync`"
)]
pub trait Function<Shape>: Clone + Send + Sync + 'static {
    #[doc(hidden)]
    const ARITY: usize;
    /// Reads the arguments behind the header of their list, and gives what is to run.
    #[doc(hidden)]
    fn begin(self, cx: Cx, arguments: Arguments<'_, '_>) -> Result<Begun, DecodeError>;
}

/// What an exposed function may return: any value that can be encoded, or a `Result` of that with a [`Raise`].
///
/// Any other `Result` is a value as well: `{ok, Value}` or `{error, Reason}`.
#[diagnostic::on_unimplemented(
    message = "an exposed function can not return `{Self}`",
    label = "neither an `Encode + Send` value nor a `Result` of one with `kista::Raise`"
)]
pub trait Answer<Kind> {
    #[doc(hidden)]
    fn into_answer(self) -> Result<Box<dyn Encode + Send>, Raise>;
}

/// The kind of an [`Answer`] that is a value.
#[doc(hidden)]
pub struct Plain;

/// The kind of an [`Answer`] that may be an exception.
#[doc(hidden)]
pub struct Fallible;

impl<T: Encode + Send + 'static> Answer<Plain> for T {
    fn into_answer(self) -> Result<Value, Raise> {
        Ok(Box::new(self))
    }
}

impl<T: Encode + Send + 'static> Answer<Fallible> for Result<T, Raise> {
    fn into_answer(self) -> Result<Value, Raise> {
        self.map(|value| Box::new(value) as Value)
    }
}

/// The process that a function runs in.
#[doc(hidden)]
pub struct Cx(pub(crate) Arc<Process<Never>>);

/// What is to run.
#[doc(hidden)]
pub struct Begun(pub(crate) Running);

/// Arguments on their way out of a list.
#[doc(hidden)]
pub struct Arguments<'d, 'a> {
    pub(crate) header: ListHeader<'a>,
    pub(crate) decoder: &'d mut Decoder<'a>,
}

impl Arguments<'_, '_> {
    fn argument<T: for<'b> Decode<'b>>(&mut self, at: usize) -> Result<T, DecodeError> {
        match self.header {
            // A list of small integers comes as a string.
            ListHeader::Bytes(bytes) => T::decode_small(self.decoder, bytes[at]),
            _ => T::decode(self.decoder),
        }
    }

    fn end(&mut self) -> Result<(), DecodeError> {
        match self.header {
            ListHeader::Elements(_) => self.decoder.nil(),
            _ => Ok(()),
        }
    }
}

/// The shape of a function that wants its process.
#[doc(hidden)]
pub struct WithCx<Shape>(PhantomData<Shape>);

macro_rules! function {
    ($count:literal $($name:ident $at:literal),*) => {
        impl<Fun, Fut, Kind, $($name,)*> Function<(Kind, ($($name,)*))> for Fun
        where
            Fun: FnOnce($($name),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output: Answer<Kind>> + Send + 'static,
            $($name: for<'a> Decode<'a>,)*
        {
            const ARITY: usize = $count;

            #[allow(unused_mut, non_snake_case)]
            fn begin(self, _cx: Cx, mut arguments: Arguments<'_, '_>) -> Result<Begun, DecodeError> {
                $(let $name = arguments.argument($at)?;)*
                arguments.end()?;
                let running = self($($name),*);
                Ok(Begun(Box::pin(async move { running.await.into_answer() })))
            }
        }

        impl<Fun, Fut, Kind, $($name,)*> Function<WithCx<(Kind, ($($name,)*))>> for Fun
        where
            Fun: FnOnce(ProcessCx, $($name),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output: Answer<Kind>> + Send + 'static,
            $($name: for<'a> Decode<'a>,)*
        {
            const ARITY: usize = $count;

            #[allow(unused_mut, non_snake_case)]
            fn begin(self, cx: Cx, mut arguments: Arguments<'_, '_>) -> Result<Begun, DecodeError> {
                $(let $name = arguments.argument($at)?;)*
                arguments.end()?;
                let running = self(ProcessCx::new(cx.0), $($name),*);
                Ok(Begun(Box::pin(async move { running.await.into_answer() })))
            }
        }
    };
}

function!(0);
function!(1 A 0);
function!(2 A 0, B 1);
function!(3 A 0, B 1, C 2);
function!(4 A 0, B 1, C 2, D 3);
function!(5 A 0, B 1, C 2, D 3, E 4);
function!(6 A 0, B 1, C 2, D 3, E 4, F 5);
function!(7 A 0, B 1, C 2, D 3, E 4, F 5, G 6);
function!(8 A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// An exposed function whatever its types: what the registry holds.
pub(crate) trait Callable: Send + Sync {
    /// The Rust type, for who looks at the process.
    fn name(&self) -> &'static str;
    /// Reads the arguments, and gives what is to run. Nothing of the function's own code has run before that is polled, but for a
    /// plain function that returns a future.
    fn begin(
        &self,
        process: &Arc<Process<Never>>,
        arguments: Arguments<'_, '_>,
    ) -> Result<Running, DecodeError>;
}

pub(crate) fn callable<Shape: 'static, F: Function<Shape>>(function: F) -> Arc<dyn Callable> {
    Arc::new(Typed(function, PhantomData::<fn() -> Shape>))
}

struct Typed<F, Shape>(F, PhantomData<fn() -> Shape>);

impl<Shape: 'static, F: Function<Shape>> Callable for Typed<F, Shape> {
    fn name(&self) -> &'static str {
        type_name::<F>()
    }

    fn begin(
        &self,
        process: &Arc<Process<Never>>,
        arguments: Arguments<'_, '_>,
    ) -> Result<Running, DecodeError> {
        let begun = self.0.clone().begin(Cx(Arc::clone(process)), arguments)?;
        Ok(begun.0)
    }
}
