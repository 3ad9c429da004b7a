//! What the documents say of the code is there: tests that `docs/semantics.md` names, dependencies that `ARCHITECTURE.md` gives
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

/// A function, or an entry of one of the lists that `interop/` makes tests of.
fn defines(source: &str, test: &str) -> bool {
    source.contains(&format!("fn {test}("))
        || source.lines().any(|line| {
            let line = line.trim();
            line == test || line.starts_with(&format!("{test} = "))
        })
}

#[test]
fn every_test_that_the_semantics_name_is_there() {
    let semantics = read("docs/semantics.md");
    let named: Vec<_> = semantics
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(".rs::"))
        .collect();
    assert!(
        named.len() > 100,
        "the names are not found: {}",
        named.len()
    );
    for (file, test) in named {
        let file = file_of(&format!("{file}.rs"));
        let test = test.rsplit("::").next().unwrap_or(test);
        assert!(defines(&read(&file), test), "{file} has no test {test}");
    }
}

/// The section on supervisors has shorter names: see its head.
#[test]
fn every_test_that_the_section_on_supervisors_names_is_there() {
    let semantics = read("docs/semantics.md");
    let core = [
        "dynamic",
        "random",
        "requests",
        "restarts",
        "scale",
        "significant",
        "starts",
        "stops",
    ];
    let core = core.map(|file| read(&format!("crates/kista/src/supervisor/core/tests/{file}.rs")));
    let sources = [
        ("core", core.concat()),
        ("tests", read("crates/kista/tests/supervisor.rs")),
        ("interop", read("interop/tests/interop/supervision/mod.rs")),
    ];
    let mut found = 0;
    for name in semantics.split('`').skip(1).step_by(2) {
        let Some((place, test)) = name.split_once("::") else {
            continue;
        };
        let Some((_, source)) = sources.iter().find(|(of, _)| *of == place) else {
            continue;
        };
        let test = test.rsplit("::").next().unwrap_or(test);
        assert!(defines(source, test), "{place} has no test {test}");
        found += 1;
    }
    assert!(found > 50, "the names are not found: {found}");
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
