//! Raw TCP with blocking sockets: a length, a tag and a number, and nothing that a node does beyond it.
//!
//! ```text
//! 0        4     5                13          13 + bytes
//! +--------+-----+----------------+-----------+
//! | length | tag | number         | bytes     |   length = 9 + bytes; tags below
//! +--------+-----+----------------+-----------+
//! ```

use std::io::{BufReader, BufWriter, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use super::{Peer, Role, children};
use crate::child::{self, Mark, Measurement};
use crate::row::{Pattern, Row};

/// One connection, written through a buffer of 64 KiB and flushed when the work waits.
pub(super) struct Tcp;

const TICK: u8 = 0;
const ADD: u8 = 1;
const MARK: u8 = 2;
const BUFFER: usize = 64 << 10;

impl Peer for Tcp {
    fn name(&self) -> &'static str {
        "tcp"
    }

    fn processes(&self, row: &Row) -> Option<Vec<std::process::Command>> {
        matches!(row.name, "N1" | "N2" | "N3" | "N5")
            .then(|| children(self.name(), row))
            .flatten()
    }

    fn times(&self, row: &Row) -> u64 {
        if row.name == "N1" { 30 } else { 1 }
    }

    fn run(&self, row: &Row, role: Role) {
        let done = match role {
            Role::First => receive(),
            Role::Second | Role::Only => drive(match row.work.pattern() {
                Some(Pattern::Send { bytes, .. }) => Some(bytes),
                _ => None,
            }),
        };
        // The driver is killed with the run, or the receiver is: an end of the connection is no fault.
        if let Err(error) = done {
            assert!(role == Role::First, "{error}");
        }
    }
}

struct Wire {
    reader: BufReader<TcpStream>,
    writer: BufWriter<TcpStream>,
    bytes: Vec<u8>,
}

impl Wire {
    fn new(stream: TcpStream) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        let writer = BufWriter::with_capacity(BUFFER, stream.try_clone()?);
        Ok(Self {
            reader: BufReader::with_capacity(BUFFER, stream),
            writer,
            bytes: Vec::new(),
        })
    }

    fn write(&mut self, tag: u8, number: u64, bytes: &[u8]) -> std::io::Result<()> {
        let mut frame = [0; 13];
        let length = u32::try_from(9 + bytes.len()).expect("a small frame");
        frame[..4].copy_from_slice(&length.to_be_bytes());
        frame[4] = tag;
        frame[5..].copy_from_slice(&number.to_be_bytes());
        self.writer.write_all(&frame)?;
        self.writer.write_all(bytes)
    }

    /// A frame's tag and number; its bytes are left in `self.bytes`.
    fn read(&mut self) -> std::io::Result<(u8, u64)> {
        let mut frame = [0; 13];
        self.reader.read_exact(&mut frame)?;
        let length = u32::from_be_bytes(frame[..4].try_into().expect("four bytes"));
        self.bytes.resize(length as usize - 9, 0);
        self.reader.read_exact(&mut self.bytes)?;
        let number = u64::from_be_bytes(frame[5..].try_into().expect("eight bytes"));
        Ok((frame[4], number))
    }

    fn mark(&mut self) -> std::io::Result<Mark> {
        self.write(MARK, 0, &[])?;
        self.writer.flush()?;
        let (_, received) = self.read()?;
        let (_, nanos) = self.read()?;
        Ok(Mark {
            received,
            cpu: Duration::from_nanos(nanos),
        })
    }
}

fn receive() -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    child::ready(&listener.local_addr()?.to_string());
    let mut wire = Wire::new(listener.accept()?.0)?;
    let (mut received, mut sum) = (0u64, 0u64);
    loop {
        let (tag, number) = wire.read()?;
        match tag {
            TICK => {
                received += 1;
                sum = sum.wrapping_add(number + wire.bytes.len() as u64);
            }
            ADD => {
                received += 1;
                wire.write(ADD, number + 1, &[])?;
                wire.writer.flush()?;
            }
            _ => {
                std::hint::black_box(sum);
                let cpu = u64::try_from(child::cpu().as_nanos()).expect("less than 500 years");
                wire.write(MARK, received, &[])?;
                wire.write(MARK, cpu, &[])?;
                wire.writer.flush()?;
            }
        }
    }
}

/// Sends so many bytes with each number, or calls.
fn drive(send: Option<usize>) -> std::io::Result<()> {
    let mut wire = Wire::new(TcpStream::connect(child::address())?)?;
    work(&mut wire, send, child::warmup())?;
    let measurement = Measurement::begin(wire.mark()?);
    work(&mut wire, send, child::ops())?;
    measurement.end(wire.mark()?);
    Ok(())
}

fn work(wire: &mut Wire, send: Option<usize>, ops: u64) -> std::io::Result<()> {
    let bytes = vec![7; send.unwrap_or(0)];
    for n in 0..ops {
        if send.is_some() {
            wire.write(TICK, n, &bytes)?;
        } else {
            wire.write(ADD, n, &[])?;
            wire.writer.flush()?;
            assert_eq!(wire.read()?, (ADD, n + 1));
        }
    }
    Ok(())
}
