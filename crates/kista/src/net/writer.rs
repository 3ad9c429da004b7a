//! The writer task: drains the queue into frames and the socket, many frames per system call.
//!
//! 1. New signals are taken over after every write, not only when all is written: a large message's fragments let the others pass.
//! 2. The queue being empty, what there is goes out at once.
//! 3. A write error ends the writing only: the reader still reads what the peer had sent, and then ends the connection.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use kista_dist::frame::Outbox;

use super::Connection;
use super::connection::{Phase, Queued};
use super::socket::Socket;
use super::wire::Step;

pub(super) async fn run(connection: Arc<Connection>, socket: Arc<Socket>) {
    let ended = connection.reached(Phase::Closing);
    tokio::select! {
        biased;
        () = ended => {}
        () = write_all(&connection, &socket) => {}
    }
}

async fn write_all(connection: &Connection, socket: &Socket) {
    let Some(established) = connection.established() else {
        return;
    };
    let mut batch = Outbox::new();
    loop {
        let queued = connection.take_queued(&mut batch);
        if queued == Queued::Closed {
            return;
        }
        if let Some(renaming) = &established.renaming {
            batch.rename(renaming);
        }
        let (step, unwritten, large) = {
            let mut wire = established.wire.lock();
            let Some(wire) = wire.as_mut() else {
                return;
            };
            if queued == Queued::Some {
                wire.accept(&mut batch);
            }
            let step = wire.step(|slices| socket.try_write(slices));
            (step, wire.unwritten(), wire.unwritten_large())
        };
        connection.set_unwritten(unwritten, large);
        match step {
            Ok(Step::Wrote) => {
                connection.writes.fetch_add(1, Relaxed);
                tokio::task::consume_budget().await;
            }
            Ok(Step::Blocked) => {
                // An error shows itself at the next write.
                let _ = socket.writable().await;
            }
            Ok(Step::Idle) => match (socket.try_flush(), queued) {
                (Err(e), _) if e.kind() == io::ErrorKind::WouldBlock => {
                    let _ = socket.writable().await;
                }
                (Err(error), _) => return connection.write_failed(&format!("write: {error}")),
                (Ok(()), Queued::Drained) => {
                    // The peer reads to the end, closes, and our reader sees that.
                    connection.shut(Shutdown::Write);
                    return;
                }
                (Ok(()), _) => connection.work.notified().await,
            },
            Err(error) => return connection.write_failed(&format!("write: {error}")),
        }
    }
}
