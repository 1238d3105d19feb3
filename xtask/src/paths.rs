//! Paths of the repository, its target folder and the published contract.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// Environment variable with the folder of the published contract.
pub(crate) const CONTRACT_DIR: &str = "BESEDA_CONTRACT_DIR";

/// Returns the root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

/// Returns cargo's target folder.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Returns the folder for generated clients, logs and reports of the external tools.
pub(crate) fn external() -> PathBuf {
    target().join("external")
}

/// Returns the folder of the published contract, or `None` if it isn't on this machine.
pub(crate) fn contract() -> Option<PathBuf> {
    let dir = env::var_os(CONTRACT_DIR).map_or_else(|| "../shared/openapi".into(), PathBuf::from);
    let dir = root().join(dir);
    let whole = ["chats-2024.yaml", "chats-2026.yaml"].iter().all(|file| dir.join(file).is_file());
    whole.then(|| dir.canonicalize().unwrap_or(dir))
}

/// Prefixes of the variables that `cargo run` sets for this package. Build scripts that depend on
/// them would run again.
const PACKAGE_VARIABLES: [&str; 3] = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_"];

/// Returns the command of the running cargo, in the root of the repository.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    let variables = env::vars_os().map(|(name, _)| name);
    for name in variables.filter(|name| {
        PACKAGE_VARIABLES.iter().any(|prefix| name.to_string_lossy().starts_with(prefix))
    }) {
        command.env_remove(name);
    }
    if let Some(dir) = contract() {
        command.env(CONTRACT_DIR, dir);
    }
    command
}
