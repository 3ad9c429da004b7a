//! What a function elsewhere is named and given by.

use std::fmt;

use kista_etf::{Atom, Encode, EncodeError, Encoder};

/// The name of a node: a text or an atom. One that is no atom is told when the call is made.
#[derive(Clone)]
pub struct PeerName(pub(crate) Result<Atom, String>);

/// The name of a function: its module and its own, as texts or atoms.
#[derive(Clone)]
pub struct FunctionName(pub(crate) Result<(Atom, Atom), String>);

fn atom(text: &str) -> Result<Atom, String> {
    Atom::new(text).map_err(|_| text.to_owned())
}

impl From<&str> for PeerName {
    fn from(name: &str) -> Self {
        Self(atom(name))
    }
}

impl From<&String> for PeerName {
    fn from(name: &String) -> Self {
        Self(atom(name))
    }
}

impl From<Atom> for PeerName {
    fn from(name: Atom) -> Self {
        Self(Ok(name))
    }
}

impl From<(&str, &str)> for FunctionName {
    fn from((module, function): (&str, &str)) -> Self {
        Self(atom(module).and_then(|module| Ok((module, atom(function)?))))
    }
}

impl From<(Atom, Atom)> for FunctionName {
    fn from(name: (Atom, Atom)) -> Self {
        Self(Ok(name))
    }
}

impl fmt::Debug for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(name) => fmt::Display::fmt(name, f),
            Err(text) => write!(f, "{text:?} (no atom)"),
        }
    }
}

impl fmt::Debug for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok((module, function)) => write!(f, "{module}:{function}"),
            Err(text) => write!(f, "{text:?} (no atom)"),
        }
    }
}

/// The arguments of a function elsewhere: a tuple with one element for each, `()` for none; or a `Vec`, a slice or an array, whose
/// elements are the arguments.
///
/// A `&str` is a binary, as everywhere; an atom is an [`Atom`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of arguments",
    label = "write `(a, b)`, `(a,)` for one argument, `()` for none, or a `Vec` of terms"
)]
pub trait CallArguments {
    #[doc(hidden)]
    fn count(&self) -> usize;
    /// Writes the list.
    #[doc(hidden)]
    fn write(&self, e: &mut Encoder) -> Result<(), EncodeError>;
}

impl<A: CallArguments + ?Sized> CallArguments for &A {
    fn count(&self) -> usize {
        (**self).count()
    }

    fn write(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        (**self).write(e)
    }
}

impl<T: Encode> CallArguments for [T] {
    fn count(&self) -> usize {
        self.len()
    }

    fn write(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        list(e, self.len(), |e| {
            self.iter().try_for_each(|item| item.encode(e))
        })
    }
}

impl<T: Encode> CallArguments for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn write(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        self.as_slice().write(e)
    }
}

impl<T: Encode, const N: usize> CallArguments for [T; N] {
    fn count(&self) -> usize {
        N
    }

    fn write(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        self.as_slice().write(e)
    }
}

impl CallArguments for () {
    fn count(&self) -> usize {
        0
    }

    fn write(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.nil();
        Ok(())
    }
}

fn list(
    e: &mut Encoder,
    len: usize,
    items: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    if len > 0 {
        e.list(len);
        items(e)?;
    }
    e.nil();
    Ok(())
}

macro_rules! arguments {
    ($count:literal $($name:ident)+) => {
        impl<$($name: Encode),+> CallArguments for ($($name,)+) {
            fn count(&self) -> usize {
                $count
            }

            #[allow(non_snake_case)]
            fn write(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                let ($($name,)+) = self;
                list(e, $count, |e| {
                    $($name.encode(e)?;)+
                    Ok(())
                })
            }
        }
    };
}

arguments!(1 A);
arguments!(2 A B);
arguments!(3 A B C);
arguments!(4 A B C D);
arguments!(5 A B C D E);
arguments!(6 A B C D E F);
arguments!(7 A B C D E F G);
arguments!(8 A B C D E F G H);

/// A function elsewhere with its arguments, encoded already, so that what holds it borrows nothing.
pub(crate) struct Applied {
    pub(crate) module: Atom,
    pub(crate) function: Atom,
    pub(crate) arity: u32,
    pub(crate) arguments: Encoder,
}

/// Why there is no [`Applied`]: the caller's fault.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unsendable {
    BadName(String),
    Encode(EncodeError),
}

impl Applied {
    pub(crate) fn new(
        function: FunctionName,
        arguments: &impl CallArguments,
    ) -> Result<Self, Unsendable> {
        let (module, function) = function.0.map_err(Unsendable::BadName)?;
        let mut e = Encoder::new();
        arguments.write(&mut e).map_err(Unsendable::Encode)?;
        Ok(Self {
            module,
            function,
            // So many terms would not have been encoded.
            arity: u32::try_from(arguments.count()).unwrap_or(u32::MAX),
            arguments: e,
        })
    }
}
