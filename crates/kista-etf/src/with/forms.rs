//! What can be written in the form of a module of [`with`](super): a type, or an `Option` or a `Vec` of such types.

use std::marker::PhantomData;

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, types};

/// A type that can be written in a form of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written in this form",
    note = "the modules of `kista_etf::with` take what their pages name, and an `Option` or a `Vec` of it; for others write a module with `encode(&value, &mut Encoder)` and `decode(&mut Decoder)`"
)]
pub trait EncodeAs<Form> {
    /// Writes exactly one term.
    fn encode_as(&self, e: &mut Encoder) -> Result<(), EncodeError>;
}

/// A type that can be read in a form of its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read in this form",
    note = "the modules of `kista_etf::with` take what their pages name, and an `Option` or a `Vec` of it; for others write a module with `encode(&value, &mut Encoder)` and `decode(&mut Decoder)`"
)]
pub trait DecodeAs<'a, Form>: Sized {
    /// Reads exactly one term.
    fn decode_as(d: &mut Decoder<'a>) -> Result<Self, DecodeError>;
}

/// A value in this form, where the usual traits are asked for.
struct As<T, F>(T, PhantomData<F>);

impl<F, T: EncodeAs<F> + ?Sized> Encode for As<&T, F> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        self.0.encode_as(e)
    }
}

impl<'a, F, T: DecodeAs<'a, F>> Decode<'a> for As<T, F> {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        T::decode_as(d).map(|value| Self(value, PhantomData))
    }
}

impl<F, T: EncodeAs<F>> EncodeAs<F> for Option<T> {
    fn encode_as(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        self.as_ref().map(|value| As(value, PhantomData)).encode(e)
    }
}

impl<'a, F, T: DecodeAs<'a, F>> DecodeAs<'a, F> for Option<T> {
    fn decode_as(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        Option::decode(d).map(|value| value.map(|As(value, _)| value))
    }
}

impl<F, T: EncodeAs<F>> EncodeAs<F> for Vec<T> {
    fn encode_as(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        types::encode_list(self.iter().map(|item| As(item, PhantomData)), e)
    }
}

impl<'a, F, T: DecodeAs<'a, F>> DecodeAs<'a, F> for Vec<T> {
    fn decode_as(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let items: Vec<As<T, F>> = types::decode_vec(d)?;
        Ok(items.into_iter().map(|As(item, _)| item).collect())
    }
}
