//! `Duration` and `SystemTime` as integers of nanoseconds.
//!
//! serde sees them as structs of these names, with seconds and nanoseconds. A struct is one of them when its name and its
//! fields are; a map of these fields is read too.

use serde_core::{Serialize, ser};
use smallvec::SmallVec;

use super::compound::Compound;
use super::sink::{Shape, Sink};
use super::{Serializer, TermBuilder};
use crate::{DecodeError, EncodeError, Term};

type Result<T, E = EncodeError> = std::result::Result<T, E>;

const NANOS_PER_SEC: i128 = 1_000_000_000;

/// The names of the two fields, in order.
const FIELDS: [[&str; 2]; 2] = [["secs", "nanos"], ["secs_since_epoch", "nanos_since_epoch"]];

pub(super) fn is_time(name: &str) -> bool {
    matches!(name, "Duration" | "SystemTime")
}

pub(super) fn has_fields_of_time(name: &str, fields: &[&str]) -> bool {
    is_time(name) && FIELDS.iter().any(|of_time| of_time == fields)
}

/// Seconds and nanoseconds, as the fields of a struct.
pub(super) fn parts(nanos: i128) -> Result<[u64; 2], DecodeError> {
    let secs = u64::try_from(nanos.div_euclid(NANOS_PER_SEC))
        .map_err(|_| DecodeError::OutOfRange("a time"))?;
    Ok([secs, nanos.rem_euclid(NANOS_PER_SEC) as u64])
}

/// A struct that is being written.
pub enum StructWriter<'s, S: Sink> {
    /// A map.
    Map(Compound<'s, S>),
    /// A time, if its fields are like its name.
    Time(TimeWriter<'s, S>),
}

/// The fields of what may be a time, so far.
pub struct TimeWriter<'s, S> {
    /// Gone when it turned out to be a map.
    sink: Option<&'s mut S>,
    len: usize,
    fields: SmallVec<[(&'static str, i128); 2]>,
}

impl<'s, S: Sink> StructWriter<'s, S> {
    pub(super) fn time(sink: &'s mut S, len: usize) -> Self {
        Self::Time(TimeWriter {
            sink: Some(sink),
            len,
            fields: SmallVec::new(),
        })
    }
}

impl<'s, S: Sink> TimeWriter<'s, S> {
    /// Keeps the field if it can be one of a time.
    fn keep<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<bool> {
        let at = self.fields.len();
        if !FIELDS.iter().any(|of_time| of_time.get(at) == Some(&name)) {
            return Ok(false);
        }
        let mut number = TermBuilder::default();
        value.serialize(Serializer::new(&mut number))?;
        let number = match number.finish() {
            Some(Term::Int(number)) => i128::from(number),
            Some(Term::Big(number)) => match u64::try_from(&*number) {
                Ok(number) => number.into(),
                Err(_) => return Ok(false),
            },
            _ => return Ok(false),
        };
        self.fields.push((name, number));
        Ok(true)
    }

    fn map(&mut self) -> Result<Compound<'s, S>> {
        let Some(sink) = self.sink.take() else {
            return Err(EncodeError::custom(
                "a struct failed before and was written further",
            ));
        };
        let mut map = Compound::new(sink, Shape::Map, self.len)?;
        for (name, number) in &self.fields {
            map.field(name, number)?;
        }
        Ok(map)
    }
}

impl<S: Sink> ser::SerializeStruct for StructWriter<'_, S> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        match self {
            Self::Map(map) => map.field(name, value),
            Self::Time(time) => {
                if time.keep(name, value)? {
                    return Ok(());
                }
                let mut map = time.map()?;
                map.field(name, value)?;
                *self = Self::Map(map);
                Ok(())
            }
        }
    }

    #[inline]
    fn end(self) -> Result<()> {
        match self {
            Self::Map(map) => map.close(),
            Self::Time(mut time) => match (&*time.fields, &mut time.sink) {
                ([(_, secs), (_, nanos)], Some(sink)) => {
                    sink.int128(secs * NANOS_PER_SEC + nanos);
                    Ok(())
                }
                _ => time.map()?.close(),
            },
        }
    }
}
