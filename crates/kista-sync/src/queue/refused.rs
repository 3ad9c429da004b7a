use std::fmt;

/// The item was not queued; it comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Refused<T> {
    /// The queue was closed.
    Closed(T),
    /// As many messages are unread as the limit allows.
    Full(T),
}

impl<T> Refused<T> {
    /// The same of something else.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Refused<U> {
        match self {
            Self::Closed(item) => Refused::Closed(f(item)),
            Self::Full(item) => Refused::Full(f(item)),
        }
    }

    /// The item that was refused.
    pub fn into_inner(self) -> T {
        match self {
            Self::Closed(item) | Self::Full(item) => item,
        }
    }
}

impl<T> fmt::Debug for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Full(_) => "Full(..)",
        })
    }
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "the queue was closed",
            Self::Full(_) => "the queue is full",
        })
    }
}

impl<T> std::error::Error for Refused<T> {}
