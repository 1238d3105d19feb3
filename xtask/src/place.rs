//! Where things lie: the repository, its target folder, the published contract. Creates and reads nothing.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The environment variable that names the folder of the published contract.
pub(crate) const CONTRACT_DIR: &str = "BESEDA_CONTRACT_DIR";

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where the judges keep their generated code, logs and reports.
pub(crate) fn judges() -> PathBuf {
    target().join("judges")
}

/// The folder of the published contract, if it is on this machine.
pub(crate) fn contract() -> Option<PathBuf> {
    let dir = env::var_os(CONTRACT_DIR).map_or_else(|| "../shared/openapi".into(), PathBuf::from);
    let dir = root().join(dir);
    let whole = ["chats-2024.yaml", "chats-2026.yaml"].iter().all(|file| dir.join(file).is_file());
    whole.then(|| dir.canonicalize().unwrap_or(dir))
}

/// What `cargo run` tells this program of its own package. Build scripts that look at it would run again for nothing.
const OF_THIS_PACKAGE: [&str; 3] = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_"];

/// The cargo that runs this task, in the repository's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    let told = env::vars_os().map(|(name, _)| name);
    for name in told.filter(|name| {
        OF_THIS_PACKAGE.iter().any(|beginning| name.to_string_lossy().starts_with(beginning))
    }) {
        command.env_remove(name);
    }
    if let Some(dir) = contract() {
        command.env(CONTRACT_DIR, dir);
    }
    command
}
