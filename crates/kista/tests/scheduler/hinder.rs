//! Threads that hinder each other at one queue leave the work to one of them: nothing is lost or left lying then, however they come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use kista::{ServerRef, gen_server};
use tokio::runtime::Builder;

use crate::plain::node;
use crate::wait_until;

/// Counts what each of its senders sent, in its order.
struct Sum {
    next: Vec<u64>,
    done: Arc<AtomicUsize>,
}

#[gen_server(local)]
impl Sum {
    #[init]
    fn new(senders: usize, done: Arc<AtomicUsize>) -> Self {
        let next = vec![0; senders];
        Sum { next, done }
    }
    #[cast]
    fn add(&mut self, sender: usize, n: u64) {
        assert_eq!(self.next[sender], n, "out of order");
        self.next[sender] += 1;
        self.done.fetch_add(1, SeqCst);
    }
}

struct Sender {
    to: ServerRef<Sum>,
    index: usize,
    sent: u64,
}

#[gen_server(local)]
impl Sender {
    #[init]
    fn new(to: ServerRef<Sum>, index: usize) -> Self {
        Sender { to, index, sent: 0 }
    }
    #[cast]
    async fn flood(&mut self, count: u64) {
        for _ in 0..count {
            self.to.add(self.index, self.sent).await.unwrap();
            self.sent += 1;
        }
    }
}

/// So many threads, on which many send to one, in bursts that begin while others end; and every now and then all is quiet.
fn all_arrives(threads: usize) {
    const SENDERS: usize = 32;
    const ROUNDS: u64 = 60;
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(threads).enable_all().build();
    let runtime = runtime.unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let node = runtime.block_on(async {
        let node = node("hinder").await;
        let sum = node.spawn(Sum::spec(SENDERS, done.clone())).await.unwrap();
        let mut senders = Vec::new();
        for index in 0..SENDERS {
            let spec = Sender::spec(sum.clone(), index);
            senders.push(node.spawn(spec).await.unwrap());
        }
        let (done, over) = (done.clone(), over.clone());
        tokio::spawn(async move {
            let mut sent = 0;
            for round in 1..=ROUNDS {
                // From none at all to what takes some milliseconds.
                let count = round * round % 1_500;
                for sender in &senders {
                    sender.flood(count).await.unwrap();
                }
                sent += count as usize * SENDERS;
                while round % 7 == 0 && done.load(SeqCst) < sent {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            while done.load(SeqCst) < sent {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            over.store(true, SeqCst);
        });
        node
    });
    wait_until("all arrived", || over.load(SeqCst));
    runtime.block_on(node.stop());
}

#[test]
fn what_two_threads_send_to_one_process_arrives() {
    all_arrives(2);
}

#[test]
fn what_many_threads_send_to_one_process_arrives() {
    all_arrives(6);
}
