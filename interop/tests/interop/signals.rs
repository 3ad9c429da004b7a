//! Scenarios of signals, played by Erlang's processes and by ours: both must see the same.

use std::collections::BTreeMap;
use std::time::Duration;

use kista::Term;
use kista_interop::{Bed, actors};

/// How many random scenarios, and of how many steps; `KISTA_SEED` and `KISTA_SCENARIOS` say otherwise.
const RANDOM: usize = 100;
const STEPS: usize = 40;

/// For each scenario, a guard: Erlang sleeps some milliseconds at each step, which are many where many others run.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_of_signals_ends_as_in_erlang() {
    let text = include_str!("../../scenarios/signals.eterms");
    let scenarios = actors::scenarios(text);
    assert!(scenarios.len() >= 60);
    compare("signals", &scenarios).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_signals_end_as_in_erlang() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
    };
    let seed = number("KISTA_SEED", 1);
    let scenarios = usize::try_from(number("KISTA_SCENARIOS", RANDOM as u64)).expect("a usize");
    println!("KISTA_SEED={seed}");
    compare("random", &actors::generate(seed, scenarios, STEPS)).await;
}

/// Plays all of them on both sides, and shows the first that differs.
async fn compare(name: &str, scenarios: &[Term]) {
    let random = name == "random";
    let erlang = in_erlang(name, scenarios, random);
    for scenario in scenarios {
        let ours = actors::play(scenario).await;
        let ours: Vec<String> = ours.into_iter().map(|line| settled(line, random)).collect();
        let key = &scenario.as_tuple().expect("a scenario")[0];
        let theirs = erlang.get(&key.to_string()).cloned().unwrap_or_default();
        assert_eq!(
            ours.join("\n"),
            theirs.join("\n"),
            "left: ours, right: Erlang's, of {scenario}"
        );
    }
}

/// The lines that Erlang prints, by scenario.
fn in_erlang(name: &str, scenarios: &[Term], random: bool) -> BTreeMap<String, Vec<String>> {
    let bed = Bed::new();
    let name = format!("kista-{name}-{}.eterms", std::process::id());
    let file = bed.otp().temporary(&name);
    let outside = bed.otp().outside(&file);
    let file = file.to_str().expect("UTF-8");
    let text: String = scenarios
        .iter()
        .map(|scenario| format!("{scenario}.\n"))
        .collect();
    std::fs::write(&outside, text).expect("a file can be written");
    let mut erl = bed.erlang("erl@127.0.0.1", "actors", "play", &[file]);
    erl.expect_ok(PATIENCE * u32::try_from(scenarios.len()).expect("fewer"));
    let _ = std::fs::remove_file(&outside);
    let mut lines = BTreeMap::<String, Vec<String>>::new();
    for line in erl
        .printed()
        .iter()
        .filter(|line| line.starts_with('{') && line.ends_with("]}."))
    {
        let seen: Term = line.trim_end_matches('.').parse().expect("a term");
        let key = seen.as_tuple().expect("a tuple")[0].to_string();
        lines.entry(key).or_default().push(settled(seen, random));
    }
    lines
}

/// A line, in which what one process hears of several others' ends, or by several monitors of the same end, one right after
/// the other, is in a fixed order: Erlang promises none. In a random scenario nothing but the end is left of one who ended in
/// this step: the rest may have come too late.
fn settled(line: Term, random: bool) -> String {
    let mut line = line.into_tuple().expect("a tuple");
    let mut seen = line
        .pop()
        .expect("four elements")
        .into_list()
        .expect("a list");
    let ended = |what: &Term| {
        what.as_tuple()
            .is_some_and(|what| what[0].as_atom_str() == Some("ended"))
    };
    if random && seen.iter().any(ended) {
        seen.retain(ended);
    }
    for run in seen.chunk_by_mut(|a, b| end_of(a).is_some() && end_of(b).is_some()) {
        run.sort_by_key(end_of);
    }
    line.push(Term::list(seen));
    Term::tuple(line).to_string()
}

/// Whose end it tells of, and by which monitor if by one.
fn end_of(seen: &Term) -> Option<(String, String)> {
    match seen.as_tuple()? {
        [tag, label, from, _] if tag.as_atom_str() == Some("down") => {
            Some((from.to_string(), label.to_string()))
        }
        [tag, from, _] if tag.as_atom_str() == Some("exit") => {
            Some((from.to_string(), String::new()))
        }
        _ => None,
    }
}
