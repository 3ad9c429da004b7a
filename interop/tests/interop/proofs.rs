//! The short variants of the proofs by faults and races; `scripts/prove` runs the long ones.

use std::time::Duration;

use kista_interop::Bed;
use kista_interop::proofs::{Collisions, Kills, Races, Stalls, collisions, kills, races, stalls};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_links_and_monitors_end_in_one_view() {
    let plan = Races {
        seed: 1,
        operations: 20_000,
        cuts: 0,
    };
    let raced = races(&Bed::new(), plan).await;
    println!("{raced:?}");
    assert!(raced.ended > 50, "{raced:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn races_across_cuts_of_the_connection_end_in_one_view() {
    let plan = Races {
        seed: 2,
        operations: 20_000,
        cuts: 5,
    };
    let raced = races(&Bed::new(), plan).await;
    println!("{raced:?}");
    assert_eq!(raced.cuts, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dials_that_collide_leave_one_connection() {
    let collided = collisions(Collisions {
        seed: 1,
        rounds: 100,
    })
    .await;
    println!("{collided:?}");
    assert_eq!(collided.collisions, 100);
    collided.assert_every_branch();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_killed_in_full_traffic_fires_everything_once_and_leaves_nothing() {
    let plan = Kills { seed: 1, lives: 20 };
    let killed = kills(&Bed::new(), plan).await;
    println!("{killed:?}");
    // A link and two monitors of each of eight.
    assert_eq!(killed.fired, 20 * 8 * 3);
}

/// The rates are for `scripts/prove stalls`, on a quiet machine; here only memory and messages are counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_stands_still_gets_in_the_end_what_was_accepted() {
    let plan = Stalls {
        phase: Duration::from_millis(500),
    };
    let stalled = stalls(&Bed::new(), plan).await;
    println!("{stalled:?}");
    assert!(
        stalled.refused > 0 && stalled.accepted > 10_000,
        "{stalled:?}"
    );
}
