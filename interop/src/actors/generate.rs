use kista::{Atom, Term};

use crate::Random;

/// Random scenarios of links, monitors, exits and aliases, the same ones for the same seed.
///
/// Six actors, some of whom trap exits, do what processes do to each other; who has ended is told to act all the same, which
/// does nothing. One step at a time is taken, each to its end, so that both players must see the same.
pub fn generate(seed: u64, scenarios: usize, steps: usize) -> Vec<Term> {
    let mut random = Random::new(seed);
    (0..scenarios)
        .map(|n| Scenario::new(&mut random).generate(&format!("random_{seed}_{n}"), steps))
        .collect()
}

struct Scenario<'a> {
    random: &'a mut Random,
    actors: Vec<String>,
    /// Who made it, and what it is called: a monitor or an alias.
    labels: Vec<(String, String)>,
    paused: Option<String>,
}

impl<'a> Scenario<'a> {
    fn new(random: &'a mut Random) -> Self {
        Self {
            random,
            actors: ["a", "b", "c", "d", "e", "f"].map(str::to_owned).to_vec(),
            labels: Vec::new(),
            paused: None,
        }
    }

    fn generate(mut self, name: &str, steps: usize) -> Term {
        let mut all: Vec<Term> = self
            .actors
            .iter()
            .map(|actor| words(&["start", actor]))
            .collect();
        for actor in self.actors.clone() {
            if self.random.below(2) == 0 {
                all.push(tuple([atom(&actor), words(&["trap", "true"])]));
            }
        }
        for _ in 0..steps {
            let step = self.step();
            all.push(step);
        }
        tuple([atom(name), Term::list(all)])
    }

    fn step(&mut self) -> Term {
        // Somebody pauses now and then, and signals pile up.
        if let Some(paused) = self.paused.take() {
            if self.random.below(3) == 0 {
                return tuple([atom(&paused), atom("resume")]);
            }
            self.paused = Some(paused);
        } else if self.random.below(12) == 0 {
            let actor = self.actor();
            self.paused = Some(actor.clone());
            return tuple([atom(&actor), atom("pause")]);
        }
        let mut actor = self.actor();
        while Some(&actor) == self.paused.as_ref() {
            actor = self.actor();
        }
        if self.random.below(10) == 0 {
            return tuple([atom("exit"), atom(&actor), self.reason()]);
        }
        // Looked at between two steps, since looking lets what has arrived act.
        if self.random.below(10) == 0 {
            let other = self.actor();
            let what = match self.random.below(3) {
                0 => atom("links"),
                1 => atom("monitors"),
                _ => words(&["alive", &other]),
            };
            return tuple([atom(&actor), what]);
        }
        let mut commands: Vec<Term> = Vec::new();
        for _ in 0..=self.random.below(3) {
            commands.push(self.command(&actor));
            if is_last(&commands[commands.len() - 1]) {
                break;
            }
        }
        tuple([atom(&actor), Term::list(commands)])
    }

    fn command(&mut self, me: &str) -> Term {
        let other = self.actor();
        match self.random.below(19) {
            0..=3 => words(&["link", &other]),
            4 | 5 => words(&["unlink", &other]),
            6 | 7 => {
                let label = self.new_label(me);
                words(&["monitor", &other, &label])
            }
            8 => {
                let kind = self
                    .random
                    .one(&["explicit_unalias", "demonitor", "reply_demonitor"]);
                let label = self.new_label(me);
                words(&["monitor_alias", &other, &label, kind])
            }
            9 => {
                let label = self.new_label(me);
                if self.random.below(2) == 0 {
                    words(&["alias", &label])
                } else {
                    words(&["alias", &label, "reply"])
                }
            }
            10 => {
                let label = self.own_label(me);
                let option = self.random.one(&["flush", "info", "flush_info"]);
                words(&["demonitor", &label, option])
            }
            11 => {
                let label = self.own_label(me);
                words(&["unalias", &label])
            }
            12 => {
                let label = self.label_of_another(me);
                tuple([atom("send_alias"), atom(&label), self.message()])
            }
            // Not to oneself: between that and a DOWN there is no order to be compared.
            13 | 14 if other == me => self.command(me),
            13 | 14 => tuple([atom("send"), atom(&other), self.message()]),
            15 => tuple([atom("exit"), atom(&other), self.reason()]),
            16 => {
                let flag = self.random.one(&["true", "false", "true"]);
                words(&["trap", flag])
            }
            17 => {
                let new = format!("n{}", self.actors.len());
                self.actors.push(new.clone());
                let label = self.new_label(me);
                match self.random.below(3) {
                    0 => words(&["spawn", &new]),
                    1 => words(&["spawn_link", &new]),
                    _ => words(&["spawn_monitor", &new, &label]),
                }
            }
            _ => words(&["unlink", me]),
        }
    }

    fn actor(&mut self) -> String {
        let n = self.random.below(self.actors.len());
        self.actors[n].clone()
    }

    fn new_label(&mut self, me: &str) -> String {
        let label = format!("l{}", self.labels.len());
        self.labels.push((me.to_owned(), label.clone()));
        label
    }

    /// One of the others' last ones: it is then more often one that is active.
    fn label_of_another(&mut self, me: &str) -> String {
        let back = self.random.below(4);
        let mut others = self.labels.iter().rev().filter(|(owner, _)| owner != me);
        let label = others.nth(back);
        label.map_or_else(|| "none".to_owned(), |(_, label)| label.clone())
    }

    /// One of the actor's own last ones.
    fn own_label(&mut self, me: &str) -> String {
        let back = self.random.below(3);
        let mut own = self.labels.iter().rev().filter(|(owner, _)| owner == me);
        own.nth(back)
            .map_or_else(|| "none".to_owned(), |(_, label)| label.clone())
    }

    fn message(&mut self) -> Term {
        Term::from(self.random.below(1000) as u64)
    }

    fn reason(&mut self) -> Term {
        match self.random.below(8) {
            0 => atom("normal"),
            1 => atom("shutdown"),
            2 => words(&["shutdown", "late"]),
            3 => atom("kill"),
            4 => tuple([atom("boom"), Term::from(self.random.below(100) as u64)]),
            _ => atom("boom"),
        }
    }
}

/// What ends that which is done in one go:
/// - a link: what comes behind one with a dead process meets its exit signal before or after, in OTP 27 and in OTP 29;
/// - an exit signal: what is sent behind it to a third process meets the end of the second one there before or after. Signals
///   of two senders have no order.
fn is_last(command: &Term) -> bool {
    command
        .as_tuple()
        .is_some_and(|words| matches!(words[0].as_atom_str(), Some("link" | "exit")))
}

fn atom(text: &str) -> Term {
    Term::from(Atom::new(text).expect("a short text"))
}

fn words(words: &[&str]) -> Term {
    tuple(words.iter().map(|word| atom(word)))
}

fn tuple(terms: impl IntoIterator<Item = Term>) -> Term {
    Term::tuple(terms)
}
