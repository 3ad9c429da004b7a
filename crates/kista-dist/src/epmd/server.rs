//! One connection of an EPMD server.
//!
//! Rules:
//! 1. A connection makes one request. It has [`REQUEST_TIME`] to make it.
//! 2. An accepted `Alive` keeps the connection open and owns the name; whatever it sends later is dropped. Closing frees the name.
//! 3. Only loopback connections register, dump or end anything; others may look names up.
//! 4. `Kill` is granted only while no name is registered; `Stop` never.
//! 5. A bad request is closed without a word.

use std::time::{Duration, Instant};

use super::{
    AliveReply, MAX_REQUEST, NamesReply, PortReply, RefusedName, RegisteredName, Registry, Request,
};

/// Time from connecting to the end of the request.
pub const REQUEST_TIME: Duration = Duration::from_secs(5);

/// The server's side of one EPMD connection.
///
/// ```
/// use std::time::Instant;
/// use kista_dist::epmd::{NodeInfo, Registry, RegistryLimits, Request, ServerConnection};
/// let mut registry = Registry::new(4369, 1000, RegistryLimits::default());
/// let mut node = ServerConnection::new(Instant::now(), true);
/// node.receive(&Request::Alive(NodeInfo::new("demo", 5000, false)).encode(), &mut registry);
/// assert_eq!(node.take_output(), [118, 0, 0, 0, 3, 232]);
/// assert!(!node.is_closing());
/// node.closed(&mut registry);
/// assert!(registry.is_empty());
/// ```
#[derive(Debug)]
pub struct ServerConnection {
    loopback: bool,
    deadline: Instant,
    input: Vec<u8>,
    output: Vec<u8>,
    name: Option<RegisteredName>,
    closing: bool,
    kill: bool,
}

impl ServerConnection {
    /// A connection that was accepted at `now`; `loopback`: from this host.
    #[must_use]
    pub fn new(now: Instant, loopback: bool) -> Self {
        Self {
            loopback,
            deadline: now + REQUEST_TIME,
            input: Vec::new(),
            output: Vec::new(),
            name: None,
            closing: false,
            kill: false,
        }
    }

    /// Takes bytes. Afterwards send [`ServerConnection::take_output`], and close if [`ServerConnection::is_closing`].
    pub fn receive(&mut self, bytes: &[u8], registry: &mut Registry) {
        if self.closing || self.name.is_some() {
            return;
        }
        // What is beyond the longest request can not be needed.
        let room = (MAX_REQUEST + 2).saturating_sub(self.input.len());
        self.input
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        match Request::decode(&self.input) {
            Ok(None) => {}
            Ok(Some((request, _))) => self.answer(request, registry),
            Err(_) => self.closing = true,
        }
        if self.closing || self.name.is_some() {
            self.input = Vec::new();
        }
    }

    fn answer(&mut self, request: Request, registry: &mut Registry) {
        self.closing = true;
        match request {
            Request::Port(name) => {
                let reply = registry
                    .lookup(&name)
                    .map_or(PortReply::NotFound, |info| PortReply::Found(info.clone()));
                self.output = reply.encode();
            }
            Request::Names => {
                let names = registry
                    .iter()
                    .map(|info| (info.name.clone(), info.port))
                    .collect();
                self.output = NamesReply {
                    epmd_port: registry.port().into(),
                    names,
                }
                .encode();
            }
            Request::Alive(info) if self.loopback => {
                let wide = info.highest >= 6;
                match registry.register(info) {
                    Ok(name) => {
                        // Old nodes know creations 1 to 3 only.
                        let creation = if wide {
                            name.creation()
                        } else {
                            name.creation() % 3 + 1
                        };
                        self.output = AliveReply::Registered { creation }.encode(wide);
                        self.name = Some(name);
                        self.closing = false;
                    }
                    Err(RefusedName::Empty) => {}
                    Err(_) => self.output = AliveReply::Refused { result: 1 }.encode(wide),
                }
            }
            Request::Dump if self.loopback => self.output = registry.dump(),
            Request::Kill if self.loopback => {
                self.kill = registry.is_empty();
                self.output = if self.kill { b"OK" } else { b"NO" }.to_vec();
            }
            Request::Alive(_) | Request::Dump | Request::Kill | Request::Stop(_) => {}
        }
    }

    /// Bytes to send; empty when there are none.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Whether the connection is to be closed once its output was sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// Whether a `Kill` was granted: the server is to end.
    #[must_use]
    pub fn kill_granted(&self) -> bool {
        self.kill
    }

    /// When a connection without a request is to be closed; `None` once it holds a name.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.name.is_some() {
            None
        } else {
            Some(self.deadline)
        }
    }

    /// The name that this connection holds.
    #[must_use]
    pub fn registered(&self) -> Option<&RegisteredName> {
        self.name.as_ref()
    }

    /// The connection is closed: frees its name.
    pub fn closed(mut self, registry: &mut Registry) {
        if let Some(name) = self.name.take() {
            registry.unregister(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NodeInfo, RegistryLimits};
    use super::*;

    fn ask(
        registry: &mut Registry,
        loopback: bool,
        request: &Request,
    ) -> (Vec<u8>, ServerConnection) {
        let mut c = ServerConnection::new(Instant::now(), loopback);
        for byte in request.encode() {
            c.receive(&[byte], registry);
        }
        (c.take_output(), c)
    }

    fn registry() -> Registry {
        Registry::new(4369, 1000, RegistryLimits::default())
    }

    #[test]
    fn a_node_is_found_until_its_connection_closes() {
        let mut r = registry();
        let info = NodeInfo::new("demo", 5000, true);
        let (reply, node) = ask(&mut r, true, &Request::Alive(info.clone()));
        assert_eq!(
            AliveReply::decode(&reply),
            Ok(Some(AliveReply::Registered { creation: 1000 }))
        );
        assert_eq!(node.deadline(), None);
        let (reply, c) = ask(&mut r, false, &Request::Port("demo".into()));
        assert!(c.is_closing());
        assert_eq!(
            PortReply::decode(&reply),
            Ok(Some(PortReply::Found(info.clone())))
        );
        let (reply, c) = ask(&mut r, true, &Request::Alive(info));
        assert_eq!(
            (&*reply, c.is_closing()),
            (&[118, 1, 0, 0, 0, 99][..], true)
        );
        c.closed(&mut r);
        let (reply, _) = ask(&mut r, false, &Request::Names);
        assert_eq!(reply, b"\0\0\x11\x11name demo at port 5000\n");
        node.closed(&mut r);
        assert_eq!(
            ask(&mut r, false, &Request::Port("demo".into())).0,
            [119, 1]
        );
    }

    #[test]
    fn strangers_only_look() {
        let mut r = registry();
        for request in [
            Request::Alive(NodeInfo::new("evil", 1, false)),
            Request::Dump,
            Request::Kill,
        ] {
            let (reply, c) = ask(&mut r, false, &request);
            assert_eq!(
                (reply.len(), c.is_closing(), c.kill_granted()),
                (0, true, false)
            );
        }
        assert!(r.is_empty());
    }

    #[test]
    fn kill_is_refused_while_a_node_lives_and_stop_always() {
        let mut r = registry();
        let (_, node) = ask(&mut r, true, &Request::Alive(NodeInfo::new("a", 1, false)));
        assert_eq!(ask(&mut r, true, &Request::Kill).0, b"NO");
        assert_eq!(ask(&mut r, true, &Request::Stop("a".into())).0, b"");
        assert_eq!(
            ask(&mut r, true, &Request::Dump).0,
            b"\0\0\x11\x11active name     <a> at port 1, fd = 1\n\0"
        );
        node.closed(&mut r);
        let (reply, c) = ask(&mut r, true, &Request::Kill);
        assert!(reply == b"OK" && c.kill_granted());
    }

    #[test]
    fn garbage_and_floods_are_closed_and_take_no_memory() {
        let mut r = registry();
        let mut c = ServerConnection::new(Instant::now(), true);
        c.receive(&[b'G'; 1 << 20], &mut r);
        assert!(c.is_closing() && c.input.capacity() == 0);
        let (_, mut node) = ask(&mut r, true, &Request::Alive(NodeInfo::new("a", 1, false)));
        node.receive(&[0; 1 << 20], &mut r);
        assert!(!node.is_closing() && node.input.capacity() == 0);
    }

    #[test]
    fn old_nodes_get_small_creations() {
        let mut r = registry();
        let mut info = NodeInfo::new("old", 1, false);
        info.highest = 5;
        let (reply, _) = ask(&mut r, true, &Request::Alive(info));
        assert_eq!(reply[..2], [121, 0]);
        assert!((1..=3).contains(&u16::from_be_bytes([reply[2], reply[3]])));
    }
}
