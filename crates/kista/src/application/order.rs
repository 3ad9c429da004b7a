//! In which order applications start: each after those that it depends on.

use std::collections::HashMap;

use kista_etf::Atom;

use super::ApplicationError;

enum State {
    /// On the way from the one that was asked for.
    OnTheWay,
    Placed,
}

/// These and all that they depend on, each after its own dependencies, in the order in which they name them. What is not known
/// has no dependencies: its start will say so.
pub(super) fn order(
    wanted: &[Atom],
    depends_on: impl Fn(Atom) -> Vec<Atom>,
) -> Result<Vec<Atom>, ApplicationError> {
    let mut states = HashMap::new();
    let mut order = Vec::new();
    // Each with those of its dependencies that are yet to be looked at, the next one last.
    let mut way: Vec<(Atom, Vec<Atom>)> = Vec::new();
    let reversed = |name| {
        let mut dependencies = depends_on(name);
        dependencies.reverse();
        dependencies
    };
    for &name in wanted {
        let mut next = Some(name);
        loop {
            if let Some(name) = next.take() {
                match states.get(&name) {
                    Some(State::Placed) => {}
                    Some(State::OnTheWay) => {
                        let circle = way.iter().map(|(on, _)| *on);
                        return Err(ApplicationError::Cycle(
                            circle.skip_while(|on| *on != name).collect(),
                        ));
                    }
                    None => {
                        states.insert(name, State::OnTheWay);
                        way.push((name, reversed(name)));
                    }
                }
            }
            let Some((at, dependencies)) = way.last_mut() else {
                break;
            };
            next = dependencies.pop();
            if next.is_none() {
                states.insert(*at, State::Placed);
                order.push(*at);
                way.pop();
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(name: &str) -> Atom {
        Atom::new(name).unwrap()
    }

    /// `graph`: "a: b c; b: d".
    fn ordered(graph: &str, wanted: &str) -> Result<String, ApplicationError> {
        let graph: HashMap<Atom, Vec<Atom>> = graph
            .split("; ")
            .filter_map(|line| line.split_once(": "))
            .map(|(name, on)| (atom(name), on.split(' ').map(atom).collect()))
            .collect();
        let wanted: Vec<_> = wanted.split(' ').map(atom).collect();
        let order = order(&wanted, |name| {
            graph.get(&name).cloned().unwrap_or_default()
        })?;
        let names: Vec<_> = order.iter().map(|name| name.as_str()).collect();
        Ok(names.join(" "))
    }

    #[test]
    fn each_comes_once_and_after_what_it_depends_on() {
        assert_eq!(ordered("a: b c; b: d; c: d", "a").unwrap(), "d b c a");
        assert_eq!(ordered("a: b; c: b", "a c b").unwrap(), "b a c");
        assert_eq!(ordered("", "a").unwrap(), "a");
    }

    #[test]
    fn a_circle_is_refused_with_the_names_that_are_in_it_and_no_others() {
        let refused = ordered("a: b; b: c d; d: b; c: e", "a").unwrap_err();
        assert_eq!(refused, ApplicationError::Cycle(vec![atom("b"), atom("d")]));
        assert_eq!(
            refused.to_string(),
            "applications depend on each other in a circle: b -> d -> b"
        );
        assert!(
            matches!(ordered("a: a", "a"), Err(ApplicationError::Cycle(circle)) if circle == [atom("a")])
        );
    }

    #[test]
    fn a_long_line_of_dependencies_needs_no_deep_stack() {
        let names: Vec<_> = (0..100_000)
            .map(|n| atom(&format!("order_{}", n % 50_000)))
            .collect();
        let next: HashMap<_, _> = names[..50_000]
            .windows(2)
            .map(|two| (two[0], two[1]))
            .collect();
        let order = order(&names[..1], |name| {
            next.get(&name).copied().into_iter().collect()
        });
        assert_eq!(order.unwrap().len(), 50_000);
    }
}
