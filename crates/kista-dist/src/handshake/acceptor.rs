//! The acceptor's side.

use std::collections::VecDeque;
use std::time::Instant;

use super::framing::Framing;
use super::message::{self, Challenge, RawStatus};
use super::{Config, Cookie, Event, HandshakeError, MAX_MESSAGE, Peer};
use crate::flags::Flags;
use crate::name::{check_host, check_node_name};

/// The answer to a peer that said its name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Go on.
    Ok,
    /// Go on; our own attempt at that node is dropped.
    OkSimultaneous,
    /// Our own attempt at that node goes on instead.
    Nok,
    /// The node is not admitted.
    NotAllowed,
    /// There is a living connection of that name: the peer says whether the new one replaces it.
    Alive,
    /// The name for a peer that asked for one ([`Flags::NAME_ME`]), and the creation it shall use.
    Named {
        /// A full node name.
        name: String,
        /// Never 0.
        creation: u32,
    },
}

#[derive(Debug)]
enum State {
    Name,
    /// Waits for `decide`.
    Decision {
        old: bool,
        wants_name: bool,
    },
    /// `alive` was sent.
    Answer {
        old: bool,
        cookie: Cookie,
    },
    Complement {
        cookie: Cookie,
    },
    Reply {
        cookie: Cookie,
    },
    /// Waits for `finish`.
    Finish {
        digest: [u8; 16],
    },
    Established,
    /// We refused: nothing more is read.
    Refused,
    Failed,
}

/// The acceptor's side of a handshake; see the [module](super) for its rules.
///
/// ```
/// use std::time::Instant;
/// use kista_dist::Flags;
/// use kista_dist::handshake::{Acceptor, Config, Cookie, Decision, Event, Initiator};
///
/// let now = Instant::now();
/// let cookie = Cookie::from("secret");
/// let mut a = Initiator::new(now, Config::new("a@h", Flags::ours(false), 7, 1), "b@h", cookie.clone());
/// let mut b = Acceptor::new(now, Config::new("b@h", Flags::ours(false), 8, 2));
/// b.receive(now, &a.take_output())?;
/// assert!(matches!(b.next_event(), Some(Event::NameReceived { name, .. }) if name == "a@h"));
/// b.decide(Decision::Ok, cookie)?;
/// a.receive(now, &b.take_output())?;
/// b.receive(now, &a.take_output())?;
/// assert_eq!(b.next_event(), Some(Event::Verified));
/// b.finish()?;
/// a.receive(now, &b.take_output())?;
/// assert!(matches!(a.next_event(), Some(Event::Established(peer)) if peer.creation == 8));
/// assert!(matches!(b.next_event(), Some(Event::Established(peer)) if peer.creation == 7));
/// # Ok::<(), kista_dist::handshake::HandshakeError>(())
/// ```
#[derive(Debug)]
pub struct Acceptor {
    config: Config,
    framing: Framing,
    deadline: Instant,
    state: State,
    events: VecDeque<Event>,
    peer_name: String,
    peer_flags: Flags,
    peer_creation: u32,
}

impl Acceptor {
    /// A handshake for a connection that was accepted at `now`.
    #[must_use]
    pub fn new(now: Instant, config: Config) -> Self {
        Self {
            framing: Framing::new(config.width),
            deadline: now + config.setup_time,
            config,
            state: State::Name,
            events: VecDeque::new(),
            peer_name: String::new(),
            peer_flags: Flags::empty(),
            peer_creation: 0,
        }
    }

    /// Takes bytes of the peer (none at all, to check the time).
    ///
    /// # Errors
    /// Whatever makes this connection worthless: send [`Acceptor::take_output`], then close.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> Result<(), HandshakeError> {
        if matches!(self.state, State::Failed | State::Refused) {
            return Err(HandshakeError::Dead);
        }
        let result = self.advance(now, bytes);
        if result.is_err() {
            self.state = State::Failed;
            self.events.clear();
        }
        result
    }

    fn advance(&mut self, now: Instant, bytes: &[u8]) -> Result<(), HandshakeError> {
        self.framing.push(bytes);
        if matches!(self.state, State::Established) {
            return Ok(());
        }
        if now >= self.deadline {
            return Err(HandshakeError::Timeout);
        }
        while !matches!(self.state, State::Decision { .. } | State::Finish { .. }) {
            let Some(body) = self.framing.next()? else {
                break;
            };
            self.handle(&body)?;
        }
        // An honest initiator never speaks before it was answered.
        if self.framing.buffered() > MAX_MESSAGE + 4 {
            return Err(HandshakeError::Flood);
        }
        Ok(())
    }

    fn handle(&mut self, body: &[u8]) -> Result<(), HandshakeError> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Name => self.on_name(body),
            State::Answer { old, cookie } => match message::parse_status(body)? {
                RawStatus::True => {
                    self.send_challenge(old, cookie);
                    Ok(())
                }
                RawStatus::False => Err(HandshakeError::KeptOld),
                _ => Err(HandshakeError::UnknownStatus),
            },
            State::Complement { cookie } => {
                let (high, creation) = message::parse_complement(body)?;
                self.peer_flags |= high;
                self.peer_creation = creation;
                self.require_flags()?;
                self.state = State::Reply { cookie };
                Ok(())
            }
            State::Reply { cookie } => {
                let (challenge, digest) = message::parse_reply(body)?;
                if challenge == self.config.challenge.number() {
                    return Err(HandshakeError::Reflection);
                }
                if !cookie.verify(self.config.challenge.number(), &digest) {
                    return Err(HandshakeError::BadCookie);
                }
                self.events.push_back(Event::Verified);
                self.state = State::Finish {
                    digest: cookie.digest(challenge),
                };
                Ok(())
            }
            State::Decision { .. }
            | State::Finish { .. }
            | State::Established
            | State::Refused
            | State::Failed => Err(HandshakeError::OutOfTurn),
        }
    }

    fn on_name(&mut self, body: &[u8]) -> Result<(), HandshakeError> {
        let said = message::parse_send_name(body)?;
        let wants_name = said.flags.contains(Flags::NAME_ME);
        if wants_name {
            check_host(&said.name)?;
        } else {
            check_node_name(&said.name)?;
            if said.name == self.config.name {
                self.framing.send(&message::status(&RawStatus::NotAllowed));
                return Err(HandshakeError::OwnName);
            }
        }
        self.peer_flags = said.flags;
        self.peer_creation = said.creation;
        if !said.old
            && let Err(e) = self.require_flags()
        {
            self.framing.send(&message::status(&RawStatus::NotAllowed));
            return Err(e);
        }
        self.peer_name.clone_from(&said.name);
        self.state = State::Decision {
            old: said.old,
            wants_name,
        };
        self.events.push_back(Event::NameReceived {
            name: said.name,
            flags: said.flags,
            creation: said.creation,
            wants_name,
        });
        Ok(())
    }

    fn require_flags(&self) -> Result<(), HandshakeError> {
        let missing = self.peer_flags.missing();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(HandshakeError::MissingFlags { missing })
        }
    }

    /// Answers [`Event::NameReceived`]. `cookie` is the one for this peer. After a refusal (`Nok`, `NotAllowed`) send the
    /// output and close.
    ///
    /// # Errors
    /// [`HandshakeError::OutOfTurn`] if nothing was asked, or if `Named` is given to a peer that has a name (or is not given to one
    /// that has none); [`HandshakeError::BadName`] if the given name is none.
    pub fn decide(&mut self, decision: Decision, cookie: Cookie) -> Result<(), HandshakeError> {
        let State::Decision { old, wants_name } = self.state else {
            return Err(HandshakeError::OutOfTurn);
        };
        let refused = matches!(decision, Decision::Nok | Decision::NotAllowed);
        if !refused && wants_name != matches!(decision, Decision::Named { .. }) {
            return Err(HandshakeError::OutOfTurn);
        }
        let status = match decision {
            Decision::Ok => RawStatus::Ok,
            Decision::OkSimultaneous => RawStatus::OkSimultaneous,
            Decision::Nok => RawStatus::Nok,
            Decision::NotAllowed => RawStatus::NotAllowed,
            Decision::Alive => RawStatus::Alive,
            Decision::Named { name, creation } => {
                check_node_name(&name)?;
                self.peer_name.clone_from(&name);
                self.peer_creation = creation;
                RawStatus::Named { name, creation }
            }
        };
        self.framing.send(&message::status(&status));
        if refused {
            self.state = State::Refused;
        } else if status == RawStatus::Alive {
            self.state = State::Answer { old, cookie };
        } else {
            self.send_challenge(old, cookie);
        }
        Ok(())
    }

    fn send_challenge(&mut self, old: bool, cookie: Cookie) {
        // Who asked to be named looks for that flag here; to anybody else it says nothing.
        let name_me = self.peer_flags & Flags::NAME_ME;
        self.framing.send(&message::challenge(&Challenge {
            flags: self.config.flags | name_me,
            challenge: self.config.challenge.number(),
            creation: self.config.creation,
            name: self.config.name.clone(),
        }));
        self.state = if old {
            State::Complement { cookie }
        } else {
            State::Reply { cookie }
        };
    }

    /// Answers [`Event::Verified`], when an old connection of that name is out of the way: the peer gets its digest and the connection
    /// is up.
    ///
    /// # Errors
    /// [`HandshakeError::OutOfTurn`] unless [`Event::Verified`] was the last event.
    pub fn finish(&mut self) -> Result<(), HandshakeError> {
        let State::Finish { digest } = self.state else {
            return Err(HandshakeError::OutOfTurn);
        };
        self.framing.send(&message::ack(digest));
        self.state = State::Established;
        self.events.push_back(Event::Established(Peer {
            name: self.peer_name.clone(),
            our_name: self.config.name.clone(),
            creation: self.peer_creation,
            our_creation: self.config.creation,
            flags: self.config.flags.negotiated(self.peer_flags),
        }));
        Ok(())
    }

    /// Bytes to send; empty when there are none.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        self.framing.take_output()
    }

    /// The oldest event that was not taken yet.
    #[must_use]
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When the whole handshake must be over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// After [`Event::Established`]: bytes that came behind the handshake, the first of the connected phase.
    #[must_use]
    pub fn leftover(&mut self) -> Vec<u8> {
        self.framing.take_input()
    }
}
