//! What name servers say to each other: version 8 of the protocol, of OTP 25 to 29, and what is read of version 7.
//!
//! Rules:
//! 1. A message counts when it came by a connection from the node that it names as its sender.
//! 2. Tags are any terms, and come back as they were sent.

use kista_etf::{Atom, Pid, Term};

/// The version of the protocol that is spoken here.
pub(super) const VERSION: i64 = 8;

/// One change of names that two servers agreed on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Op {
    /// Name, process, method.
    Insert(Term, Pid, Term),
    Delete(Term),
}

/// What another node's server, or a process, sent: a cast, or a plain message.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    InitConnect {
        node: Atom,
        version: i64,
        tag: Term,
        locker: Pid,
    },
    InitConnectAck {
        node: Atom,
        /// What is ours, as it has it, and its own.
        mine: Term,
        his: Term,
    },
    CancelConnect {
        node: Atom,
        tag: Term,
    },
    LockSet {
        locker: Pid,
        set: bool,
        /// `None`: of version 7.
        tag: Option<Term>,
    },
    Exchange {
        node: Atom,
        names: Vec<(Term, Pid, Term)>,
        tag: Term,
    },
    Resolved {
        node: Atom,
        ops: Vec<Op>,
        known: Vec<(Atom, i64)>,
        external: Vec<(Term, Pid, Atom)>,
        tag: Term,
    },
    NewNodes {
        node: Atom,
        ops: Vec<Op>,
        external: Vec<(Term, Pid, Atom)>,
        nodes: Vec<(Atom, i64)>,
        /// The requester of the lock under which they agreed.
        lock: Option<Term>,
    },
    InSync {
        node: Atom,
    },
    LostConnection(Lost),
    RemoveConnection {
        node: Atom,
    },
    Whereis {
        name: Term,
        pid: Pid,
        tag: Term,
    },
    /// Of old releases, without effect since long.
    Void,
}

/// `a` lost its connection to `b`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lost {
    pub(super) a: Atom,
    /// Which life of `a`.
    pub(super) life: Term,
    /// Which of its losses.
    pub(super) number: i64,
    pub(super) b: Atom,
}

impl Said {
    pub(super) fn parse_cast(term: &Term, via: Option<Atom>) -> Option<Self> {
        let (tag, rest) = term.as_tuple()?.split_first()?;
        let said = match (tag.as_atom_str()?, rest) {
            ("init_connect", [version, node, locker]) => {
                let [version, tag, ..] = version.as_tuple()? else {
                    return None;
                };
                let [_, _, locker] = locker.as_tagged("locker")? else {
                    return None;
                };
                Self::InitConnect {
                    node: from(node, via)?,
                    version: version.as_int()?,
                    tag: tag.clone(),
                    locker: of(locker.as_pid()?, via)?,
                }
            }
            ("lock_set", [locker, set, _known, rest @ ..]) => Self::LockSet {
                locker: of(locker.as_pid()?, via)?,
                set: set.as_bool()?,
                tag: match rest {
                    [] => None,
                    [tag] => Some(tag.clone()),
                    _ => return None,
                },
            },
            ("exchange", [node, names, _external, tag]) => Self::Exchange {
                node: from(node, via)?,
                names: each(names, named)?,
                tag: tag.clone(),
            },
            ("resolved", [node, ops, known, _unused, external, tag]) => Self::Resolved {
                node: from(node, via)?,
                ops: each(ops, op)?,
                known: each(known, versioned)?,
                external: each(external, by_c_node)?,
                tag: tag.clone(),
            },
            ("new_nodes", [node, ops, external, nodes, extra]) => Self::NewNodes {
                node: from(node, via)?,
                ops: each(ops, op)?,
                external: each(external, by_c_node)?,
                nodes: each(nodes, versioned)?,
                lock: lock_of(extra),
            },
            ("in_sync", [node, _known]) => Self::InSync {
                node: from(node, via)?,
            },
            ("async_del_name" | "async_del_lock", [_, _]) => Self::Void,
            _ => return None,
        };
        Some(said)
    }

    pub(super) fn parse_info(term: &Term, via: Option<Atom>) -> Option<Self> {
        let (tag, rest) = term.as_tuple()?.split_first()?;
        let said = match (tag.as_atom_str()?, rest) {
            ("init_connect_ack", [node, mine, his]) => Self::InitConnectAck {
                node: from(node, via)?,
                mine: mine.clone(),
                his: his.clone(),
            },
            ("cancel_connect", [node, tag]) => Self::CancelConnect {
                node: from(node, via)?,
                tag: tag.clone(),
            },
            // Passed on by others, so its sender may be anybody.
            ("lost_connection", [a, life, number, b]) => Self::LostConnection(Lost {
                a: a.as_atom()?,
                life: life.clone(),
                number: number.as_int()?,
                b: b.as_atom()?,
            }),
            ("remove_connection", [node]) => Self::RemoveConnection {
                node: from(node, via)?,
            },
            ("whereis", [name, from]) => {
                let [pid, tag] = from.as_tuple()? else {
                    return None;
                };
                Self::Whereis {
                    name: name.clone(),
                    pid: pid.as_pid()?,
                    tag: tag.clone(),
                }
            }
            _ => return None,
        };
        Some(said)
    }
}

fn from(node: &Term, via: Option<Atom>) -> Option<Atom> {
    node.as_atom().filter(|node| via == Some(*node))
}

fn of(pid: Pid, via: Option<Atom>) -> Option<Pid> {
    (via == Some(pid.node)).then_some(pid)
}

fn each<T>(list: &Term, read: impl Fn(&Term) -> Option<T>) -> Option<Vec<T>> {
    list.as_list()?.iter().map(read).collect()
}

fn named(term: &Term) -> Option<(Term, Pid, Term)> {
    match term.as_tuple()? {
        [name, pid, method] => Some((name.clone(), pid.as_pid()?, method.clone())),
        _ => None,
    }
}

fn by_c_node(term: &Term) -> Option<(Term, Pid, Atom)> {
    match term.as_tuple()? {
        [name, pid, node] => Some((name.clone(), pid.as_pid()?, node.as_atom()?)),
        _ => None,
    }
}

fn op(term: &Term) -> Option<Op> {
    if let Some([name]) = term.as_tagged("delete") {
        return Some(Op::Delete(name.clone()));
    }
    match term.as_tagged("insert")? {
        [entry] => named(entry).map(|(name, pid, method)| Op::Insert(name, pid, method)),
        _ => None,
    }
}

/// `{Node, Version}`, or the node alone: 0 is a version that is not known.
fn versioned(term: &Term) -> Option<(Atom, i64)> {
    match term.as_tuple() {
        Some([node, version]) => Some((node.as_atom()?, version.as_int()?)),
        Some(_) => None,
        None => Some((term.as_atom()?, 0)),
    }
}

/// `[{lock, {global, Requester}}, ...]`
fn lock_of(extra: &Term) -> Option<Term> {
    let lock = extra.as_list()?.iter().find_map(|e| e.as_tagged("lock"))?;
    match lock {
        [lock] => match lock.as_tuple()? {
            [_global, requester] => Some(requester.clone()),
            _ => None,
        },
        _ => None,
    }
}

pub(super) mod say {
    //! The messages that are sent.

    use super::*;

    fn tagged<const N: usize>(tag: &'static str, rest: [Term; N]) -> Term {
        Term::tuple([Term::from(Atom::from_static(tag))].into_iter().chain(rest))
    }

    /// All are casts but those that say otherwise.
    pub(in crate::global) fn init_connect(
        me: Atom,
        tag: &Term,
        known: &[(Atom, i64)],
        locker: Pid,
    ) -> Term {
        let known = known.iter();
        let known = known.map(|(node, version)| (Term::from(*node), Term::from(*version)));
        let known = Term::map(known).unwrap_or(Term::NIL);
        let no_pid = Atom::from_static("no_longer_a_pid").into();
        let locker = tagged("locker", [no_pid, known, locker.into()]);
        let version = Term::tuple([VERSION.into(), tag.clone()]);
        tagged("init_connect", [version, me.into(), locker])
    }

    /// A plain message.
    pub(in crate::global) fn init_connect_ack(me: Atom, his: &Term, mine: &Term) -> Term {
        tagged("init_connect_ack", [me.into(), his.clone(), mine.clone()])
    }

    /// A plain message.
    pub(in crate::global) fn cancel_connect(me: Atom, his: &Term) -> Term {
        tagged("cancel_connect", [me.into(), his.clone()])
    }

    pub(in crate::global) fn lock_set(
        me: Pid,
        set: bool,
        known: &[Atom],
        his: &Term,
        version: i64,
    ) -> Term {
        let known = Term::list(known.iter().map(|node| Term::from(*node)));
        match version < 8 {
            true => tagged("lock_set", [me.into(), set.into(), known]),
            false => tagged("lock_set", [me.into(), set.into(), known, his.clone()]),
        }
    }

    pub(in crate::global) fn exchange(
        me: Atom,
        names: impl IntoIterator<Item = (Term, Pid, Term)>,
        his: &Term,
    ) -> Term {
        let names = names
            .into_iter()
            .map(|(name, pid, method)| Term::tuple([name, pid.into(), method]));
        tagged(
            "exchange",
            [me.into(), Term::list(names), Term::NIL, his.clone()],
        )
    }

    pub(in crate::global) fn resolved(
        me: Atom,
        ops: &[Op],
        known: &[(Atom, i64)],
        external: &[(Term, Pid, Atom)],
        his: &Term,
        version: i64,
    ) -> Term {
        let unused = Atom::from_static("unused").into();
        tagged(
            "resolved",
            [
                me.into(),
                self::ops(ops),
                nodes(known, version),
                unused,
                self::external(external),
                his.clone(),
            ],
        )
    }

    pub(in crate::global) fn new_nodes(
        me: Atom,
        ops: &[Op],
        external: &[(Term, Pid, Atom)],
        nodes: &[(Atom, i64)],
        lock: Option<&Term>,
        version: i64,
    ) -> Term {
        let lock = lock.map(|requester| {
            let global = Atom::from_static("global").into();
            tagged("lock", [Term::tuple([global, requester.clone()])])
        });
        let vsn = tagged("vsn", [VERSION.into()]);
        let extra = Term::list([vsn].into_iter().chain(lock));
        tagged(
            "new_nodes",
            [
                me.into(),
                self::ops(ops),
                self::external(external),
                self::nodes(nodes, version),
                extra,
            ],
        )
    }

    pub(in crate::global) fn in_sync(me: Atom) -> Term {
        tagged("in_sync", [me.into(), true.into()])
    }

    /// A plain message.
    pub(in crate::global) fn lost_connection(lost: &Lost) -> Term {
        let Lost { a, life, number, b } = lost;
        tagged(
            "lost_connection",
            [(*a).into(), life.clone(), (*number).into(), (*b).into()],
        )
    }

    /// A plain message.
    pub(in crate::global) fn remove_connection(me: Atom) -> Term {
        tagged("remove_connection", [me.into()])
    }

    fn ops(ops: &[Op]) -> Term {
        Term::list(ops.iter().map(|op| match op {
            Op::Insert(name, pid, method) => {
                let entry = Term::tuple([name.clone(), (*pid).into(), method.clone()]);
                tagged("insert", [entry])
            }
            Op::Delete(name) => tagged("delete", [name.clone()]),
        }))
    }

    fn external(external: &[(Term, Pid, Atom)]) -> Term {
        let external = external.iter();
        Term::list(
            external.map(|(name, pid, node)| {
                Term::tuple([name.clone(), (*pid).into(), (*node).into()])
            }),
        )
    }

    fn nodes(nodes: &[(Atom, i64)], version: i64) -> Term {
        Term::list(nodes.iter().map(|(node, vsn)| match version < 7 {
            true => Term::from(*node),
            false => Term::from((*node, *vsn)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via() -> Option<Atom> {
        Some(Atom::from_static("p@h"))
    }

    fn cast(text: &str) -> Option<Said> {
        let text = text.replace('P', "<'p@h'.1.0/4>");
        Said::parse_cast(&text.parse::<Term>().unwrap(), via())
    }

    fn info(text: &str) -> Option<Said> {
        Said::parse_info(&text.parse::<Term>().unwrap(), via())
    }

    #[test]
    fn what_versions_7_and_8_say_is_read() {
        for text in [
            "{init_connect,{8,-5},'p@h',{locker,no_longer_a_pid,#{{connection_id,'a@h'} => 3,'a@h' => 8},P}}",
            "{init_connect,{7,-5},'p@h',{locker,no_longer_a_pid,['a@h'],P}}",
            "{init_connect,{9,-5,more},'p@h',{locker,x,x,P}}",
            "{lock_set,P,true,['a@h'],-5}",
            "{lock_set,P,false,['a@h']}",
            "{exchange,'p@h',[{{a,name},P,fun global:random_exit_name/3}],[],-5}",
            "{resolved,'p@h',[{insert,{a,P,x}},{delete,b}],[{'a@h',8},'b@h'],unused,[{c,P,'a@h'}],-5}",
            "{new_nodes,'p@h',[{insert,{a,P,x}}],[],[{'a@h',8}],[{vsn,8},{lock,{global,[P,P]}}]}",
            "{in_sync,'p@h',true}",
            "{async_del_name,a,P}",
        ] {
            assert!(cast(text).is_some(), "{text}");
        }
        for text in [
            "{init_connect_ack,'p@h',-5,7}",
            "{cancel_connect,'p@h',7}",
            "{lost_connection,'a@h',123456789012,-5,'b@h'}",
            "{remove_connection,'p@h'}",
            "{whereis,name,{<'p@h'.1.0/4>,tag}}",
        ] {
            assert!(info(text).is_some(), "{text}");
        }
    }

    #[test]
    fn no_node_speaks_for_another_and_none_for_the_parts_of_this_one() {
        for text in [
            "{init_connect,{8,-5},'q@h',{locker,x,x,P}}",
            "{init_connect,{8,-5},'p@h',{locker,x,x,<'q@h'.1.0/4>}}",
            "{lock_set,<'q@h'.1.0/4>,true,[],-5}",
            "{exchange,'q@h',[],[],-5}",
            "{resolved,'q@h',[],[],unused,[],-5}",
            "{new_nodes,'q@h',[],[],[],[]}",
            "{in_sync,'q@h',true}",
            // What OTP's server says to itself.
            "{lock_is_set,'p@h',-5,{global,[P,P]}}",
            "{exchange_ops,'p@h',-5,[],[]}",
        ] {
            assert_eq!(cast(text), None, "{text}");
        }
        for text in [
            "{init_connect_ack,'q@h',-5,7}",
            "{cancel_connect,'q@h',7}",
            "{remove_connection,'q@h'}",
        ] {
            assert_eq!(info(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_message_of_global_is_refused() {
        for text in [
            "{init_connect,8,'p@h',{locker,x,x,P}}",
            "{exchange,'p@h',[{a,P}],[],-5}",
            "{exchange,'p@h',[{a,P,x}|{b,P,x}],[],-5}",
            "{resolved,'p@h',[{insert,a}],[],unused,[],-5}",
            "{resolved,'p@h',[],[{'a@h',8,8}],unused,[],-5}",
            "{new_nodes,'p@h',[],[],['a@h',3],[]}",
            "{in_sync}",
            "in_sync",
            "{}",
        ] {
            assert_eq!(cast(text), None, "{text}");
        }
        for text in [
            "{lost_connection,'a@h',1,x,'b@h'}",
            "{whereis,name,tag}",
            "{}",
            "{nodedown}",
        ] {
            assert_eq!(info(text), None, "{text}");
        }
    }

    #[test]
    fn a_lock_without_a_name_of_its_own_is_none() {
        let lock = |text: &str| lock_of(&text.parse().unwrap());
        assert_eq!(lock("[{vsn,8},{lock,{global,5}}]"), Some(5.into()));
        for text in [
            "[]",
            "x",
            "[{lock,undefined}]",
            "[{lock}]",
            "[{lock,{a,b,c}}]",
        ] {
            assert_eq!(lock(text), None, "{text}");
        }
    }
}
