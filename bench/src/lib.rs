//! kista-bench
