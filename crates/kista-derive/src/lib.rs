//! The macros of Kista.
