use std::error::Error;
use std::time::Duration;

use kista::application::{Application, StartType};
use kista::supervisor::{Child, Supervisor};
use kista::{Cx, Node, NodeBuilder, gen_server, spec};

use crate::counter::Counter;
use crate::echo::Echo;

/// Starts a node with the application on it. The scope of its groups is the node's, so that it outlives the application.
pub(crate) async fn start(
    node: NodeBuilder,
    crash_loop: bool,
    start_type: StartType,
) -> Result<Node, Box<dyn Error>> {
    let node = node.application(demo(crash_loop)).start().await?;
    node.pg().await?;
    match node.applications().start_as("demo", start_type).await {
        Ok(()) => Ok(node),
        Err(error) => {
            node.stop().await;
            Err(error.into())
        }
    }
}

/// The servers of the demo's contract, under their supervisor; and with `crash_loop` one that can not live.
fn demo(crash_loop: bool) -> Application {
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
