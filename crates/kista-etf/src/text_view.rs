//! Terms as text and as bytes, whatever form Erlang gave them: what `unicode:characters_to_binary/1` and
//! `iolist_to_binary/1` take, and atoms.
//!
//! | term | [`Term::as_text`] | [`Term::iolist_to_binary`] |
//! |---|---|---|
//! | `hello` | `hello` | |
//! | `<<"hello">>` | if it is UTF-8 | its bytes, without a copy |
//! | `"hello"`, `[104, <<"el">>, ["lo"]]` | integers are characters, binaries UTF-8 | integers are bytes |
//!
//! A list may hold such lists to any depth, and its tail may be a binary. Nothing recurses; what is longer than the limit is
//! refused before it is put together, since many places of a term can share one large binary.

use std::borrow::Cow;

use crate::{Binary, Term};

/// Why a term is no text, or no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It is something else, or holds something else.
    #[error("the term is no text: an atom, a UTF-8 binary, a charlist, or a list of these")]
    NotText,
    /// It is something else, or holds something else.
    #[error("the term is no iolist: a binary, or a list of bytes, binaries and iolists")]
    NotIolist,
    /// Longer than the limit.
    #[error("the text has more than {limit} bytes; ask for it with a higher limit")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl Term {
    /// The most bytes that [`as_text`](Self::as_text) and [`iolist_to_binary`](Self::iolist_to_binary) put together: 16 MiB.
    pub const TEXT_LIMIT: usize = 16 * 1024 * 1024;

    /// The text that the term is, when it is an atom, a UTF-8 binary, a charlist, or chardata (a list of these); borrowed where
    /// that is possible. `None` also beyond [`TEXT_LIMIT`](Self::TEXT_LIMIT).
    ///
    /// ```
    /// use kista_etf::{Term, atom};
    /// for term in [
    ///     Term::from("grüße"),
    ///     Term::from(atom!("grüße")),
    ///     Term::charlist("grüße"),
    ///     Term::list([Term::charlist("gr"), Term::from(252), Term::from("ße")]),
    /// ] {
    ///     assert_eq!(term.as_text().as_deref(), Some("grüße"));
    /// }
    /// assert_eq!(Term::from(7).as_text(), None);
    /// assert_eq!(Term::NIL.as_text().as_deref(), Some(""));
    /// ```
    pub fn as_text(&self) -> Option<Cow<'_, str>> {
        self.to_text(Self::TEXT_LIMIT).ok()
    }

    /// [`as_text`](Self::as_text) with a limit, in bytes, and with the reason when it is none.
    ///
    /// ```
    /// use kista_etf::{Term, term::TextError};
    /// let term = Term::charlist("hello");
    /// assert_eq!(term.to_text(5).unwrap(), "hello");
    /// assert_eq!(term.to_text(4), Err(TextError::TooLong { limit: 4 }));
    /// assert_eq!(Term::list([Term::from(-1)]).to_text(4), Err(TextError::NotText));
    /// ```
    pub fn to_text(&self, limit: usize) -> Result<Cow<'_, str>, TextError> {
        let whole = match self {
            Self::Atom(_) | Self::AtomText(_) => self.as_atom_str(),
            Self::Binary(_) => Some(self.as_str().ok_or(TextError::NotText)?),
            _ => None,
        };
        if let Some(text) = whole {
            return if text.len() > limit {
                Err(TextError::TooLong { limit })
            } else {
                Ok(Cow::Borrowed(text))
            };
        }
        let mut bytes = Vec::new();
        self.parts(TextError::NotText, |part| {
            let mut utf8 = [0; 4];
            let piece = match part {
                Part::Bytes(bytes) => bytes,
                Part::Code(code) => u32::try_from(code)
                    .ok()
                    .and_then(char::from_u32)
                    .ok_or(TextError::NotText)?
                    .encode_utf8(&mut utf8)
                    .as_bytes(),
            };
            append(&mut bytes, piece, limit)
        })?;
        // As a whole: a character may begin in one binary and end in the next.
        String::from_utf8(bytes)
            .map(Cow::Owned)
            .map_err(|_| TextError::NotText)
    }

    /// `iolist_to_binary/1`: the bytes of a binary, or of a list of bytes, binaries and such lists. A binary is not copied.
    ///
    /// ```
    /// use kista_etf::{Term, term::TextError};
    /// let term = Term::improper([Term::from("ab"), Term::list([Term::from(255)])], Term::from("c"));
    /// assert_eq!(&*term.iolist_to_binary().unwrap(), b"ab\xffc");
    /// assert_eq!(Term::charlist("π").iolist_to_binary(), Err(TextError::NotIolist));
    /// ```
    pub fn iolist_to_binary(&self) -> Result<Binary, TextError> {
        self.iolist_to_binary_within(Self::TEXT_LIMIT)
    }

    /// [`iolist_to_binary`](Self::iolist_to_binary) with a limit of one's own, in bytes.
    ///
    /// ```
    /// use kista_etf::{Term, term::TextError};
    /// let term = Term::list([Term::from("ab"), Term::from("c")]);
    /// assert_eq!(term.iolist_to_binary_within(2), Err(TextError::TooLong { limit: 2 }));
    /// ```
    pub fn iolist_to_binary_within(&self, limit: usize) -> Result<Binary, TextError> {
        if let Self::Binary(binary) = self {
            return if binary.len() > limit {
                Err(TextError::TooLong { limit })
            } else {
                Ok(binary.clone())
            };
        }
        let mut bytes = Vec::new();
        self.parts(TextError::NotIolist, |part| match part {
            Part::Bytes(piece) => append(&mut bytes, piece, limit),
            Part::Code(code) => {
                let byte = u8::try_from(code).map_err(|_| TextError::NotIolist)?;
                append(&mut bytes, &[byte], limit)
            }
        })?;
        Ok(Binary::from(bytes))
    }

    /// `iolist_size/1`: how many bytes [`iolist_to_binary`](Self::iolist_to_binary) gives; nothing is put together.
    ///
    /// ```
    /// use kista_etf::Term;
    /// assert_eq!(Term::list([Term::from("ab"), Term::from(0)]).iolist_size(), Some(3));
    /// assert_eq!(Term::list([Term::from(256)]).iolist_size(), None);
    /// ```
    pub fn iolist_size(&self) -> Option<usize> {
        let mut size = 0usize;
        self.parts(TextError::NotIolist, |part| {
            size = size.saturating_add(match part {
                Part::Bytes(bytes) => bytes.len(),
                Part::Code(0..=255) => 1,
                Part::Code(_) => return Err(TextError::NotIolist),
            });
            Ok(())
        })
        .ok()?;
        Some(size)
    }

    /// Passes on what a binary or a list of integers, binaries and such lists consists of; `wrong` when there is something else.
    fn parts(
        &self,
        wrong: TextError,
        mut take: impl FnMut(Part<'_>) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        let mut open: Vec<std::slice::Iter<'_, Self>> = Vec::new();
        let mut next = self;
        // A list, or a binary at the top or behind a bar; an integer may only be an element.
        let mut may_be_code = false;
        loop {
            match next {
                Self::Binary(binary) => take(Part::Bytes(binary))?,
                Self::Int(code) if may_be_code => take(Part::Code(*code))?,
                Self::List(list) => open.push(list.iter()),
                Self::ImproperList(list) if matches!(list.tail(), Self::Binary(_)) => {
                    open.push(next.children().iter());
                }
                _ => return Err(wrong),
            }
            may_be_code = true;
            next = loop {
                let Some(innermost) = open.last_mut() else {
                    return Ok(());
                };
                match innermost.next() {
                    Some(item) => break item,
                    None => {
                        open.pop();
                    }
                }
            };
        }
    }
}

enum Part<'a> {
    Bytes(&'a [u8]),
    Code(i64),
}

fn append(bytes: &mut Vec<u8>, piece: &[u8], limit: usize) -> Result<(), TextError> {
    if piece.len() > limit - bytes.len() {
        return Err(TextError::TooLong { limit });
    }
    bytes.extend_from_slice(piece);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AtomName, BitString, atoms};

    fn texts(term: &Term) -> Option<String> {
        term.as_text().map(Cow::into_owned)
    }

    /// As `unicode:characters_to_binary/1` of OTP 25 and 27 takes these.
    #[test]
    fn chardata_is_text() {
        let bytes = |bytes: &[u8]| Term::from(bytes);
        for (term, text) in [
            (Term::from(atoms::OK), Some("ok")),
            (
                Term::from(AtomName::text("no_atom").unwrap()),
                Some("no_atom"),
            ),
            (Term::from("π"), Some("π")),
            (Term::charlist("π"), Some("π")),
            (Term::list([Term::NIL, Term::list([Term::NIL])]), Some("")),
            (Term::list([bytes(&[0xC3]), bytes(&[0xA9])]), Some("é")),
            (Term::improper([bytes(&[0xC3])], bytes(&[0xA9])), Some("é")),
            (Term::list([bytes(&[0xC3]), Term::from(0xA9)]), None),
            (bytes(&[0xC3]), None),
            (Term::list([Term::from(0xD800)]), None),
            (Term::list([Term::from(0x11_0000)]), None),
            (Term::list([Term::from(1i128 << 70)]), None),
            (Term::list([Term::from(atoms::OK)]), None),
            (Term::list([Term::from(1.0)]), None),
            (Term::improper([Term::from(97)], Term::from(98)), None),
            (
                Term::improper([Term::from(97)], Term::from(atoms::OK)),
                None,
            ),
            (Term::from(97), None),
            (Term::from((1, 2)), None),
            (Term::from(BitString::new(&[97, 1][..], 3).unwrap()), None),
        ] {
            assert_eq!(texts(&term).as_deref(), text, "{term}");
        }
        assert!(matches!(Term::from("π").as_text(), Some(Cow::Borrowed(_))));
    }

    #[test]
    fn an_iolist_is_bytes() {
        let bytes = |term: Term| term.iolist_to_binary().map(|it| it.to_vec());
        assert_eq!(bytes(Term::charlist("é")), Ok(vec![0xE9]));
        assert_eq!(bytes(Term::NIL), Ok(vec![]));
        assert_eq!(bytes(Term::from(atoms::OK)), Err(TextError::NotIolist));
        assert_eq!(
            bytes(Term::list([Term::from(-1)])),
            Err(TextError::NotIolist)
        );
        assert_eq!(bytes(Term::from(1)), Err(TextError::NotIolist));
        let binary = Term::from("shared");
        let same = binary.iolist_to_binary().unwrap();
        assert_eq!(binary.as_binary().unwrap().as_ptr(), same.as_ptr());
    }

    #[test]
    fn one_binary_in_many_places_does_not_fill_the_memory() {
        let large = Term::from(&vec![b'a'; 1 << 20][..]);
        let term = Term::list(std::iter::repeat_n(large, 1 << 16));
        let limit = Term::TEXT_LIMIT;
        assert_eq!(term.as_text(), None);
        assert_eq!(term.iolist_to_binary(), Err(TextError::TooLong { limit }));
        assert_eq!(term.iolist_size(), Some(1 << 36));
    }

    #[test]
    fn a_million_lists_in_each_other_overflow_no_stack() {
        let mut term = Term::from("x");
        for _ in 0..1_000_000 {
            term = Term::list([term, Term::from(121)]);
        }
        assert_eq!(term.as_text().map(|text| text.len()), Some(1_000_001));
        assert_eq!(term.iolist_size(), Some(1_000_001));
    }
}
