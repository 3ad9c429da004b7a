use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use super::CallError;
use crate::process::current;

/// Waits for a call on this thread. It needs no runtime here: what the call waits for is driven by the node's.
pub(crate) fn block_on<T>(
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    if current::is_process() {
        return Err(CallError::InsideProcess);
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut call = pin!(call);
    loop {
        match call.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            // Returns at once when it was woken meanwhile.
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
