//! Spans and points of time in a unit of one's own, and an `Option` or `Vec` of them.

use std::time::{Duration, SystemTime};

use super::{DecodeAs, EncodeAs};
use crate::{DecodeError, Decoder, EncodeError, Encoder};

const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// `Duration`, counted from zero, and `SystemTime`, counted from 1970 in UTC (before it, negative).
pub trait Ticks: Sized {
    /// The nanoseconds.
    fn nanoseconds(&self) -> i128;
    /// From nanoseconds; `None` when the type cannot hold them.
    fn from_nanoseconds(nanoseconds: i128) -> Option<Self>;
    /// What it is called in errors.
    const NAME: &'static str;
}

impl Ticks for Duration {
    fn nanoseconds(&self) -> i128 {
        // At most 2^64 seconds.
        self.as_nanos() as i128
    }

    fn from_nanoseconds(nanoseconds: i128) -> Option<Self> {
        let nanoseconds = u128::try_from(nanoseconds).ok()?;
        let seconds = u64::try_from(nanoseconds / NANOS_PER_SECOND as u128).ok()?;
        Some(Self::new(
            seconds,
            (nanoseconds % NANOS_PER_SECOND as u128) as u32,
        ))
    }

    const NAME: &'static str = "Duration";
}

impl Ticks for SystemTime {
    fn nanoseconds(&self) -> i128 {
        match self.duration_since(Self::UNIX_EPOCH) {
            Ok(after) => after.nanoseconds(),
            Err(before) => -before.duration().nanoseconds(),
        }
    }

    fn from_nanoseconds(nanoseconds: i128) -> Option<Self> {
        let distance = i128::try_from(nanoseconds.unsigned_abs()).ok()?;
        let distance = Duration::from_nanoseconds(distance)?;
        if nanoseconds < 0 {
            Self::UNIX_EPOCH.checked_sub(distance)
        } else {
            Self::UNIX_EPOCH.checked_add(distance)
        }
    }

    const NAME: &'static str = "SystemTime";
}

fn write<T: Ticks>(value: &T, unit: i128, e: &mut Encoder) {
    e.int128(value.nanoseconds().div_euclid(unit));
}

fn read<T: Ticks>(d: &mut Decoder<'_>, unit: i128) -> Result<T, DecodeError> {
    let mark = d.mark();
    let value = match d.int128() {
        Ok(value) => value.checked_mul(unit).and_then(T::from_nanoseconds),
        Err(DecodeError::OutOfRange(_)) => None,
        Err(error) => return Err(error),
    };
    value.ok_or_else(|| {
        d.reset(mark);
        DecodeError::OutOfRange(T::NAME)
    })
}

macro_rules! units {
    ($($(#[$doc:meta])* $name:ident = $unit:expr;)*) => {
        $($(#[$doc])* pub mod $name {
            use super::{DecodeAs, DecodeError, Decoder, EncodeAs, EncodeError, Encoder, Ticks};

            /// The form of an integer in this unit.
            #[derive(Debug)]
            pub enum Form {}

            /// Writes an integer; what is finer than the unit is cut off, towards the past.
            pub fn encode<T: EncodeAs<Form>>(value: &T, e: &mut Encoder) -> Result<(), EncodeError> {
                value.encode_as(e)
            }

            /// Reads an integer; a mismatch when the type cannot hold it.
            pub fn decode<'a, T: DecodeAs<'a, Form>>(d: &mut Decoder<'a>) -> Result<T, DecodeError> {
                T::decode_as(d)
            }

            impl<T: Ticks> EncodeAs<Form> for T {
                fn encode_as(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                    super::write(self, $unit, e);
                    Ok(())
                }
            }

            impl<'a, T: Ticks> DecodeAs<'a, Form> for T {
                fn decode_as(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                    super::read(d, $unit)
                }
            }
        })*
    };
}

units! {
    /// A `Duration` or `SystemTime` as whole seconds: `erlang:system_time(second)`.
    seconds = super::NANOS_PER_SECOND;
    /// A `Duration` or `SystemTime` as whole milliseconds: what OTP's timeouts are counted in.
    milliseconds = 1_000_000;
    /// A `Duration` or `SystemTime` as whole microseconds.
    microseconds = 1_000;
    /// A `Duration` or `SystemTime` as nanoseconds, which is also their form without `with`.
    nanoseconds = 1;
}
