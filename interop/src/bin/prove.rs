//! The proofs by faults and races, as long as one likes: `scripts/prove races --operations 100000`.
//!
//! The first line of each says what it does and with which seed, the last one is `proved: ` and what was counted. A proof that fails
//! panics with what is wrong. Timed ones want a machine that has nothing else to do.

use std::time::Duration;

use clap::{Parser, Subcommand};
use kista_interop::Bed;
use kista_interop::proofs::{
    Collisions, Idle, Kills, Races, Silence, Stalls, collisions, idle, kills, races, silence,
    stalls,
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
