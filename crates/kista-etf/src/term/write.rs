//! A term on one line, without recursion.

use std::fmt::{self, Write};

use num_bigint::{BigInt, Sign};

use super::Term;
use super::lexeme::{self, printable, write_atom, write_binary, write_float};

/// An integer of more bits is printed in base 16.
const DECIMAL_BITS: u64 = 8 * 64 * 1024;

/// A container that is being printed.
struct Open<'a> {
    of: &'a Term,
    rest: &'a [Term],
    at: usize,
}

/// Prints all of it; `readable` as `~0tp` does, else as `~tw`.
pub(super) fn term(out: &mut impl Write, term: &Term, readable: bool) -> fmt::Result {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = term;
    loop {
        if let Some(rest) = head(out, next, readable)? {
            open.push(Open {
                of: next,
                rest,
                at: 0,
            });
        }
        next = loop {
            let Some(innermost) = open.last_mut() else {
                return Ok(());
            };
            let Some((item, rest)) = innermost.rest.split_first() else {
                out.write_str(
                    if matches!(innermost.of, Term::List(_) | Term::ImproperList(_)) {
                        "]"
                    } else {
                        "}"
                    },
                )?;
                open.pop();
                continue;
            };
            let separator = match innermost.of {
                _ if innermost.at == 0 => "",
                Term::ImproperList(_) if rest.is_empty() => "|",
                Term::Map(_) if innermost.at % 2 == 1 => " => ",
                _ => ",",
            };
            innermost.rest = rest;
            innermost.at += 1;
            out.write_str(separator)?;
            break item;
        };
    }
}

/// Prints an integer: of more bits than these in base 16, as decimal takes quadratic time.
pub(crate) fn integer(out: &mut impl Write, value: &BigInt, decimal_bits: u64) -> fmt::Result {
    if value.bits() <= decimal_bits {
        return write!(out, "{value}");
    }
    let sign = if value.sign() == Sign::Minus { "-" } else { "" };
    write!(out, "{sign}16#{:X}", value.magnitude())
}

/// Prints a leaf, or the opening of a container and gives its items.
fn head<'a>(
    out: &mut impl Write,
    term: &'a Term,
    readable: bool,
) -> Result<Option<&'a [Term]>, fmt::Error> {
    match term {
        Term::Int(value) => write!(out, "{value}")?,
        Term::Big(value) => integer(out, value, DECIMAL_BITS)?,
        Term::Float(value) => write_float(out, *value)?,
        Term::Atom(atom) => write_atom(out, atom.as_str())?,
        Term::AtomText(text) => write_atom(out, text.as_str())?,
        Term::Pid(pid) => write!(out, "{pid}")?,
        Term::Port(port) => write!(out, "{port}")?,
        Term::Reference(reference) => write!(out, "{reference}")?,
        Term::Binary(binary) => write_binary(out, binary, None, readable)?,
        Term::BitString(bits) => write_binary(out, bits.bytes(), Some(bits.last_bits()), readable)?,
        Term::Fun(fun) => write!(out, "{fun}")?,
        Term::Export(export) => write!(out, "{export}")?,
        Term::Opaque(opaque) => write!(out, "{opaque}")?,
        Term::List(list) if readable && is_text(list) => {
            out.write_char('"')?;
            for char in list.iter().filter_map(printable) {
                lexeme::write_escaped(out, char, '"')?;
            }
            out.write_char('"')?;
        }
        Term::List(_) | Term::ImproperList(_) => {
            out.write_char('[')?;
            return Ok(Some(term.children()));
        }
        Term::Tuple(_) => {
            out.write_char('{')?;
            return Ok(Some(term.children()));
        }
        Term::Map(_) => {
            out.write_str("#{")?;
            return Ok(Some(term.children()));
        }
    }
    Ok(None)
}

/// Whether a list is printed as a string.
pub(super) fn is_text(list: &[Term]) -> bool {
    !list.is_empty() && list.iter().all(|item| printable(item).is_some())
}
