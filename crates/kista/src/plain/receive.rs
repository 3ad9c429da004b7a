use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::Info;
use crate::process::{Never, Next, Process, current};

/// A receive in progress: a future of the message. It waits for ever unless [`after`](Self::after) says for how long.
///
/// Dropping it before it is ready loses nothing: every message is where it was.
#[must_use = "nothing is received until this is awaited"]
pub struct Receive<'a, W> {
    process: &'a Process<Never>,
    wanted: W,
    begun: bool,
    /// All that had arrived when it began was looked at.
    looked: bool,
}

/// What a receive takes. Not to be implemented elsewhere.
pub trait Wanted: sealed::Sealed {
    /// What the receive is ready with.
    type Output;
    #[doc(hidden)]
    type Found;
    #[doc(hidden)]
    fn look(&mut self, info: &Info) -> Option<Self::Found>;
    #[doc(hidden)]
    fn output(found: Self::Found, info: Info) -> Self::Output;
}

/// Any message.
#[derive(Debug)]
pub struct Any;

/// The first message for which a function is true.
pub struct If<F>(pub(super) F);

/// What a function makes of the first message that it does not pass over.
pub struct Matching<F>(pub(super) F);

pub(super) mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Any {}
    impl<F> Sealed for super::If<F> {}
    impl<F> Sealed for super::Matching<F> {}
}

impl Wanted for Any {
    type Output = Info;
    type Found = ();

    fn look(&mut self, _info: &Info) -> Option<()> {
        Some(())
    }

    fn output((): (), info: Info) -> Info {
        info
    }
}

impl<F: FnMut(&Info) -> bool> Wanted for If<F> {
    type Output = Info;
    type Found = ();

    fn look(&mut self, info: &Info) -> Option<()> {
        (self.0)(info).then_some(())
    }

    fn output((): (), info: Info) -> Info {
        info
    }
}

impl<F: FnMut(&Info) -> Option<T>, T> Wanted for Matching<F> {
    type Output = T;
    type Found = T;

    fn look(&mut self, info: &Info) -> Option<T> {
        (self.0)(info)
    }

    fn output(found: T, _info: Info) -> T {
        found
    }
}

impl<'a, W: Wanted> Receive<'a, W> {
    pub(super) fn new(process: &'a Process<Never>, wanted: W) -> Self {
        Self {
            process,
            wanted,
            begun: false,
            looked: false,
        }
    }

    /// Gives up after this time: `after Time`. With [`Duration::ZERO`] it takes what has arrived and waits for nothing.
    /// Never early, and up to 2 ms late.
    pub fn after(self, time: Duration) -> ReceiveAfter<'a, W> {
        ReceiveAfter {
            receive: self,
            time,
            began: None,
            sleep: None,
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Next<W::Found> {
        let Self {
            process,
            wanted,
            begun,
            looked,
        } = self;
        if !*begun {
            assert_eq!(
                current::pid_on(process.node()),
                Some(process.pid()),
                "a process receives in its own task only"
            );
            *begun = true;
            process.begin_match();
        }
        loop {
            let next = process.poll_match(cx, |info| wanted.look(info));
            if *looked || !matches!(next, Next::Nothing) {
                return next;
            }
            // What the process sent to itself just now has not been taken over yet.
            *looked = true;
            if !process.take_arrived(cx) {
                return Next::More;
            }
        }
    }
}

// Nothing in it is pinned: the closure is called, never polled.
impl<W> Unpin for Receive<'_, W> {}

impl<W: Wanted> Future for Receive<'_, W> {
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        match self.poll_receive(cx) {
            Next::Match(found, info) => Poll::Ready(W::output(found, info)),
            Next::Nothing | Next::More => Poll::Pending,
        }
    }
}

/// A receive with a time limit: `None` when that passed without a message that was wanted.
#[must_use = "nothing is received until this is awaited"]
pub struct ReceiveAfter<'a, W> {
    receive: Receive<'a, W>,
    time: Duration,
    /// When it was first polled.
    began: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<W> Unpin for ReceiveAfter<'_, W> {}

impl<W: Wanted> Future for ReceiveAfter<'_, W> {
    type Output = Option<W::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let began = *this.began.get_or_insert_with(Instant::now);
        match this.receive.poll_receive(cx) {
            Next::Match(found, info) => return Poll::Ready(Some(W::output(found, info))),
            Next::More => return Poll::Pending,
            Next::Nothing => {}
        }
        if this.time.is_zero() {
            return Poll::Ready(None);
        }
        let time = this.time;
        let sleep = this.sleep.get_or_insert_with(|| {
            // Beyond any clock: a hundred years will do.
            let until = began.checked_add(time);
            let until = until.unwrap_or_else(|| began + Duration::from_secs(3_153_600_000));
            Box::pin(tokio::time::sleep_until(until))
        });
        sleep.as_mut().poll(cx).map(|()| None)
    }
}
