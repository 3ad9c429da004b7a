//! Two processes have one name: what decides between them.

use kista_etf::term::Export;
use kista_etf::{Atom, Pid, Term};

use super::core::Conflict;
use super::wire::Op;
use crate::node::Node;
use crate::process::ExitReason;

/// What happens when two parts of a network meet that have one name for two processes. It is asked once, on a node where one
/// of the two is.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Resolve {
    /// One of them is killed, and the other keeps the name: the one on the node with the lesser name.
    /// OTP's default, `global:random_exit_name/3`.
    #[default]
    RandomExit,
    /// One keeps the name, and the other gets the message `{global_name_conflict, Name}`: `global:random_notify_name/3`.
    RandomNotify,
    /// Neither keeps it, and both get `{global_name_conflict, Name, OtherPid}`: `global:notify_all_name/3`.
    NotifyAll,
    /// `Module:Function(Name, Pid1, Pid2)` decides, which returns one of the pids or `none`. On a node of ours that is a function that was
    /// [exposed](crate::Node::expose).
    Function(Atom, Atom),
}

impl Resolve {
    /// As other nodes see it: `fun Module:Function/3`.
    pub(super) fn to_term(&self) -> Term {
        let (module, function) = match self {
            Self::RandomExit => (global(), Atom::from_static("random_exit_name")),
            Self::RandomNotify => (global(), Atom::from_static("random_notify_name")),
            Self::NotifyAll => (global(), Atom::from_static("notify_all_name")),
            Self::Function(module, function) => (*module, *function),
        };
        Term::from(Export {
            module: module.into(),
            function: function.into(),
            arity: 3,
        })
    }

    /// `None`: a closure, which nobody runs here.
    fn from_term(term: &Term) -> Option<Self> {
        let (module, function) = match term {
            // What is registered in Erlang without a method has the only closure of that module.
            Term::Fun(fun) if fun.arity() == 3 && fun.module() == Some(global().into()) => {
                return Some(Self::RandomExit);
            }
            Term::Export(export) if export.arity == 3 => (
                Term::from(export.module.clone()).as_atom()?,
                Term::from(export.function.clone()).as_atom()?,
            ),
            _ => match term.as_tuple()? {
                [module, function] => (module.as_atom()?, function.as_atom()?),
                _ => return None,
            },
        };
        Some(match (module.as_str(), function.as_str()) {
            ("global", "random_exit_name") => Self::RandomExit,
            ("global", "random_notify_name") => Self::RandomNotify,
            ("global", "notify_all_name") => Self::NotifyAll,
            _ => Self::Function(module, function),
        })
    }
}

fn global() -> Atom {
    Atom::from_static("global")
}

/// `global:resolve_it/4`: what the method returns; also what it raised, as `{'EXIT', Reason}`.
pub(super) async fn resolve_it(node: &Node, method: Term, name: Term, a: Pid, b: Pid) -> Term {
    let (least, most) = match a.node < b.node {
        true => (a, b),
        false => (b, a),
    };
    let conflict = |name: &Term| (Atom::from_static("global_name_conflict"), name.clone());
    match Resolve::from_term(&method) {
        Some(Resolve::RandomExit) => {
            node.exit(most, ExitReason::Kill);
            Term::from(least)
        }
        Some(Resolve::RandomNotify) => {
            drop(node.send(most, &Term::from(conflict(&name))));
            Term::from(least)
        }
        Some(Resolve::NotifyAll) => {
            let (tag, name) = conflict(&name);
            for (to, other) in [(a, b), (b, a)] {
                drop(node.send(to, &Term::from((tag, name.clone(), other))));
            }
            Term::from(Atom::from_static("none"))
        }
        Some(Resolve::Function(module, function)) => {
            let arguments = [name, a.into(), b.into()];
            let decided = node.erpc::<Term>(node.name(), (module, function), arguments);
            decided
                .await
                .unwrap_or_else(|error| exit(Term::from(error.to_string())))
        }
        None => exit(Term::from(Atom::from_static("undef"))),
    }
}

fn exit(reason: Term) -> Term {
    Term::from((Atom::from_static("EXIT"), reason))
}

/// What becomes of the other's names here, and of ours there.
pub(super) async fn decide(node: &Node, conflicts: Vec<Conflict>) -> (Vec<Op>, Vec<Op>) {
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for Conflict { name, his, mine } in conflicts {
        // Where our process is, with our method.
        let (method, at) = (mine.1.clone(), mine.0.node);
        let said = match at == node.name() {
            true => Ok(resolve_it(node, method, name.clone(), his.0, mine.0).await),
            false => {
                let arguments = [method, name.clone(), his.0.into(), mine.0.into()];
                node.rpc::<Term>(at, ("global", "resolve_it"), arguments)
                    .await
            }
        };
        let winner = said.as_ref().ok().and_then(Term::as_pid);
        if winner == Some(his.0) {
            here.push(Op::Insert(name, his.0, his.1));
        } else if winner == Some(mine.0) {
            there.push(Op::Insert(name, mine.0, mine.1));
        } else if let Err(error) = said {
            tracing::info!(node = %node.name(), %at, %error, "global: a name conflict was not resolved there");
            here.push(Op::Insert(name, his.0, his.1));
        } else {
            // `none`, or no answer that means anything.
            here.push(Op::Delete(name.clone()));
            there.push(Op::Delete(name));
        }
    }
    (here, there)
}
