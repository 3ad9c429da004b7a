//! The same by HTTP, for orchestrators: `/healthz`, `/readyz`, and `/metrics` with the feature `prometheus`.
//!
//! Rules:
//! 1. It answers GET and HEAD, one request for each connection, and reads no body. 200: it holds; 503: it does not, and the text says why;
//!    404 for other paths, 405 for other methods.
//! 2. Whoever asks is a stranger: at most [`Http::connections`] at a time, the oldest gives way; a head of 8 KiB and 64 fields
//!    at most; and [`Http::timeout`] for all of it, from the accept to the last byte.
//! 3. It listens on 127.0.0.1 unless told otherwise. There is no cookie and no TLS: what it says is for those who can reach the port.
//! 4. It begins before the applications start, and ends when the node has stopped.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::Health;
use crate::Stopped;
use crate::log::LogLimit;
use crate::net;
use crate::node::{Node, WeakNode};

/// Bytes of a request's head, and its fields: hyper's least buffer.
const HEAD: usize = 8 * 1024;
const FIELDS: usize = 64;

/// Where and how a node answers by HTTP: see [`NodeBuilder::http`](crate::NodeBuilder::http).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Http {
    address: SocketAddr,
    connections: usize,
    timeout: Duration,
    metrics: bool,
}

impl Http {
    /// At this port of 127.0.0.1; 0 for one that the system chooses. 16 connections at a time, each for 10 seconds.
    pub const fn new(port: u16) -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
            connections: 16,
            timeout: Duration::from_secs(10),
            metrics: false,
        }
    }

    /// At this address instead: `0.0.0.0` for an orchestrator on another machine.
    pub const fn listen_on(mut self, address: IpAddr) -> Self {
        self.address = SocketAddr::new(address, self.address.port());
        self
    }

    /// At most so many at a time, one at least; one more, and the oldest is closed.
    pub const fn connections(mut self, connections: usize) -> Self {
        self.connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// How long one connection may take, from the accept to the last byte.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Also `/metrics`: the program's metrics in the text format of Prometheus. The recorder of the program becomes that of
    /// `metrics-exporter-prometheus`, unless it has another already; then there is no such path.
    #[cfg(feature = "prometheus")]
    pub const fn metrics(mut self) -> Self {
        self.metrics = true;
        self
    }
}

impl Http {
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A socket that is listened on, and nobody accepts from yet.
pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    options: Http,
}

pub(crate) fn bind(options: Http) -> io::Result<Bound> {
    let listener = net::bind(options.address)?;
    let address = listener.local_addr()?;
    Ok(Bound {
        listener,
        address,
        options,
    })
}

impl Bound {
    /// Answers until the node has stopped, or is gone.
    pub(crate) async fn serve(self, node: WeakNode, stopped: watch::Receiver<Option<Stopped>>) {
        #[cfg(feature = "prometheus")]
        if self.options.metrics {
            match crate::metrics::prometheus::install() {
                Err(error) => {
                    tracing::warn!(%error, "no /metrics: the program has another recorder of metrics");
                }
                // What ends from now on is counted.
                Ok(()) => drop(node.upgrade().map(|node| node.publish_metrics())),
            }
        }
        let mut stopped = stopped;
        let over = async move {
            // An error: the node is gone.
            let _ = stopped.wait_for(Option::is_some).await;
        };
        tokio::select! {
            biased;
            () = over => {}
            () = self.accept(Arc::new(node)) => {}
        }
    }

    async fn accept(self, node: Arc<WeakNode>) {
        // The oldest first.
        let mut open: VecDeque<AbortHandle> = VecDeque::new();
        let refused = LogLimit::new();
        let mut connections = JoinSet::new();
        loop {
            let accepted = self.listener.accept().await;
            while connections.try_join_next().is_some() {}
            open.retain(|connection| !connection.is_finished());
            match accepted {
                Ok((socket, from)) => {
                    // Who asks at once has its answer before it is the oldest; who says nothing keeps nobody out.
                    if open.len() >= self.options.connections
                        && let Some(oldest) = open.pop_front()
                    {
                        oldest.abort();
                        refused.line(|left_out| {
                            tracing::warn!(%from, left_out, "health: too many connections; the oldest is closed");
                        });
                    }
                    let (node, options) = (Arc::clone(&node), self.options.clone());
                    open.push_back(connections.spawn(serve(node, options, socket)));
                }
                Err(error) => {
                    // Out of descriptors, or the peer was gone already.
                    tracing::warn!(%error, "health: accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

async fn serve(node: Arc<WeakNode>, options: Http, socket: TcpStream) {
    let metrics = options.metrics;
    let service = service_fn(move |request: Request<Incoming>| {
        let node = Arc::clone(&node);
        async move { Ok::<_, Infallible>(answer(node.upgrade(), metrics, &request).await) }
    });
    let mut http = http1::Builder::new();
    // The time of the whole connection covers the head's.
    http.keep_alive(false)
        .max_buf_size(HEAD)
        .max_headers(FIELDS)
        .header_read_timeout(None);
    let served = http.serve_connection(TokioIo::new(socket), service);
    // Whatever went wrong is the other side's, who knows.
    let _ = tokio::time::timeout(options.timeout, served).await;
}

async fn answer(
    node: Option<Node>,
    metrics: bool,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = response(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n".to_owned());
        let allow = HeaderValue::from_static("GET, HEAD");
        refusal.headers_mut().insert(ALLOW, allow);
        return refusal;
    }
    let Some(node) = node else {
        return response(
            StatusCode::SERVICE_UNAVAILABLE,
            "the node is gone\n".to_owned(),
        );
    };
    match request.uri().path() {
        "/healthz" => told(&node.health().await, Health::is_live),
        "/readyz" => told(&node.health().await, Health::is_ready),
        "/metrics" if metrics => text_of_metrics(&node),
        _ => {
            let paths = match metrics {
                true => "there are /healthz, /readyz and /metrics\n",
                false => "there are /healthz and /readyz\n",
            };
            response(StatusCode::NOT_FOUND, paths.to_owned())
        }
    }
}

fn told(health: &Health, holds: impl Fn(&Health) -> bool) -> Response<Full<Bytes>> {
    let status = match holds(health) {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    response(status, health.to_string())
}

#[cfg(feature = "prometheus")]
fn text_of_metrics(node: &Node) -> Response<Full<Bytes>> {
    match crate::metrics::prometheus::render(node) {
        Some(text) => response(StatusCode::OK, text),
        None => response(
            StatusCode::NOT_FOUND,
            "the program has another recorder of metrics\n".to_owned(),
        ),
    }
}

#[cfg(not(feature = "prometheus"))]
fn text_of_metrics(_: &Node) -> Response<Full<Bytes>> {
    unreachable!("nothing switches it on")
}

fn response(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(CONTENT_TYPE, text);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
