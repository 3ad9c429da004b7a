//! A peer that is a socket: it shakes hands, and what it does then is up to the test.

// Each test program takes what it needs.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use kista::dist::frame::{FrameWriter, Outbox, WriteBuffer};
use kista::dist::handshake::{Config, Cookie, Event, Initiator};
use kista::dist::{Control, Flags};
use kista::etf::Encoder;
use kista::{Atom, Pid};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Connects to the node `to` at this port of 127.0.0.1, as the hidden node `name`.
pub(crate) async fn connect(port: u16, to: &str, name: &str, cookie: &str) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let config = Config::new(name, Flags::ours(true), 77, 4711);
    let mut machine = Initiator::new(Instant::now(), config, to, Cookie::from(cookie));
    let mut buffer = [0; 1024];
    loop {
        socket.write_all(&machine.take_output()).await.unwrap();
        let read = tokio::time::timeout(Duration::from_secs(30), socket.read(&mut buffer));
        let n = read.await.expect("the handshake hangs").unwrap();
        assert!(n > 0, "refused");
        machine.receive(Instant::now(), &buffer[..n]).unwrap();
        while let Some(event) = machine.next_event() {
            if matches!(event, Event::Established(_)) {
                return socket;
            }
        }
    }
}

/// Reads and forgets, until the other side closes.
pub(crate) async fn read_all(socket: &mut TcpStream) {
    let mut buffer = vec![0; 1 << 16];
    while socket.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
}

/// Sends these bytes, in the place of a term, to a process; the sender is one of the node `name`.
pub(crate) async fn send(socket: &mut TcpStream, name: &str, to: Pid, payload: &[u8]) {
    let from = Pid {
        node: Atom::new(name).unwrap(),
        id: 1,
        serial: 0,
        creation: 77,
    };
    let control = Control::Send {
        from: Some(from),
        to,
        token: None,
    };
    // A term of one byte, which makes way.
    let mut term = Encoder::with_atom_table();
    term.nil();
    let mut outbox = Outbox::new();
    outbox.push(control, Some(&term)).unwrap();
    // A new writer each time: it names no atom by a place that the peer would have to remember.
    let mut writer = FrameWriter::new(Flags::ours(true));
    writer.accept(&mut outbox);
    let mut out = WriteBuffer::new();
    writer.fill(&mut out, usize::MAX);
    let mut frame = out.to_vec();
    frame.pop();
    frame.extend_from_slice(payload);
    let length = u32::try_from(frame.len() - 4).unwrap();
    frame[..4].copy_from_slice(&length.to_be_bytes());
    socket.write_all(&frame).await.unwrap();
}
