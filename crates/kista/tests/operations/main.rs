//! A node as it is operated: health, readiness, HTTP, metrics.

#[path = "../support/port.rs"]
mod port;

mod health;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(all(feature = "config", feature = "log", feature = "prometheus"))]
mod page;
