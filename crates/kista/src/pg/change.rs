use kista_etf::{Pid, Reference, Term};

/// What a process gets that watches a group or a scope: the message `{Reference, join | leave, Group, Pids}`.
///
/// It comes as a plain message, as in OTP, which [`from_term`](Self::from_term) reads:
///
/// ```
/// # use kista::{Info, pg::Change};
/// # fn handle_info(info: Info) {
/// if let Info::Term(term) = &info
///     && let Some(change) = Change::from_term(term)
/// {
///     println!("{:?} in {}: {:?}", change.joined, change.group, change.pids);
/// }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What [`Scope::monitor`](super::Scope::monitor) returned.
    pub reference: Reference,
    /// Whether they joined; else they left, or ended, or their node was lost.
    pub joined: bool,
    /// The group.
    pub group: Term,
    /// Who; a process as often as it joined or left.
    pub pids: Vec<Pid>,
}

impl Change {
    /// `None`: it is another message.
    pub fn from_term(term: &Term) -> Option<Self> {
        let [reference, verb, group, pids] = term.as_tuple()? else {
            return None;
        };
        let joined = match verb.as_atom_str()? {
            "join" => true,
            "leave" => false,
            _ => return None,
        };
        Some(Self {
            reference: reference.as_reference()?,
            joined,
            group: group.clone(),
            pids: pids
                .as_list()?
                .iter()
                .map(Term::as_pid)
                .collect::<Option<_>>()?,
        })
    }

    pub(super) fn to_term(&self) -> Term {
        let verb = match self.joined {
            true => kista_etf::atom!("join"),
            false => kista_etf::atom!("leave"),
        };
        let pids = self.pids.iter().map(|pid| Term::from(*pid));
        Term::tuple([
            Term::from(self.reference),
            Term::from(verb),
            self.group.clone(),
            Term::list(pids),
        ])
    }
}
