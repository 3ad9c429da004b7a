//! The handshake of distribution protocol 6, as initiator and as acceptor (which also takes the older `n` name).
//!
//! ```text
//! A (Initiator)                                   B (Acceptor)
//!   | -- name, flags, creation ------------------->|  NameReceived -> decide(..)
//!   |<---------------------------------- status -- |  ok | ok_simultaneous | nok | not_allowed | alive | named
//!   | -- true | false (only after alive) --------->|
//!   |<------------- challenge, flags, creation --- |
//!   | -- reply: own challenge, digest ------------>|  digest checked: Verified -> finish()
//!   |<----------------------------------- digest - |  Established
//! Established
//! ```
//!
//! Rules:
//! 1. The machines hold no socket and no clock: give bytes and the time to `receive`, send what `take_output` gives
//!    **also after an error** (the peer is told why where the protocol has a word for it), and close at `deadline`.
//! 2. The deadline is one for the whole handshake ([`SETUP_TIME`]), so that one byte per second gains nothing.
//! 3. Nothing is believed before the digest: a living connection of the same name may only be taken down between
//!    [`Event::Verified`] and [`Acceptor::finish`].
//! 4. A peer that uses our own name, or answers with our own challenge, is a reflection and is refused; so is one that puts to us a
//!    challenge that we issued in another handshake ([`Challenges`]).
//! 5. Messages are at most 1 KiB; messages out of turn end the handshake.
//! 6. Once a machine has failed it stays failed.

mod acceptor;
mod challenge;
mod cookie;
mod framing;
mod initiator;
mod message;

use std::time::Duration;

use thiserror::Error;

pub use acceptor::{Acceptor, Decision};
pub use challenge::{Challenge, Challenges};
pub use cookie::Cookie;
pub use framing::{LengthWidth, MAX_MESSAGE, READ_SIZE};
pub use initiator::{Initiator, Status};

use crate::flags::Flags;
use crate::name::NodeNameError;

/// Time for a whole handshake, `net_setuptime` in OTP.
pub const SETUP_TIME: Duration = Duration::from_secs(7);

/// What this node says about itself, and the parameters of one handshake.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our full name; only the host part if `flags` has [`Flags::NAME_ME`] (initiator only).
    pub name: String,
    /// What we announce, usually [`Flags::ours`].
    pub flags: Flags,
    /// Our creation: never 0, 4 or more, another one at each start of the node.
    pub creation: u32,
    /// A fresh number from a cryptographic source, issued by the node's [`Challenges`].
    pub challenge: Challenge,
    /// Two-byte lengths on TCP, four-byte lengths inside TLS.
    pub width: LengthWidth,
    /// Time for the whole handshake, usually [`SETUP_TIME`].
    pub setup_time: Duration,
}

impl Config {
    /// A configuration for plain TCP with the usual time limit.
    ///
    /// ```
    /// use kista_dist::{Flags, handshake::Config};
    /// let config = Config::new("demo@127.0.0.1", Flags::ours(false), 4711, 0x1234_5678);
    /// assert_eq!(config.creation, 4711);
    /// ```
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        flags: Flags,
        creation: u32,
        challenge: impl Into<Challenge>,
    ) -> Self {
        Self {
            name: name.into(),
            flags,
            creation,
            challenge: challenge.into(),
            width: LengthWidth::U16,
            setup_time: SETUP_TIME,
        }
    }
}

/// The node at the other end of an established connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its full name; for a dynamically named node the one that it was given.
    pub name: String,
    /// The name by which it knows us; differs from the configured one only after [`Flags::NAME_ME`].
    pub our_name: String,
    /// Its creation.
    pub creation: u32,
    /// Our creation; differs from the configured one only after [`Flags::NAME_ME`].
    pub our_creation: u32,
    /// What both sides announced: all that may be used on this connection.
    pub flags: Flags,
}

/// What a handshake tells its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Acceptor: somebody says to be `name`. Unproven. Answer with [`Acceptor::decide`].
    NameReceived {
        /// The name it claims; only a host if `wants_name`.
        name: String,
        /// What it announces (of an old-form name only the low half yet).
        flags: Flags,
        /// Its creation (0 if not known yet).
        creation: u32,
        /// It asks to be named: answer [`Decision::Named`] or refuse.
        wants_name: bool,
    },
    /// Acceptor: the peer knows the cookie. Take down an old connection of that name, then call [`Acceptor::finish`].
    Verified,
    /// Initiator: the acceptor's status, where it matters. Only [`Status::Alive`] waits for an answer.
    Status(Status),
    /// Both: done. Bytes that followed are in `leftover`.
    Established(Peer),
}

/// Why a handshake failed. After any of them the machine is dead: send its last output and close.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer took too long.
    #[error("handshake not finished in time")]
    Timeout,
    /// The peer announced a message beyond [`MAX_MESSAGE`].
    #[error("handshake message of {length} bytes (limit {MAX_MESSAGE})")]
    TooLong {
        /// What it announced.
        length: usize,
    },
    /// The peer sent more than it may before it is known.
    #[error("peer sent data before the handshake was finished")]
    Flood,
    /// A message ended before its fields did.
    #[error("handshake message is too short")]
    Truncated,
    /// A message that does not belong here.
    #[error("unexpected handshake message (tag {tag})")]
    Unexpected {
        /// Its first byte.
        tag: u8,
    },
    /// A status word that the protocol does not have.
    #[error("unknown handshake status")]
    UnknownStatus,
    /// The peer is older than OTP 23.
    #[error("peer speaks only an old protocol version (OTP 22 or earlier)")]
    TooOld,
    /// The peer lacks what we need.
    #[error("peer lacks mandatory capabilities {missing:?}")]
    MissingFlags {
        /// What it did not announce.
        missing: Flags,
    },
    /// The peer's name is none.
    #[error("peer sent a bad node name: {0}")]
    BadName(#[from] NodeNameError),
    /// The peer claims to be us.
    #[error("peer uses our own node name")]
    OwnName,
    /// Another node answered than the one we dialled.
    #[error("node {actual:?} answered instead of the one that was dialled")]
    WrongName {
        /// Who answered.
        actual: String,
    },
    /// The peer sent our own challenge back.
    #[error("peer reflected our challenge")]
    Reflection,
    /// The peer does not have our cookie.
    #[error("peer does not know the cookie")]
    BadCookie,
    /// The acceptor keeps its own attempt at connecting to us: expect it to arrive.
    #[error("peer prefers its own connection attempt (nok)")]
    Nok,
    /// The acceptor does not admit us.
    #[error("peer does not allow this connection")]
    NotAllowed,
    /// The initiator kept its old connection after `alive`.
    #[error("peer keeps the existing connection")]
    KeptOld,
    /// We called a method that does not fit the state: a fault of the driver.
    #[error("handshake method called out of turn")]
    OutOfTurn,
    /// The machine had failed, or was refused, before.
    #[error("handshake already failed")]
    Dead,
}

/// Two nodes dial each other at once: what the acceptor answers.
///
/// With an own attempt at `peer` under way, the node of the greater name wins: if that is us the peer gets `nok` and our attempt goes
/// on; else the peer's attempt is accepted and ours is to be dropped. Both sides come to the same survivor.
///
/// ```
/// use kista_dist::handshake::{Decision, simultaneous};
/// assert_eq!(simultaneous("b@h", "a@h", true), Decision::Nok);
/// assert_eq!(simultaneous("a@h", "b@h", true), Decision::OkSimultaneous);
/// assert_eq!(simultaneous("b@h", "a@h", false), Decision::Ok);
/// ```
#[must_use]
pub fn simultaneous(our_name: &str, peer_name: &str, have_outgoing_pending: bool) -> Decision {
    if !have_outgoing_pending {
        Decision::Ok
    } else if our_name > peer_name {
        Decision::Nok
    } else {
        Decision::OkSimultaneous
    }
}
