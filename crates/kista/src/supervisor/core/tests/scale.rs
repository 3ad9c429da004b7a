//! What an act costs, by how often children are looked at: no clock is asked.

use super::*;
use crate::supervisor::children::LOOKS;

/// Gives an event and plays on: all starts succeed, all that are told to end do.
fn play(core: &mut Core, event: Event, pids: &mut u32) -> Vec<Effect> {
    let (mut all, mut told, mut next) = (Vec::new(), VecDeque::new(), Some(event));
    while let Some(event) = next.take() {
        let mut effects = Vec::new();
        core.handle(event, Duration::ZERO, &mut effects);
        for effect in &effects {
            match effect {
                Effect::Start(key) => {
                    *pids += 1;
                    next = Some(Event::Started(*key, Outcome::Running(pid(*pids))));
                }
                Effect::Tell(pid, _) => told.push_back(*pid),
                Effect::Wait(_) => {
                    let pid = told.pop_front().expect("somebody is waited for");
                    next = Some(Event::Ended(pid, ExitReason::Shutdown));
                }
                _ => {}
            }
        }
        all.extend(effects);
    }
    all
}

fn looks<T>(act: impl FnOnce() -> T) -> u64 {
    let before = LOOKS.get();
    act();
    LOOKS.get() - before
}

/// With so many children there: what one more costs, the end of one that is restarted, that of one that is not, and one that is
/// terminated; and what the end of all costs.
fn costs(strategy: Strategy, restart: Restart, count: u32) -> ([u64; 4], u64) {
    let mut flags = flags(strategy);
    flags.intensity = u32::MAX;
    let mut core = Core::new(&flags, policy(restart));
    let mut pids = 0;
    let simple = strategy == Strategy::SimpleOneForOne;
    let start = |n: u32| match simple {
        true => Event::StartDynamic,
        false => Event::StartChild(ChildId::from(i64::from(n)), policy(restart)),
    };
    for n in 0..count {
        play(&mut core, start(n), &mut pids);
    }
    let middle = count / 2;
    let one_more = looks(|| play(&mut core, start(count), &mut pids));
    let crashes = looks(|| play(&mut core, Event::Exit(pid(middle), crash()), &mut pids));
    let ends = looks(|| {
        play(
            &mut core,
            Event::Exit(pid(middle + 1), ExitReason::Normal),
            &mut pids,
        )
    });
    let terminate = match simple {
        true => Event::TerminatePid(pid(middle + 2), true),
        false => Event::Terminate(ChildId::from(i64::from(middle + 2))),
    };
    let terminated = looks(|| play(&mut core, terminate, &mut pids));
    let all = looks(|| play(&mut core, Event::End, &mut pids));
    assert_eq!(core.running(), 0);
    ([one_more, crashes, ends, terminated], all)
}

#[test]
fn a_child_costs_the_same_among_ten_and_among_a_hundred_thousand() {
    for (strategy, restart) in [
        (Strategy::SimpleOneForOne, Restart::Temporary),
        (Strategy::SimpleOneForOne, Restart::Transient),
        (Strategy::OneForOne, Restart::Transient),
    ] {
        let (few, _) = costs(strategy, restart, 10);
        let (many, _) = costs(strategy, restart, 100_000);
        assert_eq!(few, many, "{strategy:?} of {restart:?} children");
        assert!(many.iter().all(|looks| *looks < 30), "{many:?}");
    }
}

#[test]
fn the_end_of_all_costs_each_child_the_same() {
    for strategy in [Strategy::SimpleOneForOne, Strategy::OneForOne] {
        let (_, few) = costs(strategy, Restart::Transient, 1_000);
        let (_, many) = costs(strategy, Restart::Transient, 100_000);
        assert!(
            many < few * 101,
            "{strategy:?}: {few} looks at 1,000, {many} at 100,000"
        );
    }
}
