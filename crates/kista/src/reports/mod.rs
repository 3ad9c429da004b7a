//! Reports: what a node says of processes that crash, and of what supervisors do about it. Each is a value, under the event
//! [`REPORTS`], and a line for `tracing`.
//!
//! ```
//! use kista::events::Update;
//! use kista::reports::{REPORTS, Report};
//! use kista::{Node, gen_server};
//!
//! #[derive(Debug)]
//! struct Counter { n: i64 }
//! #[gen_server]
//! impl Counter {
//!     #[init] fn new() -> Self { Counter { n: 3 } }
//!     #[cast] fn divide(&mut self, by: i64) { self.n /= by }
//! }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
//! let mut reports = node.subscribe::<Report>(REPORTS)?;
//! # std::panic::set_hook(Box::new(|_| {}));
//! node.spawn(Counter::spec()).name("counter").await?.divide(0);
//! let Some(Update::Event(Report::Crash(crash))) = reports.next().await else { panic!() };
//! assert_eq!(crash.reason.to_string(), r#"{panic,<<"attempt to divide by zero">>}"#);
//! assert_eq!(crash.state.to_string(), r#"<<"Counter { n: 3 }">>"#);
//! assert_eq!(crash.last_message.to_string(), "cast {divide, By}");
//! println!("{}", Report::Crash(crash));        // as OTP prints it, some lines long
//! # node.stop().await; Ok(()) }
//! ```
//!
//! Rules:
//! 1. *Who crashed.* A process whose own code fails has one crash report: a panic, or an end by itself for a reason that is none
//!    of `normal`, `shutdown` and `{shutdown, _}`. It is made where it failed, before `terminate` runs and before anybody else
//!    hears of the end. Who is ended by another's exit signal has none, as in OTP: who sent that knows why. A panic in `terminate`
//!    is reported as well. A panic is reported with its place. A handler of an event manager that fails has a report, though its process lives on.
//! 2. *What came of it* says the supervisor: which child, why, how often it was restarted, what is done [`Next`]. A pool reports
//!    of its workers as a supervisor does.
//! 3. *Bounded.* Of a state or a message so large that its text would pass [`MOST_SHOWN`], that much is kept, with a mark.
//!    A message that was moved within the node is gone when its handler fails: its name is shown; the whole of it when `sys`
//!    logs or traces the process.
//! 4. *Nothing lost.* Subscribers get every report: who reads slowly sets a bound on the subscription, and is told how many it
//!    missed. Lines are limited, for each source and for the node; what was left out is counted, and said within 2 s or when the
//!    node stops.
//! 5. *Escaped.* Control characters, and what reorders or hides text, are escaped in lines and in printed reports.
//!
//! Source: *SASL Error Logging* in SASL's user's guide; `proc_lib:crash_report`, `supervisor`'s reports and `gen_server`'s
//! `format_log` in STDLIB.

mod crash;
mod limit;
mod place;
mod shown;
mod supervision;
mod text;

pub use crash::{CrashReport, During};
pub(crate) use limit::{Admitted, Limit, Source};
pub(crate) use place::note_panics;
pub use shown::{MOST_SHOWN, Shown};
pub use supervision::{Context, Next, ReportedChild};
pub(crate) use text::{Ancestors, Named};

use kista_etf::{Atom, Pid};

use crate::ExitReason;

/// The event under which a node publishes [`Report`]s: `node.subscribe::<Report>(REPORTS)`.
pub const REPORTS: &str = "reports";

/// What a node reports. `Display` prints it as OTP does, in lines. In the log crashes and problems are errors, progress is debug.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Report {
    /// A process, or a handler of an event manager, failed.
    Crash(Box<CrashReport>),
    /// OTP's supervisor report: something ended or did not start.
    Supervisor {
        /// The supervisor, or the pool.
        supervisor: Pid,
        /// Its registered name.
        name: Option<Atom>,
        /// What went wrong.
        context: Context,
        /// Why.
        reason: ExitReason,
        /// Which child.
        child: ReportedChild,
        /// How many restarts the supervisor has counted within its period, this one among them.
        restarts: usize,
        /// What the supervisor does about it.
        next: Next,
    },
    /// OTP's progress report: a child runs. Not for children of a `simple_one_for_one`.
    Progress {
        /// The supervisor.
        supervisor: Pid,
        /// Its registered name.
        name: Option<Atom>,
        /// Which child.
        child: ReportedChild,
    },
}
