//! Where we read damaged bytes otherwise than OTP, and why. What is not in the table is a failure.

use std::fmt;

use super::peer::{NAME, Peer};

use kista::etf::{DecodeError, Term, to_vec};

pub(super) type Read = Result<(Term, usize), DecodeError>;

/// Numbers in an identifier of the peer itself: it alone knows which it has. Such bytes are read by both when the name in them
/// is another one, which is tried.
const OWN: &str =
    "laxer: a pid, port or reference of the very node that reads it, with numbers that it has not";
const OTHER_NAME: &str = "erl@127.0.0.2";

struct Exception {
    name: &'static str,
    applies: fn(&Case<'_>) -> bool,
}

/// Some bytes, what they are here, and how many of them the peer reads.
struct Case<'a> {
    release: u32,
    bytes: &'a [u8],
    ours: &'a Read,
    theirs: Option<usize>,
}

impl Case<'_> {
    fn packed(&self) -> bool {
        self.bytes.starts_with(&[131, 80])
    }

    /// Whether this is among the bytes, or could be, as they are compressed.
    fn has(&self, part: &[u8]) -> bool {
        self.packed() || self.bytes.windows(part.len()).any(|bytes| bytes == part)
    }
}

/// One way of reading otherwise than OTP does.
const EXCEPTIONS: &[Exception] = &[
    Exception {
        name: "stricter: a fun or an export that lies about its size, has no pid (which OTP 25 does not mind), or an arity \
               that is not written as a small integer: who skips by the size, as OTP itself does not, would lose his place",
        applies: |it| {
            *it.ours == Err(DecodeError::BadFun)
                && it.theirs.is_some()
                && (it.has(&[112]) || it.has(&[113]))
        },
    },
    Exception {
        name: "stricter: a reference without words, which no node has made",
        applies: |it| *it.ours == Err(DecodeError::BadReference(0)) && it.theirs.is_some(),
    },
    Exception {
        name: "stricter: the tags 73 and 75, by which the emulator itself names places of its own atom table",
        applies: |it| {
            matches!(it.ours, Err(DecodeError::UnknownTag(73 | 75))) && it.theirs.is_some()
        },
    },
    Exception {
        name: "stricter: bytes after the term inside of what is compressed, which is not what it says it is",
        applies: |it| {
            // The bytes were read again without so many at their end as are left over inside.
            it.packed()
                && it.theirs.is_some()
                && matches!(
                    it.ours,
                    Err(DecodeError::BadCompressed
                        | DecodeError::TrailingBytes(_)
                        | DecodeError::Truncated)
                )
        },
    },
    Exception {
        name: "laxer: a bit string of no bytes and no bits, which OTP 25 takes for <<>>, and 27 does not take",
        applies: |it| {
            it.ours.is_ok()
                && it.theirs.is_none()
                && it.release > 26
                && it.has(&[77, 0, 0, 0, 0, 0])
        },
    },
    Exception {
        name: "stricter: a float as text that fills its 31 bytes: OTP reads on in what follows, up to a zero byte",
        applies: |it| {
            *it.ours == Err(DecodeError::BadFloat) && it.theirs.is_some() && it.has(&[99])
        },
    },
    Exception {
        name: "laxer: a map with the keys 0.0 and -0.0, which are one key before OTP 27",
        applies: |it| {
            it.ours.is_ok()
                && it.theirs.is_none()
                && it.release < 27
                && (it.has(&[70, 128, 0, 0, 0, 0, 0, 0, 0]) || it.has(b"-0.0"))
        },
    },
];

/// What both sides said so far.
pub(super) struct Verdicts {
    release: u32,
    accepted: usize,
    refused: usize,
    excepted: Vec<usize>,
    own: usize,
}

impl Verdicts {
    pub(super) fn new(release: u32) -> Self {
        Self {
            release,
            accepted: 0,
            refused: 0,
            excepted: vec![0; EXCEPTIONS.len()],
            own: 0,
        }
    }

    /// Whether both sides say the same of some bytes, or the table says why not. `theirs` is how many the peer read.
    pub(super) fn compare(
        &mut self,
        bytes: &[u8],
        ours: &Read,
        theirs: Option<usize>,
        peer: &mut Peer,
    ) -> Result<(), &'static str> {
        let difference = match (ours, theirs) {
            (Ok((_, used)), Some(theirs)) if *used == theirs => {
                self.accepted += 1;
                return Ok(());
            }
            (Err(_), None) => {
                self.refused += 1;
                return Ok(());
            }
            (Ok(_), None) => "we are laxer",
            (Err(_), Some(_)) => "we are stricter",
            (Ok(_), Some(_)) => "the term ends elsewhere",
        };
        let case = Case {
            release: self.release,
            bytes,
            ours,
            theirs,
        };
        if let Some(known) = EXCEPTIONS.iter().position(|it| (it.applies)(&case)) {
            self.excepted[known] += 1;
            return Ok(());
        }
        if let Ok((term, used)) = ours
            && theirs.is_none()
        {
            let (plain, used) = match case.packed() {
                false => (bytes.to_vec(), *used),
                true => {
                    let plain = to_vec(term).expect("it was read");
                    let used = plain.len();
                    (plain, used)
                }
            };
            let other = renamed(&plain);
            if other != plain && peer.judge(&[other])[0] == (used as u32).to_be_bytes() {
                self.own += 1;
                return Ok(());
            }
        }
        Err(difference)
    }

    /// How many bytes strings were looked at.
    pub(super) fn seen(&self) -> usize {
        self.accepted + self.refused + self.own + self.excepted.iter().sum::<usize>()
    }
}

/// The same bytes about another node, whose name is as long.
fn renamed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(NAME.as_bytes()) {
            bytes[at..at + NAME.len()].copy_from_slice(OTHER_NAME.as_bytes());
        }
    }
    bytes
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} accepted, {} refused", self.accepted, self.refused)?;
        write!(f, "\n{} excepted: {OWN}", self.own)?;
        for (exception, count) in EXCEPTIONS.iter().zip(&self.excepted) {
            write!(f, "\n{count} excepted: {}", exception.name)?;
        }
        Ok(())
    }
}
