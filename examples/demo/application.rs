use std::time::Duration;

use kista::application::Application;
use kista::supervisor::{Child, Supervisor};
use kista::{Cx, gen_server, spec};

use crate::counter::Counter;
use crate::echo::Echo;

/// The servers of the demo's contract, under their supervisor; and with `crash_loop` one that can not live.
pub(crate) fn demo(crash_loop: bool) -> Application {
    Application::new("demo")
        .version(env!("CARGO_PKG_VERSION"))
        .description("two small servers to call")
        .registered(["demo_sup", "echo", "counter"])
        .start("demo_sup", move |_cx| {
            let tree = Supervisor::one_for_one()
                .intensity(3, Duration::from_secs(5))
                .child(Child::new("echo", spec::<Echo>(())).name("echo"))
                .child(Child::new("counter", Counter::spec(0)).name("counter"));
            match crash_loop {
                true => tree.child(Child::new("crasher", Crasher::spec())),
                false => tree,
            }
        })
}

/// Starts, and crashes.
struct Crasher;

#[gen_server(local)]
impl Crasher {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Self {
        cx.continue_with(CrasherMsg::Crash);
        Crasher
    }

    #[cast]
    fn crash(&mut self) {
        panic!("the crasher crashes again")
    }
}
