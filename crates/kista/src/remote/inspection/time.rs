//! `erlang:monotonic_time/0,1` and its kin. The native unit is the nanosecond; time begins with the program's first node.

use std::time::{SystemTime, UNIX_EPOCH};

use kista_etf::Term;

use super::machine;

pub(super) fn monotonic() -> i64 {
    i64::try_from(machine::uptime().as_nanos()).unwrap_or(i64::MAX)
}

pub(super) fn system() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

pub(super) fn offset() -> i64 {
    system() - monotonic()
}

/// `{MegaSeconds, Seconds, MicroSeconds}`
pub(super) fn timestamp() -> (i64, i64, i64) {
    let micros = system() / 1_000;
    let seconds = micros / 1_000_000;
    (seconds / 1_000_000, seconds % 1_000_000, micros % 1_000_000)
}

/// A time in nanoseconds in another unit: its name, or parts of a second. `None`: `badarg`.
pub(super) fn converted(nanos: i64, unit: &Term) -> Option<i64> {
    const SECOND: i64 = 1_000_000_000;
    let parts = match unit.as_atom_str() {
        Some("second" | "seconds") => 1,
        Some("millisecond" | "milli_seconds") => 1_000,
        Some("microsecond" | "micro_seconds") => 1_000_000,
        Some("nanosecond" | "nano_seconds" | "native" | "perf_counter") => SECOND,
        Some(_) => return None,
        None => unit.as_int().filter(|parts| *parts > 0)?,
    };
    let wide = i128::from(nanos) * i128::from(parts);
    i64::try_from(wide.div_euclid(i128::from(SECOND))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kista_etf::term;

    #[test]
    fn times_are_rounded_down_also_before_zero() {
        assert_eq!(converted(-1, &term!(second)), Some(-1));
        assert_eq!(converted(1_999_999, &term!(millisecond)), Some(1));
        assert_eq!(converted(1_500_000_000, &term!(4)), Some(6));
        assert_eq!(converted(7, &term!(native)), Some(7));
        for wrong in [term!(0), term!(-1), term!(fortnight), term!(1.5)] {
            assert_eq!(converted(1, &wrong), None);
        }
        assert_eq!(
            converted(i64::MAX, &Term::from(i64::MAX)),
            None,
            "no overflow"
        );
    }
}
