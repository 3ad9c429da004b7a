use std::future::Future;
use std::time::Duration;

use kista::{AliasMode, Atom, Dest, ExitReason, Info, ProcessCx, Term};

use super::world::{Unknown, World};

/// The player's question, which an actor answers in turn.
pub(super) fn ping() -> Term {
    Term::from(Atom::from_static("$ping"))
}

/// Tells an actor that pauses to go on.
pub(super) fn resume() -> Term {
    Term::from(Atom::from_static("$resume"))
}

/// Tells an actor to carry out commands, in one go.
pub(super) fn instruct(commands: &[Term]) -> Term {
    Term::tuple([
        Term::from(Atom::from_static("$do")),
        Term::list(commands.to_vec()),
    ])
}

/// An actor's life.
pub(super) async fn act(world: World, me: Atom, mut cx: ProcessCx) -> ExitReason {
    loop {
        let info = cx.receive().await;
        if let Info::Term(term) = &info {
            if *term == ping() {
                world.pong(cx.pid());
                continue;
            }
            if let Some([tag, commands]) = term.as_tuple()
                && tag.as_atom_str() == Some("$do")
            {
                for command in commands.as_list().expect("a list of commands") {
                    match carry_out(&world, me, &mut cx, command).await {
                        Ok(Done::Quiet) => {}
                        Ok(Done::Saw(what)) => world.saw(me, what),
                        Ok(Done::End(reason)) => return reason,
                        Err(Unknown(name)) => {
                            let unknown = Term::from(Atom::from_static("unknown"));
                            world.saw(me, Term::tuple([unknown, Term::from(name)]));
                        }
                    }
                }
                continue;
            }
        }
        world.saw(me, seen(&info));
    }
}

enum Done {
    Quiet,
    Saw(Term),
    End(ExitReason),
}

#[allow(
    clippy::manual_async_fn,
    reason = "it is awaited by what it starts, and so needs its bound said"
)]
fn carry_out<'a>(
    world: &'a World,
    me: Atom,
    cx: &'a mut ProcessCx,
    command: &'a Term,
) -> impl Future<Output = Result<Done, Unknown>> + Send + 'a {
    async move {
        let words: Vec<Term> = match command.as_tuple() {
            Some(words) => words.to_vec(),
            None => vec![command.clone()],
        };
        let atom = |n: usize| {
            words[n]
                .as_atom()
                .unwrap_or_else(|| panic!("an atom: {}", words[n]))
        };
        let number = |n: usize| -> u64 {
            words[n]
                .to_string()
                .parse()
                .unwrap_or_else(|_| panic!("a number: {}", words[n]))
        };
        let other = |n: usize| world.pid(atom(n));
        let saw = |what: Term| Done::Saw(Term::tuple([words[0].clone(), what]));
        let truth =
            |flag: bool| Term::from(Atom::new(if flag { "true" } else { "false" }).expect("short"));
        let message = |n: usize| {
            Term::tuple([
                Term::from(Atom::from_static("message")),
                world.real(&words[n]),
            ])
        };
        match (atom(0).as_str(), words.len() - 1) {
            ("spawn", 1) => {
                world
                    .start(atom(1), |code| cx.spawn_fn(code).expect("a process starts"))
                    .await;
            }
            ("spawn_link", 1) => {
                world
                    .start(atom(1), |code| {
                        cx.spawn_fn_link(code).expect("a process starts")
                    })
                    .await;
            }
            ("spawn_monitor", 2) => {
                let start = |code| {
                    let (pid, reference) = cx.spawn_fn_monitor(code).expect("a process starts");
                    world.label(atom(2), reference);
                    pid
                };
                world.start(atom(1), start).await;
            }
            ("link", 1) => {
                let to = other(1)?;
                cx.link(to);
                if !world.node.is_alive(to) {
                    own_signals(cx).await;
                }
            }
            ("unlink", 1) => cx.unlink(other(1)?),
            ("monitor", 2) => world.label(atom(2), cx.monitor(other(1)?)),
            ("monitor_name", 2) => world.label(atom(2), cx.monitor(atom(1))),
            ("monitor_alias", 3) => {
                let mode = match atom(3).as_str() {
                    "explicit_unalias" => AliasMode::Explicit,
                    "demonitor" => AliasMode::Demonitor,
                    "reply_demonitor" => AliasMode::ReplyDemonitor,
                    other => panic!("no kind of alias: {other}"),
                };
                world.label(atom(2), cx.monitor_alias(other(1)?, mode));
            }
            ("demonitor", 1) => {
                cx.demonitor(world.reference(atom(1))?);
            }
            ("demonitor", 2) => {
                let reference = world.reference(atom(1))?;
                match atom(2).as_str() {
                    "flush" => {
                        cx.demonitor_flush(reference);
                    }
                    "info" => return Ok(saw(truth(cx.demonitor(reference)))),
                    "flush_info" => return Ok(saw(truth(cx.demonitor_flush(reference)))),
                    other => panic!("no option of demonitor: {other}"),
                }
            }
            ("alias", 1) => world.label(atom(1), cx.alias(AliasMode::Explicit)),
            ("alias", 2) => world.label(atom(1), cx.alias(AliasMode::Reply)),
            ("unalias", 1) => return Ok(saw(truth(cx.unalias(world.reference(atom(1))?)))),
            ("send", 2) => drop(cx.send(other(1)?, &message(2))),
            ("send_name", 2) => {
                if world.node.whereis(atom(1).as_str()).is_none() {
                    return Ok(saw(Term::from(Atom::from_static("badarg"))));
                }
                drop(cx.send(atom(1), &message(2)));
            }
            ("send_alias", 2) => drop(cx.send(world.reference(atom(1))?, &message(2))),
            ("exit", 2) => {
                let to = other(1)?;
                cx.exit(to, words[2].clone());
                let traps = cx.trap_exit(true);
                cx.trap_exit(traps);
                // Who traps exits takes up later what can be trapped, in Erlang too.
                let trapped = traps && words[2] != Term::from(Atom::from_static("kill"));
                if to == cx.pid() && !trapped {
                    own_signals(cx).await;
                }
            }
            ("exit", 1) => return Ok(Done::End(ExitReason::from(words[1].clone()))),
            ("trap", 1) => return Ok(saw(truth(cx.trap_exit(atom(1).as_str() == "true")))),
            ("register", 1) => {
                if world.node.register(atom(1).as_str(), cx.pid()).is_err() {
                    return Ok(saw(Term::from(Atom::from_static("badarg"))));
                }
            }
            ("unregister", 1) => {
                if world.node.unregister(atom(1).as_str()).is_err() {
                    return Ok(saw(Term::from(Atom::from_static("badarg"))));
                }
            }
            ("whereis", 1) => {
                let found = world.node.whereis(atom(1).as_str());
                return Ok(saw(found.map_or_else(
                    || Term::from(Atom::from_static("undefined")),
                    Term::from,
                )));
            }
            ("leader", 1) => cx.set_group_leader(other(1)?, cx.pid()),
            ("leader_of", 2) => cx.set_group_leader(other(2)?, other(1)?),
            ("leader", 0) => {
                let leader = cx.group_leader();
                let nobody = Term::from(Atom::from_static("unknown"));
                return Ok(saw(leader.map_or(nobody, Term::from)));
            }
            ("timer", 3) => {
                let timer = cx.start_timer(Duration::from_millis(number(2)), cx.pid(), &words[3]);
                world.label(atom(1), timer.expect("it can be encoded"));
            }
            ("cancel", 1) => {
                let left = world.node.cancel_timer(world.reference(atom(1))?);
                return Ok(saw(truth(left.is_some())));
            }
            ("alive", 1) => return Ok(saw(truth(world.node.is_alive(other(1)?)))),
            ("links", 0) => {
                let info = world
                    .node
                    .process_info(cx.pid())
                    .await
                    .expect("this one lives");
                return Ok(saw(sorted(
                    info.links
                        .into_iter()
                        .map(|pid| world.plain(&Term::from(pid))),
                )));
            }
            ("monitors", 0) => {
                let info = world
                    .node
                    .process_info(cx.pid())
                    .await
                    .expect("this one lives");
                return Ok(saw(sorted(
                    info.monitors
                        .into_iter()
                        .map(|dest| world.plain(&dest_term(dest))),
                )));
            }
            ("info", 2) => {
                let info = world.node.process_info(other(1)?).await;
                let undefined = Term::from(Atom::from_static("undefined"));
                let length =
                    info.map_or(undefined, |info| Term::from(info.message_queue_len as u64));
                return Ok(Done::Saw(Term::tuple([
                    Term::from(Atom::from_static("queue")),
                    length,
                ])));
            }
            ("pause", 0) => {
                let resume = Info::Term(resume());
                cx.receive_if(|info| *info == resume).await;
            }
            ("receive", 2) => {
                let wanted = Info::Term(message(1));
                let got = cx
                    .receive_if(|info| *info == wanted)
                    .after(Duration::from_millis(number(2)))
                    .await;
                return Ok(received(got.map(|_| world.real(&words[1]))));
            }
            ("next", 1) => {
                let ping = Info::Term(ping());
                let got = cx
                    .receive_if(|info| *info != ping)
                    .after(Duration::from_millis(number(1)))
                    .await;
                return Ok(received(got.map(|info| seen(&info))));
            }
            ("receive_down", 2) => {
                let wanted = world.reference(atom(1))?;
                let down = |info: &Info| matches!(info, Info::Down { reference, .. } if *reference == wanted);
                let got = cx
                    .receive_if(down)
                    .after(Duration::from_millis(number(2)))
                    .await;
                return Ok(received(got.map(|info| seen(&info))));
            }
            _ => panic!("{me} cannot {command}"),
        }
        Ok(Done::Quiet)
    }
}

/// Lets what a process signals itself act, which in Erlang it does at once and here where the process awaits.
async fn own_signals(cx: &mut ProcessCx) {
    cx.receive_if(|_| false).after(Duration::ZERO).await;
}

fn received(what: Option<Term>) -> Done {
    let what = what.unwrap_or_else(|| Term::from(Atom::from_static("timeout")));
    Done::Saw(Term::tuple([
        Term::from(Atom::from_static("received")),
        what,
    ]))
}

fn sorted(terms: impl Iterator<Item = Term>) -> Term {
    let mut terms: Vec<Term> = terms.collect();
    terms.sort();
    Term::list(terms)
}

fn dest_term(dest: Dest) -> Term {
    match dest {
        Dest::Pid(pid) => Term::from(pid),
        Dest::Name(name) => Term::from(name),
        other => panic!("not in these scenarios: {other}"),
    }
}

/// A message as the player prints it.
fn seen(info: &Info) -> Term {
    let tag = |tag: &'static str| Term::from(Atom::from_static(tag));
    match info {
        Info::Exit { from, reason } => {
            Term::tuple([tag("exit"), Term::from(*from), reason.to_term()])
        }
        Info::Down {
            reference,
            from,
            reason,
        } => {
            // Erlang gives the node with a name.
            let from = match *from {
                Dest::Name(name) => Term::tuple([Term::from(name), tag("here")]),
                other => dest_term(other),
            };
            Term::tuple([tag("down"), Term::from(*reference), from, reason.to_term()])
        }
        Info::Term(term) => match term.as_tuple() {
            Some([first, ..]) if matches!(first.as_atom_str(), Some("message" | "timeout")) => {
                term.clone()
            }
            _ => Term::tuple([tag("other"), term.clone()]),
        },
        other => panic!("not in these scenarios: {other:?}"),
    }
}
