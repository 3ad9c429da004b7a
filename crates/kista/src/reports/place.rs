//! Where a process panicked, which its panic does not say.
//!
//! Rules:
//! 1. Only a panic hook is told. So the first node of a program puts one in front of the hook that is there: it notes the place when
//!    a process of ours panics, and then calls that other one, whoever panics. It prints nothing, and keeps nothing from being printed.
//! 2. [`NodeBuilder::no_panic_hook`](crate::NodeBuilder::no_panic_hook) leaves hooks alone. A program that sets another hook later
//!    takes this one out. Either way only the places are missing.
//! 3. A place belongs to one panic: that of this process with this text, the last one on its thread. A report takes it, once; so a
//!    panic that runs no hook (`resume_unwind`) gets nobody else's place.

use std::cell::RefCell;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use kista_etf::Pid;

use crate::ExitReason;
use crate::process::{current, panic_text};

struct Noted {
    pid: Pid,
    text: String,
    place: String,
}

thread_local! {
    static NOTED: RefCell<Option<Noted>> = const { RefCell::new(None) };
}

/// Puts the hook in front, once in a program.
pub(crate) fn note_panics() {
    static IN_FRONT: Once = Once::new();
    // A thread that panics may not set one.
    if !std::thread::panicking() {
        IN_FRONT.call_once(|| {
            let next = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                note(info);
                next(info);
            }));
        });
    }
}

/// Where this process panicked for this reason, just now on this thread.
pub(super) fn take(pid: Pid, reason: &ExitReason) -> Option<String> {
    let ExitReason::Panic(text) = reason else {
        return None;
    };
    let noted = NOTED.try_with(RefCell::take).ok().flatten()?;
    (noted.pid == pid && *noted.text == **text).then_some(noted.place)
}

/// A panic here would end the program: what cannot be had is left out.
fn note(info: &PanicHookInfo<'_>) {
    let (Some(pid), Some(place)) = (current::running(), info.location()) else {
        return;
    };
    let noted = Noted {
        pid,
        text: panic_text(info.payload()),
        place: place.to_string(),
    };
    let _ = NOTED.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = Some(noted);
        }
    });
}
