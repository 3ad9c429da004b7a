//! The macro that makes terms out of Erlang's own syntax.

/// A [`Term`](crate::Term) in Erlang's syntax, checked when it is compiled. A Rust expression stands in parentheses: anything
/// that a term can be made `From`.
///
/// ```
/// use kista_etf::{Term, term};
/// let (name, port) = ("localhost", 4369);
/// let rest = Term::list([term!(last)]);
/// let term = term!({ok, #{host => (name), "port" => (port + 1)}, [first, 1.5 | (rest)], <<"π"/utf8, 255>>, :"two words"});
/// assert_eq!(
///     term.to_string(),
///     r#"{ok,#{host => <<"localhost">>,"port" => 4370},[first,1.5,last],<<207,128,255>>,'two words'}"#
/// );
/// ```
///
/// | Erlang | here |
/// |---|---|
/// | `ok`, `a@b`, `[1, 2 \| T]`, `{a, 1.5e3}`, `#{a => 1}`, `16#ff`, `$a`, `"charlist"`, `fun m:f/1` | the same |
/// | `'two words'` | `:"two words"`: the other is no token of Rust |
/// | `<<"text">>`, `<<"π"/utf8>>`, `<<1, 5:3>>` | the same, of literals; also `b"text"` |
/// | `$\n` | `b'\n'` |
/// | a variable | a Rust expression in parentheses |
/// | a pid, a port, a reference | the same: `(pid)` |
///
/// A literal key that is twice in a map is a compile error. Among keys that are Rust expressions the last one counts, as in
/// Erlang. In other strings than these Rust's escapes count, and in digits Rust's tokens (`16#1e` is none; write `0x1e`).
///
/// ```compile_fail
/// let term = kista_etf::term!({ok, Value});
/// ```
#[macro_export]
macro_rules! term {
    ($($tokens:tt)*) => {
        $crate::__term!(($crate) $($tokens)*)
    };
}
