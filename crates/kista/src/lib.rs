//! kista
