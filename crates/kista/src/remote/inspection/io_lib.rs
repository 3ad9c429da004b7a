//! `io_lib:format/2`: ours, to be compared with OTP's.

use kista_etf::Term;

use super::{Module, badarg};
use crate::remote::Raise;

pub(super) fn serve(module: &mut Module<'_>) {
    for name in ["format", "fwrite"] {
        module.add(name, async |text: Term, arguments: Term| {
            format(&text, &arguments).map(|text| Term::charlist(&text))
        });
    }
}

pub(super) fn format(text: &Term, arguments: &Term) -> Result<String, Raise> {
    crate::io::format_of(text, arguments).ok_or_else(badarg)
}
