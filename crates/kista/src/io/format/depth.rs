//! Terms that are printed to a depth: `~W` and `~P`.

use std::iter::repeat_n;

use kista_etf::{Atom, Term};

use super::{MADE, MOST, character};

/// What stands for `...` in a term that is printed to a depth: a character for private use.
const ELLIPSIS: &str = "\u{f8ff}";
/// To a greater depth everything is printed.
pub(super) const DEEPEST: usize = 200;

/// The term to a depth, as `~W` counts it: an item of a list or a tuple is one deeper than the one before it. `strings`: what reads as
/// text is one item.
pub(super) fn cut(term: &Term, depth: usize, strings: bool) -> Term {
    let ellipsis = || Atom::new(ELLIPSIS).map_or(Term::NIL, Term::from);
    let Some(left) = depth.checked_sub(1) else {
        return ellipsis();
    };
    // The first is as deep as what is left.
    let items = |items: &[Term]| -> Vec<Term> {
        let shown = items.iter().take(left).enumerate();
        shown
            .map(|(at, item)| cut(item, left - at, strings))
            .collect()
    };
    match term {
        Term::Tuple(tuple) if !tuple.is_empty() => {
            let shown = items(tuple);
            let more = (tuple.len() > shown.len()).then(ellipsis);
            Term::tuple(shown.into_iter().chain(more))
        }
        Term::List(list) if !(strings && is_string(list)) => {
            let shown = items(list);
            match (list.len() > shown.len(), shown.is_empty()) {
                (true, true) => Term::list([ellipsis()]),
                (true, false) => Term::improper(shown, ellipsis()),
                (false, _) => Term::list(shown),
            }
        }
        Term::ImproperList(list) => {
            let shown = items(list.elements());
            match shown.len() {
                0 => Term::list([ellipsis()]),
                // The tail is an item, too.
                count if count == list.elements().len() && count < left => {
                    let tail = cut(list.tail(), left - count, strings);
                    Term::improper(shown, tail)
                }
                _ => Term::improper(shown, ellipsis()),
            }
        }
        Term::Map(map) if !map.is_empty() => {
            let shown = map.iter().take(left);
            let shown =
                shown.map(|(key, value)| (cut(key, left, strings), cut(value, left, strings)));
            let more = (map.len() > left).then(|| (ellipsis(), Term::NIL));
            Term::map(shown.chain(more)).unwrap_or_else(ellipsis)
        }
        other => other.clone(),
    }
}

/// Whether `~p` writes it in quotes.
fn is_string(list: &[Term]) -> bool {
    let printable = |item: &Term| match character(item) {
        Some(c) => !c.is_control() || matches!(c, '\u{8}'..='\r' | '\u{1b}'),
        None => false,
    };
    list.iter().all(printable)
}

/// The text of a term that was cut.
pub(super) fn uncut(text: &str) -> String {
    let quoted = format!("'{ELLIPSIS}'");
    let pair = format!("{quoted} => []");
    let shown = text.replace(&pair, "...").replace(&quoted, "...");
    // Where it is printed without quotes.
    let mut shown = shown
        .replace(&format!("{ELLIPSIS} => []"), "...")
        .replace(ELLIPSIS, "...");
    if text.len() > MOST {
        // It has become shorter, which would hide that there was more.
        let missing = MADE.saturating_sub(shown.len());
        shown.extend(repeat_n('.', missing));
    }
    shown
}
