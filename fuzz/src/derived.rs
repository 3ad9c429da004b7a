//! Types with derived and built-in implementations.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;

use kista_etf::{
    Atom, AtomName, BigInt, Binary, Charlist, Decode, DecodeOwned, Decoder, Encode, Encoder, Pid,
    Reference, Term,
};

use crate::names::{QUOTA, TABLE};
use crate::owned::same;
use crate::within_budget;

#[derive(Debug, Encode, Decode)]
enum Request {
    Ok,
    Error(Term),
    A(i64, String),
    B {
        name: Option<AtomName>,
        items: Vec<u16>,
    },
    #[etf(other)]
    Other(Term),
}

#[derive(Debug, Encode, Decode)]
struct Named {
    name: String,
    #[etf(default)]
    items: Vec<Option<i32>>,
    a: Option<Binary>,
    #[etf(default)]
    b: f64,
}

#[derive(Debug, Encode, Decode)]
struct Pair(u8, Vec<Self>);

#[derive(Debug, Encode, Decode)]
enum Tree {
    A,
    B(Box<Self>, Box<Self>),
    Items(Vec<Self>),
}

#[derive(Debug, Encode, Decode)]
#[etf(untagged)]
enum Any {
    None,
    Number(i64),
    Pair(Box<Self>, Box<Self>),
    Many(Vec<Self>),
    Text(String),
    Fields { a: u8 },
    Rest(Term),
}

#[derive(Debug, Encode, Decode)]
struct Page {
    a: u32,
    b: Option<f32>,
}

#[derive(Debug, Encode, Decode)]
struct Flat {
    name: Term,
    #[etf(flatten)]
    page: Page,
    #[etf(flatten)]
    rest: BTreeMap<Term, Term>,
}

#[derive(Debug, Encode, Decode)]
#[etf(proplist)]
struct Options {
    name: Option<String>,
    #[etf(default)]
    a: bool,
    items: Vec<u8>,
}

#[derive(Debug, Encode, Decode)]
#[etf(record = "ok")]
struct Record {
    a: Option<Charlist>,
    b: Box<Page>,
}

#[derive(Debug, Encode, Decode)]
#[etf(elixir = "A")]
struct Elixir {
    a: Vec<Any>,
}

/// Reads the input as one type after the other. What fits is written, read again, and agrees with the input as a [`Term`].
pub fn derived(input: &[u8]) {
    typed::<Request>(input);
    typed::<Named>(input);
    typed::<Pair>(input);
    typed::<Tree>(input);
    typed::<Any>(input);
    typed::<Vec<Any>>(input);
    typed::<Flat>(input);
    typed::<Options>(input);
    typed::<Record>(input);
    typed::<Elixir>(input);
    typed::<Vec<Request>>(input);
    typed::<Vec<(Atom, Option<f32>)>>(input);
    typed::<Vec<Vec<Vec<u64>>>>(input);
    typed::<BTreeMap<BTreeSet<u8>, Vec<Binary>>>(input);
    typed::<HashMap<String, Result<Option<u8>, i128>>>(input);
    typed::<(u8, i128, u64, BigInt)>(input);
    typed::<Vec<Result<Pid, Reference>>>(input);
    typed::<[Option<char>; 2]>(input);
    typed::<Vec<u8>>(input);
    typed::<Vec<bool>>(input);
}

fn typed<T: DecodeOwned + Encode + Debug>(input: &[u8]) {
    let mut d = decoder(input);
    let value = match within_budget(input.len(), || T::decode(&mut d)) {
        Ok(value) => value,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let mut skipper = decoder(input);
    assert_eq!(skipper.skip(), Ok(()), "what was read is a term: {value:?}");
    assert_eq!(
        skipper.position(),
        d.position(),
        "of this length: {value:?}"
    );

    // A value may be written in a way that reads as another one of the same meaning: what `other` took is such a value when
    // the input wrote its term in an odd way. So what is compared is what they are to anybody else.
    let written = written(&value);
    let mut d = decoder(&written);
    let back = T::decode(&mut d).expect("what was written can be read");
    d.finish().expect("and is one term");
    let term = |bytes: &[u8]| decoder(bytes).term().expect("it is a term");
    same(&term(&written), &term(&self::written(&back)));
}

fn written(value: &impl Encode) -> Vec<u8> {
    let mut e = Encoder::new();
    value.encode(&mut e).expect("what was read can be written");
    e.into_vec()
}

fn decoder(input: &[u8]) -> Decoder<'_> {
    Decoder::new(input).quota(&QUOTA).atoms(&TABLE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::FORMS;

    #[test]
    fn each_form_among_the_seeds_is_read_by_its_type() {
        fn fits<T: DecodeOwned>(seed: &[u8]) {
            T::decode(&mut decoder(seed)).unwrap_or_else(|error| panic!("{seed:?}: {error}"));
        }
        fits::<Flat>(FORMS[0]);
        fits::<Options>(FORMS[1]);
        fits::<Record>(FORMS[2]);
        fits::<Elixir>(FORMS[3]);
        fits::<Tree>(FORMS[4]);
    }
}
