//! kista-sync
