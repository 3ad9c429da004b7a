//! Capability flags, as both sides announce them in the handshake.
//!
//! What is in effect on a connection is the intersection of the two announcements ([`Flags::negotiated`]).
//! Names and numbers are OTP's (`dist.h`), so that a capture or a log line can be compared bit by bit.

use bitflags::bitflags;

bitflags! {
    /// A set of distribution capabilities (`DFLAG_*` in OTP).
    ///
    /// Unknown bits of a peer are kept as they came; [`Flags::negotiated`] removes them.
    ///
    /// ```
    /// use kista_dist::Flags;
    /// let ours = Flags::ours(false);
    /// assert!(ours.contains(Flags::MANDATORY | Flags::PUBLISHED));
    /// assert!(!Flags::ours(true).contains(Flags::PUBLISHED));
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Flags: u64 {
        /// The node is visible: it joins `nodes()`, `global` and `pg`.
        const PUBLISHED = 0x1;
        /// Obsolete atom cache; never set.
        const ATOM_CACHE = 0x2;
        /// References of up to five words.
        const EXTENDED_REFERENCES = 0x4;
        /// Monitors across nodes.
        const DIST_MONITOR = 0x8;
        /// Funs have their own tag.
        const FUN_TAGS = 0x10;
        /// Monitors of registered names across nodes.
        const DIST_MONITOR_NAME = 0x20;
        /// Obsolete atom cache of hidden nodes; never set.
        const HIDDEN_ATOM_CACHE = 0x40;
        /// Funs carry their module's checksum.
        const NEW_FUN_TAGS = 0x80;
        /// Pids and ports of more than 18 bits.
        const EXTENDED_PIDS_PORTS = 0x100;
        /// `fun M:F/A` has its own tag.
        const EXPORT_PTR_TAG = 0x200;
        /// Bit strings.
        const BIT_BINARIES = 0x400;
        /// Floats as IEEE 754 doubles.
        const NEW_FLOATS = 0x800;
        /// Unicode in the I/O protocol.
        const UNICODE_IO = 0x1000;
        /// Frames carry a distribution header with an atom cache.
        const DIST_HDR_ATOM_CACHE = 0x2000;
        /// Short atoms have a one-byte length.
        const SMALL_ATOM_TAGS = 0x4000;
        /// Atoms are UTF-8.
        const UTF8_ATOMS = 0x10000;
        /// Maps.
        const MAP_TAG = 0x20000;
        /// 32-bit creations.
        const BIG_CREATION = 0x40000;
        /// `SEND_SENDER` replaces `SEND`.
        const SEND_SENDER = 0x80000;
        /// Any term as a sequential trace label.
        const BIG_SEQTRACE_LABELS = 0x100000;
        /// Exit reasons travel as the payload, not in the control tuple.
        const EXIT_PAYLOAD = 0x400000;
        /// Large messages are cut into fragments.
        const FRAGMENTS = 0x800000;
        /// The handshake of OTP 23 (`N` messages).
        const HANDSHAKE_23 = 0x1000000;
        /// `UNLINK_ID` and its acknowledgement replace `UNLINK`.
        const UNLINK_ID = 0x2000000;
        /// Shorthand for everything that OTP 25 demands.
        const MANDATORY_25_DIGEST = 0x4000000;
        /// `SPAWN_REQUEST`; what cannot be served is answered `notsup`.
        const SPAWN = 1 << 32;
        /// A request, not a capability: the acceptor shall choose our name.
        const NAME_ME = 1 << 33;
        /// Pids and references of the wider OTP 24 form.
        const V4_NC = 1 << 34;
        /// Process aliases.
        const ALIAS = 1 << 35;
        /// `ALTACT_SIG_SEND` (OTP 28).
        const ALTACT_SIG = 1 << 37;
    }
}

impl Flags {
    /// What OTP 25 made mandatory and [`Flags::MANDATORY_25_DIGEST`] stands for.
    pub const MANDATORY_25: Self = Self::EXTENDED_REFERENCES
        .union(Self::FUN_TAGS)
        .union(Self::NEW_FUN_TAGS)
        .union(Self::EXTENDED_PIDS_PORTS)
        .union(Self::EXPORT_PTR_TAG)
        .union(Self::BIT_BINARIES)
        .union(Self::NEW_FLOATS)
        .union(Self::UTF8_ATOMS)
        .union(Self::MAP_TAG)
        .union(Self::BIG_CREATION)
        .union(Self::HANDSHAKE_23);

    /// What a peer must offer to be spoken to. OTP 24 and later do.
    pub const MANDATORY: Self = Self::MANDATORY_25.union(Self::V4_NC).union(Self::UNLINK_ID);

    /// Everything this crate speaks; `PUBLISHED` unless `hidden`.
    #[must_use]
    pub const fn ours(hidden: bool) -> Self {
        let all = Self::MANDATORY
            .union(Self::MANDATORY_25_DIGEST)
            .union(Self::DIST_MONITOR)
            .union(Self::DIST_MONITOR_NAME)
            .union(Self::UNICODE_IO)
            .union(Self::DIST_HDR_ATOM_CACHE)
            .union(Self::SMALL_ATOM_TAGS)
            .union(Self::SEND_SENDER)
            .union(Self::BIG_SEQTRACE_LABELS)
            .union(Self::EXIT_PAYLOAD)
            .union(Self::FRAGMENTS)
            .union(Self::SPAWN)
            .union(Self::ALIAS)
            .union(Self::ALTACT_SIG);
        if hidden {
            all
        } else {
            all.union(Self::PUBLISHED)
        }
    }

    /// The shorthand [`Flags::MANDATORY_25_DIGEST`] written out.
    #[must_use]
    pub const fn expanded(self) -> Self {
        if self.contains(Self::MANDATORY_25_DIGEST) {
            self.union(Self::MANDATORY_25)
        } else {
            self
        }
    }

    /// What both sides announced; a visible link needs `PUBLISHED` from both.
    #[must_use]
    pub const fn negotiated(self, theirs: Self) -> Self {
        self.expanded().intersection(theirs.expanded())
    }

    /// The mandatory flags that a peer did not announce; empty when it may be spoken to.
    #[must_use]
    pub const fn missing(self) -> Self {
        Self::MANDATORY.difference(self.expanded())
    }

    /// Whether frames begin with a distribution header (else they are pass-through frames). Never both on one link.
    #[must_use]
    pub const fn uses_header(self) -> bool {
        self.intersects(Self::DIST_HDR_ATOM_CACHE.union(Self::FRAGMENTS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_equals_what_otp_29_sends() {
        assert_eq!(
            Flags::ours(false).bits() & !Flags::ALTACT_SIG.bits(),
            0x000d_07df_7fbd
        );
        assert_eq!(Flags::ours(false).bits(), 0x2d_07df_7fbd);
    }

    #[test]
    fn digest_shorthand_is_written_out() {
        let short = Flags::MANDATORY_25_DIGEST | Flags::V4_NC | Flags::UNLINK_ID;
        assert!(short.missing().is_empty());
        assert!(
            (short - Flags::MANDATORY_25_DIGEST)
                .missing()
                .contains(Flags::MAP_TAG)
        );
    }

    #[test]
    fn otp_24_is_spoken_to() {
        assert!(Flags::from_bits_retain(0xd_03df_7fbd).missing().is_empty());
    }

    #[test]
    fn one_hidden_side_hides_the_link() {
        assert!(
            !Flags::ours(true)
                .negotiated(Flags::ours(false))
                .contains(Flags::PUBLISHED)
        );
    }
}
