//! `erlang:process_info/1,2`.
//!
//! | key | here |
//! |---|---|
//! | `message_queue_len`, `links`, `monitors`, `monitored_by`, `trap_exit`, `priority`, `registered_name`, `parent` | as in OTP |
//! | `dictionary` | `$initial_call`, `$ancestors`, and the environment, whose keys are binaries |
//! | `status` | `waiting`, `running`, or `suspended` for one that is held for room |
//! | `initial_call`, `current_function` | the Rust type; what it does: see `process.rs` |
//! | `memory`, `total_heap_size`, `heap_size` | what the process itself takes, and its queue; not what its state owns |
//! | `reductions` | messages that it got and sent |
//! | `messages`, `binary`, `suspending`, `current_stacktrace`, `magic_ref` | `[]` |
//! | the rest | OTP's defaults |

use kista_etf::{Atom, Pid, Term, atoms, term};

use super::process;
use super::{badarg, proplist};
use crate::node::Node;
use crate::process::{Dest, Priority, ProcessInfo, Status};
use crate::remote::Raise;

/// Of `process_info/1`, in OTP's order. A registered name comes before them.
const DEFAULT: [&str; 16] = [
    "current_function",
    "initial_call",
    "status",
    "message_queue_len",
    "links",
    "dictionary",
    "trap_exit",
    "error_handler",
    "priority",
    "group_leader",
    "total_heap_size",
    "heap_size",
    "stack_size",
    "reductions",
    "garbage_collection",
    "suspending",
];

pub(super) async fn all(node: &Node, pid: Pid) -> Result<Term, Raise> {
    let Some(process) = Asked::ask(node, pid).await? else {
        return Ok(Term::from(atoms::UNDEFINED));
    };
    let name = process.info.name.map(|_| "registered_name");
    let keys = name.into_iter().chain(DEFAULT);
    let entries = keys.filter_map(|key| Some((key, process.value(key)?)));
    Ok(proplist(entries))
}

pub(super) async fn some(node: &Node, pid: Pid, wanted: &Term) -> Result<Term, Raise> {
    let process = Asked::ask(node, pid).await?;
    if let Some(items) = wanted.as_list() {
        // Asked for what there is not is an error, of a process that ended too.
        let Some(process) = process else {
            return Ok(Term::from(atoms::UNDEFINED));
        };
        let entries: Option<Vec<_>> = items.iter().map(|item| process.entry(item)).collect();
        return entries.map(Term::list).ok_or_else(badarg);
    }
    let Some(process) = process else {
        return Ok(Term::from(atoms::UNDEFINED));
    };
    if wanted.is_atom("registered_name") && process.info.name.is_none() {
        return Ok(Term::NIL);
    }
    process.entry(wanted).ok_or_else(badarg)
}

/// A process that answered.
struct Asked<'a> {
    node: &'a Node,
    info: ProcessInfo,
    initial_call: Term,
    is_plain: bool,
    bytes: u64,
}

impl<'a> Asked<'a> {
    /// `None`: there is no such process.
    async fn ask(node: &'a Node, pid: Pid) -> Result<Option<Self>, Raise> {
        if pid.node != node.name() {
            return Err(badarg());
        }
        let Some(process) = node.find(pid).filter(|process| !process.is_guest()) else {
            return Ok(None);
        };
        let initial_call = process::initial_call(&*process);
        let (is_plain, size) = (process.me().is_plain(), size_of_val(&*process));
        drop(process);
        let info = node.process_info(pid).await;
        Ok(info.map(|info| Self {
            node,
            bytes: (size + info.message_queue_bytes) as u64,
            info,
            initial_call,
            is_plain,
        }))
    }

    /// `{Item, Value}`; `None`: there is no such item.
    fn entry(&self, item: &Term) -> Option<Term> {
        let value = match item.as_tagged("dictionary") {
            Some([key]) => {
                let dictionary = self.dictionary();
                let mut found = dictionary.into_iter().filter(|(k, _)| k == key);
                Term::from(found.next().map(|(_, value)| value))
            }
            _ => self.value(item.as_atom_str()?)?,
        };
        Some(Term::tuple([item.clone(), value]))
    }

    fn value(&self, key: &str) -> Option<Term> {
        let info = &self.info;
        Some(match key {
            "registered_name" => info.name.map_or(Term::NIL, Term::from),
            "current_function" => process::current_function(info.behaviour, info.status),
            "current_location" => {
                let at = process::current_function(info.behaviour, info.status);
                let mut at = at.as_tuple()?.to_vec();
                at.push(Term::NIL);
                Term::tuple(at)
            }
            "initial_call" if self.is_plain => self.initial_call.clone(),
            // The one behind it is in the dictionary.
            "initial_call" => term!({proc_lib, init_p, 5}),
            "status" => Term::from(match info.status {
                Status::Running => atoms::RUNNING,
                // `sys` suspends a process that goes on to wait.
                Status::Waiting | Status::Suspended => Atom::from_static("waiting"),
                Status::Held => atoms::SUSPENDED,
            }),
            "message_queue_len" => Term::from(info.message_queue_len),
            "links" => Term::from(info.links.clone()),
            "monitors" => {
                let monitors = info.monitors.iter();
                Term::list(monitors.map(|to| term!({process, (self.monitored(*to))})))
            }
            "monitored_by" => Term::from(info.monitored_by.clone()),
            "dictionary" => {
                let entries = self.dictionary().into_iter();
                Term::list(entries.map(|(key, value)| Term::tuple([key, value])))
            }
            "trap_exit" => Term::from(info.trap_exit),
            "error_handler" => term!(error_handler),
            "priority" => Term::from(Atom::from_static(match info.priority {
                Priority::Low => "low",
                Priority::Normal => "normal",
                Priority::High => "high",
                Priority::Max => "max",
            })),
            "group_leader" => Term::from(process::group_leader(self.node, info.group_leader)),
            "parent" => info.parent.map_or(term!(undefined), Term::from),
            "memory" => Term::from(self.bytes),
            "total_heap_size" | "heap_size" => Term::from(self.bytes / 8),
            "reductions" => Term::from(info.messages_in + info.messages_out),
            "garbage_collection" => term!([
                {max_heap_size, (max_heap_size())}, {min_bin_vheap_size, 46422}, {min_heap_size, 233},
                {fullsweep_after, 65535}, {minor_gcs, 0}
            ]),
            "garbage_collection_info" => term!([
                {old_heap_block_size, 0}, {heap_block_size, (self.bytes / 8)}, {mbuf_size, 0}, {recent_size, 0}, {stack_size, 0},
                {old_heap_size, 0}, {heap_size, (self.bytes / 8)}, {bin_vheap_size, 0}, {bin_vheap_block_size, 46422},
                {bin_old_vheap_size, 0}, {bin_old_vheap_block_size, 46422}
            ]),
            "max_heap_size" => max_heap_size(),
            "min_heap_size" => term!(233),
            "min_bin_vheap_size" => term!(46422),
            "fullsweep_after" => term!(65535),
            "message_queue_data" => term!(off_heap),
            "label" => term!(undefined),
            "last_calls" | "async_dist" | "priority_messages" => Term::from(false),
            "stack_size" | "catchlevel" | "trace" => term!(0),
            "messages"
            | "binary"
            | "suspending"
            | "current_stacktrace"
            | "magic_ref"
            | "sequential_trace_token" => Term::NIL,
            "backtrace" => Term::from(""),
            _ => return None,
        })
    }

    /// The process dictionary of OTP, so far as there is one.
    fn dictionary(&self) -> Vec<(Term, Term)> {
        let mut entries = Vec::new();
        if !self.is_plain {
            entries.push((Term::from(atoms::INITIAL_CALL), self.initial_call.clone()));
        }
        if !self.is_plain || !self.info.ancestors.is_empty() {
            let ancestors = self.info.ancestors.iter();
            let ancestors = ancestors.map(|who| match who {
                Dest::Name(name) => Term::from(*name),
                other => self.monitored(*other),
            });
            entries.push((Term::from(atoms::ANCESTORS), Term::list(ancestors)));
        }
        let environment = self.info.environment.iter();
        entries.extend(environment.map(|(key, value)| (Term::from(key.as_str()), value.clone())));
        entries
    }

    /// A pid, or `{Name, Node}`.
    fn monitored(&self, dest: Dest) -> Term {
        match dest {
            Dest::Pid(pid) => Term::from(pid),
            Dest::Name(name) => Term::from((name, self.node.name())),
            Dest::Remote { name, node } => Term::from((name, node)),
            Dest::Alias(alias) => Term::from(alias),
        }
    }
}

/// As from OTP 27 on: 25 has no `include_shared_binaries`.
pub(super) fn max_heap_size() -> Term {
    term!(#{size => 0, kill => true, error_logger => true, include_shared_binaries => false})
}
