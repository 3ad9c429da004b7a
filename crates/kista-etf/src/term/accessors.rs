//! Building terms and looking into them.

use num_bigint::BigInt;

use super::{Elements, ImproperList, List, Map, Term, Tuple};
use crate::{Atom, AtomName, Binary, Kind, Pid, Port, Reference};

impl Term {
    /// The empty list.
    pub const NIL: Self = Self::List(List(Elements::EMPTY));

    /// A tuple.
    pub fn tuple(items: impl IntoIterator<Item = Self>) -> Self {
        Self::Tuple(items.into_iter().collect())
    }

    /// A proper list.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// The list of these elements in front of this tail: proper or improper, as the tail is.
    pub fn improper(items: impl IntoIterator<Item = Self>, tail: Self) -> Self {
        Self::list_with_tail(items.into_iter().collect(), tail)
    }

    pub(crate) fn list_with_tail(mut items: Vec<Self>, tail: Self) -> Self {
        match tail {
            tail if items.is_empty() => tail,
            Self::List(List(rest)) => {
                items.append(&mut rest.into_vec());
                Self::List(List(Elements::new(items)))
            }
            Self::ImproperList(ImproperList(rest)) => {
                items.append(&mut rest.into_vec());
                Self::ImproperList(ImproperList(Elements::new(items)))
            }
            tail => {
                items.push(tail);
                Self::ImproperList(ImproperList(Elements::new(items)))
            }
        }
    }

    /// A map; `None` when a key is there twice.
    pub fn map(pairs: impl IntoIterator<Item = (Self, Self)>) -> Option<Self> {
        Map::from_pairs(pairs).map(Self::Map)
    }

    /// A list of the characters of a text, as Erlang's `"text"`.
    pub fn charlist(text: &str) -> Self {
        Self::list(
            text.chars()
                .map(|char| Self::Int(i64::from(u32::from(char)))),
        )
    }

    /// An integer of any size.
    pub fn big(value: BigInt) -> Self {
        match i64::try_from(&value) {
            Ok(value) => Self::Int(value),
            Err(_) => Self::Big(Box::new(value)),
        }
    }

    /// What kind of term it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Int(_) | Self::Big(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Atom(_) | Self::AtomText(_) => Kind::Atom,
            Self::Pid(_) => Kind::Pid,
            Self::Port(_) => Kind::Port,
            Self::Reference(_) => Kind::Reference,
            Self::Tuple(_) => Kind::Tuple,
            Self::List(_) | Self::ImproperList(_) => Kind::List,
            Self::Map(_) => Kind::Map,
            Self::Binary(_) => Kind::Binary,
            Self::BitString(_) => Kind::BitString,
            Self::Fun(_) | Self::Export(_) => Kind::Fun,
            Self::Opaque(it) => it.kind(),
        }
    }

    /// The integer, if it is one that fits `i64`.
    pub const fn as_int(&self) -> Option<i64> {
        if let Self::Int(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The integer, if it is one that fits `u64`.
    pub fn as_uint(&self) -> Option<u64> {
        u64::try_from(self).ok()
    }

    /// The integer, if it is one, of any size.
    pub fn to_bigint(&self) -> Option<BigInt> {
        match self {
            Self::Int(value) => Some(BigInt::from(*value)),
            Self::Big(value) => Some(BigInt::clone(value)),
            _ => None,
        }
    }

    /// The float, if it is one.
    pub const fn as_float(&self) -> Option<f64> {
        if let Self::Float(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// `true` or `false`, if it is one of these atoms.
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_atom_str()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The atom, if it is one that is interned (by now).
    pub fn as_atom(&self) -> Option<Atom> {
        match self {
            Self::Atom(atom) => Some(*atom),
            Self::AtomText(text) => Atom::lookup(text.as_str()),
            _ => None,
        }
    }

    /// The text of the atom, if it is one.
    pub fn as_atom_str(&self) -> Option<&str> {
        match self {
            Self::Atom(atom) => Some(atom.as_str()),
            Self::AtomText(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The name of the atom, if it is one.
    pub fn as_atom_name(&self) -> Option<AtomName> {
        match self {
            Self::Atom(atom) => Some(AtomName::Interned(*atom)),
            Self::AtomText(text) => Some(AtomName::Text(text.clone())),
            _ => None,
        }
    }

    /// Whether it is the atom of this text.
    pub fn is_atom(&self, text: &str) -> bool {
        self.as_atom_str() == Some(text)
    }

    /// The pid, if it is one of a node whose name is interned.
    pub const fn as_pid(&self) -> Option<Pid> {
        if let Self::Pid(pid) = self {
            Some(*pid)
        } else {
            None
        }
    }

    /// The reference, if it is one of a node whose name is interned.
    pub fn as_reference(&self) -> Option<Reference> {
        if let Self::Reference(reference) = self {
            Some(**reference)
        } else {
            None
        }
    }

    /// The port, if it is one of a node whose name is interned.
    pub const fn as_port(&self) -> Option<Port> {
        if let Self::Port(port) = self {
            Some(*port)
        } else {
            None
        }
    }

    /// The elements of the tuple, if it is one.
    pub fn as_tuple(&self) -> Option<&[Self]> {
        if let Self::Tuple(tuple) = self {
            Some(tuple.as_slice())
        } else {
            None
        }
    }

    /// The elements after the first, if it is a tuple that begins with this atom: `{tag, ...}`.
    pub fn as_tagged(&self, tag: &str) -> Option<&[Self]> {
        match self.as_tuple()? {
            [first, rest @ ..] if first.is_atom(tag) => Some(rest),
            _ => None,
        }
    }

    /// The elements of the list, if it is a proper one.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self {
            Some(list.as_slice())
        } else {
            None
        }
    }

    /// The elements of the list and its tail, if it is an improper one.
    pub fn as_improper(&self) -> Option<(&[Self], &Self)> {
        if let Self::ImproperList(list) = self {
            Some((list.elements(), list.tail()))
        } else {
            None
        }
    }

    /// Whether it is the empty list.
    pub fn is_nil(&self) -> bool {
        self.as_list().is_some_and(<[Self]>::is_empty)
    }

    /// The map, if it is one.
    pub const fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self {
            Some(map)
        } else {
            None
        }
    }

    /// The binary, if it is one.
    pub const fn as_binary(&self) -> Option<&Binary> {
        if let Self::Binary(binary) = self {
            Some(binary)
        } else {
            None
        }
    }

    /// The text of the binary, if it is one and UTF-8: what Elixir calls a string.
    pub fn as_str(&self) -> Option<&str> {
        self.as_binary()?.as_str()
    }

    /// The elements of the tuple, moved out; the term itself if it is none.
    pub fn into_tuple(self) -> Result<Vec<Self>, Self> {
        match self {
            Self::Tuple(Tuple(items)) => Ok(items.into_vec()),
            other => Err(other),
        }
    }

    /// The map, moved out; the term itself if it is none.
    pub fn into_map(self) -> Result<Map, Self> {
        match self {
            Self::Map(map) => Ok(map),
            other => Err(other),
        }
    }

    /// The elements of the proper list, moved out; the term itself if it is none.
    pub fn into_list(self) -> Result<Vec<Self>, Self> {
        match self {
            Self::List(List(items)) => Ok(items.into_vec()),
            other => Err(other),
        }
    }
}
