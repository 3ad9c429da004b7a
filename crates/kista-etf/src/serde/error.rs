//! The errors of this crate as errors of serde. What serde and foreign implementations say is a mismatch, never malformed
//! input: the bytes are a term, only not one that fits the type.

use std::fmt::Display;

use serde_core::{de, ser};

use super::aside;
use crate::{DecodeError, EncodeError, Place};

impl ser::Error for EncodeError {
    fn custom<T: Display>(text: T) -> Self {
        Self::custom(text)
    }
}

impl de::Error for DecodeError {
    fn custom<T: Display>(text: T) -> Self {
        Self::custom(text)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::MissingField(field)
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        aside::invalid_type(&found, expected).unwrap_or_else(|| {
            Self::custom(format_args!("invalid type: {found}, expected {expected}"))
        })
    }

    fn unknown_variant(found: &str, variants: &'static [&'static str]) -> Self {
        aside::unknown_variant(found, variants)
            .unwrap_or_else(|| Self::unknown_variant(found, "the enum"))
    }

    fn unknown_field(found: &str, _: &'static [&'static str]) -> Self {
        Self::unknown_field(found, "the struct")
    }
}

/// Says in which element of a list or tuple the mismatch is.
#[cold]
pub(super) fn in_element(error: DecodeError, index: usize) -> DecodeError {
    error.within(Place::Element(index))
}

/// Says in which field of a struct or variant the mismatch is.
#[cold]
pub(super) fn in_field(error: DecodeError, field: &'static str, of: &'static str) -> DecodeError {
    error.within(Place::Field { field, of })
}

/// Says of which type the name that was read is unknown: serde does not tell.
#[cold]
pub(super) fn unknown_in(error: DecodeError, of: &'static str) -> DecodeError {
    match error {
        DecodeError::UnknownVariant(found, _) => DecodeError::UnknownVariant(found, of),
        DecodeError::UnknownField(found, _) => DecodeError::UnknownField(found, of),
        error => error,
    }
}
