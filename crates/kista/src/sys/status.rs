//! What `get_status` answers, in OTP's shape.

use std::time::{SystemTime, UNIX_EPOCH};

use kista_etf::{Atom, Pid, Term, atoms};

use super::behaviour::Behaviour;
use super::debug::{Debug, name_term};
use crate::process::Process;

/// `{status, Pid, {module, Module}, [Dictionary, SysState, Parent, Debug, Misc]}`.
pub(super) fn status<M: Send + 'static>(
    process: &Process<M>,
    behaviour: &dyn Behaviour,
    suspended: bool,
    debug: &Debug,
) -> Term {
    let state = process.state.lock();
    let (name, parent) = (state.name, state.parent());
    drop(state);
    let module = behaviour.module();
    let sys_state = Term::from(match suspended {
        true => atoms::SUSPENDED,
        false => atoms::RUNNING,
    });
    // A process without a parent is its own, as in OTP.
    let parent = Term::from(parent.unwrap_or_else(|| process.pid()));
    let logged: Vec<Term> = debug
        .log
        .iter()
        .flat_map(|log| log.events.iter().cloned())
        .collect();
    let header = format!(
        "Status for {} {}",
        match module {
            atoms::GEN_SERVER => "generic server".to_owned(),
            atoms::GEN_STATEM => "state machine".to_owned(),
            atoms::GEN_EVENT => "event handler".to_owned(),
            other => other.as_str().to_owned(),
        },
        name_term(name, process.pid())
    );
    let mut misc = vec![
        Term::tuple([
            Term::from(Atom::from_static("header")),
            Term::charlist(&header),
        ]),
        data([
            ("Status", sys_state.clone()),
            ("Parent", parent.clone()),
            ("Logged events", Term::list(logged)),
        ]),
    ];
    misc.extend(behaviour.status());
    let inner = Term::list([
        dictionary(process),
        sys_state,
        parent,
        options(debug),
        Term::list(misc),
    ]);
    Term::tuple([
        Term::from(atoms::STATUS),
        Term::from(process.pid()),
        Term::tuple([Term::from(atoms::MODULE), Term::from(module)]),
        inner,
    ])
}

/// `{data, [{"Label", Value}]}`, which OTP's tools print as a table.
pub(crate) fn data<const N: usize>(rows: [(&str, Term); N]) -> Term {
    let rows = rows
        .into_iter()
        .map(|(label, value)| Term::tuple([Term::charlist(label), value]));
    Term::tuple([Term::from(Atom::from_static("data")), Term::list(rows)])
}

/// The process dictionary's two entries that OTP's tools look for.
fn dictionary<M: Send + 'static>(process: &Process<M>) -> Term {
    let ancestors: Vec<Pid> = process.state.lock().parent().into_iter().collect();
    let module = Atom::new(process.behaviour()).unwrap_or(atoms::UNDEFINED);
    let init = Atom::from_static("init");
    Term::list([
        Term::tuple([
            Term::from(atoms::INITIAL_CALL),
            Term::tuple([Term::from(module), Term::from(init), Term::from(1)]),
        ]),
        Term::tuple([
            Term::from(atoms::ANCESTORS),
            Term::list(ancestors.into_iter().map(Term::from)),
        ]),
    ])
}

/// The debug options that are on: `[{statistics, ..}, {log, ..}, {trace, true}]`.
fn options(debug: &Debug) -> Term {
    let mut options = Vec::new();
    if let Some(log) = &debug.log {
        let most = Term::from(log.most as u64);
        options.push(Term::tuple([Term::from(Atom::from_static("log")), most]));
    }
    if let Some(statistics) = &debug.statistics {
        options.push(Term::tuple([
            Term::from(Atom::from_static("statistics")),
            statistics.to_term(),
        ]));
    }
    if debug.trace {
        options.push(Term::tuple([
            Term::from(Atom::from_static("trace")),
            Term::from(atoms::TRUE),
        ]));
    }
    Term::list(options)
}

/// `{{Year, Month, Day}, {Hour, Minute, Second}}`, in UTC: the zone of this machine is not asked for.
pub(super) fn date_time(time: SystemTime) -> Term {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let triple = |a, b, c| Term::tuple([Term::from(a), Term::from(b), Term::from(c)]);
    Term::tuple([
        triple(year, month, day),
        triple(second / 3_600, second / 60 % 60, second % 60),
    ])
}

/// The day of the Gregorian calendar that comes so many days after 1970-01-01. Eras of 400 years, years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn leap_days_and_year_ends_are_where_the_calendar_has_them() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_453, (2025, 12, 31)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(days), date, "{days}");
        }
    }
}
