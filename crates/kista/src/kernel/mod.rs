//! The system processes that other nodes expect: few, small, and answering only what they are asked.

mod net_kernel;
mod rex;

use crate::gen_server::{StartError, spec};
use crate::node::Node;

/// Starts them, before the first connection is accepted.
pub(crate) async fn start(node: &Node) -> Result<(), StartError> {
    node.spawn(spec::<net_kernel::NetKernel>(()))
        .name("net_kernel")
        .await?;
    node.spawn(spec::<rex::Rex>(())).name("rex").await?;
    Ok(())
}
