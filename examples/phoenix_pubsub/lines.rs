use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// What is typed up to the end of a line, without that. It may be anything: what is not UTF-8 becomes `\u{fffd}`. `None`: there is no more.
pub(crate) async fn next_line(
    input: &mut (impl AsyncBufRead + Unpin),
) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(Some(String::from_utf8_lossy(line).into_owned()))
}
