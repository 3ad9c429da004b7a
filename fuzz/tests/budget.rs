//! The inputs that cost most memory for each of their bytes, large enough for the fixed part of the budget not to matter.

use std::collections::{BTreeMap, HashMap};

use kista_etf::{AtomQuota, Binary, DecodeOwned, Decoder, Term};
use kista_fuzz::{budget, within_budget};

const SIZE: usize = 1 << 18;

/// `head`, then `part` until the input has its size.
fn filled(head: &[u8], part: &[u8]) -> Vec<u8> {
    let mut input = head.to_vec();
    while input.len() < SIZE {
        input.extend_from_slice(part);
    }
    input
}

/// A list that says it has as many elements as bytes follow, of these elements.
fn list(part: &[u8]) -> Vec<u8> {
    let len = (SIZE / 2) as u32;
    filled(&[&[108][..], &len.to_be_bytes()].concat(), part)
}

fn read<T: DecodeOwned>(input: &[u8]) -> bool {
    static QUOTA: AtomQuota = AtomQuota::new(0);
    within_budget(input.len(), || {
        Decoder::new(input).quota(&QUOTA).decode_as::<T>()
    })
    .is_ok()
}

trait DecodeAs<'a> {
    fn decode_as<T: kista_etf::Decode<'a>>(self) -> Result<T, kista_etf::DecodeError>;
}

impl<'a> DecodeAs<'a> for Decoder<'a> {
    fn decode_as<T: kista_etf::Decode<'a>>(mut self) -> Result<T, kista_etf::DecodeError> {
        T::decode(&mut self)
    }
}

#[test]
#[should_panic(expected = "made the decoder hold")]
fn a_decoder_beyond_the_budget_is_found() {
    within_budget(1, || vec![0u8; budget(1) + 1]);
}

#[test]
fn nesting_costs_no_more_than_the_budget() {
    for part in [
        &[104, 1][..],
        &[105, 0, 0, 0, 1],
        &[108, 0, 0, 0, 1],
        &[108, 0, 0, 0, 0],
        &[116, 0, 0, 0, 1],
        &[116, 0, 0, 0, 1, 106],
        &[104, 2, 106],
        &[104, 3, 106, 106],
    ] {
        read::<Term>(&filled(&[], part));
    }
    // What is open has just outgrown its memory, of which there are two now: 60 times the input.
    for levels in [SIZE, SIZE + 1, SIZE + 9] {
        assert!(read::<Term>(
            &[&[104, 1].repeat(levels)[..], &[106]].concat()
        ));
    }
}

#[test]
fn many_small_elements_cost_no_more_than_the_budget() {
    for part in [
        &[106][..],
        &[104, 0],
        &[97, 1],
        &[119, 0],
        &[119, 1, b'\x01'],
        &[107, 0, 1, 1],
        &[107, 0, 0],
        &[109, 0, 0, 0, 0],
        &[77, 0, 0, 0, 1, 1, 0],
        &[116, 0, 0, 0, 0],
        &[104, 1, 106],
        &[108, 0, 0, 0, 1, 106, 106],
        &[110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[101, 119, 0, 0, 0, 0, 1, 3],
        &[102, 119, 0, 0, 0, 0, 1, 3],
        &[113, 119, 0, 119, 0, 97, 0],
    ] {
        read::<Term>(&list(part));
        assert!(read::<Term>(&{
            let count = SIZE / part.len();
            [
                &[108][..],
                &(count as u32).to_be_bytes(),
                &part.repeat(count),
                &[106],
            ]
            .concat()
        }));
    }
    assert!(read::<Term>(&[&[107, 255, 255][..], &[7; 65_535]].concat()));
}

#[test]
fn maps_cost_no_more_than_the_budget() {
    // Small keys, all different, the last first: they are sorted, which takes memory for a second copy.
    for descending in [false, true] {
        let mut keys: Vec<Vec<u8>> = (0..=255u8).map(|key| vec![97, key]).collect();
        keys.extend((0..=65_535u16).map(|key| [&[107, 0, 2][..], &key.to_be_bytes()].concat()));
        if descending {
            keys.reverse();
        }
        let mut input = [&[116][..], &(keys.len() as u32).to_be_bytes()].concat();
        for key in keys {
            input.extend_from_slice(&key);
            input.push(106);
        }
        assert!(read::<Term>(&input));
        assert!(!read::<HashMap<u8, ()>>(&input));
    }
}

#[test]
fn claims_of_typed_collections_are_paid_for_by_the_input() {
    type Wide = (Term, Term, Term, Term, Term, Term, Term, Term);
    // A small input is one for which the budget's fixed part is little beside a single claim.
    for size in [1 << 11, 1 << 14, SIZE] {
        let cut = |input: &[u8]| input[..size].to_vec();
        let claim = ((size / 2) as u32).to_be_bytes();
        for part in [&[106][..], &[97, 1], &[104, 0]] {
            let input = cut(&filled(&[&[108][..], &claim].concat(), part));
            read::<Vec<Wide>>(&input);
            read::<Vec<Vec<Wide>>>(&input);
            read::<Vec<Vec<Vec<Wide>>>>(&input);
            read::<Vec<Option<Wide>>>(&input);
        }
        let lists = cut(&filled(&[], &[&[108][..], &claim].concat()));
        read::<Vec<Vec<Vec<Wide>>>>(&lists);
        let half = ((size / 4) as u32).to_be_bytes();
        let maps = cut(&filled(&[], &[&[116][..], &half, &[106]].concat()));
        read::<HashMap<Vec<()>, HashMap<Vec<()>, HashMap<Vec<()>, Wide>>>>(&maps);
        read::<BTreeMap<Vec<()>, Wide>>(&maps);
        let maps = cut(&filled(&[], &[&[116][..], &half, &[97, 1]].concat()));
        read::<HashMap<u8, HashMap<u8, HashMap<u8, Wide>>>>(&maps);
    }
    read::<Vec<Binary>>(&list(&[109, 0, 0, 0, 0]));
}
