//! Repository rules that neither the compiler nor clippy checks.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const LONGEST: usize = 600;

/// Names that don't say what a module contains.
const EMPTY_NAMES: [&str; 10] = [
    "util", "utils", "helper", "helpers", "common", "manager", "managers", "misc", "shared",
    "stuff",
];

/// Marks of unfinished work and disabled tests. Split, so that this file doesn't contain them.
const UNFINISHED: [&str; 6] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[ig", "nore"),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// First words of docs that make a question or a pronoun of what should be a name.
const VAGUE_FIRST_WORDS: [&str; 12] =
    ["What", "How", "Whether", "Who", "Whom", "Its", "It", "Where", "When", "Why", "Which", "That"];

/// Type names that may be defined more than once: names of convention, one per crate or program.
const CONVENTIONAL_TYPES: [&str; 5] = ["Args", "Client", "Command", "Error", "Result"];

#[test]
fn every_rust_file_says_first_what_it_is() {
    expect_none(
        "start the file with `//!`: one sentence on what it is",
        rust_files().filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path),
    );
}

#[test]
fn docs_begin_with_what_a_thing_is_or_does() {
    let vague = rust_files().flat_map(|(path, text)| {
        let lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        let begins = |at: usize| at == 0 || !lines[at - 1].starts_with("///");
        let is_vague = |line: &str| {
            let first = line.strip_prefix("/// ").and_then(|text| text.split(' ').next());
            first.is_some_and(|word| VAGUE_FIRST_WORDS.contains(&word))
        };
        let found = lines.iter().enumerate().filter(|(at, line)| begins(*at) && is_vague(line));
        found.map(|(at, line)| format!("{path}:{}: {line}", at + 1)).collect::<Vec<_>>()
    });
    expect_none("write `Returns…`, `Sends…` or a noun, as the standard library does", vague);
}

#[test]
fn a_type_name_is_defined_once() {
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let product = |path: &str| path.contains("/src/") && !path.ends_with("tests.rs");
    for (path, text) in rust_files().filter(|(path, _)| product(path)) {
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for name in code.lines().filter_map(type_name) {
            types.entry(name.to_owned()).or_default().insert(path.clone());
        }
    }
    types.retain(|name, paths| paths.len() > 1 && !CONVENTIONAL_TYPES.contains(&name.as_str()));
    let wrong = types.iter().map(|(name, paths)| format!("{name}: {paths:?}"));
    expect_none("give each of them a name of its own", wrong);
}

#[test]
fn no_rust_file_is_too_long() {
    let long = rust_files().filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > LONGEST).then(|| format!("{path}: {lines} lines"))
    });
    expect_none(&format!("split the file along what it does; {LONGEST} lines is the most"), long);
}

#[test]
fn lints_are_expected_with_a_reason_and_never_just_allowed() {
    let attributes = [concat!("#[al", "low"), concat!("#![al", "low")];
    expect_none(
        "say `#[expect(lint, reason = \"…\")]`: it tells why, and falls when it is no longer true",
        lines_of(rust_files(), |line| attributes.iter().any(|words| line.contains(words))),
    );
}

#[test]
fn nothing_is_left_unfinished_and_no_test_is_switched_off() {
    expect_none(
        "finish it or take it out; what is planned belongs to an issue",
        lines_of(rust_files(), |line| UNFINISHED.iter().any(|word| says(line, word))),
    );
}

#[test]
fn modules_are_named_after_what_is_in_them() {
    let empty = rust_files().map(|(path, _)| path).filter(|path| {
        let names = Path::new(path).with_extension("");
        names.iter().any(|name| EMPTY_NAMES.contains(&name.to_string_lossy().as_ref()))
    });
    expect_none("name the module after the thing it holds", empty);
}

#[test]
fn a_module_with_parts_lies_beside_their_folder() {
    let inside = rust_files().map(|(path, _)| path).filter(|path| path.ends_with("/mod.rs"));
    expect_none("put `foo.rs` beside `foo/` in place of `foo/mod.rs`", inside);
}

#[test]
fn no_tracked_file_names_a_folder_of_one_machine() {
    let folders = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/tmp/ba", "sh_jobs")];
    let text = tracked("").into_iter().filter(|path| !path.ends_with(".lock"));
    let files =
        text.filter_map(|path| Some((path.clone(), fs::read_to_string(root().join(path)).ok()?)));
    expect_none(
        "name it relative to the repository, or through an environment variable",
        lines_of(files, |line| folders.iter().any(|folder| line.contains(folder))),
    );
}

#[test]
fn dependencies_between_our_crates_point_down() {
    let above = [
        ("beseda-api", ["client", "engine", "server", "conformance", "bench"].as_slice()),
        ("beseda-client", &["engine", "server"]),
        ("beseda-engine", &["client", "server"]),
        ("beseda-server", &["client", "engine"]),
        (
            "beseda-sqlite",
            &["archive", "client", "engine", "gateway", "outbox", "server", "webhook"],
        ),
        ("beseda-webhook", &["client", "engine", "server"]),
        ("beseda-outbox", &["archive", "engine", "gateway", "server", "webhook"]),
    ];
    let mut wrong = Vec::new();
    for (package, forbidden) in above {
        for dependency in dependencies(package).iter().map(name_of) {
            let ours = dependency.strip_prefix("beseda-");
            if dependency == "beseda" || ours.is_some_and(|name| forbidden.contains(&name)) {
                wrong.push(format!("crates/{package}/Cargo.toml: {dependency}"));
            }
        }
    }
    expect_none("what both need belongs in beseda-api; what joins them belongs in beseda", wrong);
}

#[test]
fn the_contract_crate_does_no_io() {
    let io = ["tokio", "hyper", "reqwest", "axum", "rusqlite", "object_store", "async-std", "ureq"];
    let timer =
        |dependency: &Value| dependency["name"] == "tokio" && dependency["optional"] == true;
    let found = dependencies("beseda-api").into_iter().filter(|dependency| !timer(dependency));
    let found =
        found.map(|dependency| name_of(&dependency)).filter(|name| io.contains(&name.as_str()));
    expect_none(
        "beseda-api is types and traits only (and, by the feature `tokio`, a timer); I/O belongs in a crate above it",
        found.map(|name| format!("crates/beseda-api/Cargo.toml: {name}")),
    );
}

#[test]
fn the_first_screen_of_the_readme_has_both_commands() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README.md");
    let screen = readme.lines().take(40).collect::<Vec<_>>().join("\n");
    let missing = ["cargo run --release -- stand-in", "cargo xtask test"]
        .into_iter()
        .filter(|command| !screen.contains(command));
    expect_none("README.md, first 40 lines: show the command", missing.map(str::to_owned));
}

#[test]
fn ci_runs_the_readmes_test_command() {
    let run = fs::read_to_string(root().join(".ci/run")).expect("there is a .ci/run");
    assert!(
        run.contains("cargo xtask ci"),
        ".ci/run: call `cargo xtask ci`, which runs every test"
    );
}

/// Returns the dependencies of a crate, except for its dev-dependencies.
fn dependencies(package: &str) -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]);
    let output = cargo.current_dir(root()).output().expect("cargo metadata can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("a workspace has packages");
    let of_name = packages.iter().find(|candidate| candidate["name"] == package);
    let of_name = of_name.unwrap_or_else(|| panic!("the workspace has no crate {package}"));
    let all = of_name["dependencies"].as_array().expect("a package lists its dependencies");
    all.iter().filter(|dependency| dependency["kind"] != "dev").cloned().collect()
}

/// Returns the name of the struct, enum or trait that the line defines.
fn type_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("pub").map_or(line, |rest| {
        let rest = rest
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map_or(rest, |(_, rest)| rest);
        rest.trim_start()
    });
    let rest = ["struct ", "enum ", "trait "].iter().find_map(|word| line.strip_prefix(word))?;
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    // Macros have a placeholder.
    (!name.is_empty()).then_some(name)
}

fn name_of(dependency: &Value) -> String {
    dependency["name"].as_str().unwrap_or_default().to_owned()
}

fn rust_files() -> impl Iterator<Item = (String, String)> {
    let paths = tracked("*.rs");
    assert!(paths.len() > 20, "the repository's files were not found: {paths:?}");
    paths.into_iter().filter_map(|path| {
        let text = fs::read_to_string(root().join(&path)).ok()?;
        Some((path, text))
    })
}

/// Returns the files that git tracks or would add.
fn tracked(pattern: &str) -> Vec<String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]);
    if !pattern.is_empty() {
        git.arg(pattern);
    }
    let output = git.current_dir(root()).output().expect("git can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let paths = String::from_utf8(output.stdout).expect("our paths are UTF-8");
    paths.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

fn lines_of(
    files: impl Iterator<Item = (String, String)>,
    wrong: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| wrong(line)) {
            found.push(format!("{path}:{}: {}", number + 1, line.trim()));
        }
    }
    found
}

/// Returns true if a line contains the word, not only as a part of a longer one.
fn says(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let part_of_word = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
        !part_of_word(before) && (word.ends_with('(') || !part_of_word(after))
    })
}

fn expect_none(advice: &str, wrong: impl IntoIterator<Item = String>) {
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{advice}:\n  {}", wrong.join("\n  "));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_owned()
}
