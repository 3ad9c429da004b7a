//! What we read and write against what a living `erl` reads and writes, for terms that nobody chose.
//!
//! Each test prints its seed; `KISTA_DIFFERENTIAL_SEED` sets another, `KISTA_DIFFERENTIAL_ROUNDS` how many times as many
//! terms. For one seed and one release all is the same on every run, but for the pids and references that the node makes.

mod exceptions;
mod peer;
mod recipe;

use kista::etf::{DecodeError, Limits, Term, from_slice, to_vec, to_vec_compressed};

use self::exceptions::Verdicts;
use self::peer::Peer;
use self::recipe::{Recipe, Rng};

/// So many terms go through the socket at once.
const BATCH: usize = 1000;
const TERMS: usize = 10_000;
const MUTANTS: usize = 100_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

fn seed() -> u64 {
    let seed = setting("KISTA_DIFFERENTIAL_SEED", 1);
    println!("KISTA_DIFFERENTIAL_SEED={seed}");
    seed
}

fn batches(terms: usize) -> usize {
    terms / BATCH * setting("KISTA_DIFFERENTIAL_ROUNDS", 1) as usize
}

/// What went wrong, the first few in words.
#[derive(Default)]
struct Wrong {
    count: usize,
    first: Vec<String>,
}

impl Wrong {
    fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < 10 {
            self.first.push(what());
        }
    }

    #[track_caller]
    fn assert_none(self, of: usize) {
        assert!(
            self.count == 0,
            "{} of {of} are wrong; the first:\n{}",
            self.count,
            self.first.join("\n\n")
        );
    }
}

#[test]
fn what_we_write_is_what_erlang_builds_itself() {
    let seed = seed();
    let mut peer = Peer::start(seed);
    let mut rng = Rng::new(seed);
    let mut wrong = Wrong::default();
    let mut seen = 0;
    for _ in 0..batches(TERMS) {
        let mut asked = Vec::new();
        let mut terms = Vec::new();
        for _ in 0..BATCH {
            let recipe = Recipe::random(&mut rng);
            let term = recipe.term();
            let bytes = match rng.below(4) {
                0 => to_vec_compressed(&term, rng.below(10) as u32),
                _ => to_vec(&term),
            };
            asked.push(recipe.program());
            asked.push(bytes.unwrap_or_else(|error| panic!("{term}: {error}")));
            terms.push(term);
        }
        let answers = peer.construct(&asked);
        for (term, answer) in terms.iter().zip(answers.as_chunks::<2>().0) {
            seen += 1;
            let [says, written] = answer;
            if !says.is_empty() {
                wrong.add(|| format!("we: {term}\nerl: {}", String::from_utf8_lossy(says)));
            }
            match from_slice::<Term>(written) {
                Ok(back) if back == *term => {}
                back => wrong.add(|| format!("erl wrote {term}\nwe read {back:?}\nin {written:?}")),
            }
        }
    }
    wrong.assert_none(seen);
}

#[test]
fn what_erlang_writes_comes_back_the_same() {
    let mut peer = Peer::start(seed());
    let mut wrong = Wrong::default();
    let mut seen = 0;
    for _ in 0..batches(TERMS) {
        let written = peer.generate(BATCH);
        assert_eq!(written.len(), BATCH);
        let mut back = Vec::new();
        for bytes in &written {
            seen += 1;
            back.push(match from_slice::<Term>(bytes) {
                Ok(term) => to_vec(&term).expect("what was read can be written"),
                Err(error) => {
                    wrong.add(|| format!("{error}: {bytes:?}"));
                    Vec::new()
                }
            });
        }
        for ((says, bytes), back) in peer.compare(&back).iter().zip(&written).zip(&back) {
            if !says.is_empty() {
                wrong.add(|| {
                    format!(
                        "erl wrote {bytes:?}\nwe wrote {back:?}\nerl: {}",
                        String::from_utf8_lossy(says)
                    )
                });
            }
        }
    }
    wrong.assert_none(seen);
}

#[test]
fn damaged_bytes_are_accepted_and_refused_as_by_erlang() {
    let mut peer = Peer::start(seed());
    let mut wrong = Wrong::default();
    let mut verdicts = Verdicts::new(peer.release());
    for _ in 0..batches(MUTANTS) {
        let answer = peer.mutate(BATCH);
        let mutants = answer.as_chunks::<2>().0;
        assert_eq!(mutants.len(), BATCH);
        let mut back = Vec::new();
        let mut read = Vec::new();
        for [bytes, used] in mutants {
            let theirs = <[u8; 4]>::try_from(&used[..])
                .ok()
                .map(|used| u32::from_be_bytes(used) as usize);
            let ours = binary_to_term(bytes);
            let explained = verdicts.compare(bytes, &ours, theirs, &mut peer);
            if let Err(why) = explained {
                wrong
                    .add(|| format!("{why}\nours: {ours:?}\ntheirs: {theirs:?}\nbytes: {bytes:?}"));
            }
            back.push(match &ours {
                Ok((term, _)) if theirs.is_some() => to_vec(term).expect("it was read"),
                _ => Vec::new(),
            });
            read.push(ours);
        }
        for ((says, [bytes, _]), ours) in peer.compare(&back).iter().zip(mutants).zip(&read) {
            if !says.is_empty() {
                wrong.add(|| {
                    format!(
                        "ours: {ours:?}\nerl: {}\nbytes: {bytes:?}",
                        String::from_utf8_lossy(says)
                    )
                });
            }
        }
    }
    println!("{verdicts}");
    wrong.assert_none(verdicts.seen());
}

/// What `binary_to_term(Bytes, [used])` gives: bytes after the term are no error of it.
fn binary_to_term(bytes: &[u8]) -> Result<(Term, usize), DecodeError> {
    let read = |bytes: &[u8]| kista::etf::from_slice_with::<Term>(bytes, &Limits::DEFAULT);
    match read(bytes) {
        Err(DecodeError::TrailingBytes(left)) if left < bytes.len() => {
            let used = bytes.len() - left;
            read(&bytes[..used]).map(|term| (term, used))
        }
        whole => whole.map(|term| (term, bytes.len())),
    }
}
