//! Both sides of EPMD, which knows nobody: whatever listens or connects there may say anything.

use std::time::Instant;

use kista_dist::epmd::{
    AliveReply, NamesReply, PortReply, READ_SIZE, Registry, RegistryLimits, Request,
    ServerConnection,
};

use crate::budget::{held_by, within_budget};

/// The most memory that a connection may make the server hold before its request is answered, what it is read into included.
const UNASKED: usize = 4 * 1024;
const NAMES: usize = 4;

/// Many connections to one server, one after another; some stay. In each: two bytes for how long it talks, one that says in how
/// large parts and from where, and what it says.
pub fn epmd_server(mut input: &[u8]) {
    let mut limits = RegistryLimits::default();
    limits.names = NAMES;
    let mut registry = Registry::new(4369, 1000, limits);
    let mut open: Vec<ServerConnection> = Vec::new();
    while let Some((&[a, b, how], rest)) = input.split_first_chunk() {
        let (said, rest) = rest.split_at(usize::from(u16::from_be_bytes([a, b])).min(rest.len()));
        input = rest;
        let loopback = how & 1 != 0;
        let mut connection = ServerConnection::new(Instant::now(), loopback);
        let mut output = Vec::new();
        let mut in_all = 0;
        for part in said.chunks(1 + usize::from(how >> 1) * 16) {
            let answered = connection.is_closing() || connection.registered().is_some();
            let held = held_by(|| {
                connection.receive(part, &mut registry);
                output.extend(connection.take_output());
            });
            // The answer is as long as the table of names.
            let most = usize::try_from(in_all).unwrap_or(0) + held.most + READ_SIZE;
            assert!(
                answered || !output.is_empty() || most <= UNASKED,
                "{most} bytes are held for a request"
            );
            in_all += held.left;
        }
        assert!(registry.len() <= NAMES);
        assert!(loopback || connection.registered().is_none());
        assert!(!connection.kill_granted() || registry.is_empty());
        answers_what_was_asked(said, &output, &connection, &registry);
        if connection.registered().is_some() && how & 2 != 0 {
            open.push(connection);
        } else {
            connection.closed(&mut registry);
        }
        assert_eq!(registry.len(), open.len(), "a name for each that stays");
        for connection in &open {
            let name = connection.registered().expect("they all hold one").name();
            assert_eq!(registry.lookup(name).map(|info| &*info.name), Some(name));
        }
    }
    for connection in open {
        connection.closed(&mut registry);
    }
    assert!(registry.is_empty());
}

/// The server's answer is what its request asks for, and our client understands it.
fn answers_what_was_asked(
    said: &[u8],
    output: &[u8],
    connection: &ServerConnection,
    registry: &Registry,
) {
    match Request::decode(said) {
        Ok(Some((request, _))) => {
            let again = Request::decode(&request.encode()).expect("our own request");
            assert_eq!(again.map(|(again, _)| again).as_ref(), Some(&request));
            match request {
                Request::Port(name) => {
                    let reply = PortReply::decode(output).expect("our own reply");
                    let found = registry.lookup(&name).cloned();
                    assert_eq!(
                        reply,
                        Some(found.map_or(PortReply::NotFound, PortReply::Found))
                    );
                }
                Request::Names => {
                    let reply = NamesReply::decode(output, true).expect("our own reply");
                    let names = reply.expect("it is closed").names;
                    let all = registry.iter().map(|info| (info.name.clone(), info.port));
                    assert_eq!(names, all.collect::<Vec<_>>());
                }
                Request::Alive(info) => {
                    let reply = AliveReply::decode(output).expect("our own reply");
                    let registered = matches!(reply, Some(AliveReply::Registered { .. }));
                    assert_eq!(registered, connection.registered().is_some());
                    assert!(!registered || registry.lookup(&info.name) == Some(&info));
                }
                _ => {}
            }
        }
        Ok(None) => assert!(output.is_empty() && !connection.is_closing()),
        Err(_) => assert!(output.is_empty() && connection.is_closing()),
    }
}

/// Whatever listens at EPMD's port answers this; it is read as each reply, as it grows and as a whole.
pub fn epmd_client(input: &[u8]) {
    let alive = within_budget(input.len(), || AliveReply::decode(input));
    let port = within_budget(input.len(), || PortReply::decode(input));
    let names = within_budget(input.len(), || NamesReply::decode(input, true));
    assert_eq!(NamesReply::decode(input, false), Ok(None));
    if let Ok(Some(reply)) = &port {
        let bytes = reply.encode();
        assert_eq!(PortReply::decode(&bytes).as_ref(), Ok(&Some(reply.clone())));
    }
    if let Ok(reply) = names {
        let reply = reply.expect("it is closed");
        let again = NamesReply::decode(&reply.encode(), true);
        // A name may end as the line does.
        assert!(again.is_ok_and(|again| again.is_some_and(|a| a.names.len() == reply.names.len())));
    }
    // Whoever has an answer had none before, and gets no other one afterwards.
    let shortest = input.len().min(64);
    for length in 0..shortest {
        let part = &input[..length];
        if let Ok(Some(early)) = AliveReply::decode(part) {
            assert_eq!(alive, Ok(Some(early)));
        }
        if let Ok(Some(early)) = PortReply::decode(part) {
            assert_eq!(port, Ok(Some(early)));
        }
    }
}
