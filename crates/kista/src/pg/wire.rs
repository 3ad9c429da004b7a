//! What scopes say to each other. All is read in any release's form, and written in the oldest.
//!
//! | from | message |
//! |---|---|
//! | OTP 24 to 28 | `{discover, Scope}`; the cast `{sync, Scope, [{Group, [Pid]}]}`; `{join, Scope, Group, Pid or [Pid]}`; `{leave, Scope, Pid or [Pid], [Group]}` |
//! | OTP 29 among its own | `{discover, Scope, Version}`; the cast `{local_data, Scope, Version, #{Group => [Pid]}}`; `{update, Scope, [{Group, Joined, Left}]}` |
//!
//! `Scope` is the pid of the scope's process that says it.

use kista_etf::{Atom, Pid, Term};

/// A message of a peer's scope.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    pub(super) peer: Pid,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// It is there, and wants to know who is in here.
    Discover,
    /// All its own members.
    All(Vec<(Term, Vec<Pid>)>),
    /// Who of its own joined and left, group by group.
    Update(Vec<Update>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Update {
    pub(super) group: Term,
    pub(super) joined: Vec<Pid>,
    pub(super) left: Vec<Pid>,
}

/// What is said to a peer's scope.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Say {
    Discover,
    /// A cast, unlike the others.
    All(Vec<(Term, Vec<Pid>)>),
    Join(Term, Vec<Pid>),
    /// Each process leaves each group once.
    Leave(Vec<Pid>, Vec<Term>),
}

impl Said {
    /// `via`: the node by whose connection it came. No node speaks for a scope of another.
    pub(super) fn parse(term: &Term, via: Option<Atom>) -> Option<Self> {
        let (tag, peer, rest) = match term.as_tuple()? {
            [tag, peer, rest @ ..] => (tag.as_atom_str()?, peer.as_pid()?, rest),
            _ => return None,
        };
        if via != Some(peer.node) {
            return None;
        }
        let what = match (tag, rest) {
            ("discover", [] | [_]) => What::Discover,
            ("sync", [groups]) => {
                What::All(groups.as_list()?.iter().map(entry).collect::<Option<_>>()?)
            }
            ("local_data", [_, groups]) => {
                let groups = groups.as_map()?.iter();
                let groups = groups.map(|(group, pids)| Some((group.clone(), list(pids)?)));
                What::All(groups.collect::<Option<_>>()?)
            }
            ("join", [group, pids]) => What::Update(vec![Update {
                group: group.clone(),
                joined: one_or_many(pids)?,
                left: Vec::new(),
            }]),
            ("leave", [pids, groups]) => {
                let left = one_or_many(pids)?;
                let leave = |group: &Term| Update {
                    group: group.clone(),
                    joined: Vec::new(),
                    left: left.clone(),
                };
                What::Update(groups.as_list()?.iter().map(leave).collect())
            }
            ("update", [updates]) => What::Update(
                updates
                    .as_list()?
                    .iter()
                    .map(update)
                    .collect::<Option<_>>()?,
            ),
            _ => return None,
        };
        Some(Self { peer, what })
    }
}

fn entry(term: &Term) -> Option<(Term, Vec<Pid>)> {
    match term.as_tuple()? {
        [group, pids] => Some((group.clone(), list(pids)?)),
        _ => None,
    }
}

fn update(term: &Term) -> Option<Update> {
    match term.as_tuple()? {
        [group, joined, left] => Some(Update {
            group: group.clone(),
            joined: list(joined)?,
            left: list(left)?,
        }),
        _ => None,
    }
}

fn one_or_many(term: &Term) -> Option<Vec<Pid>> {
    match term.as_pid() {
        Some(pid) => Some(vec![pid]),
        None => list(term),
    }
}

fn list(term: &Term) -> Option<Vec<Pid>> {
    term.as_list()?.iter().map(Term::as_pid).collect()
}

impl Say {
    pub(super) fn is_cast(&self) -> bool {
        matches!(self, Self::All(_))
    }

    /// As said by the scope's process `me`.
    pub(super) fn to_term(&self, me: Pid) -> Term {
        let pids = |pids: &[Pid]| match pids {
            [pid] => Term::from(*pid),
            many => all(many),
        };
        let tagged = |tag, rest: Vec<Term>| {
            let head = [Term::from(Atom::from_static(tag)), Term::from(me)];
            Term::tuple(head.into_iter().chain(rest))
        };
        match self {
            Self::Discover => tagged("discover", Vec::new()),
            Self::All(groups) => {
                let groups = groups.iter();
                let groups = groups.map(|(group, pids)| Term::tuple([group.clone(), all(pids)]));
                tagged("sync", vec![Term::list(groups)])
            }
            Self::Join(group, joined) => tagged("join", vec![group.clone(), pids(joined)]),
            Self::Leave(left, groups) => tagged(
                "leave",
                vec![pids(left), Term::list(groups.iter().cloned())],
            ),
        }
    }
}

fn all(pids: &[Pid]) -> Term {
    Term::list(pids.iter().map(|pid| Term::from(*pid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(node: &str, id: u32) -> Pid {
        Pid {
            node: Atom::new(node).unwrap(),
            id,
            serial: 0,
            creation: 4,
        }
    }

    /// `P` is the peer's scope, `A` and `B` are members.
    fn read(text: &str) -> Option<Said> {
        let text = text.replace('P', "<'p@h'.1.0/4>");
        let text = text
            .replace('A', "<'p@h'.2.0/4>")
            .replace('B', "<'p@h'.3.0/4>");
        let term: Term = text.parse().unwrap();
        Said::parse(&term, Atom::lookup("p@h"))
    }

    fn update(group: i64, joined: &[Pid], left: &[Pid]) -> Update {
        Update {
            group: Term::from(group),
            joined: joined.to_vec(),
            left: left.to_vec(),
        }
    }

    #[test]
    fn every_form_of_every_release_is_read() {
        let (a, b) = (pid("p@h", 2), pid("p@h", 3));
        let all = What::All(vec![(Term::from(1), vec![a, b])]);
        for (text, what) in [
            ("{discover,P}", What::Discover),
            ("{discover,P,1}", What::Discover),
            ("{sync,P,[{1,[A,B]}]}", all.clone()),
            ("{local_data,P,1,#{1 => [A,B]}}", all),
            ("{join,P,1,A}", What::Update(vec![update(1, &[a], &[])])),
            (
                "{join,P,1,[A,B]}",
                What::Update(vec![update(1, &[a, b], &[])]),
            ),
            (
                "{leave,P,A,[1,2]}",
                What::Update(vec![update(1, &[], &[a]), update(2, &[], &[a])]),
            ),
            (
                "{leave,P,[A,A],[1]}",
                What::Update(vec![update(1, &[], &[a, a])]),
            ),
            (
                "{update,P,[{1,[A],[]},{2,[],[B]}]}",
                What::Update(vec![update(1, &[a], &[]), update(2, &[], &[b])]),
            ),
        ] {
            let said = read(text).unwrap_or_else(|| panic!("{text} is not read"));
            assert_eq!((said.peer, said.what), (pid("p@h", 1), what), "{text}");
        }
    }

    #[test]
    fn what_is_no_message_of_a_scope_is_refused() {
        for text in [
            "{discover}",
            "{discover,no_pid}",
            "{discover,P,1,2}",
            "{sync,P,[{1,A}]}",
            "{sync,P,[1]}",
            "{sync,P,[{1,[A]}|{2,[A]}]}",
            "{local_data,P,1,[{1,[A]}]}",
            "{join,P,1,[A|B]}",
            "{join,P,1,[a]}",
            "{leave,P,A,1}",
            "{update,P,[{1,A,[]}]}",
            "{update,P,[{1,[A]}]}",
            "{other,P}",
            "discover",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn no_node_speaks_for_the_scope_of_another() {
        let term: Term = "{discover,<'p@h'.1.0/4>}".parse().unwrap();
        assert!(Said::parse(&term, Some(Atom::from_static("p@h"))).is_some());
        assert_eq!(Said::parse(&term, Some(Atom::from_static("q@h"))), None);
        assert_eq!(Said::parse(&term, None), None);
    }

    #[test]
    fn what_is_said_is_what_the_oldest_release_reads() {
        let (me, a, b) = (pid("p@h", 1), pid("p@h", 2), pid("p@h", 3));
        let group = Term::from(1);
        for (say, text) in [
            (Say::Discover, "{discover,P}"),
            (
                Say::All(vec![(group.clone(), vec![a])]),
                "{sync,P,[{1,[A]}]}",
            ),
            (Say::Join(group.clone(), vec![a]), "{join,P,1,A}"),
            (Say::Join(group.clone(), vec![a, b]), "{join,P,1,[A,B]}"),
            (
                Say::Leave(vec![a], vec![group.clone(), group]),
                "{leave,P,A,[1,1]}",
            ),
        ] {
            let text = text.replace('P', "<'p@h'.1.0/4>");
            let text = text
                .replace('A', "<'p@h'.2.0/4>")
                .replace('B', "<'p@h'.3.0/4>");
            assert_eq!(say.to_term(me), text.parse().unwrap());
        }
    }
}
