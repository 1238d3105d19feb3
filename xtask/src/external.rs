//! External tools against a running stand-in: schemathesis and clients generated from OpenAPI
//! documents. Their scripts are in `tests/external`.

mod own_back_end;
mod stand_in;
mod strict;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use self::stand_in::StandInProcess;
use crate::{paths, programs, python::Python, steps, steps::Steps};

const GENERATIONS: [&str; 2] = ["2026", "2024"];
const FUZZ_SECONDS: u64 = 170;
const CLIENT_TIMEOUT: Duration = Duration::from_secs(90);

/// Runs only these steps, on the given binary or a release build.
pub(crate) fn run(binary: Option<PathBuf>) -> Result<()> {
    let mut steps = Steps::default();
    add(&mut steps, binary);
    steps.finish()
}

/// Adds the steps.
pub(crate) fn add(steps: &mut Steps, binary: Option<PathBuf>) {
    let built = match &binary {
        Some(_) => true,
        None => steps.run("build the binary for the external tools", programs::build_release),
    };
    let mut python = None;
    let prepared = steps.run("prepare the external tools", || {
        fs::create_dir_all(paths::external())?;
        python = Some(Python::prepare("tests/external", "external-venv")?);
        Ok(())
    });
    let (true, true, Some(python)) = (built, prepared, python) else { return };
    let tools = ExternalTools { binary: binary.unwrap_or_else(programs::release), python };
    match paths::contract() {
        Some(dir) => {
            for generation in GENERATIONS {
                let document = dir.join(format!("chats-{generation}.yaml"));
                tools.test_generation(steps, generation, &document);
            }
            let document = dir.join("chats-2024.yaml");
            strict::add(steps, &tools.binary, &tools.python, &document);
            tools.test_own_back_end(steps);
        }
        None => tools.test_without_contract(steps),
    }
    steps.run("schemathesis over the marketplace's side and administration", || {
        tools.fuzz_own_surfaces()
    });
}

struct ExternalTools {
    binary: PathBuf,
    python: Python,
}

impl ExternalTools {
    /// Adds both tools for one generation of the API, each with a new stand-in.
    fn test_generation(&self, steps: &mut Steps, generation: &str, document: &Path) {
        let document = document.to_string_lossy();
        steps.run(&format!("schemathesis over the document of {generation}"), || {
            self.fuzz(generation, |_| document.to_string())
        });
        steps.run(&format!("a client generated from the document of {generation}"), || {
            self.run_generated_client(generation, &document)
        });
    }

    /// Adds the generated clients against the example `own_back_end`.
    fn test_own_back_end(&self, steps: &mut Steps) {
        if !steps.run("build the example own_back_end", programs::build_debug) {
            return;
        }
        for generation in GENERATIONS {
            let name = format!("a client generated from {generation} and a back end of one's own");
            let client = paths::external().join(format!("client-{generation}"));
            steps.run(&name, || {
                own_back_end::run_generated_client(&self.python, generation, &client)
            });
        }
    }

    /// Adds the steps that don't need the published documents.
    fn test_without_contract(&self, steps: &mut Steps) {
        println!(
            "\nThe published documents are not here: schemathesis runs over the server's own document, \
             and no clients are generated. Set {} to test against the published ones.",
            paths::CONTRACT_DIR
        );
        steps.run("schemathesis over the server's own document", || {
            self.fuzz("own", |stand_in| format!("{}/openapi.json", stand_in.url()))
        });
    }

    fn fuzz(&self, name: &str, document: impl FnOnce(&StandInProcess) -> String) -> Result<()> {
        let limits = ["--limits", "off"];
        StandInProcess::run(&self.binary, &limits, &format!("fuzz-{name}"), |stand_in| {
            let mut command = self.python.script("fuzz.py");
            command.args(["--document", &document(stand_in), "--name", name]);
            command.args(["--seconds", &FUZZ_SECONDS.to_string(), "--folder"]);
            command.arg(paths::external()).env("BESEDA_STAND_IN", stand_in.line());
            steps::call_with_timeout(Duration::from_secs(FUZZ_SECONDS + 20), &mut command)
        })
    }

    /// Runs schemathesis over the marketplace's and administration's own documents.
    fn fuzz_own_surfaces(&self) -> Result<()> {
        StandInProcess::run(&self.binary, &[], "surfaces", |stand_in| {
            let mut command = self.python.script("surfaces.py");
            command.arg("--folder").arg(paths::external()).env("BESEDA_STAND_IN", stand_in.line());
            steps::call_with_timeout(Duration::from_secs(2 * FUZZ_SECONDS), &mut command)
        })
    }

    fn run_generated_client(&self, generation: &str, document: &str) -> Result<()> {
        let client = paths::external().join(format!("client-{generation}"));
        let package = format!("chats_{generation}");
        // Makes the client refuse fields that are not in the document.
        let strict = "disallowAdditionalPropertiesIfNotPresent=true";
        let options = ["--package-name", &package, "--additional-properties", strict];
        generate(&self.python, "python", Path::new(document), &client, &options)
            .with_context(|| format!("no client of {generation}"))?;
        let limits = ["--limits", generation];
        StandInProcess::run(&self.binary, &limits, &format!("client-{generation}"), |stand_in| {
            let mut command = self.python.module("pytest");
            command.args(["--quiet", "-p", "no:cacheprovider"]);
            command.arg(format!("conversation/test_{generation}.py"));
            command.env("PYTHONPATH", &client).env("BESEDA_STAND_IN", stand_in.line());
            steps::call_with_timeout(CLIENT_TIMEOUT, &mut command)
        })
    }
}

/// Generates a client from a document into a new folder under `target/`.
fn generate(
    python: &Python,
    generator: &str,
    document: &Path,
    folder: &Path,
    options: &[&str],
) -> Result<()> {
    if !steps::succeeds(Command::new("java").arg("-version")) {
        bail!(
            "openapi-generator needs Java: `apt-get install default-jre-headless`, or leave the \
             external tools out with `cargo xtask test --skip-external`"
        );
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("can't clear {}", folder.display()))?;
    }
    let log = folder.with_extension("log");
    let mut command = python.tool("openapi-generator-cli");
    command.args(["generate", "--generator-name", generator, "--input-spec"]).arg(document);
    command
        .args(["--global-property", "apis,models,supportingFiles,apiTests=false,modelTests=false"]);
    command.args(options).arg("--output").arg(folder);
    let output = fs::File::create(&log)?;
    command.stdout(output.try_clone()?).stderr(output);
    steps::call_with_timeout(CLIENT_TIMEOUT, &mut command)
        .with_context(|| format!("nothing was generated, see {}", log.display()))
}
