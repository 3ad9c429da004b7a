//! The file that `docs/operations.md` shows is one that a node and its log can be configured by.

use kista::Node;
use kista::config::{Config, ConfigError};
use kista::log::Log;

const PAGE: &str = include_str!("../../../../docs/operations.md");

/// The page's file; with `all` also what is commented out there.
fn shown(all: bool) -> String {
    let (_, rest) = PAGE.split_once("```toml\n").expect("it shows a file");
    let (file, _) = rest.split_once("```").expect("which ends");
    let lines = file.lines().map(|line| match line.strip_prefix("# ") {
        Some(hidden) if all && hidden.contains(" = ") => hidden,
        _ => line,
    });
    lines.map(|line| format!("{line}\n")).collect()
}

fn read(name: &str, text: &str) -> Result<(), ConfigError> {
    let file = std::env::temp_dir().join(format!("kista-page-{}-{name}.toml", std::process::id()));
    std::fs::write(&file, text).unwrap();
    let config = Config::read().file(&file).load();
    std::fs::remove_file(&file).unwrap();
    let config = config?;
    drop(Log::new().config(&config)?);
    Node::configured(&config).map(drop)
}

#[test]
fn the_file_of_the_page_is_taken_with_what_it_comments_out() {
    read("shown", &shown(false)).unwrap();
    let all = shown(true);
    for key in ["output", "ansi", "listen_on", "connections", "timeout"] {
        let is = |line: &str| line.starts_with(&format!("{key} = "));
        assert!(all.lines().any(is), "{key}:\n{all}");
    }
    read("all", &all).unwrap();
    // A key that is not known is refused, so that the test would say it.
    let wrong = all.replace("connections = ", "connection = ");
    let error = read("wrong", &wrong).unwrap_err().to_string();
    assert!(error.contains("node.http.connection"), "{error}");
}
