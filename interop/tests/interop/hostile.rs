//! A peer that breaks the protocol loses its own connection and nothing else.

use std::time::Duration;

use kista_interop::{Bed, Subject};

const NAME: &str = "demo@127.0.0.1";

#[track_caller]
fn scenario(subject: Subject, function: &str) {
    let bed = Bed::new();
    let mut demo = subject.start(&bed, NAME, &[]);
    let mut rogue = bed.erlang("honest@127.0.0.1", "rogue", function, &[NAME]);
    rogue.expect_ok(Duration::from_secs(120));
    assert!(demo.is_running(), "{:?}", demo.printed());
}

/// The same tests for the demo and for the reference.
macro_rules! scenarios {
    ($($name:ident = $function:literal;)*) => {
        mod demo {
            $(#[test] fn $name() { super::scenario(kista_interop::Subject::Demo, $function) })*
        }
        mod reference {
            $(#[test] fn $name() { super::scenario(kista_interop::Subject::Reference, $function) })*
        }
    };
}

scenarios! {
    nonsense_in_the_handshake_closes_one_socket = "handshakes";
    a_handshake_cut_at_any_byte_hurts_nobody = "truncated_handshakes";
    nonsense_in_a_frame_closes_one_connection = "frames";
    a_frame_cut_at_any_byte_hurts_nobody = "truncated_frames";
    five_hundred_silent_sockets_are_put_out = "flood";
    a_trickled_handshake_runs_out_of_time = "silent";
}

/// OTP closes the connection for a control message that it does not know; so would a cluster, bit by bit, for each
/// number that a later release adds.
#[test]
fn an_unknown_control_message_is_ignored() {
    scenario(Subject::Demo, "unknown_is_harmless");
}
