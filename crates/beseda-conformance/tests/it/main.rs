//! The suite against every implementation of this project, with validation of every HTTP response against the published contract.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking where it stands")]

mod closed;
mod engine;
mod faulty;
mod gateway;
mod http;
mod missing;
mod own;
mod published;
mod schema;

use std::{collections::BTreeSet, fs, path::Path};

use beseda_conformance::CASES;

/// Engine on SQLite, called directly.
mod engine_sqlite {
    beseda_conformance::conformance!(crate::engine::environment);
}

/// Client → HTTP under `/v2` → server → engine on SQLite.
mod http_sqlite {
    beseda_conformance::conformance!(crate::http::environment);
}

/// The same on the paths without a version, as in 2024.
mod http_sqlite_2024 {
    beseda_conformance::conformance!(crate::http::environment_of_2024);
}

/// Client → gateway → client → server → engine on SQLite.
mod gateway_sqlite {
    beseda_conformance::conformance!(crate::gateway::environment);
}

#[test]
fn every_case_is_listed_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cases");
    let mut written = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let operation = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let name = line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once('('));
            if let Some((name, _)) = name {
                written.insert(format!("{operation}::{name}"));
            }
        }
    }
    let listed: BTreeSet<String> = CASES.iter().map(ToString::to_string).collect();
    assert_eq!(listed.len(), CASES.len(), "a case is listed twice");
    assert_eq!(listed, written);
}
