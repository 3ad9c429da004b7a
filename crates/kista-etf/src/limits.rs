//! What a decoder accepts at most.

/// The limits of a decoder. Lengths of collections need none: every element takes at least one byte of the input, which is
/// checked before memory is taken.
///
/// With any limits, what is read takes at most 64 bytes of memory for each byte of the input (a compressed term's: of what it
/// inflates to), and 64 KiB. Types of yours whose values are much larger than what they are written as can take more.
///
/// ```
/// use kista_etf::Limits;
/// let mut limits = Limits::default();
/// limits.depth = 100;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many bytes the input may have, the version byte included. Checked by [`from_slice`](crate::from_slice) and its
    /// like; a [`Decoder`](crate::Decoder) reads what it is given.
    pub bytes: usize,
    /// How deep a [`Term`](crate::Term) may be nested. Terms are handled without recursion: this bounds memory, not stack.
    pub depth: usize,
    /// How deep a value of a recursive Rust type (`enum Tree { Node(Box<Tree>) }`) may be nested: this bounds the stack.
    pub recursion: u16,
    /// How many bytes an integer may have.
    pub bigint_bytes: usize,
    /// How many bytes a compressed term may inflate to.
    pub inflated_bytes: usize,
    /// How many times its compressed size a compressed term may inflate to, above [`inflated_free`](Self::inflated_free).
    pub inflation_ratio: usize,
    /// How many bytes a compressed term may inflate to at any ratio: short repetitive terms compress very well.
    pub inflated_free: usize,
    /// How many new atoms one input may make, of those that the [`AtomQuota`](crate::AtomQuota) allows. Further names stay
    /// text: same equality, order and hash.
    pub new_atoms: usize,
}

impl Limits {
    /// Safe for input from anywhere: 128 MiB, depth 1,000,000, recursion 256, integers of 512 KiB, inflated terms of 16 MiB
    /// and, above 1 MiB, at most 64 times their compressed size, 65,536 new atoms.
    pub const DEFAULT: Self = Self {
        bytes: 128 * 1024 * 1024,
        depth: 1_000_000,
        recursion: 256,
        bigint_bytes: 512 * 1024,
        inflated_bytes: 16 * 1024 * 1024,
        inflation_ratio: 64,
        inflated_free: 1024 * 1024,
        new_atoms: 65_536,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
