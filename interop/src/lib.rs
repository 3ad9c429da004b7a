//! kista-interop
