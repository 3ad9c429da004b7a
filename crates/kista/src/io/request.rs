//! The requests that a group leader gets: `{io_request, From, ReplyAs, Request}`, answered by `{io_reply, ReplyAs, Reply}`.
//!
//! Rules:
//! 1. A list of requests (`{requests, _}`) may hold such lists. The first request that fails is the last, and its answer that of all.
//! 2. `{put_chars, Encoding, Module, Function, Arguments}` runs nothing but `io_lib:format` and its kin, which are ours.
//! 3. What asks for input gets `eof`; what asks for a terminal `{error, enotsup}`; all else `{error, request}`.
//! 4. What all of it prints has a limit. What goes beyond is not printed, and is `{error, enospc}`.

use std::borrow::Cow;
use std::slice;

use kista_etf::term::TextError;
use kista_etf::{Pid, Term, term};

use super::FormatError;
use super::format::{MOST, within};

/// Requests in a list, with those of all lists in it, and these.
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
    let Some(requests) = flat(request) else {
        return refused();
    };
    let mut work = Work { room: MOST, print };
    let mut answer = term!(ok);
    for request in requests {
        answer = work.answer(request);
        if answer.as_tagged("error").is_some() {
            break;
        }
    }
    answer
}

/// The answer when there is more to print than one request may.
pub(super) fn too_long() -> Term {
    term!({error, enospc})
}

fn refused() -> Term {
    term!({error, request})
}

/// A request, or those of a list. `None`: there are too many, or it is no list.
fn flat(request: &Term) -> Option<Vec<&Term>> {
    let mut open = vec![slice::from_ref(request).iter()];
    let mut requests = Vec::new();
    // The outermost list is not in one.
    let mut left = MOST_REQUESTS + 1;
    while let Some(innermost) = open.last_mut() {
        let Some(request) = innermost.next() else {
            open.pop();
            continue;
        };
        left = left.checked_sub(1)?;
        match request.as_tagged("requests") {
            Some([list]) => open.push(list.as_list()?.iter()),
            _ => requests.push(request),
        }
    }
    Some(requests)
}

struct Work<'a, P> {
    /// Bytes that may still be printed.
    room: usize,
    print: &'a mut P,
}

impl<P: FnMut(&str)> Work<'_, P> {
    fn answer(&mut self, request: &Term) -> Term {
        match request.as_atom_str() {
            Some("getopts") => {
                return term!([{binary, false}, {echo, false}, {encoding, unicode}]);
            }
            Some(_) => return refused(),
            None => {}
        }
        let Some([tag, arguments @ ..]) = request.as_tuple() else {
            return refused();
        };
        match (tag.as_atom_str(), arguments) {
            // The forms of old have no encoding, and are of Latin-1.
            (Some("put_chars"), [chars]) => self.put(chars, false),
            (Some("put_chars"), [encoding, chars]) => match is_unicode(encoding) {
                Some(unicode) => self.put(chars, unicode),
                None => refused(),
            },
            (Some("put_chars"), [module, function, arguments])
            | (Some("put_chars"), [_, module, function, arguments]) => {
                self.apply(module, function, arguments)
            }
            (Some("get_line" | "get_chars" | "get_until" | "get_password"), _) => term!(eof),
            (Some("setopts" | "get_geometry"), [_]) => term!({error, enotsup}),
            _ => refused(),
        }
    }

    fn put(&mut self, chars: &Term, unicode: bool) -> Term {
        let text = match unicode {
            true => chardata(chars, self.room),
            false => chars.iolist_to_binary_within(self.room).map(|bytes| {
                let chars = bytes.iter().map(|byte| char::from(*byte));
                Cow::Owned(chars.collect())
            }),
        };
        match text {
            Ok(text) => self.print(&text),
            Err(TextError::TooLong { .. }) => too_long(),
            Err(_) => term!({error, {put_chars, (encoding(unicode)), (chars.clone())}}),
        }
    }

    /// Of `io_lib` only.
    fn apply(&mut self, module: &Term, function: &Term, arguments: &Term) -> Term {
        let name = function.as_atom_str().filter(|_| module.is_atom("io_lib"));
        let format = |text: &str, arguments: &[Term]| within(text, arguments, self.room);
        let text = match (name, arguments.as_list().unwrap_or_default()) {
            (Some("format" | "fwrite"), [text, arguments]) => {
                format_within(text, arguments, self.room)
            }
            (Some("nl"), []) => format("~n", &[]),
            (Some("write"), [term]) => format("~w", slice::from_ref(term)),
            (Some("print"), [term]) => format("~p", slice::from_ref(term)),
            _ => return term!({error, (function.clone())}),
        };
        match text {
            Ok(text) => self.print(&text),
            Err(FormatError::TooLong { .. }) => too_long(),
            Err(_) => term!({error, (function.clone())}),
        }
    }

    fn print(&mut self, text: &str) -> Term {
        // A text of Latin-1 may be longer than its bytes.
        self.room = self.room.saturating_sub(text.len());
        (self.print)(text);
        term!(ok)
    }
}

fn is_unicode(encoding: &Term) -> Option<bool> {
    match encoding.as_atom_str()? {
        "unicode" => Some(true),
        "latin1" => Some(false),
        _ => None,
    }
}

fn encoding(unicode: bool) -> Term {
    match unicode {
        true => term!(unicode),
        false => term!(latin1),
    }
}

/// What `unicode:characters_to_binary/1` takes: no atom, which is a text elsewhere.
pub(crate) fn chardata(chars: &Term, limit: usize) -> Result<Cow<'_, str>, TextError> {
    match chars.as_atom_name() {
        Some(_) => Err(TextError::NotText),
        None => chars.to_text(limit),
    }
}

/// `io_lib:format(Text, Arguments)`: the text is an atom, a binary or a list of characters.
pub(crate) fn format_of(text: &Term, arguments: &Term) -> Result<String, FormatError> {
    format_within(text, arguments, MOST)
}

fn format_within(text: &Term, arguments: &Term, limit: usize) -> Result<String, FormatError> {
    let text = text.to_text(limit).map_err(|error| match error {
        TextError::TooLong { .. } => FormatError::TooLong { limit },
        _ => FormatError::NoText,
    })?;
    within(
        &text,
        arguments.as_list().ok_or(FormatError::NoText)?,
        limit,
    )
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
            term!({requests, [{put_chars, unicode, "a"}, {requests, x}]}),
            term!(17),
        ] {
            answered(wrong, "{error,request}", "");
        }
        // An atom is no text, as in OTP.
        answered(
            term!({put_chars, unicode, text}),
            "{error,{put_chars,unicode,text}}",
            "",
        );
        answered(
            term!({put_chars, latin1, text}),
            "{error,{put_chars,latin1,text}}",
            "",
        );
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
    fn lists_in_lists_are_one_list() {
        answered(
            term!({requests, [{put_chars, unicode, "a"},
                              {requests, [{put_chars, unicode, "b"}, {requests, [{put_chars, unicode, "c"}]}]},
                              {put_chars, unicode, "d"}]}),
            "ok",
            "abcd",
        );
        answered(term!({requests, [{requests, []}]}), "ok", "");
        answered(
            term!({requests, [{put_chars, unicode, "a"},
                              {requests, [nonsense, {put_chars, unicode, "b"}]},
                              {put_chars, unicode, "c"}]}),
            "{error,request}",
            "a",
        );
        // As deep as there may be requests, and one deeper.
        let nested = |depth: usize| {
            (0..depth).fold(
                term!({put_chars, unicode, "x"}),
                |inner, _| term!({requests, [(inner)]}),
            )
        };
        answered(nested(MOST_REQUESTS), "ok", "x");
        answered(nested(MOST_REQUESTS + 1), "{error,request}", "");
    }

    #[test]
    fn more_than_a_request_may_print_is_an_error_and_never_cut() {
        let most = "x".repeat(MOST);
        let more = format!("{most}y");
        answered(term!({put_chars, unicode, (most.as_str())}), "ok", &most);
        answered(
            term!({put_chars, unicode, io_lib, format, ["~ts", [(most.as_str())]]}),
            "ok",
            &most,
        );
        let refused = "{error,enospc}";
        for long in [
            term!({put_chars, unicode, (more.as_str())}),
            term!({put_chars, latin1, (more.as_str())}),
            term!({put_chars, unicode, io_lib, format, ["~ts", [(more.as_str())]]}),
            term!({put_chars, unicode, io_lib, format, [(more.as_str()), []]}),
            term!({put_chars, unicode, io_lib, write, [(more.as_str())]}),
            term!({put_chars, unicode, io_lib, print, [(more.as_str())]}),
            // A field as wide as no memory.
            term!({put_chars, unicode, io_lib, format, ["~99999999999c", [120]]}),
        ] {
            answered(long, refused, "");
        }
        // Of all requests of a list together.
        answered(
            term!({requests, [{put_chars, unicode, (most.as_str())}, {put_chars, unicode, "y"}]}),
            refused,
            &most,
        );
        let many = |count| Term::list(vec![term!(getopts); count]);
        let options = "[{binary,false},{echo,false},{encoding,unicode}]";
        answered(term!({requests, (many(MOST_REQUESTS))}), options, "");
        answered(
            term!({requests, (many(MOST_REQUESTS + 1))}),
            "{error,request}",
            "",
        );
    }
}
