//! A peer that breaks the protocol loses its own connection and nothing else.
