//! The initiator's side.

use std::collections::VecDeque;
use std::time::Instant;

use super::framing::Framing;
use super::message::{self, RawStatus};
use super::{Config, Cookie, Event, HandshakeError, MAX_MESSAGE, Peer};
use crate::flags::Flags;
use crate::name::check_node_name;

/// What an acceptor said, where the initiator may care.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It drops its own attempt at us. Nothing to do.
    OkSimultaneous,
    /// It has a living connection of our name: answer with [`Initiator::answer_alive`].
    Alive,
    /// The name and creation it gave us, since we asked by [`Flags::NAME_ME`].
    Named {
        /// Our full name from now on.
        name: String,
        /// Our creation from now on.
        creation: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Status,
    /// Waits for `answer_alive`.
    AliveAnswer,
    Challenge,
    Ack,
    Established,
    Failed,
}

/// The initiator's side of a handshake; see the [module](super) for its rules and [`Acceptor`](super::Acceptor) for an example.
#[derive(Debug)]
pub struct Initiator {
    config: Config,
    cookie: Cookie,
    framing: Framing,
    deadline: Instant,
    state: State,
    events: VecDeque<Event>,
    peer_name: String,
    peer_flags: Flags,
    peer_creation: u32,
}

impl Initiator {
    /// A handshake over a connection that was opened to `peer_name` at `now`. Our name is in the output at once.
    #[must_use]
    pub fn new(now: Instant, config: Config, peer_name: impl Into<String>, cookie: Cookie) -> Self {
        let mut framing = Framing::new(config.width);
        let naming = config.flags.contains(Flags::NAME_ME);
        let creation = if naming { 0 } else { config.creation };
        framing.send(&message::send_name(config.flags, creation, &config.name));
        Self {
            framing,
            deadline: now + config.setup_time,
            config,
            cookie,
            state: State::Status,
            events: VecDeque::new(),
            peer_name: peer_name.into(),
            peer_flags: Flags::empty(),
            peer_creation: 0,
        }
    }

    /// Takes bytes of the peer (none at all, to check the time).
    ///
    /// # Errors
    /// Whatever makes this connection worthless; [`HandshakeError::Nok`] and [`HandshakeError::NotAllowed`] are the acceptor's word.
    /// A peer that finds *our* digest wrong just closes: end of file in this state most likely means a wrong cookie.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> Result<(), HandshakeError> {
        if self.state == State::Failed {
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
        if self.state != State::Established && now >= self.deadline {
            return Err(HandshakeError::Timeout);
        }
        while !matches!(self.state, State::AliveAnswer | State::Established) {
            let Some(body) = self.framing.next()? else {
                break;
            };
            self.handle(&body)?;
        }
        if self.state != State::Established && self.framing.buffered() > MAX_MESSAGE + 4 {
            return Err(HandshakeError::Flood);
        }
        Ok(())
    }

    fn handle(&mut self, body: &[u8]) -> Result<(), HandshakeError> {
        match self.state {
            State::Status => self.on_status(message::parse_status(body)?),
            State::Challenge => {
                let c = message::parse_challenge(body)?;
                if c.name != self.peer_name {
                    check_node_name(&c.name)?;
                    return Err(HandshakeError::WrongName { actual: c.name });
                }
                if self.config.challenge.is_ours(c.challenge) || c.name == self.config.name {
                    return Err(HandshakeError::Reflection);
                }
                let missing = c.flags.missing();
                if !missing.is_empty() {
                    return Err(HandshakeError::MissingFlags { missing });
                }
                self.peer_flags = c.flags;
                self.peer_creation = c.creation;
                self.framing.send(&message::reply(
                    self.config.challenge.number(),
                    self.cookie.digest(c.challenge),
                ));
                self.state = State::Ack;
                Ok(())
            }
            State::Ack => {
                if !self
                    .cookie
                    .verify(self.config.challenge.number(), &message::parse_ack(body)?)
                {
                    return Err(HandshakeError::BadCookie);
                }
                self.state = State::Established;
                self.events.push_back(Event::Established(Peer {
                    name: self.peer_name.clone(),
                    our_name: self.config.name.clone(),
                    creation: self.peer_creation,
                    our_creation: self.config.creation,
                    // A request, and answered.
                    flags: self.config.flags.negotiated(self.peer_flags) - Flags::NAME_ME,
                }));
                Ok(())
            }
            State::AliveAnswer | State::Established | State::Failed => {
                Err(HandshakeError::OutOfTurn)
            }
        }
    }

    fn on_status(&mut self, status: RawStatus) -> Result<(), HandshakeError> {
        let naming = self.config.flags.contains(Flags::NAME_ME);
        self.state = State::Challenge;
        match status {
            // Who asked for a name and gets none has no name to go on with.
            RawStatus::Ok | RawStatus::OkSimultaneous if naming => {
                return Err(HandshakeError::UnknownStatus);
            }
            RawStatus::Ok => {}
            RawStatus::OkSimultaneous => {
                self.events.push_back(Event::Status(Status::OkSimultaneous))
            }
            RawStatus::Nok => return Err(HandshakeError::Nok),
            RawStatus::NotAllowed => return Err(HandshakeError::NotAllowed),
            RawStatus::Alive => {
                self.state = State::AliveAnswer;
                self.events.push_back(Event::Status(Status::Alive));
            }
            RawStatus::Named { name, creation } if naming => {
                check_node_name(&name)?;
                self.config.name.clone_from(&name);
                self.config.creation = creation;
                self.events
                    .push_back(Event::Status(Status::Named { name, creation }));
            }
            RawStatus::Named { .. } | RawStatus::True | RawStatus::False => {
                return Err(HandshakeError::UnknownStatus);
            }
        }
        Ok(())
    }

    /// Answers [`Status::Alive`]: `true` lets this connection replace the old one (which the acceptor then takes down); `false` gives up,
    /// and the caller sends the output and closes.
    ///
    /// # Errors
    /// [`HandshakeError::OutOfTurn`] if it was not asked.
    pub fn answer_alive(&mut self, replace: bool) -> Result<(), HandshakeError> {
        if self.state != State::AliveAnswer {
            return Err(HandshakeError::OutOfTurn);
        }
        let (answer, next) = if replace {
            (RawStatus::True, State::Challenge)
        } else {
            (RawStatus::False, State::Failed)
        };
        self.framing.send(&message::status(&answer));
        self.state = next;
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
