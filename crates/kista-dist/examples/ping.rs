//! Pings an Erlang node over a plain blocking socket: what `net_adm:ping/1` does, step by step, without a runtime.
//!
//! ```text
//! erl -name a@127.0.0.1 -setcookie secret
//! cargo run -p kista-dist --example ping -- a@127.0.0.1 secret [header | fragments | plain] [BYTES]
//! ```
//! The last word but one chooses the form of frames; with BYTES a binary of that size is sent to a process of the node's `rex` and back.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use kista_dist::epmd::{self, PortReply, Request};
use kista_dist::frame::{FrameReader, FrameWriter, Inbound, Outbox, ReaderLimits, WriteBuffer};
use kista_dist::handshake::{Config, Cookie, Event, Initiator, Peer, Status};
use kista_dist::{Control, Flags};
use kista_etf::{Atom, AtomQuota, Encoder, Pid, Reference, Term, atoms};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(node), Some(cookie)) = (args.next(), args.next()) else {
        return Err("usage: ping NODE@HOST COOKIE [header | fragments | plain] [BYTES]".into());
    };
    let form = args.next().unwrap_or_default();
    let bytes: usize = args.next().map_or(Ok(0), |n| n.parse())?;
    let flags = match &*form {
        "plain" => Flags::ours(true) - Flags::DIST_HDR_ATOM_CACHE - Flags::FRAGMENTS,
        "fragments" => Flags::ours(true) - Flags::DIST_HDR_ATOM_CACHE,
        _ => Flags::ours(true),
    };
    let mut link = Link::connect(&node, &Cookie::from(&*cookie), flags)?;
    println!(
        "connected to {} (creation {})",
        link.peer.name, link.peer.creation
    );
    println!(
        "is_auth -> {}",
        link.call("net_kernel", |e, us| {
            e.tuple(2);
            e.atom(Atom::from_static("is_auth"));
            e.atom(us.node);
        })?
    );
    for round in 0..if bytes > 0 { 3 } else { 0 } {
        let reply = link.call("rex", |e, us| {
            // {call, erlang, list_to_tuple, [[Round, Binary]], GroupLeader}
            e.tuple(5);
            for name in ["call", "erlang", "list_to_tuple"] {
                e.atom(Atom::from_static(name));
            }
            e.list(1);
            e.list(3);
            e.int(round);
            e.binary(&vec![round as u8; bytes]);
            e.bytes(&vec![round as u8; bytes].into());
            e.nil();
            e.nil();
            e.pid(&us);
        })?;
        let same = reply.as_tuple().is_some_and(|t| {
            t.len() == 3
                && t[1..]
                    .iter()
                    .all(|b| b.as_binary().is_some_and(|b| b.len() == bytes))
        });
        println!(
            "2 * {bytes} bytes there and back: {}",
            if same { "same" } else { "DIFFERENT" }
        );
    }
    println!("pong");
    Ok(())
}

struct Link {
    socket: TcpStream,
    peer: Peer,
    reader: FrameReader,
    writer: FrameWriter,
    calls: u32,
}

impl Link {
    fn connect(node: &str, cookie: &Cookie, flags: Flags) -> Result<Self> {
        let (name, host) = node.split_once('@').ok_or("a node's name has an @")?;
        let port = lookup(name, host)?;
        let mut socket = TcpStream::connect((host, port))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        // An example: a node takes its challenge and its creation from the operating system's random source.
        let random = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_nanos() as u32;
        let us = format!("ping{random}@127.0.0.1");
        let mut handshake = Initiator::new(
            Instant::now(),
            Config::new(us, flags, random | 4, random),
            node,
            cookie.clone(),
        );
        let mut chunk = [0; 1024];
        let peer = loop {
            socket.write_all(&handshake.take_output())?;
            match handshake.next_event() {
                Some(Event::Established(peer)) => break peer,
                Some(Event::Status(Status::Alive)) => handshake.answer_alive(true)?,
                Some(_) => {}
                None => {
                    let n = socket.read(&mut chunk)?;
                    if n == 0 {
                        return Err("closed by the peer: is the cookie right?".into());
                    }
                    handshake.receive(Instant::now(), &chunk[..n])?;
                }
            }
        };
        let mut reader = FrameReader::new(
            peer.flags,
            ReaderLimits::default(),
            Arc::new(AtomQuota::new(10_000)),
        );
        reader.push(&handshake.leftover());
        let writer = FrameWriter::new(peer.flags);
        Ok(Self {
            socket,
            peer,
            reader,
            writer,
            calls: 0,
        })
    }

    /// `gen_server:call({Name, Node}, Request)`, without a monitor.
    fn call(
        &mut self,
        name: &'static str,
        request: impl FnOnce(&mut Encoder, Pid),
    ) -> Result<Term> {
        self.calls += 1;
        let (node, creation) = (Atom::new(&self.peer.our_name)?, self.peer.our_creation);
        let us = Pid {
            node,
            id: 1,
            serial: 0,
            creation,
        };
        let tag = Reference::from_words(node, creation, [self.calls, 0, 0]);
        let mut payload = Encoder::with_atom_table();
        payload.tuple(3);
        payload.atom(atoms::GEN_CALL);
        payload.tuple(2);
        payload.pid(&us);
        payload.reference(&tag);
        request(&mut payload, us);
        let mut outbox = Outbox::new();
        let to = Atom::from_static(name).into();
        outbox.push(
            Control::RegSend {
                from: us,
                to,
                token: None,
            },
            Some(&payload),
        )?;
        self.writer.accept(&mut outbox);
        let mut out = WriteBuffer::new();
        while self.writer.fill(&mut out, 256 * 1024) || !out.is_empty() {
            let bytes = out.to_vec();
            self.socket.write_all(&bytes)?;
            out.advance(bytes.len());
        }
        loop {
            match self.reader.next()? {
                Some(Inbound::Signal {
                    control: Control::Send { to, .. },
                    payload: Some(payload),
                }) if to == us => {
                    let mut d = payload.decoder();
                    if d.tuple()? == 2 && d.reference()? == tag {
                        return Ok(d.term()?);
                    }
                }
                Some(Inbound::Tick) => self.socket.write_all(&[0; 4])?,
                Some(other) => println!("(ignored: {other:?})"),
                None => {
                    let buffer = self.reader.buffer_mut();
                    let have = buffer.len();
                    buffer.resize(buffer.capacity().max(have + 1), 0);
                    let n = self.socket.read(&mut buffer[have..])?;
                    buffer.truncate(have + n);
                    if n == 0 {
                        return Err("closed by the peer".into());
                    }
                }
            }
        }
    }
}

fn lookup(name: &str, host: &str) -> Result<u16> {
    let mut socket = TcpStream::connect((host, epmd::DEFAULT_PORT))?;
    socket.write_all(&Request::Port(name.into()).encode())?;
    let mut reply = Vec::new();
    let mut chunk = [0; 512];
    loop {
        let n = socket.read(&mut chunk)?;
        reply.extend_from_slice(&chunk[..n]);
        match PortReply::decode(&reply)? {
            Some(PortReply::Found(info)) => return Ok(info.port),
            Some(_) => return Err("EPMD does not know that node".into()),
            None if n == 0 => return Err("EPMD closed early".into()),
            None => {}
        }
    }
}
