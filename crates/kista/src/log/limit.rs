//! Log lines about peers: at most a few a second, and never a control character of theirs.
//!
//! 1. What a peer sent (names, reasons) is escaped before it reaches a log.
//! 2. At most [`LINES_PER_SECOND`] lines a second about lost connections and about messages that nobody understood, each; the next
//!    line after a gap says how many were left out. Reports have limits of their own: `reports/limit.rs`.

use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

const LINES_PER_SECOND: u32 = 20;

/// The module that lines about connections are looked for under.
const NET: &str = "kista::net";

/// Counts lines per second; one for each kind of line and node.
pub(crate) struct LogLimit {
    window: Mutex<Window>,
}

struct Window {
    began: Instant,
    lines: u32,
    left_out: u64,
}

impl LogLimit {
    pub(crate) fn new() -> Self {
        Self {
            window: Mutex::new(Window {
                began: Instant::now(),
                lines: 0,
                left_out: 0,
            }),
        }
    }

    /// Whether a line may be written now; `Some(n)`: yes, and `n` lines were left out since the last one.
    fn admit(&self, now: Instant) -> Option<u64> {
        let mut w = self.window.lock();
        if now.saturating_duration_since(w.began) >= Duration::from_secs(1) {
            w.began = now;
            w.lines = 0;
        }
        if w.lines >= LINES_PER_SECOND {
            w.left_out += 1;
            return None;
        }
        w.lines += 1;
        Some(std::mem::take(&mut w.left_out))
    }

    /// Writes a line unless too many were written; `line` gets the number of lines left out before, if any.
    pub(crate) fn line(&self, line: impl FnOnce(Option<u64>)) {
        if let Some(left_out) = self.admit(Instant::now()) {
            line((left_out > 0).then_some(left_out));
        }
    }

    /// One line (warn) about a connection or a socket that was closed.
    pub(crate) fn closed(&self, node: &str, peer: impl fmt::Display, why: impl fmt::Display) {
        let (peer, why) = (Escaped(peer), Escaped(why));
        self.line(|left_out| tracing::warn!(target: NET, node, %peer, %why, left_out, "connection closed"));
    }

    /// One line (warn) about a node that was not reached: the callers learn only that there is no connection.
    pub(crate) fn not_connected(
        &self,
        node: &str,
        peer: impl fmt::Display,
        why: impl fmt::Display,
    ) {
        let (peer, why) = (Escaped(peer), Escaped(why));
        self.line(
            |left_out| tracing::warn!(target: NET, node, %peer, %why, left_out, "not connected"),
        );
    }
}

/// Displays a text with its control characters (and what terminals take for them) escaped, at most 300 characters of it.
pub(crate) struct Escaped<T>(pub(crate) T);

/// The same with another limit: [`Escaped::up_to`].
pub(crate) struct EscapedUpTo<T>(usize, T);

impl<T> Escaped<T> {
    /// At most so many characters; what is left out leaves `...`.
    pub(crate) const fn up_to(characters: usize, text: T) -> EscapedUpTo<T> {
        EscapedUpTo(characters, text)
    }
}

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        EscapedUpTo(300, &self.0).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for EscapedUpTo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Filter<'a, 'b> {
            out: &'a mut fmt::Formatter<'b>,
            room: usize,
        }
        impl fmt::Write for Filter<'_, '_> {
            fn write_str(&mut self, s: &str) -> fmt::Result {
                for c in s.chars() {
                    if self.room == 0 {
                        return Ok(());
                    }
                    self.room -= 1;
                    if self.room == 0 {
                        self.out.write_str("...")?;
                    } else if is_unsafe(c) {
                        write!(self.out, "{}", c.escape_default())?;
                    } else {
                        self.out.write_char(c)?;
                    }
                }
                Ok(())
            }
        }
        write!(
            Filter {
                out: f,
                room: self.0
            },
            "{}",
            self.1
        )
    }
}

/// Control characters, line separators, and the characters that reorder or hide text.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_of_a_peer_never_reach_a_log() {
        let shown = Escaped("a\n\u{1b}[31mred\u{9b}\u{202e}x").to_string();
        assert_eq!(shown, "a\\n\\u{1b}[31mred\\u{9b}\\u{202e}x");
        assert!(Escaped("x".repeat(10_000)).to_string().len() < 310);
    }

    #[test]
    fn a_flood_of_lines_is_counted_not_written() {
        let limit = LogLimit::new();
        let now = Instant::now();
        let written = (0..1000).filter(|_| limit.admit(now).is_some()).count();
        assert_eq!(written, 20);
        assert_eq!(limit.admit(now + Duration::from_secs(2)), Some(980));
    }
}
