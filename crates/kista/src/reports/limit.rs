//! How many lines reports may be in the log, as a pure core: the clock is passed in.
//!
//! Rules (the names in brackets are the tests below that hold them):
//! 1. At most [`PER_SOURCE`] lines a second of one source, at most [`PER_NODE`] of all
//!    [`a_flood_of_one_source_leaves_room_for_others`, `many_sources_together_are_limited_too`].
//! 2. What is left out is counted by source, and told with the next line of that source or by [`Limit::left_out`], once
//!    [`every_report_is_either_written_or_counted`].
//! 3. At most [`MOST_SOURCES`] are told apart; the rest are counted together
//!    [`sources_without_end_take_no_memory_without_end`].

use std::fmt;
use std::time::Duration;

use kista_etf::{Atom, Pid};
use rustc_hash::FxHashMap;

use crate::log::Escaped;

const PER_SOURCE: u32 = 10;
const PER_NODE: u32 = 100;
const MOST_SOURCES: usize = 256;
/// So many sources are named when what was left out is told; the rest are told together.
const MOST_NAMED: usize = 16;
const SECOND: Duration = Duration::from_secs(1);

/// Whose reports they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// Processes that run this: of this name, or without a name.
    Crash(&'static str, Option<Atom>),
    Supervisor(Pid),
    Progress(Pid),
    /// Those that could not be told apart.
    Others,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash(runs, None) => write!(f, "crashes of {}", Escaped(runs)),
            Self::Crash(runs, Some(name)) => {
                write!(f, "crashes of {} ({})", Escaped(runs), Escaped(name))
            }
            Self::Supervisor(pid) => write!(f, "problems of the supervisor {pid}"),
            Self::Progress(pid) => write!(f, "progress of the supervisor {pid}"),
            Self::Others => f.write_str("others"),
        }
    }
}

#[derive(Default)]
pub(crate) struct Limit {
    sources: FxHashMap<Source, Window>,
    all: Window,
    /// When sources that say nothing any more were last forgotten.
    swept: Duration,
}

#[derive(Default)]
struct Window {
    began: Duration,
    lines: u32,
    left_out: u64,
}

/// Whether a line may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// Yes; so many of its source were left out before it.
    Yes(u64),
    /// No. `first`: nothing of any source had been left out and is still to be told.
    No { first: bool },
}

impl Limit {
    pub(crate) fn admit(&mut self, source: Source, now: Duration) -> Admitted {
        let source = self.told_apart(source, now);
        let all = self.all.has_room(PER_NODE, now);
        let window = self.sources.entry(source).or_default();
        if window.has_room(PER_SOURCE, now) && all {
            window.lines += 1;
            self.all.lines += 1;
            let left_out = std::mem::take(&mut window.left_out);
            self.all.left_out -= left_out;
            return Admitted::Yes(left_out);
        }
        window.left_out += 1;
        self.all.left_out += 1;
        let first = self.all.left_out == 1;
        Admitted::No { first }
    }

    /// What was left out and not told yet, by source; it counts as told now.
    pub(crate) fn left_out(&mut self) -> Vec<(Source, u64)> {
        self.all.left_out = 0;
        let counts = self.sources.iter_mut();
        let counts = counts.map(|(source, window)| (*source, std::mem::take(&mut window.left_out)));
        let mut counts: Vec<_> = counts.filter(|(_, left_out)| *left_out > 0).collect();
        counts.sort_by_key(|(_, left_out)| std::cmp::Reverse(*left_out));
        if counts.len() > MOST_NAMED {
            let rest = counts.drain(MOST_NAMED - 1..).map(|(_, left_out)| left_out);
            let rest = rest.sum();
            counts.push((Source::Others, rest));
        }
        counts
    }

    fn told_apart(&mut self, source: Source, now: Duration) -> Source {
        if self.sources.len() < MOST_SOURCES || self.sources.contains_key(&source) {
            return source;
        }
        if now.saturating_sub(self.swept) >= SECOND {
            self.swept = now;
            self.sources.retain(|_, window| {
                window.left_out > 0 || now.saturating_sub(window.began) < SECOND
            });
        }
        match self.sources.len() < MOST_SOURCES {
            true => source,
            false => Source::Others,
        }
    }
}

impl Window {
    fn has_room(&mut self, most: u32, now: Duration) -> bool {
        if now.saturating_sub(self.began) >= SECOND {
            self.began = now;
            self.lines = 0;
        }
        self.lines < most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    fn crash(runs: &'static str) -> Source {
        Source::Crash(runs, None)
    }

    fn numbered(id: u32) -> Source {
        Source::Supervisor(Pid {
            node: kista_etf::atoms::EMPTY,
            id,
            serial: 0,
            creation: 1,
        })
    }

    fn written(limit: &mut Limit, source: Source, times: u32, now: Duration) -> u32 {
        let admitted = (0..times).filter(|_| matches!(limit.admit(source, now), Admitted::Yes(_)));
        admitted.count() as u32
    }

    #[test]
    fn a_flood_of_one_source_leaves_room_for_others() {
        let mut limit = Limit::default();
        assert_eq!(written(&mut limit, crash("a"), 100_000, SECOND), PER_SOURCE);
        assert_eq!(written(&mut limit, crash("b"), 3, SECOND), 3);
        assert_eq!(limit.left_out(), [(crash("a"), 99_990)]);
        assert_eq!(limit.left_out(), [], "it is told once");
        assert_eq!(written(&mut limit, crash("a"), 100, SECOND * 2), PER_SOURCE);
    }

    #[test]
    fn many_sources_together_are_limited_too() {
        let mut limit = Limit::default();
        let lines: u32 = (0..100)
            .map(|id| written(&mut limit, numbered(id), 5, SECOND))
            .sum();
        assert_eq!(lines, PER_NODE);
        let left_out = limit.left_out();
        assert_eq!(left_out.len(), MOST_NAMED);
        assert_eq!(
            left_out.last().map(|(source, _)| *source),
            Some(Source::Others)
        );
        assert_eq!(left_out.iter().map(|(_, n)| n).sum::<u64>(), 400);
    }

    #[test]
    fn the_next_line_of_a_source_tells_what_was_left_out_of_it() {
        let mut limit = Limit::default();
        written(&mut limit, crash("a"), PER_SOURCE, SECOND);
        assert_eq!(
            limit.admit(crash("a"), SECOND),
            Admitted::No { first: true }
        );
        assert_eq!(
            limit.admit(crash("a"), SECOND),
            Admitted::No { first: false }
        );
        assert_eq!(limit.admit(crash("b"), SECOND), Admitted::Yes(0));
        assert_eq!(limit.admit(crash("a"), SECOND * 2), Admitted::Yes(2));
        assert_eq!(limit.left_out(), []);
    }

    #[test]
    fn every_report_is_either_written_or_counted() {
        let mut limit = Limit::default();
        let (mut written, mut told, mut given) = (0_u64, 0_u64, 0_u64);
        let mut dice = 7_u64;
        for step in 0..200_000_u64 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let source = match dice >> 62 {
                0 => crash(NAMES[(dice >> 40) as usize % 4]),
                _ => numbered((dice >> 40) as u32 % 1_000),
            };
            given += 1;
            if let Admitted::Yes(left_out) = limit.admit(source, Duration::from_millis(step / 10)) {
                written += 1;
                told += left_out;
            }
            if step % 10_007 == 0 {
                told += limit.left_out().iter().map(|(_, n)| n).sum::<u64>();
            }
        }
        told += limit.left_out().iter().map(|(_, n)| n).sum::<u64>();
        assert_eq!(written + told, given);
    }

    #[test]
    fn sources_without_end_take_no_memory_without_end() {
        let mut limit = Limit::default();
        for id in 0..100_000 {
            limit.admit(numbered(id), Duration::from_millis(u64::from(id) / 100));
            assert!(limit.sources.len() <= MOST_SOURCES + 1);
        }
    }
}
