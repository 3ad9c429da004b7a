//! Events of other nodes' loggers: what OTP sends to `logger_proxy` on the node of a process's group leader.
//!
//! `{log, Level, Format, Arguments, Metadata}`, or `{log, Level, Text | Report, Metadata}`. The function that would
//! format a report is code of the other node: the report is printed as a term.
//!
//! Source: `logger_proxy` and `logger` of kernel.

use kista_etf::{Atom, DecodeError, Decoder, Term};

use super::format::cut_off;
use crate::gen_server::{Address, Cx, Flow, GenServer, InitStop, Message};
use crate::log::{Escaped, LogLimit};
use crate::process::{Info, Overflow, QueueBound};

/// Events that wait to be logged: what is beyond is dropped.
const EVENTS: u32 = 1_000;
/// Bytes of an event's text that are looked at, and characters that are logged.
const MOST: usize = 16 * 1024;
const LINE: usize = 1_000;

pub(super) struct Logger {
    limit: LogLimit,
}

pub(super) struct Event {
    /// The node that sent it; `None`: this one.
    from: Option<Atom>,
    level: Level,
    text: String,
    /// The process that it is about.
    pid: Option<Term>,
}

/// OTP's levels, by those that there are here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    Info,
    Debug,
}

impl Message for Event {
    fn decode_info_from(d: &mut Decoder<'_>, peer: Option<Atom>) -> Result<Self, DecodeError> {
        let message = d.term()?;
        Self::parse(&message, peer).ok_or_else(|| DecodeError::custom("no event of a logger"))
    }
}

impl Event {
    fn parse(message: &Term, from: Option<Atom>) -> Option<Self> {
        let (level, text, metadata) = match message.as_tagged("log")? {
            [level, format, arguments, metadata] => (level, formatted(format, arguments), metadata),
            [level, what, metadata] => (level, said(what), metadata),
            _ => return None,
        };
        let pid = metadata.as_map().and_then(|metadata| metadata.field("pid"));
        Some(Self {
            from,
            level: Level::of(level.as_atom_str()?)?,
            text,
            pid: pid.cloned(),
        })
    }
}

impl Level {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "emergency" | "alert" | "critical" | "error" => Self::Error,
            "warning" => Self::Warning,
            "notice" | "info" => Self::Info,
            "debug" => Self::Debug,
            _ => return None,
        })
    }
}

/// What can not be put together is shown as it came.
fn formatted(format: &Term, arguments: &Term) -> String {
    let name = format.as_atom_str().map(str::to_owned);
    let text = name.or_else(|| format.to_text(MOST).ok().map(|text| text.into_owned()));
    let arguments_list = arguments.as_list().unwrap_or_default();
    let made = text.and_then(|text| cut_off(&text, arguments_list, MOST).ok());
    made.unwrap_or_else(|| {
        let format = format.format().limit(MOST / 2);
        let arguments = arguments.format().limit(MOST / 2);
        format!("{format} {arguments}")
    })
}

fn said(what: &Term) -> String {
    let tagged = what
        .as_tagged("string")
        .or_else(|| what.as_tagged("report"));
    let what = match tagged {
        Some([what]) => what,
        _ => what,
    };
    // A report of the old error logger: what it was told.
    if let Some(report) = what.as_map()
        && let (Some(format), Some(arguments)) = (report.field("format"), report.field("args"))
    {
        return formatted(format, arguments);
    }
    match what.to_text(MOST) {
        Ok(text) => text.into_owned(),
        Err(_) => what.format().limit(MOST).to_string(),
    }
}

impl GenServer for Logger {
    type Args = ();
    type Msg = Event;
    type Client = Address<Event>;

    async fn init((): (), cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        cx.queue_bound(Some(QueueBound::new(EVENTS, Overflow::DropNewest)));
        Ok(Self {
            limit: LogLimit::new(),
        })
    }

    async fn handle(&mut self, event: Event, _cx: &mut Cx<Self>) -> Flow {
        // On one line.
        let text = event.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = Escaped::up_to(LINE, text);
        let node = event.from.map(Escaped);
        let node = node.as_ref().map(tracing::field::display);
        let pid = event.pid.as_ref().map(tracing::field::display);
        self.limit.line(|left_out| match event.level {
            Level::Error => {
                tracing::error!(target: "kista::logger", node, pid, left_out, "{text}");
            }
            Level::Warning => {
                tracing::warn!(target: "kista::logger", node, pid, left_out, "{text}");
            }
            Level::Info => {
                tracing::info!(target: "kista::logger", node, pid, left_out, "{text}");
            }
            Level::Debug => {
                tracing::debug!(target: "kista::logger", node, pid, left_out, "{text}");
            }
        });
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Flow {
        match info {
            Info::MessagesLost { count } => {
                tracing::warn!(target: "kista::logger", count, "events of other nodes were dropped");
            }
            other => cx.log_not_understood(&other),
        }
        Flow::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kista_etf::term;

    fn event(message: Term) -> Option<(Level, String)> {
        Event::parse(&message, None).map(|event| (event.level, event.text))
    }

    #[test]
    fn each_form_of_an_event_has_a_text() {
        let forms = [
            (term!({log, alert, "text", #{}}), Level::Error, "text"),
            (term!({log, info, [{a, 1}], #{}}), Level::Info, "[{a,1}]"),
            (
                term!({log, error, #{label => x, format => "~w", args => [y]}, #{}}),
                Level::Error,
                "y",
            ),
            (
                term!({log, error, "~p failed~n", [x], #{}}),
                Level::Error,
                "x failed\n",
            ),
            (
                term!({log, notice, {string, ["a", <<"b">>]}, #{}}),
                Level::Info,
                "ab",
            ),
            (
                term!({log, warning, {report, #{why => 1}}, #{}}),
                Level::Warning,
                "#{why => 1}",
            ),
            (
                term!({log, debug, {report, [{why, 1}]}, #{}}),
                Level::Debug,
                "[{why,1}]",
            ),
            // A format that does not fit its arguments loses nothing.
            (
                term!({log, critical, "~p ~p", [x], #{}}),
                Level::Error,
                "\"~p ~p\" [x]",
            ),
        ];
        for (message, level, text) in forms {
            assert_eq!(event(message), Some((level, text.to_owned())));
        }
    }

    #[test]
    fn what_is_no_event_is_none() {
        for wrong in [
            term!({log, loud, "x", [], #{}}),
            term!({log, error}),
            term!({notify, {error, x, y}}),
            term!(log),
        ] {
            assert_eq!(event(wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn an_event_of_any_size_has_a_text_of_a_bounded_one() {
        let long = "x".repeat(1 << 20);
        let message = term!({log, error, "~s", [(long.as_str())], #{}});
        assert!(event(message).is_some_and(|(_, text)| text.len() < 2 * MOST));
        let message = term!({log, error, {report, #{long => (long.as_str())}}, #{}});
        assert!(event(message).is_some_and(|(_, text)| text.len() < 2 * MOST));
        let message = term!({log, error, {string, (long)}, #{}});
        assert!(event(message).is_some_and(|(_, text)| text.len() < 2 * MOST));
    }
}
