use kista_etf::Term;

/// Why [`format`](super::format()) has no text: the fault is the caller's. In OTP each of these is `badarg`, but the last, which is ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The text is no text, or the arguments are no list: they came as terms.
    #[error("no text to put arguments into, or no list of them")]
    NoText,
    /// There is no such control sequence.
    #[error("`~{0}` is no control sequence: see the table in `kista::io`")]
    UnknownControl(char),
    /// The text ends within a control sequence.
    #[error("the text ends within a control sequence; a tilde is written `~~`")]
    Unfinished,
    /// There are more control sequences than arguments.
    #[error("there are fewer arguments than control sequences")]
    TooFewArguments,
    /// There are more arguments than control sequences: so many more.
    #[error("{0} arguments have no control sequence")]
    TooManyArguments(usize),
    /// The argument is none for this control sequence.
    #[error("the argument of `~{0}` is of a wrong kind, or its precision is")]
    BadArgument(char),
    /// The text would have more bytes than this.
    #[error("the text has more than {limit} bytes: print it in parts")]
    TooLong {
        /// The limit.
        limit: usize,
    },
}

/// Why a group leader did not print.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IoError {
    /// The text could not be made: nothing was sent.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The group leader ended, or its node was lost: `terminated` in OTP.
    #[error("the group leader is gone")]
    Terminated,
    /// The group leader refused: the reason in its `{error, Reason}`.
    #[error("the group leader refused: {0}")]
    Refused(Term),
    /// This node stops.
    #[error("the node stops")]
    NodeStopped,
}
