//! Random supervisors, and deaths, failing starts and requests in any order, by seed; judged by a model that knows the manual but
//! not the core: a plain list of children with the rules written down once more, the slow way.

use super::*;

/// A small generator of our own, so that a seed says everything.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize]
    }
}

/// The model: who there is, in the order of the starts.
struct Model {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    children: Vec<(String, Policy, bool)>,
    restarts: Vec<u64>,
    ended: bool,
}

impl Model {
    fn find(&self, name: &str) -> Option<usize> {
        self.children.iter().position(|child| child.0 == name)
    }

    fn drop_or_down(&mut self, at: usize) {
        match self.children[at].1.restart {
            Restart::Temporary => drop(self.children.remove(at)),
            _ => self.children[at].2 = false,
        }
    }

    /// A child ended by itself. What is to be logged.
    fn died(&mut self, name: &str, reason: &ExitReason, now: u64) -> Vec<String> {
        let at = self.find(name).unwrap();
        let (_, policy, _) = self.children[at];
        let mut log = Vec::new();
        let again = policy.restart == Restart::Permanent
            || (policy.restart == Restart::Transient && !reason.is_normal());
        if !again {
            self.drop_or_down(at);
            let left = self
                .children
                .iter()
                .any(|child| child.1.significant && child.2);
            self.ended = policy.significant
                && (self.auto_shutdown == AutoShutdown::AnySignificant
                    || (self.auto_shutdown == AutoShutdown::AllSignificant && !left));
            if !reason.is_normal() {
                let next = if self.ended { "ends" } else { "forgets it" };
                log.push(format!("report child_terminated {name} {reason}: {next}"));
            }
        } else {
            self.restarts.push(now);
            let within = self.restarts.iter().filter(|at| **at + 5 >= now).count();
            let next = if within > 3 { "ends" } else { "restarts it" };
            log.push(format!("report child_terminated {name} {reason}: {next}"));
            if within > 3 {
                log.push(format!(
                    "report shutdown {name} reached_max_restart_intensity: ends"
                ));
                self.drop_or_down(at);
                self.ended = true;
            } else {
                self.children[at].2 = false;
                let first = match self.strategy {
                    Strategy::OneForAll => 0,
                    _ => at,
                };
                if self.strategy == Strategy::OneForOne {
                    log.push(format!("start {name}"));
                    self.children[at].2 = true;
                } else {
                    self.stop_from(first, &mut log);
                    for child in &mut self.children[first..] {
                        log.push(format!("start {}", child.0));
                        child.2 = true;
                    }
                }
            }
        }
        if self.ended {
            log.push("shutdown".to_owned());
            self.stop_from(0, &mut log);
            log.push("all ended".to_owned());
        }
        log
    }

    fn stop_from(&mut self, first: usize, log: &mut Vec<String>) {
        for at in (first..self.children.len()).rev() {
            if self.children[at].2 {
                log.push(format!("stop {}", self.children[at].0));
            }
            self.drop_or_down(at);
        }
    }

    fn states(&self) -> Vec<String> {
        let say = |(name, _, runs): &(String, Policy, bool)| {
            format!("{name} {}", if *runs { "runs" } else { "down" })
        };
        self.children.iter().map(say).collect()
    }
}

#[test]
fn random_deaths_and_requests_leave_what_the_manual_says() {
    let mut ends = 0;
    for seed in 1..=2_000u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let strategy = dice.pick(&[
            Strategy::OneForOne,
            Strategy::OneForAll,
            Strategy::RestForOne,
        ]);
        let auto_shutdown = dice.pick(&[
            AutoShutdown::Never,
            AutoShutdown::AnySignificant,
            AutoShutdown::AllSignificant,
        ]);
        let flags = Flags {
            auto_shutdown,
            ..flags(strategy)
        };
        let mut world = World::new(&flags, policy(Restart::Permanent));
        let mut model = Model {
            strategy,
            auto_shutdown,
            children: Vec::new(),
            restarts: Vec::new(),
            ended: false,
        };
        let random_policy = |dice: &mut Dice| {
            let restart = dice.pick(&[Restart::Permanent, Restart::Transient, Restart::Temporary]);
            let may = restart != Restart::Permanent && auto_shutdown != AutoShutdown::Never;
            Policy {
                significant: may && dice.roll(4) == 0,
                ..policy(restart)
            }
        };
        for n in 0..dice.roll(6) {
            let policy = random_policy(&mut dice);
            world.core.add(id(&format!("c{n}")), policy);
            model.children.push((format!("c{n}"), policy, true));
        }
        world.give(Event::Boot);
        world.logged();
        for step in 0..40 {
            let name = match model.children.len() as u64 {
                0 => "none".to_owned(),
                n => model.children[dice.roll(n) as usize].0.clone(),
            };
            let runs = model.find(&name).is_some_and(|at| model.children[at].2);
            let what = dice.roll(10);
            let context = format!(
                "seed {seed} step {step}: {what} {name} of {:?}",
                model.states()
            );
            let (logged, expected) = match what {
                0..=4 if runs => {
                    let reason = dice.pick(&[0, 1, 2, 3]);
                    let reason = [
                        ExitReason::Normal,
                        ExitReason::Shutdown,
                        crash(),
                        ExitReason::Killed,
                    ][reason]
                        .clone();
                    world.die(&name, reason.clone());
                    (
                        world.logged(),
                        model.died(&name, &reason, world.now.as_secs()),
                    )
                }
                5 => {
                    let reply = world.ask(Event::Terminate(id(&name)));
                    let known = model.find(&name);
                    assert_eq!(reply == Reply::Done, known.is_some(), "{context}");
                    let mut log = Vec::new();
                    if let Some(at) = known {
                        if runs {
                            log.push(format!("stop {name}"));
                        }
                        model.drop_or_down(at);
                    }
                    (world.logged(), log)
                }
                6 => {
                    let reply = world.ask(Event::Restart(id(&name)));
                    let down = model.find(&name).filter(|at| !model.children[*at].2);
                    assert_eq!(
                        matches!(reply, Reply::Started(_)),
                        down.is_some(),
                        "{context}"
                    );
                    if let Some(at) = down {
                        model.children[at].2 = true;
                    }
                    (
                        world.logged(),
                        down.map(|_| format!("start {name}")).into_iter().collect(),
                    )
                }
                7 => {
                    let reply = world.ask(Event::Delete(id(&name)));
                    let down = model.find(&name).filter(|at| !model.children[*at].2);
                    assert_eq!(reply == Reply::Done, down.is_some(), "{context}");
                    if let Some(at) = down {
                        model.children.remove(at);
                    }
                    (world.logged(), Vec::new())
                }
                8 => {
                    let new = format!("n{step}");
                    let policy = random_policy(&mut dice);
                    world.ask(Event::StartChild(id(&new), policy));
                    model.children.push((new.clone(), policy, true));
                    (world.logged(), vec![format!("start {new}")])
                }
                _ => {
                    world.now += Duration::from_millis(dice.roll(4_000));
                    continue;
                }
            };
            assert_eq!(logged, expected, "{context}");
            assert_eq!(world.ended, model.ended, "{context}");
            if world.ended {
                ends += 1;
                break;
            }
            assert_eq!(states(&world), model.states(), "{context}");
        }
    }
    assert!(ends > 200, "enough of them come to their end: {ends}");
}

#[test]
fn starts_that_fail_at_random_leave_nobody_unaccounted() {
    for seed in 1..=2_000u64 {
        let mut dice = Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let all = [
            Strategy::OneForOne,
            Strategy::OneForAll,
            Strategy::RestForOne,
            Strategy::SimpleOneForOne,
        ];
        let strategy = dice.pick(&all);
        let restart = dice.pick(&[Restart::Permanent, Restart::Transient]);
        let flags = Flags {
            intensity: 20,
            ..flags(strategy)
        };
        let mut world = World::new(&flags, policy(restart));
        if strategy == Strategy::SimpleOneForOne {
            for _ in 0..4 {
                world.ask(Event::StartDynamic);
            }
        } else {
            for n in 0..4 {
                world.core.add(id(&format!("#{n}")), policy(restart));
            }
            world.give(Event::Boot);
        }
        for _ in 0..15 {
            for n in 0..4 {
                let starts = (0..dice.roll(3)).map(|_| match dice.roll(3) {
                    0 => Outcome::Running(pid(0)),
                    1 => Outcome::Failed(crash()),
                    _ => Outcome::Ignored,
                });
                world.script.insert(format!("#{n}"), starts.collect());
            }
            let Some(key) = world.alive.values().next().copied() else {
                break;
            };
            let name = world.name(key);
            world.die(&name, crash());
            if world.ended {
                break;
            }
            assert_eq!(world.alive.len(), world.core.running(), "seed {seed}");
            assert!(world.queue.is_empty());
            assert!(
                states(&world)
                    .iter()
                    .all(|state| !state.ends_with("restarting")),
                "seed {seed}"
            );
            world.now += Duration::from_secs(1);
        }
        let stopped = world
            .logged()
            .iter()
            .filter(|line| *line == "all ended")
            .count();
        assert_eq!(stopped, usize::from(world.ended));
    }
}
