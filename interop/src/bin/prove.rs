//! The proofs by faults and races, as long as one likes: `scripts/prove races --operations 100000`.
//!
//! The first line of each says what it does and with which seed, the last one is `proved: ` and what was counted. A proof that fails
//! panics with what is wrong. Timed ones want a machine that has nothing else to do.

use std::time::Duration;

use clap::{Parser, Subcommand};
use kista::Tls;
use kista_interop::Bed;
use kista_interop::proofs::{
    Churn, Collisions, Idle, Kills, Mesh, Races, Silence, Stalls, churn, collisions, idle, kills,
    member, mesh, races, silence, stalls,
};

/// Proofs by faults and races, against a real `erl`.
#[derive(Parser)]
struct Options {
    #[command(subcommand)]
    proof: Proof,
}

#[derive(Subcommand)]
enum Proof {
    /// Links, monitors and exits that race on both sides: both end with the same view.
    Races {
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value_t = 100_000)]
        operations: usize,
        /// How often the connection is cut meanwhile.
        #[arg(long, default_value_t = 0)]
        cuts: usize,
    },
    /// Two nodes that dial each other at once: one connection is left.
    Collisions {
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value_t = 1000)]
        rounds: usize,
    },
    /// Nodes that join, leave and are killed at random: no lock, no name and no member of a group is left behind.
    Churn {
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Seconds after which all come to rest and are looked at.
        #[arg(long, default_value_t = 30)]
        phase: u64,
        /// Erlang nodes.
        #[arg(long, default_value_t = 10)]
        erlang: usize,
        /// Ours. With none the same is asked of OTP alone.
        #[arg(long, default_value_t = 5)]
        ours: usize,
    },
    /// One link of three that is cut, among nodes of OTP and with one of ours: what each of the three sees in the end.
    Mesh {
        /// Cuts of each mesh.
        #[arg(long, default_value_t = 30)]
        rounds: usize,
    },
    /// One of our nodes in `churn`, told by its input what to do.
    #[command(hide = true)]
    Member {
        #[arg(long)]
        name: String,
        #[arg(long)]
        cookie: String,
        /// A directory as the demo's.
        #[arg(long)]
        tls: Option<std::path::PathBuf>,
    },
    /// Connections on which nothing is said are kept by ticks, with net_ticktime 60 and 8, whoever dialled.
    Idle {
        #[arg(long, default_value_t = 300)]
        seconds: u64,
    },
    /// A peer that is killed in full traffic: everything fires once, nothing is of a life before.
    Kills {
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value_t = 1000)]
        lives: usize,
    },
    /// A peer that stands still while we send: memory is bounded, and others keep 80 % of their rate. Timed.
    Stalls {
        /// Seconds for each rate.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// A peer that stands still is down in 0.75 to 1.25 of net_ticktime, and not before. Timed.
    Silence {
        /// net_ticktime, in seconds.
        #[arg(long, default_value_t = 8)]
        ticktime: u64,
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    match Options::parse().proof {
        Proof::Races {
            seed,
            operations,
            cuts,
        } => {
            let plan = Races {
                seed,
                operations,
                cuts,
            };
            println!("proved: {:?}", races(&Bed::new(), plan).await);
        }
        Proof::Collisions { seed, rounds } => {
            let collided = collisions(Collisions { seed, rounds }).await;
            collided.assert_every_branch();
            println!("proved: {collided:?}");
        }
        Proof::Churn {
            seed,
            seconds,
            phase,
            erlang,
            ours,
        } => {
            let plan = Churn {
                seed,
                time: Duration::from_secs(seconds),
                phase: Duration::from_secs(phase),
                erlang,
                ours,
                program: std::env::current_exe().expect("a running program has a path"),
            };
            println!("proved: {:?}", churn(&Bed::new(), &plan));
        }
        Proof::Mesh { rounds } => {
            let plan = Mesh {
                rounds,
                prevent_overlapping_partitions: true,
                hidden: false,
            };
            let meshed = mesh(plan).await;
            for (ends, times) in &meshed.ours {
                let known = *ends == [0, 0, 0] || meshed.theirs.contains_key(ends);
                assert!(
                    known,
                    "{ends:?} was {times} times, and never among three of OTP"
                );
            }
            let [alone, with_ours] = meshed.apart;
            assert!(
                with_ours <= alone,
                "they did not find each other: {meshed:?}"
            );
            println!("proved: {meshed:?}");
        }
        Proof::Member { name, cookie, tls } => {
            let tls = tls.map(|dir| {
                let file = |name| dir.join(name);
                Tls::from_files(file("ca.pem"), file("nut-cert.pem"), file("nut-key.pem"))
            });
            member(&name, &cookie, tls).await;
        }
        Proof::Idle { seconds } => {
            println!("proved: {:?}", idle(Bed::new(), Idle { seconds }).await);
        }
        Proof::Kills { seed, lives } => {
            println!(
                "proved: {:?}",
                kills(&Bed::new(), Kills { seed, lives }).await
            );
        }
        Proof::Stalls { seconds } => {
            let plan = Stalls {
                phase: Duration::from_secs(seconds),
            };
            let stalled = stalls(&Bed::new(), plan).await;
            println!(
                "{stalled:?}: {:.0} % of the rate kept, grown by {} KiB",
                100.0 * stalled.kept(),
                stalled.grown()
            );
            assert!(stalled.kept() >= 0.8, "less than 80 % of the rate");
            println!("proved: {stalled:?}");
        }
        Proof::Silence { ticktime, rounds } => {
            println!(
                "proved: {:?}",
                silence(&Bed::new(), Silence { ticktime, rounds }).await
            );
        }
    }
}
