//! The targets, for some seconds, from a fixed seed: what `cargo fuzz` does for hours.
//!
//! `KISTA_FUZZ_SEED` and `KISTA_FUZZ_ROUNDS` set another seed and number of inputs per target. A failure names the input.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kista_fuzz::{Rng, TARGETS, mutate};

/// So many take a debug build a few seconds per target.
const ROUNDS: u64 = 10_000;

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => default,
    }
}

#[track_caller]
fn run(name: &str) {
    let target = TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target of this name");
    let seed = setting("KISTA_FUZZ_SEED", 1);
    println!("{name}: KISTA_FUZZ_SEED={seed}");
    let mut rng = Rng::new(seed);
    let seeds = (target.seeds)();
    let check = |input: &[u8]| {
        if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
            panic!("{name} fails for the input {input:?}");
        }
    };
    seeds.iter().for_each(|seed| check(seed));
    for _ in 0..setting("KISTA_FUZZ_ROUNDS", ROUNDS) {
        let mut input = rng.one_of(&seeds).clone();
        let other = rng.below(seeds.len());
        mutate(&mut input, &seeds[other], &mut rng);
        check(&input);
    }
}

macro_rules! runs {
    ($($test:ident = $target:literal;)*) => {
        $(#[test] fn $test() { run($target) })*

        #[test]
        fn no_target_is_forgotten() {
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), [$($target),*]);
        }
    };
}

runs! {
    any_bytes_make_a_term_or_an_error_within_the_budget = "owned";
    borrowed_values_are_parts_of_the_input_and_mismatches_do_not_move = "borrowed";
    derived_types_read_what_they_write_within_the_budget = "derived";
    compressed_bytes_inflate_within_the_budget = "compressed";
    skipped_and_copied_terms_are_the_terms_that_were_read = "copied";
    text_that_is_read_prints_as_what_reads_back_within_the_budget = "text";
    serde_types_read_what_they_write_within_the_budget = "serde";
    frames_in_parts_are_the_frames_as_a_whole_and_are_written_again = "frames";
    a_stranger_that_dials_us_holds_four_kib_and_proves_the_cookie = "accepts";
    a_stranger_that_we_dial_holds_four_kib_and_proves_the_cookie = "dials";
    a_stranger_at_our_epmd_holds_four_kib_and_gets_what_it_asked_for = "epmd_server";
    a_stranger_in_the_place_of_epmd_is_understood_or_refused = "epmd_client";
}
