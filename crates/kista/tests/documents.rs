//! What the documents say of the code is there: a test for each rule of `docs/semantics.md`, dependencies that `ARCHITECTURE.md` gives
//! reasons for. (The samples of `README.md` are compiled by this crate's documentation tests.)

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The file behind a short name; see the head of `docs/semantics.md`.
fn file_of(short: &str) -> String {
    let (folder, rest) = short.split_once('/').expect("a file in a folder");
    let folder = match folder {
        "tests" | "src" => return format!("crates/kista/{short}"),
        "dist" => "crates/kista-dist",
        "etf" => "crates/kista-etf",
        "sync" => "crates/kista-sync/src",
        "interop" => "interop/tests/interop",
        other => panic!("no such folder: {other}"),
    };
    format!("{folder}/{rest}")
}

/// A file, or all of a folder.
fn sources(path: &str) -> String {
    let Some(folder) = path.strip_suffix('/') else {
        return read(path);
    };
    let files = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(folder);
    let files = fs::read_dir(files).expect("a folder of tests");
    files
        .map(|file| file.expect("a file").file_name())
        .map(|name| read(&format!("{path}{}", name.display())))
        .collect()
}

/// A test, or an entry of one of the lists that `interop/` makes tests of.
fn defines(source: &str, test: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let attributes = lines[..at].iter().rev().take_while(|line| !line.is_empty());
        let is_test = || {
            attributes
                .clone()
                .any(|line| line.starts_with("#[") && line.contains("test"))
        };
        line.contains(&format!("fn {test}(")) && is_test()
            || *line == test
            || line.starts_with(&format!("{test} = "))
    })
}

/// The file of a test and its name: `tests/life.rs::a_test`, and in the section about supervisors `core::a_test`.
fn test_of(code: &str) -> Option<(String, &str)> {
    let short = [
        ("core::", "src/supervisor/core/tests/"),
        ("tests::", "tests/supervisor/"),
        ("interop::", "interop/supervision/mod.rs"),
    ];
    if let Some((file, test)) = code.split_once(".rs::") {
        return Some((file_of(&format!("{file}.rs")), test.rsplit("::").next()?));
    }
    short
        .iter()
        .find_map(|(prefix, path)| Some((file_of(path), code.strip_prefix(prefix)?)))
}

/// What stands between backquotes.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_the_semantics_name_is_there() {
    let semantics = read("docs/semantics.md");
    let named: Vec<_> = codes(&semantics).filter_map(test_of).collect();
    assert!(
        named.len() > 400,
        "the names are not found: {}",
        named.len()
    );
    for (file, test) in named {
        // `core::` and its kin, said of as such.
        if !test.is_empty() {
            assert!(defines(&sources(&file), test), "{file} has no test {test}");
        }
    }
    let scenarios = read("interop/scenarios/signals.eterms");
    let named = semantics.split("scenario `").skip(1);
    for name in named.filter_map(|rest| rest.split('`').next()) {
        assert!(
            scenarios.contains(&format!("{{{name},")),
            "there is no scenario {name}"
        );
    }
}

/// The rules are the numbered items, and the rows of the tables about supervisors and mutations.
#[test]
fn every_rule_of_the_semantics_names_a_test() {
    let semantics = read("docs/semantics.md");
    let (_, rules) = semantics.split_once("## Signals").expect("the first rules");
    let (rules, _) = rules
        .split_once("## Where OTP does more")
        .expect("what is no rule");
    let is_number = |line: &str| {
        let number = line.split_once(". ").map_or("", |(number, _)| number);
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut items: Vec<String> = Vec::new();
    for line in rules.lines() {
        match line {
            _ if is_number(line) || line.starts_with("| ") => items.push(line.to_owned()),
            // The row above it was a table's head.
            _ if line.starts_with("|--") => drop(items.pop()),
            _ if line.starts_with("   ") => items.last_mut().expect("a rule").push_str(line),
            _ => {}
        }
    }
    // Not there, which is said; stated elsewhere; or where the tests hang, and which.
    let others = [
        "| not there: ",
        "| none: ",
        "| see [",
        "| differs: ",
        ": see there |",
        "` hangs",
        "the same |",
        "scenario `",
    ];
    assert!(
        items.len() > 200,
        "the rules are not found: {}",
        items.len()
    );
    let is_other = |item: &String| others.iter().any(|other| item.contains(other));
    let is_held = |item: &String| {
        codes(item).any(|code| test_of(code).is_some_and(|(_, test)| !test.is_empty()))
    };
    items.retain(|item| !is_other(item) && !is_held(item));
    assert!(items.is_empty(), "no test holds these: {items:#?}");
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = read("Cargo.toml");
    let architecture = read("ARCHITECTURE.md");
    let (_, entries) = manifest
        .split_once("[workspace.dependencies]")
        .expect("the list of dependencies");
    let entries = entries.lines().take_while(|line| !line.starts_with('['));
    for entry in entries.filter_map(|line| line.split_once(" = ")) {
        let name = entry.0;
        assert!(
            name.starts_with("kista") || architecture.contains(&format!("`{name}`")),
            "no reason is given for {name}"
        );
    }
}
