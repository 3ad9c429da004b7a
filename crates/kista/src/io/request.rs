//! The requests that a group leader gets: `{io_request, From, ReplyAs, Request}`, answered by `{io_reply, ReplyAs, Reply}`.
//!
//! Rules:
//! 1. Of a list of requests (`{requests, _}`) the first that fails is the last, and its answer that of all. Lists in lists are none.
//! 2. `{put_chars, Encoding, Module, Function, Arguments}` runs nothing but `io_lib:format` and its kin, which are ours.
//! 3. What asks for input gets `eof`; what asks for a terminal `{error, enotsup}`; all else `{error, request}`.

use kista_etf::{Pid, Term, term};

use super::within;

/// What one request may print: more is cut off.
const MOST: usize = 64 * 1024;
/// Requests in a list.
const MOST_REQUESTS: usize = 1_000;

/// A request with who asks.
pub(super) struct IoRequest {
    pub(super) from: Pid,
    pub(super) reply_as: Term,
    pub(super) request: Term,
}

impl IoRequest {
    pub(super) fn parse(message: &Term) -> Option<Self> {
        let [from, reply_as, request] = message.as_tagged("io_request")? else {
            return None;
        };
        Some(Self {
            from: from.as_pid()?,
            reply_as: reply_as.clone(),
            request: request.clone(),
        })
    }

    /// `{io_reply, ReplyAs, Reply}`
    pub(super) fn reply(&self, reply: Term) -> Term {
        term!({io_reply, (self.reply_as.clone()), (reply)})
    }
}

pub(crate) fn is_request(message: &Term) -> bool {
    IoRequest::parse(message).is_some()
}

/// What a request comes to: its answer, and what it prints.
pub(super) fn perform(request: &Term, print: &mut impl FnMut(&str)) -> Term {
    let Some([requests]) = request.as_tagged("requests") else {
        return one(request, print);
    };
    let Some(requests) = requests
        .as_list()
        .filter(|list| list.len() <= MOST_REQUESTS)
    else {
        return refused();
    };
    let mut answer = term!(ok);
    for request in requests {
        answer = one(request, print);
        if answer.as_tagged("error").is_some() {
            break;
        }
    }
    answer
}

fn refused() -> Term {
    term!({error, request})
}

fn one(request: &Term, print: &mut impl FnMut(&str)) -> Term {
    match request.as_atom_str() {
        Some("getopts") => return term!([{binary, false}, {echo, false}, {encoding, unicode}]),
        Some(_) => return refused(),
        None => {}
    }
    let Some([tag, arguments @ ..]) = request.as_tuple() else {
        return refused();
    };
    match (tag.as_atom_str(), arguments) {
        // The forms of old have no encoding, and are of Latin-1.
        (Some("put_chars"), [chars]) => put(chars, false, print),
        (Some("put_chars"), [encoding, chars]) => match is_unicode(encoding) {
            Some(unicode) => put(chars, unicode, print),
            None => refused(),
        },
        (Some("put_chars"), [module, function, arguments]) => {
            apply(module, function, arguments, print)
        }
        (Some("put_chars"), [_encoding, module, function, arguments]) => {
            apply(module, function, arguments, print)
        }
        (Some("get_line" | "get_chars" | "get_until" | "get_password"), _) => term!(eof),
        (Some("setopts" | "get_geometry"), [_]) => term!({error, enotsup}),
        _ => refused(),
    }
}

fn is_unicode(encoding: &Term) -> Option<bool> {
    match encoding.as_atom_str()? {
        "unicode" => Some(true),
        "latin1" => Some(false),
        _ => None,
    }
}

fn put(chars: &Term, unicode: bool, print: &mut impl FnMut(&str)) -> Term {
    let text = match unicode {
        true => chars.to_text(MOST).map(|text| text.into_owned()),
        false => chars
            .iolist_to_binary_within(MOST)
            .map(|bytes| bytes.iter().map(|byte| char::from(*byte)).collect()),
    };
    match text {
        Ok(text) => {
            print(&text);
            term!(ok)
        }
        Err(kista_etf::term::TextError::TooLong { .. }) => term!({error, enospc}),
        Err(_) => term!({error, {put_chars, (encoding(unicode)), (chars.clone())}}),
    }
}

fn encoding(unicode: bool) -> Term {
    match unicode {
        true => term!(unicode),
        false => term!(latin1),
    }
}

/// Of `io_lib` only.
fn apply(module: &Term, function: &Term, arguments: &Term, print: &mut impl FnMut(&str)) -> Term {
    let failed = || term!({error, (function.clone())});
    if !module.is_atom("io_lib") {
        return failed();
    }
    let arguments = arguments.as_list().unwrap_or_default();
    let text = match (function.as_atom_str(), arguments) {
        (Some("format" | "fwrite"), [text, arguments]) => format_of(text, arguments),
        (Some("nl"), []) => Some("\n".to_owned()),
        (Some("write"), [term]) => Some(term.format().plain().limit(MOST).to_string()),
        (Some("print"), [term]) => Some(term.format().pretty(80).limit(MOST).to_string()),
        _ => None,
    };
    match text {
        Some(text) => {
            print(&text);
            term!(ok)
        }
        None => failed(),
    }
}

/// `io_lib:format(Text, Arguments)`: the text is an atom, a binary or a list of characters.
pub(crate) fn format_of(text: &Term, arguments: &Term) -> Option<String> {
    let name = text.as_atom_str().map(str::to_owned);
    let text = name.or_else(|| text.to_text(MOST).ok().map(|text| text.into_owned()))?;
    within(&text, arguments.as_list()?, MOST).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: Term) -> (String, String) {
        let mut printed = String::new();
        let answer = perform(&request, &mut |text| printed.push_str(text));
        (answer.to_string(), printed)
    }

    fn answered(request: Term, answer: &str, printed: &str) {
        assert_eq!(
            asked(request.clone()),
            (answer.into(), printed.into()),
            "{request}"
        );
    }

    #[test]
    fn every_form_of_put_chars_prints() {
        answered(term!({put_chars, unicode, "säg"}), "ok", "säg");
        answered(
            term!({put_chars, unicode, [<<"s">>, [228, "g"]]}),
            "ok",
            "säg",
        );
        answered(term!({put_chars, latin1, <<"s", 228>>}), "ok", "sä");
        answered(term!({put_chars, "old"}), "ok", "old");
        answered(
            term!({put_chars, unicode, io_lib, format, ["~w~n", [[1, x]]]}),
            "ok",
            "[1,x]\n",
        );
        answered(
            term!({put_chars, io_lib, fwrite, ["~ts", [<<"old">>]]}),
            "ok",
            "old",
        );
        answered(
            term!({requests, [{put_chars, unicode, "a"}, {put_chars, unicode, "b"}]}),
            "ok",
            "ab",
        );
    }

    #[test]
    fn what_a_terminal_would_answer_is_not_made_up() {
        answered(term!({get_line, unicode, ">"}), "eof", "");
        answered(
            term!({get_until, unicode, ">", io_lib, fread, []}),
            "eof",
            "",
        );
        answered(term!({get_geometry, columns}), "{error,enotsup}", "");
        answered(term!({setopts, [{echo, false}]}), "{error,enotsup}", "");
        assert!(asked(term!(getopts)).0.contains("{encoding,unicode}"));
    }

    #[test]
    fn what_can_not_be_printed_is_refused_and_ends_a_list_of_requests() {
        for wrong in [
            term!(nonsense),
            term!({nonsense, 1}),
            term!({requests, x}),
            term!({put_chars, morse, "x"}),
            term!({requests, [{requests, []}]}),
            term!(17),
        ] {
            answered(wrong, "{error,request}", "");
        }
        answered(
            term!({put_chars, latin1, [960]}),
            "{error,{put_chars,latin1,\"π\"}}",
            "",
        );
        // No function but those of `io_lib`, and no bad format.
        answered(
            term!({put_chars, unicode, os, cmd, ["id"]}),
            "{error,cmd}",
            "",
        );
        answered(
            term!({put_chars, unicode, io_lib, format, ["~w", []]}),
            "{error,format}",
            "",
        );
        answered(
            term!({requests, [{put_chars, unicode, "a"}, nonsense, {put_chars, unicode, "b"}]}),
            "{error,request}",
            "a",
        );
    }

    #[test]
    fn more_than_a_request_may_print_is_not_printed() {
        let text = "x".repeat(MOST + 1);
        answered(term!({put_chars, unicode, (text)}), "{error,enospc}", "");
        let many = Term::list(vec![term!(getopts); MOST_REQUESTS + 1]);
        answered(term!({requests, (many)}), "{error,request}", "");
        // A field as wide as no memory.
        let (answer, printed) =
            asked(term!({put_chars, unicode, io_lib, format, ["~99999999999c", [120]]}));
        assert_eq!(answer, "ok");
        assert!(printed.len() <= MOST + 3);
    }
}
