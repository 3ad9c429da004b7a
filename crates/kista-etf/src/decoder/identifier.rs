//! Reads pids, ports and references, in all of their forms.

use super::atom::Entry;
use crate::kind::kind_of;
use crate::{Atom, AtomName, DecodeError, Decoder, Kind, Mark, Pid, Port, Reference, tag};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// What an identifier has beside its node, whose name may not be interned.
#[derive(Clone)]
pub(crate) enum Identifier {
    Pid {
        id: u32,
        serial: u32,
        creation: u32,
    },
    Port {
        id: u64,
        creation: u32,
    },
    Reference {
        creation: u32,
        words: [u32; Reference::MAX_WORDS],
        used: u8,
    },
}

impl Decoder<'_> {
    /// A process identifier. A pid of a node whose name is beyond the atom quota is a mismatch: read it as a `Term`.
    #[inline]
    pub fn pid(&mut self) -> Result<Pid> {
        if let Some((pid, len)) = self.usual_pid() {
            self.take(len)?;
            return Ok(pid);
        }
        let mark = self.mark();
        match self.identifier("a pid", |kind| kind == Kind::Pid)? {
            (
                AtomName::Interned(node),
                Identifier::Pid {
                    id,
                    serial,
                    creation,
                },
            ) => Ok(Pid {
                node,
                id,
                serial,
                creation,
            }),
            _ => Err(self.unusable(mark)),
        }
    }

    /// A port identifier; as [`pid`](Self::pid).
    pub fn port(&mut self) -> Result<Port> {
        let mark = self.mark();
        match self.identifier("a port", |kind| kind == Kind::Port)? {
            (AtomName::Interned(node), Identifier::Port { id, creation }) => {
                Ok(Port { node, id, creation })
            }
            _ => Err(self.unusable(mark)),
        }
    }

    /// A reference; as [`pid`](Self::pid).
    #[inline]
    pub fn reference(&mut self) -> Result<Reference> {
        if let Some((reference, len)) = self.usual_reference() {
            self.take(len)?;
            return Ok(reference);
        }
        let mark = self.mark();
        match self.identifier("a reference", |kind| kind == Kind::Reference)? {
            (
                AtomName::Interned(node),
                Identifier::Reference {
                    creation,
                    words,
                    used,
                },
            ) => Reference::new(node, creation, &words[..usize::from(used)])
                .ok_or(DecodeError::BadReference(0)),
            _ => Err(self.unusable(mark)),
        }
    }

    /// A pid in the form that all OTP releases of today write, of a node whose name this thread knows, and how many bytes it
    /// takes: nearly all pids. Has not moved.
    #[inline]
    pub(crate) fn usual_pid(&self) -> Option<(Pid, usize)> {
        let [tag::NEW_PID, rest @ ..] = self.rest() else {
            return None;
        };
        let (node, rest) = self.usual_node(rest)?;
        let ([id, serial, creation], rest) = words(rest)?;
        let pid = Pid {
            node,
            id,
            serial,
            creation,
        };
        Some((pid, self.remaining() - rest.len()))
    }

    /// As [`usual_pid`](Self::usual_pid).
    #[inline]
    pub(crate) fn usual_reference(&self) -> Option<(Reference, usize)> {
        let [tag::NEWER_REF, 0, count @ (1..=3), rest @ ..] = self.rest() else {
            return None;
        };
        let (node, rest) = self.usual_node(rest)?;
        let ([creation], rest) = words(rest)?;
        let (three, rest) = match count {
            1 => words(rest).map(|([a], rest)| ([a, 0, 0], rest)),
            2 => words(rest).map(|([a, b], rest)| ([a, b, 0], rest)),
            _ => words(rest),
        }?;
        let reference = Reference::new(node, creation, three.get(..usize::from(*count))?)?;
        Some((reference, self.remaining() - rest.len()))
    }

    #[inline]
    fn usual_node<'r>(&self, rest: &'r [u8]) -> Option<(Atom, &'r [u8])> {
        match rest {
            [tag::SMALL_ATOM_UTF8, len, rest @ ..] => {
                let (text, rest) = rest.split_at_checked(usize::from(*len))?;
                Some((Atom::cached(text)?, rest))
            }
            [tag::ATOM_REF, index, rest @ ..] => match self.atom_entry(*index)? {
                Entry::Known(node) => Some((node, rest)),
                Entry::Text(_) => None,
            },
            _ => None,
        }
    }

    #[cold]
    fn unusable(&mut self, mark: Mark) -> DecodeError {
        self.reset(mark);
        DecodeError::custom("the node of an identifier is beyond the quota of new atoms")
    }

    /// A pid, port or reference, in any of its forms.
    pub(crate) fn identifier(
        &mut self,
        expected: &'static str,
        fits: impl FnOnce(Kind) -> bool,
    ) -> Result<(AtomName, Identifier)> {
        let tag = self.tag()?;
        let kind = kind_of(tag)?;
        if !fits(kind) || !matches!(kind, Kind::Pid | Kind::Port | Kind::Reference) {
            return Err(DecodeError::Unexpected {
                expected,
                found: kind,
            });
        }
        self.take(1)?;
        let words_left = match tag {
            tag::NEWER_REF | tag::NEW_REFERENCE => {
                let count = u16::from_be_bytes(*self.take_array()?);
                if count == 0 || usize::from(count) > Reference::MAX_WORDS {
                    return Err(DecodeError::BadReference(count));
                }
                usize::from(count)
            }
            _ => 1,
        };
        if kind_of(self.tag()?)? != Kind::Atom {
            return Err(DecodeError::UnknownTag(self.tag()?));
        }
        let node = self.atom()?;
        let identifier = match tag {
            tag::NEW_PID => {
                let (id, serial) = (self.word()?, self.word()?);
                Identifier::Pid {
                    id,
                    serial,
                    creation: self.word()?,
                }
            }
            tag::PID => {
                let (id, serial) = (self.word()?, self.word()?);
                Identifier::Pid {
                    id,
                    serial,
                    creation: self.byte_creation()?,
                }
            }
            tag::V4_PORT => {
                let id = u64::from(self.word()?) << 32 | u64::from(self.word()?);
                Identifier::Port {
                    id,
                    creation: self.word()?,
                }
            }
            tag::NEW_PORT => Identifier::Port {
                id: u64::from(self.word()?),
                creation: self.word()?,
            },
            tag::PORT => Identifier::Port {
                id: u64::from(self.word()?),
                creation: self.byte_creation()?,
            },
            tag::REFERENCE => {
                let word = self.word()?;
                let creation = self.byte_creation()?;
                legacy_first_word(word)?;
                Identifier::Reference {
                    creation,
                    words: [word, 0, 0, 0, 0],
                    used: 1,
                }
            }
            _ => {
                let creation = if tag == tag::NEWER_REF {
                    self.word()?
                } else {
                    self.byte_creation()?
                };
                let mut words = [0; Reference::MAX_WORDS];
                for word in &mut words[..words_left] {
                    *word = self.word()?;
                }
                if tag == tag::NEW_REFERENCE {
                    legacy_first_word(words[0])?;
                }
                Identifier::Reference {
                    creation,
                    words,
                    used: words_left as u8,
                }
            }
        };
        Ok((node, identifier))
    }

    #[inline]
    fn word(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(*self.take_array()?))
    }

    /// Legacy identifiers have two bits of creation in one byte.
    fn byte_creation(&mut self) -> Result<u32> {
        match *self.take_array()? {
            [creation @ 0..=3] => Ok(u32::from(creation)),
            _ => Err(DecodeError::BadIdentifier),
        }
    }
}

/// Words in front, and what follows them.
#[inline]
fn words<const N: usize>(bytes: &[u8]) -> Option<([u32; N], &[u8])> {
    let mut words = [0; N];
    let (front, rest) = bytes.split_at_checked(4 * N)?;
    for (word, bytes) in words.iter_mut().zip(front.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    Some((words, rest))
}

/// In the legacy forms of a reference the first word has 18 bits.
fn legacy_first_word(word: u32) -> Result<()> {
    match word >> 18 {
        0 => Ok(()),
        _ => Err(DecodeError::BadIdentifier),
    }
}
