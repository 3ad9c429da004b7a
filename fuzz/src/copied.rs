//! Terms that are skipped, or copied with their atoms written in another way.

use kista_etf::{AtomName, Decoder, Encoder};

use crate::names::{QUOTA, TABLE};
use crate::owned::same;
use crate::within_budget;

/// Skips the input, and copies it to inline atoms and to a table of atoms.
pub fn copied(input: &[u8]) {
    let decoder = || Decoder::new(input).quota(&QUOTA).atoms(&TABLE);
    let mut skipper = decoder();
    let skipped = within_budget(input.len(), || skipper.skip());

    let (mut inline, mut table) = (Encoder::new(), Encoder::with_atom_table());
    let mut copier = decoder();
    // An atom of the table takes two bytes here and up to 1,024 there.
    let longest = TABLE
        .iter()
        .map(|name| name.as_str().len())
        .max()
        .unwrap_or(0);
    let to_inline = within_budget(input.len() * longest, || copier.transcode(&mut inline));
    let to_table = decoder().transcode(&mut table);
    assert_eq!(to_inline.is_ok(), to_table.is_ok());

    if skipped.is_err() {
        assert!(to_inline.is_err(), "copying checks what skipping does");
    }
    let Ok(()) = to_inline else {
        assert!(decoder().term().is_err(), "what can be read can be copied");
        return;
    };
    assert_eq!(copier.position(), skipper.position());

    let inline = inline.into_vec();
    let names: Vec<AtomName> = table.atoms().iter().copied().map(AtomName::from).collect();
    let table = table.into_vec();
    let mut alone = Decoder::new(&inline).quota(&QUOTA);
    let mut with_table = Decoder::new(&table).quota(&QUOTA).atoms(&names);
    assert_eq!(alone.skip(), Ok(()));
    assert_eq!(alone.finish(), Ok(()));

    let read = decoder().term();
    let read_alone = Decoder::new(&inline).quota(&QUOTA).term();
    let read_with_table = with_table.term();
    match (&read, &read_alone, &read_with_table) {
        (Ok(term), Ok(alone), Ok(with_table)) => {
            same(term, alone);
            same(term, with_table);
        }
        (Err(_), Err(_), Err(_)) => {}
        other => panic!("the copies differ: {other:?}"),
    }
}
