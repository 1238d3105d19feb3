//! Python virtual environments under `target/`, with pinned packages.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use crate::{paths, steps};

/// Virtual environment with the packages of a folder's `requirements.txt`.
pub(crate) struct Python {
    environment: PathBuf,
    scripts: PathBuf,
}

impl Python {
    /// Returns the environment, creating or updating it if necessary.
    pub(crate) fn prepare(scripts: &str, environment: &str) -> Result<Self> {
        let scripts = paths::root().join(scripts);
        let environment = paths::target().join(environment);
        let python = Self { environment, scripts };
        let wanted = fs::read_to_string(python.scripts.join("requirements.txt"))?;
        let stamp = python.environment.join("requirements-installed.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            println!("{} is up to date", python.environment.display());
            return Ok(python);
        }
        python
            .install()
            .with_context(|| format!("can't prepare the Python of {}", python.scripts.display()))?;
        fs::write(stamp, wanted)?;
        Ok(python)
    }

    fn install(&self) -> Result<()> {
        if !steps::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
            bail!(
                "python3 with venv is not installed: `apt-get install python3-venv`, or leave out what \
                 needs it with `cargo xtask test --skip-external`"
            );
        }
        let mut create = Command::new("python3");
        steps::call(create.args(["-m", "venv", "--clear"]).arg(&self.environment))?;
        let mut install = self.module("pip");
        install.args(["install", "--quiet", "--disable-pip-version-check"]);
        steps::call(install.args(["--requirement", "requirements.txt"]))
    }

    /// Returns a command which runs one of the folder's scripts.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = self.tool("python");
        command.arg(name);
        command
    }

    /// Returns a command which runs an installed module.
    pub(crate) fn module(&self, name: &str) -> Command {
        let mut command = self.tool("python");
        command.args(["-m", name]);
        command
    }

    /// Returns a command which runs an installed program and bypasses any proxy for loopback.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.environment.join("bin").join(name));
        command.current_dir(&self.scripts);
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
        let direct = env::var("NO_PROXY").map_or_else(|_| String::new(), |list| format!("{list},"));
        let direct = format!("{direct}127.0.0.1,localhost");
        command.env("NO_PROXY", &direct).env("no_proxy", &direct);
        command
    }
}
