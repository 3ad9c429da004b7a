//! How the network of a node ends.

use std::time::Duration;

use super::connection::Phase;
use super::{Net, Run};

impl Net {
    /// Accepts no more, writes out what is queued (for at most `stop_time`), closes all connections, unregisters, ends the tick thread.
    pub(crate) async fn stop(&self) {
        self.run.send_replace(Run::Stopping);
        drop(self.listeners.lock().take());
        drop(self.naming.lock().take());
        // Once more for what a handshake completed in that very moment.
        for _ in 0..2 {
            self.end_all().await;
        }
        self.epmd.stop().await;
        let ticker = self.ticker.lock().take();
        if let Some(ticker) = ticker {
            let _ = tokio::task::spawn_blocking(move || ticker.stop()).await;
        }
    }

    async fn end_all(&self) {
        let connections: Vec<_> = self.table.lock().values().cloned().collect();
        for c in &connections {
            if c.is_up() {
                c.drain();
            } else {
                c.end("net_kernel_terminated", "this node stops");
            }
        }
        let gone = async {
            for c in &connections {
                c.reached(Phase::Gone).await;
            }
        };
        if tokio::time::timeout(self.config.stop_time, gone)
            .await
            .is_ok()
        {
            return;
        }
        for c in &connections {
            c.end(
                "net_kernel_terminated",
                "this node stops, and the peer did not take what was queued for it in time",
            );
        }
        for c in &connections {
            // Only a host that blocks can make this fail.
            let _ = tokio::time::timeout(Duration::from_secs(1), c.reached(Phase::Gone)).await;
        }
    }

    /// Returns when the node stops.
    pub(super) async fn stopping(&self) {
        let mut run = self.run.subscribe();
        let _ = run.wait_for(|r| *r == Run::Stopping).await;
    }
}
