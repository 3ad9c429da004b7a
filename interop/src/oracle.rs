//! A peer that is only asked, without nodes: what its release makes of things.

use std::process::Stdio;

use crate::{Otp, modules};

/// The lines that `module:function()` prints on the release, up to its last word, `done`.
///
/// `arguments` come after `-extra`. The printable characters are all of Unicode (`+pc unicode`).
///
/// # Panics
///
/// When it does not come to its last word.
pub fn ask(otp: &'static Otp, module: &str, function: &str, arguments: &[&str]) -> Vec<String> {
    let output = otp
        .command("erl")
        .args(["-noshell", "+pc", "unicode", "-pz"])
        .arg(modules::directory(otp))
        .args(["-s", module, function, "-extra"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot start erl: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    if lines.pop().as_deref() != Some("done") {
        let errors = String::from_utf8_lossy(&output.stderr);
        let end: String = text.chars().rev().take(2000).collect();
        let end: String = end.chars().rev().collect();
        panic!("{module}:{function} did not come to its end: {end}\n{errors}");
    }
    lines
}
