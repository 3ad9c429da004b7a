//! Kista and real Erlang and Elixir nodes, in both directions. One file for each side that acts.

mod applications;
mod behaviours;
mod differential;
mod from_elixir;
mod from_erlang;
mod from_rust;
mod global;
mod groups;
mod hostile;
mod inspection;
mod lifecycle;
mod machines;
mod node_monitors;
mod observer;
mod phoenix;
mod printing;
mod proofs;
mod remote;
mod remote_from_rust;
mod servers;
mod signals;
mod supervision;
mod tls;
mod tools;
