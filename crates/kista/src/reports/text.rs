//! Reports as OTP prints them.

use std::fmt::{self, Display};

use kista_etf::{Atom, Pid};

use super::{Context, CrashReport, During, Report, ReportedChild};
use crate::log::Escaped;
use crate::supervisor::{Restart, Shutdown};

/// How many characters of a reason are printed.
const MOST_REASON: usize = 4 * 1024;

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash(crash) => crash.fmt(f),
            Self::Supervisor {
                supervisor,
                name,
                context,
                reason,
                child,
                restarts,
                next,
            } => {
                writeln!(f, "supervisor report")?;
                line(f, "supervisor", Named(*name, *supervisor))?;
                line(f, "context", context)?;
                line(f, "reason", Escaped::up_to(MOST_REASON, reason))?;
                write_child(f, child)?;
                line(f, "restarts", format_args!("{restarts} within the period"))?;
                write!(f, "    {:<20}the supervisor {next}", "next:")
            }
            Self::Progress {
                supervisor,
                name,
                child,
            } => {
                writeln!(f, "progress report")?;
                line(f, "supervisor", Named(*name, *supervisor))?;
                write_child(f, child)?;
                write!(f, "    {:<20}it runs", "next:")
            }
        }
    }
}

impl Display for CrashReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "crash report")?;
        line(f, "process", Named(self.name, self.pid))?;
        let runs = format_args!("{} {}", Escaped(self.behaviour), Escaped(self.runs));
        line(f, "behaviour", runs)?;
        line(f, "during", &self.during)?;
        line(f, "reason", Escaped::up_to(MOST_REASON, &self.reason))?;
        if let Some(place) = &self.panicked_at {
            line(f, "panicked at", Escaped(place))?;
        }
        line(f, "last message", &self.last_message)?;
        line(f, "state", &self.state)?;
        line(f, "ancestors", Ancestors(self))?;
        line(f, "message_queue_len", self.message_queue_len)?;
        line(f, "links", self.links)?;
        write!(f, "    {:<20}{}", "trap_exit:", self.trap_exit)
    }
}

impl Display for During {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init => f.write_str("init"),
            Self::Work => f.write_str("work"),
            Self::Terminate => f.write_str("terminate"),
            Self::Handler(id) => write!(f, "handler {}", Escaped(id)),
        }
    }
}

impl Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartError => "start_error",
            Self::ChildTerminated => "child_terminated",
            Self::ShutdownError => "shutdown_error",
            Self::Shutdown => "shutdown",
        })
    }
}

fn line(f: &mut fmt::Formatter<'_>, what: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "    {:<20}{value}", format!("{what}:"))
}

fn write_child(f: &mut fmt::Formatter<'_>, child: &ReportedChild) -> fmt::Result {
    let restart = match child.restart {
        Restart::Permanent => "permanent",
        Restart::Transient => "transient",
        Restart::Temporary => "temporary",
    };
    let id = Escaped(&child.id);
    match child.pid {
        Some(pid) => line(f, "child", format_args!("{id} {pid}"))?,
        None => line(f, "child", id)?,
    }
    if child.count != 1 {
        line(f, "children", child.count)?;
    }
    line(f, "starts", Escaped(child.starts))?;
    let significant = if child.significant {
        ", significant"
    } else {
        ""
    };
    let shutdown = match child.shutdown {
        Shutdown::BrutalKill => "brutal_kill".to_owned(),
        Shutdown::Infinity => "shutdown infinity".to_owned(),
        Shutdown::After(time) => format!("shutdown {time:?}"),
    };
    line(
        f,
        "kind",
        format_args!("{restart}{significant}, {shutdown}"),
    )?;
    line(f, "restarted before", child.restarts)
}

/// `counter <0.80.0>`, or the pid alone.
pub(crate) struct Named(pub(crate) Option<Atom>, pub(crate) Pid);

impl Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.0 {
            write!(f, "{} ", Escaped(name))?;
        }
        self.1.fmt(f)
    }
}

/// Nearest first.
pub(crate) struct Ancestors<'a>(pub(crate) &'a CrashReport);

impl Display for Ancestors<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (n, who) in self.0.ancestors.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}{}", Escaped(who))?;
        }
        f.write_str("]")
    }
}
