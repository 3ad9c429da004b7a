//! kista-etf
