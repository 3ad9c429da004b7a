//! The system processes that other nodes expect: few, small, and answering only what they are asked. Those that print are in [`io`].
//!
//! No signal of another node ends one of them or holds it, whatever its cookie ([`is_system`]): they are refused, and logged. A link
//! from elsewhere finds nobody.

mod net_kernel;
mod rex;

use crate::gen_server::{StartError, spec};
use crate::node::Node;
use crate::{application, io, pg};

/// Starts them, before the first connection is accepted.
pub(crate) async fn start(node: &Node) -> Result<(), StartError> {
    node.spawn(spec::<net_kernel::NetKernel>(()))
        .name("net_kernel")
        .await?;
    node.spawn(spec::<rex::Rex>(())).name("rex").await?;
    io::start(node).await
}

/// Whether a process that runs this is one of the node's own: of this module, of `global`, `io` or `pg`, or the application controller.
pub(crate) fn is_system(behaviour: &str) -> bool {
    [
        module_path!(),
        crate::global::MODULE,
        io::MODULE,
        pg::MODULE,
    ]
    .iter()
    .any(|module| (behaviour.strip_prefix(module)).is_some_and(|rest| rest.starts_with("::")))
        || application::is_controller(behaviour)
}
