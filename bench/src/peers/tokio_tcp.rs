//! Raw TCP in a task of tokio on each side: a write, a wait for the socket and a read, and nothing that a node does beyond it.
//!
//! ```text
//! 0     1                9
//! +-----+----------------+
//! | tag | number         |   tags below
//! +-----+----------------+
//! ```

use std::io::Result;
use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::{Peer, Role, children};
use crate::child::{self, Mark, Measurement};
use crate::row::Row;

/// One connection, and one call at a time.
pub(super) struct TokioTcp;

const ADD: u8 = 1;
const MARK: u8 = 2;

impl Peer for TokioTcp {
    fn name(&self) -> &'static str {
        "tokio-tcp"
    }

    fn processes(&self, row: &Row) -> Option<Vec<std::process::Command>> {
        (row.name == "N5")
            .then(|| children(self.name(), row))
            .flatten()
    }

    fn run(&self, _row: &Row, role: Role) {
        let runtime = Runtime::new().expect("a runtime starts");
        let work = runtime.spawn(async move {
            match role {
                Role::First => receive().await,
                Role::Second | Role::Only => drive().await,
            }
        });
        let done = runtime.block_on(work).expect("no panic");
        // The driver is killed with the run, or the receiver is: an end of the connection is no fault.
        if let Err(error) = done {
            assert!(role == Role::First, "{error}");
        }
    }
}

struct Wire(TcpStream);

impl Wire {
    fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    async fn write(&mut self, tag: u8, number: u64) -> Result<()> {
        let mut frame = [tag; 9];
        frame[1..].copy_from_slice(&number.to_be_bytes());
        self.0.write_all(&frame).await
    }

    async fn read(&mut self) -> Result<(u8, u64)> {
        let mut frame = [0; 9];
        self.0.read_exact(&mut frame).await?;
        let number = u64::from_be_bytes(frame[1..].try_into().expect("eight bytes"));
        Ok((frame[0], number))
    }

    async fn mark(&mut self) -> Result<Mark> {
        self.write(MARK, 0).await?;
        let (_, received) = self.read().await?;
        let (_, nanos) = self.read().await?;
        Ok(Mark {
            received,
            cpu: Duration::from_nanos(nanos),
        })
    }
}

async fn receive() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    child::ready(&listener.local_addr()?.to_string());
    let mut wire = Wire::new(listener.accept().await?.0)?;
    let mut received = 0;
    loop {
        let (tag, number) = wire.read().await?;
        if tag == ADD {
            received += 1;
            wire.write(ADD, number + 1).await?;
        } else {
            let cpu = u64::try_from(child::cpu().as_nanos()).expect("less than 500 years");
            wire.write(MARK, received).await?;
            wire.write(MARK, cpu).await?;
        }
    }
}

async fn drive() -> Result<()> {
    let mut wire = Wire::new(TcpStream::connect(child::address()).await?)?;
    calls(&mut wire, child::warmup()).await?;
    let measurement = Measurement::begin(wire.mark().await?);
    calls(&mut wire, child::ops()).await?;
    measurement.end(wire.mark().await?);
    Ok(())
}

async fn calls(wire: &mut Wire, ops: u64) -> Result<()> {
    for n in 0..ops {
        wire.write(ADD, n).await?;
        assert_eq!(wire.read().await?, (ADD, n + 1));
    }
    Ok(())
}
