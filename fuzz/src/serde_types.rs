//! Types by serde's derives.
//!
//! Untagged enums, and structs that are flattened or internally tagged, are not among them: serde keeps what it has read of
//! those in a form of its own, which takes more memory than the budget.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use kista_etf::serde::{Deserializer, Serializer, from_term};
use kista_etf::{Atom, AtomName, Binary, Decoder, Encoder, Pid, Reference, Term};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::names::{QUOTA, TABLE};
use crate::owned::same;
use crate::within_budget;

#[derive(Debug, Serialize, Deserialize)]
enum Request {
    Ok,
    Error(Term),
    A(i64, String),
    B {
        name: Option<AtomName>,
        items: Vec<u16>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    items: Vec<Option<i32>>,
    a: Option<Binary>,
    #[serde(default)]
    b: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Pair(u8, Vec<Self>);

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    A,
    B(Box<Self>, Box<Self>),
    Items(Vec<Self>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Exact(#[serde(with = "kista_etf::serde::exact")] [u8; 2]);

/// Reads the input as one type after the other, by serde. What fits is written and read again; and from a term in memory the
/// same types read the same.
pub fn serde(input: &[u8]) {
    typed::<Request>(input);
    typed::<Named>(input);
    typed::<Pair>(input);
    typed::<Tree>(input);
    typed::<Exact>(input);
    typed::<Term>(input);
    typed::<Vec<Request>>(input);
    typed::<Vec<(Atom, Option<f32>)>>(input);
    typed::<Vec<Vec<Vec<u64>>>>(input);
    typed::<BTreeMap<BTreeSet<u8>, Vec<Binary>>>(input);
    typed::<HashMap<String, Result<Option<u8>, i128>>>(input);
    typed::<(u8, i128, u64, char)>(input);
    typed::<Vec<Result<Pid, Reference>>>(input);
    typed::<(Duration, Result<(), SystemTime>)>(input);
    typed::<[Option<char>; 2]>(input);
    typed::<Vec<u8>>(input);
    typed::<Vec<bool>>(input);
}

fn typed<T: DeserializeOwned + Serialize + Debug>(input: &[u8]) {
    let mut d = decoder(input);
    let read = within_budget(input.len(), || T::deserialize(Deserializer::new(&mut d)));
    let value = match read {
        Ok(value) => value,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            in_memory::<T>(input);
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
    in_memory::<T>(input);

    let first = written(&value);
    let mut d = decoder(&first);
    let back = T::deserialize(Deserializer::new(&mut d)).expect("what was written can be read");
    d.finish().expect("and is one term");
    let term = |bytes: &[u8]| decoder(bytes).term().expect("it is a term");
    same(&term(&first), &term(&written(&back)));
}

/// The same term, written anew, and as a term in memory: both fit the type, or neither does.
fn in_memory<T: DeserializeOwned + Serialize>(input: &[u8]) {
    let Ok(term) = decoder(input).term() else {
        return;
    };
    let mut e = Encoder::new();
    e.term(&term).expect("what was read can be written");
    let bytes = e.into_vec();
    let by_bytes = T::deserialize(Deserializer::new(&mut decoder(&bytes)));
    let by_term = from_term::<T>(&term);
    match (by_bytes, by_term) {
        (Ok(a), Ok(b)) => {
            let term = |value: &T| decoder(&written(value)).term().expect("it is a term");
            same(&term(&a), &term(&b));
        }
        (Err(_), Err(_)) => {}
        (a, b) => panic!(
            "{term:?}: {:?} from bytes, {:?} from the term",
            a.err(),
            b.err()
        ),
    }
}

fn written(value: &impl Serialize) -> Vec<u8> {
    let mut e = Encoder::new();
    value
        .serialize(Serializer::new(&mut e))
        .expect("what was read can be written");
    e.into_vec()
}

fn decoder(input: &[u8]) -> Decoder<'_> {
    Decoder::new(input).quota(&QUOTA).atoms(&TABLE)
}
