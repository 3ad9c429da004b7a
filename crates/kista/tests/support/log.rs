//! What is logged on this thread, to be looked at.
//!
//! There is one subscriber for all threads, and who captures sets where this thread's lines go. With a subscriber for each thread
//! a line could get lost: whichever thread is the first to pass a log line decides for all whether it is ever written, and it
//! asks no other thread's subscriber while there is only one (`Rebuilder::JustOne` in `tracing-core`).

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, Once};

use tracing::Level;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

thread_local! {
    static CAPTURED: RefCell<Option<(Level, Lines)>> = const { RefCell::new(None) };
}

/// The lines so far. Dropping the guard beside it ends the capture.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

// Each test program takes what it needs.
#[allow(dead_code)]
impl Lines {
    /// From now on. For runtimes of one thread: a log line of another thread is not seen.
    pub(crate) fn capture() -> (Self, Capture) {
        Self::capture_from(Level::INFO)
    }

    pub(crate) fn capture_from(level: Level) -> (Self, Capture) {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let wanted = |level: &Level| {
                CAPTURED.with_borrow(|c| c.as_ref().is_some_and(|(most, _)| level <= most))
            };
            let lines = fmt::layer().with_ansi(false).with_writer(|| {
                CAPTURED.with_borrow(|c| {
                    c.as_ref()
                        .map(|(_, lines)| lines.clone())
                        .unwrap_or_default()
                })
            });
            tracing_subscriber::registry()
                .with(dynamic_filter_fn(move |line, _| wanted(line.level())))
                .with(lines)
                .init();
        });
        // What another thread was about to decide before there was a subscriber is decided again.
        tracing::callsite::rebuild_interest_cache();
        let lines = Self::default();
        CAPTURED.set(Some((level, lines.clone())));
        (lines, Capture(()))
    }

    /// Those in which all of these words stand.
    pub(crate) fn with(&self, words: &[&str]) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines();
        lines
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .map(str::to_owned)
            .collect()
    }

    /// All of them, each once.
    pub(crate) fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(str::to_owned).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Of this thread.
pub(crate) struct Capture(());

impl Drop for Capture {
    fn drop(&mut self) {
        CAPTURED.set(None);
    }
}
