//! Where the cookie comes from: the builder, the environment (`KISTA_COOKIE`), or the user's cookie file, in this order.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use kista_dist::handshake::Cookie;

use super::NodeError;

/// What the builder was told.
#[derive(Clone, Default)]
pub(super) enum CookieSource {
    #[default]
    Default,
    Given(Cookie),
    /// An explicit path is trusted as it is.
    File(PathBuf),
}

pub(super) fn load(source: CookieSource) -> Result<Cookie, NodeError> {
    match source {
        CookieSource::Given(cookie) => not_empty(cookie, "the cookie given"),
        CookieSource::File(path) => read(&path),
        CookieSource::Default => match std::env::var("KISTA_COOKIE") {
            Ok(cookie) => not_empty(Cookie::from(cookie.as_str()), "KISTA_COOKIE"),
            Err(std::env::VarError::NotPresent) => user_file(),
            Err(error) => Err(NodeError::Cookie(format!("KISTA_COOKIE: {error}"))),
        },
    }
}

/// `~/.erlang.cookie`, shared with Erlang: made on first use as `erl` makes it, refused when others may read it.
fn user_file() -> Result<Cookie, NodeError> {
    let Some(home) = std::env::home_dir() else {
        return Err(NodeError::Cookie(
            "give one with .cookie(..), or set KISTA_COOKIE".into(),
        ));
    };
    let path = home.join(".erlang.cookie");
    match fs::metadata(&path) {
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Err(NodeError::Cookie(format!(
            "{} can be read by others (mode {:o}): chmod 400 it",
            path.display(),
            meta.mode() & 0o777
        ))),
        Ok(_) => read(&path),
        Err(_) => create(&path),
    }
}

fn read(path: &Path) -> Result<Cookie, NodeError> {
    let text = fs::read_to_string(path)
        .map_err(|error| NodeError::Cookie(format!("{}: {error}", path.display())))?;
    not_empty(Cookie::from(text.trim()), &path.display().to_string())
}

/// Without a secret everybody could connect.
pub(super) fn not_empty(cookie: Cookie, what: &str) -> Result<Cookie, NodeError> {
    if cookie.is_empty() {
        return Err(empty(what));
    }
    Ok(cookie)
}

pub(super) fn empty(what: &str) -> NodeError {
    NodeError::Cookie(format!("{what} is empty"))
}

fn create(path: &Path) -> Result<Cookie, NodeError> {
    let failed =
        |error: &dyn std::fmt::Display| NodeError::Cookie(format!("{}: {error}", path.display()));
    let mut random = [0u8; 20];
    getrandom::fill(&mut random).map_err(|error| failed(&error))?;
    // 20 capital letters, as OTP's, but from the system's random source.
    let text: String = random
        .iter()
        .map(|byte| char::from(b'A' + byte % 26))
        .collect();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o400)
        .open(path)
        .map_err(|error| failed(&error))?;
    file.write_all(text.as_bytes())
        .map_err(|error| failed(&error))?;
    Ok(Cookie::from(text.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cookie_is_no_cookie() {
        let error = load(CookieSource::Given(Cookie::from(""))).unwrap_err();
        assert_eq!(
            error.to_string(),
            NodeError::Cookie("the cookie given is empty".into()).to_string()
        );
    }

    #[test]
    fn a_missing_file_names_its_path() {
        let error = read(Path::new("/nonexistent/cookie")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/cookie"));
    }
}
