//! `io_lib:format/2`: ours, to be compared with OTP's.

use kista_etf::{Atom, Term};

use super::{Module, badarg};
use crate::io::FormatError;
use crate::remote::Raise;

pub(super) fn serve(module: &mut Module<'_>) {
    for name in ["format", "fwrite"] {
        module.add(name, async |text: Term, arguments: Term| {
            format(&text, &arguments).map(|text| Term::charlist(&text))
        });
    }
}

pub(super) fn format(text: &Term, arguments: &Term) -> Result<String, Raise> {
    crate::io::format_of(text, arguments).map_err(|error| match error {
        FormatError::TooLong { .. } => too_long(),
        _ => badarg(),
    })
}

/// Of OTP's reasons the one for what is too much for this node.
pub(super) fn too_long() -> Raise {
    Raise::error(Atom::from_static("system_limit"))
}
