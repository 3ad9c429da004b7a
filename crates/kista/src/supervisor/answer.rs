use kista_etf::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Pid, Term, atoms};

use super::child::ChildId;

/// A child as `which_children` lists it: `{Id, Child, Type, Modules}`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its id; `undefined` in a `simple_one_for_one`.
    pub id: ChildId,
    /// What becomes of it.
    pub process: ChildProcess,
    /// `worker` or `supervisor`.
    pub child_type: kista_etf::Atom,
    /// What it runs: of our children the Rust type, as an atom in a list.
    pub modules: Term,
}

/// What becomes of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildProcess {
    /// It runs.
    Running(Pid),
    /// `restarting`: it is about to be started again.
    Restarting,
    /// `undefined`: there is no process.
    Down,
}

impl ChildProcess {
    /// Its pid while it runs.
    pub const fn pid(self) -> Option<Pid> {
        match self {
            Self::Running(pid) => Some(pid),
            Self::Restarting | Self::Down => None,
        }
    }
}

impl Encode for ChildProcess {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Self::Running(pid) => e.pid(pid),
            Self::Restarting => e.atom(kista_etf::Atom::from_static("restarting")),
            Self::Down => e.atom(atoms::UNDEFINED),
        }
        Ok(())
    }
}

impl<'a> Decode<'a> for ChildProcess {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let term = d.term()?;
        match (term.as_pid(), term.as_atom_str()) {
            (Some(pid), _) => Ok(Self::Running(pid)),
            (_, Some("restarting")) => Ok(Self::Restarting),
            (_, Some("undefined")) => Ok(Self::Down),
            _ => Err(DecodeError::custom(
                "a child is a pid, restarting or undefined",
            )),
        }
    }
}

impl Encode for ChildInfo {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.tuple(4);
        e.term(self.id.as_term())?;
        self.process.encode(e)?;
        e.atom(self.child_type);
        e.term(&self.modules)
    }
}

impl<'a> Decode<'a> for ChildInfo {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.tuple_of(4)?;
        Ok(Self {
            id: ChildId::from(d.term()?),
            process: ChildProcess::decode(d)?,
            child_type: kista_etf::Atom::decode(d)?,
            modules: d.term()?,
        })
    }
}

/// How many children a supervisor has: `count_children`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Specifications: of a `simple_one_for_one` always one.
    pub specs: usize,
    /// Children that run.
    pub active: usize,
    /// Children that are supervisors, running or not.
    pub supervisors: usize,
    /// Children that are workers, running or not.
    pub workers: usize,
}

impl Counts {
    const NAMES: [&'static str; 4] = ["specs", "active", "supervisors", "workers"];
}

/// A property list, as OTP's.
impl Encode for Counts {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        let counts = [self.specs, self.active, self.supervisors, self.workers];
        e.list(counts.len());
        for (name, count) in Self::NAMES.into_iter().zip(counts) {
            e.tuple(2);
            e.atom(kista_etf::Atom::from_static(name));
            e.uint(count as u64);
        }
        e.nil();
        Ok(())
    }
}

/// Also from the map of Elixir's `DynamicSupervisor`.
impl<'a> Decode<'a> for Counts {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let term = d.term()?;
        let of = |name: &str| -> Option<usize> {
            let count = match term.as_map() {
                Some(map) => map.field(name)?,
                None => {
                    let pairs = term.as_list()?.iter();
                    let mut named = pairs.filter_map(|pair| pair.as_tagged(name));
                    named.next()?.first()?
                }
            };
            usize::try_from(count.as_int()?).ok()
        };
        let [specs, active, supervisors, workers] = Self::NAMES.map(|name| {
            of(name).ok_or_else(|| DecodeError::custom("the counts of a supervisor's children"))
        });
        Ok(Self {
            specs: specs?,
            active: active?,
            supervisors: supervisors?,
            workers: workers?,
        })
    }
}
