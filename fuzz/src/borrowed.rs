//! Values that are parts of the input, read item by item.

use std::borrow::Cow;

use kista_etf::{Decode, DecodeError, Decoder, Kind, ListHeader};

use crate::names::{QUOTA, TABLE};
use crate::within_budget;

/// Reads types that borrow, and walks over the input with the decoder's own methods, one per kind.
pub fn borrowed(input: &[u8]) {
    typed::<&str>(input);
    typed::<&[u8]>(input);
    typed::<Cow<'_, str>>(input);
    typed::<Vec<&[u8]>>(input);
    typed::<(&str, &[u8])>(input);
    typed::<Option<Vec<(&str, Cow<'_, str>)>>>(input);
    walk(input);
}

fn decoder(input: &[u8]) -> Decoder<'_> {
    Decoder::new(input).quota(&QUOTA).atoms(&TABLE)
}

fn typed<'a, T: Decode<'a>>(input: &'a [u8]) {
    let mut d = decoder(input);
    let read = within_budget(input.len(), || T::decode(&mut d));
    let mut skipper = decoder(input);
    if read.is_ok() {
        assert_eq!(skipper.skip(), Ok(()));
        assert_eq!(skipper.position(), d.position());
    }
}

/// Every item is asked for as what it is, after it was asked for as everything that it is not.
fn walk(input: &[u8]) {
    let mut d = decoder(input);
    let mut owed = 1usize;
    let mut steps = 0;
    let read = within_budget(input.len(), || {
        while owed > 0 {
            owed -= 1;
            owed += item(&mut d, input)?;
            steps += 1;
        }
        Ok::<(), DecodeError>(())
    });
    assert!(steps <= input.len(), "each item takes a byte");
    let mut skipper = decoder(input);
    let skipped = skipper.skip();
    if read.is_ok() && skipped.is_ok() {
        assert_eq!(d.position(), skipper.position());
    }
}

/// Reads one item; gives how many are in it.
fn item<'a>(d: &mut Decoder<'a>, input: &'a [u8]) -> Result<usize, DecodeError> {
    let kind = d.peek()?;
    mismatches_do_not_move(d, kind);
    match kind {
        Kind::Integer => match d.int() {
            Err(error) if error.is_mismatch() => drop(d.big()?),
            other => drop(other?),
        },
        Kind::Float => assert!(d.float()?.is_finite()),
        Kind::Atom => {
            let mark = d.mark();
            let text = d.atom_str()?;
            assert!(text.chars().count() <= 255);
            let after = d.position();
            d.reset(mark);
            assert_eq!(d.atom()?.as_str(), text);
            assert_eq!(d.position(), after);
        }
        Kind::Tuple => return d.tuple(),
        Kind::Map => return Ok(d.map()? * 2),
        Kind::List => {
            return Ok(match d.list()? {
                ListHeader::Elements(len) => len + 1,
                ListHeader::Bytes(bytes) => {
                    within(bytes, input);
                    0
                }
                _ => 0,
            });
        }
        Kind::Binary => within(d.binary()?, input),
        Kind::BitString => {
            let start = d.position();
            match d.binary() {
                Ok(bytes) => within(bytes, input),
                Err(error) if error.is_mismatch() => {
                    assert_eq!(d.position(), start);
                    d.skip()?;
                }
                Err(error) => return Err(error),
            }
        }
        // The names are mostly beyond the quota: then it is no `Pid`, but still a term.
        _ => {
            let start = d.position();
            let read = match kind {
                Kind::Pid => d.pid().map(drop),
                Kind::Port => d.port().map(drop),
                Kind::Reference => d.reference().map(drop),
                _ => d.raw().map(|raw| within(raw, input)),
            };
            match read {
                Err(error) if error.is_mismatch() => {
                    assert_eq!(d.position(), start);
                    d.raw()?;
                }
                other => other?,
            }
        }
    }
    Ok(0)
}

fn mismatches_do_not_move(d: &mut Decoder<'_>, kind: Kind) {
    let start = d.position();
    let mut refused =
        |asked: Kind, read: &mut dyn FnMut(&mut Decoder<'_>) -> Result<(), DecodeError>| {
            if asked != kind {
                let error = read(d).expect_err("it is of another kind");
                if error.is_mismatch() {
                    assert_eq!(d.position(), start, "{asked}, which is {kind}: {error}");
                }
            }
        };
    refused(Kind::Integer, &mut |d| d.int().map(drop));
    refused(Kind::Integer, &mut |d| d.uint().map(drop));
    refused(Kind::Integer, &mut |d| d.big().map(drop));
    refused(Kind::Float, &mut |d| d.float().map(drop));
    refused(Kind::Atom, &mut |d| d.atom().map(drop));
    refused(Kind::Atom, &mut |d| d.bool().map(drop));
    refused(Kind::Tuple, &mut |d| d.tuple().map(drop));
    refused(Kind::List, &mut |d| d.list().map(drop));
    refused(Kind::Map, &mut |d| d.map().map(drop));
    refused(Kind::Pid, &mut |d| d.pid().map(drop));
    refused(Kind::Port, &mut |d| d.port().map(drop));
    refused(Kind::Reference, &mut |d| d.reference().map(drop));
    if kind != Kind::BitString {
        refused(Kind::Binary, &mut |d| d.str().map(drop));
    }
}

fn within(part: &[u8], input: &[u8]) {
    let (part, whole) = (part.as_ptr_range(), input.as_ptr_range());
    assert!(
        whole.start <= part.start && part.end <= whole.end,
        "it is copied"
    );
}
