use kista_etf::EncodeError;

/// Why no interval was begun.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IntervalError {
    /// The time between two messages was zero.
    #[error("an interval without time: give it 1 ms at least")]
    Zero,
    /// The message has no wire form.
    #[error("the message cannot be encoded: {0}")]
    Encode(#[from] EncodeError),
}
