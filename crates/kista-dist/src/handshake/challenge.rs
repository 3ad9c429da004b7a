use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The challenges that a node has issued and that are not over: one set for all handshakes of the node.
///
/// Whoever answers a challenge proves that it knows the cookie. A stranger that has us dial it could pass on to us, as its own, the
/// challenge that we issued to it on another connection, and so let us answer ourselves: an [`Initiator`](super::Initiator)
/// answers no challenge of this set.
///
/// ```
/// use kista_dist::handshake::Challenges;
/// let challenges = Challenges::default();
/// let challenge = challenges.issue(4711).unwrap();
/// assert!(challenges.issue(4711).is_none(), "outstanding");
/// drop(challenge);
/// assert!(challenges.issue(4711).is_some());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Challenges(Arc<Mutex<HashSet<u32>>>);

impl Challenges {
    /// Issues a fresh random number as a challenge; `None` when the same number is outstanding: draw another.
    #[must_use]
    pub fn issue(&self, number: u32) -> Option<Challenge> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number)
            .then(|| {
                Challenge(Arc::new(Issued {
                    number,
                    by: self.clone(),
                }))
            })
    }
}

/// A challenge, outstanding until its last clone is dropped.
///
/// Made from a bare number it knows of no others: for a node with one handshake at a time, and for tests.
#[derive(Clone)]
pub struct Challenge(Arc<Issued>);

struct Issued {
    number: u32,
    by: Challenges,
}

impl Challenge {
    /// The number that the peer gets.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.0.number
    }

    /// Whether a peer's number is one that this node has issued.
    pub(super) fn is_ours(&self, number: u32) -> bool {
        self.0
            .by
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&number)
    }
}

impl From<u32> for Challenge {
    fn from(number: u32) -> Self {
        let by = Challenges(Arc::new(Mutex::new(HashSet::from([number]))));
        Self(Arc::new(Issued { number, by }))
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(..)")
    }
}

impl Drop for Issued {
    fn drop(&mut self) {
        self.by
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.number);
    }
}
