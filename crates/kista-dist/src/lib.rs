//! kista-dist
