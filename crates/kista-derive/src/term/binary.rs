//! `<<1, "text", "π"/utf8, 5:3>>`, of literals only.

use proc_macro2::TokenTree;
use syn::{Lit, Result};

use super::node::Node;
use super::read::Cursor;

const SEGMENT: &str = "in `<<...>>` stand literals: `1`, `5:3`, `\"text\"`, `\"text\"/utf8`; Rust bytes or text are a binary by \
                       themselves: `(bytes)`";

/// The most bits of one number: what an `i128` has.
const MAX_BITS: u32 = 128;

/// `<<` was read.
pub(super) fn node(cursor: &mut Cursor) -> Result<Node> {
    let mut bits: Vec<bool> = Vec::new();
    if cursor.eat_pair('>', '>') {
        return Ok(Node::Bits(Vec::new(), 0));
    }
    loop {
        segment(cursor, &mut bits)?;
        if cursor.eat_pair('>', '>') {
            break;
        }
        if !cursor.eat(',') {
            return cursor.error("expected `,` or `>>`");
        }
    }
    let bytes = bits
        .chunks(8)
        .map(|chunk| {
            let byte = chunk.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
            byte << (8 - chunk.len())
        })
        .collect();
    Ok(Node::Bits(bytes, (bits.len() % 8) as u8))
}

fn segment(cursor: &mut Cursor, bits: &mut Vec<bool>) -> Result<()> {
    let negative = cursor.eat('-');
    let Some(TokenTree::Literal(literal)) = cursor.peek().cloned() else {
        return cursor.error(SEGMENT);
    };
    if let (Lit::Str(text), false) = (Lit::new(literal.clone()), negative) {
        cursor.next();
        let text = text.value();
        if cursor.eat('/') {
            match cursor.peek() {
                Some(TokenTree::Ident(kind)) if kind == "utf8" => {
                    cursor.next();
                }
                _ => return cursor.error(SEGMENT),
            }
            text.bytes()
                .for_each(|byte| push(bits, i128::from(byte), 8));
        } else {
            // As Erlang does: what does not fit a byte is cut off.
            text.chars()
                .for_each(|char| push(bits, i128::from(u32::from(char)), 8));
        }
        return Ok(());
    }
    let before = cursor.peek().cloned();
    cursor.next();
    let value = match cursor.literal(literal, negative)? {
        Node::Integer(digits) => digits.parse::<i128>().ok(),
        _ => None,
    };
    let (Some(value), Some(token)) = (value, before) else {
        return cursor.error(SEGMENT);
    };
    let mut size = 8;
    if cursor.eat(':') {
        let wanted = match cursor.next() {
            Some(TokenTree::Literal(literal)) => match Lit::new(literal) {
                Lit::Int(size) => size.base10_parse::<u32>().ok(),
                _ => None,
            },
            _ => None,
        };
        match wanted {
            Some(wanted) if wanted <= MAX_BITS => size = wanted,
            _ => {
                return Err(syn::Error::new(
                    token.span(),
                    "a size is a number of bits, 0 to 128",
                ));
            }
        }
    }
    push(bits, value, size);
    Ok(())
}

/// The lowest `size` bits.
fn push(bits: &mut Vec<bool>, value: i128, size: u32) {
    bits.extend((0..size).rev().map(|at| value >> at & 1 == 1));
}
