use std::time::Duration;

use kista::{Atom, ExitReason, Node, Term};

use super::actor::{instruct, resume};
use super::world::{Unknown, World};

/// The scenarios of a file: each `{Name, Steps}.` on a line of its own; other lines are comments or empty.
pub fn scenarios(text: &str) -> Vec<Term> {
    text.lines()
        .filter_map(|line| line.strip_prefix('{'))
        .map(|line| {
            let line = format!("{{{}", line.trim_end().trim_end_matches('.'));
            line.parse()
                .unwrap_or_else(|error| panic!("{line}: {error}"))
        })
        .collect()
}

/// Plays a scenario, and gives what each actor saw in each step: `{Name, StepNumber, Actor, [Seen, ...]}`.
pub async fn play(scenario: &Term) -> Vec<Term> {
    let Some([name, steps]) = scenario.as_tuple() else {
        panic!("not a scenario: {scenario}")
    };
    let node = Node::builder("nonode@127.0.0.1").no_network().start().await;
    let world = World::new(node.expect("a node starts"));
    let mut lines = Vec::new();
    for (n, step) in (1u64..).zip(steps.as_list().expect("a list of steps")) {
        // Who is not known is passed over.
        let _ = take(&world, step).await;
        settle(&world).await;
        for (actor, seen) in world.take_seen() {
            let actor = Atom::new(&actor).expect("an atom's text");
            lines.push(Term::tuple([
                name.clone(),
                Term::from(n),
                Term::from(actor),
                Term::list(seen),
            ]));
        }
    }
    for (_, pid) in world.living() {
        world.node.exit(pid, ExitReason::Kill);
    }
    world.node.stop().await;
    lines
}

/// The player's own commands, and what it hands on to actors.
async fn take(world: &World, step: &Term) -> Result<(), Unknown> {
    let words = step
        .as_tuple()
        .unwrap_or_else(|| panic!("not a step: {step}"));
    let atom = |n: usize| {
        words[n]
            .as_atom()
            .unwrap_or_else(|| panic!("an atom: {}", words[n]))
    };
    match (atom(0).as_str(), words) {
        ("start", [_, _]) => {
            let start = |code| world.node.spawn_fn(code).expect("a process starts");
            world.start(atom(1), start).await;
        }
        ("exit", [_, _, reason]) => {
            world
                .node
                .exit(world.pid(atom(1))?, ExitReason::from(reason.clone()));
        }
        ("send", [_, _, message]) => {
            let message = Term::tuple([Term::from(Atom::from_static("message")), message.clone()]);
            drop(world.node.send(world.pid(atom(1))?, &message));
        }
        ("sleep", [_, ms]) => {
            let ms = ms.to_string().parse().expect("a number");
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        (_, [actor, command]) => {
            let actor = actor.as_atom().expect("an actor's name");
            if command.as_atom_str() == Some("resume") {
                world.pause(actor, false);
                drop(world.node.send(world.pid(actor)?, &resume()));
                return Ok(());
            }
            let commands = match command.as_list() {
                Some(commands) => commands.to_vec(),
                None => vec![command.clone()],
            };
            if commands
                .iter()
                .any(|command| command.as_atom_str() == Some("pause"))
            {
                world.pause(actor, true);
            }
            drop(world.node.send(world.pid(actor)?, &instruct(&commands)));
        }
        _ => panic!("not a step: {step}"),
    }
    Ok(())
}

/// Until two rounds brought nothing new. Who pauses is not asked.
async fn settle(world: &World) {
    let mut before = None;
    while before != Some(world.entries()) {
        before = Some(world.entries());
        let asked = world
            .living()
            .into_iter()
            .filter(|(actor, _)| !world.is_paused(*actor));
        let asked: Vec<_> = asked.map(|(_, pid)| (pid, world.ask(pid))).collect();
        for (pid, mut ponged) in asked {
            while tokio::time::timeout(Duration::from_millis(1), &mut ponged)
                .await
                .is_err()
            {
                if !world.node.is_alive(pid) {
                    break;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
