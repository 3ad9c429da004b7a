//! The recorder whose metrics `/metrics` shows.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use parking_lot::Mutex;

use crate::node::Node;

/// Of the whole program, as recorders are.
static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Installs it, unless it is.
///
/// # Errors
/// The program has another.
pub(crate) fn install() -> Result<(), BuildError> {
    let mut recorder = RECORDER.lock();
    if recorder.is_none() {
        *recorder = Some(PrometheusBuilder::new().install_recorder()?);
    }
    Ok(())
}

/// The program's metrics, with those of this node as of now; `None` when the program has another recorder.
pub(crate) fn render(node: &Node) -> Option<String> {
    let recorder = RECORDER.lock().clone()?;
    node.publish_metrics();
    // What histograms of the program have gathered.
    recorder.run_upkeep();
    Some(recorder.render())
}
