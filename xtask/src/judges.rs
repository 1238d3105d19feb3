//! The judges: programs nobody here wrote, against the released binary's stand-in. What they ask lies in `tests/judges`.

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

use self::stand_in::StandIn;
use crate::{place, programs, python::Python, steps, steps::Steps};

const GENERATIONS: [&str; 2] = ["2026", "2024"];
const FUZZ_SECONDS: u64 = 170;
const CONVERSATION: Duration = Duration::from_secs(90);

/// Runs the judges alone, on a binary made elsewhere or on one built now.
pub(crate) fn run(binary: Option<PathBuf>) -> Result<()> {
    let mut steps = Steps::default();
    add(&mut steps, binary);
    steps.finish()
}

/// The judges' steps.
pub(crate) fn add(steps: &mut Steps, binary: Option<PathBuf>) {
    let built = match &binary {
        Some(_) => true,
        None => steps.run("build the binary for the judges", programs::build_release),
    };
    let mut python = None;
    let prepared = steps.run("prepare the judges", || {
        fs::create_dir_all(place::judges())?;
        python = Some(Python::prepare("tests/judges", "judges-venv")?);
        Ok(())
    });
    let (true, true, Some(python)) = (built, prepared, python) else { return };
    let judge = Judge { binary: binary.unwrap_or_else(programs::release), python };
    match place::contract() {
        Some(dir) => {
            for generation in GENERATIONS {
                let document = dir.join(format!("chats-{generation}.yaml"));
                judge.hold_against(steps, generation, &document);
            }
            let document = dir.join("chats-2024.yaml");
            strict::add(steps, &judge.binary, &judge.python, &document);
            judge.hold_own_back_end(steps);
        }
        None => judge.hold_against_own(steps),
    }
    steps.run("schemathesis over the marketplace's side and administration", || {
        judge.fuzz_surfaces()
    });
}

struct Judge {
    binary: PathBuf,
    python: Python,
}

impl Judge {
    /// Both judges of one generation, each with a fresh stand-in.
    fn hold_against(&self, steps: &mut Steps, generation: &str, document: &Path) {
        let document = document.to_string_lossy();
        steps.run(&format!("schemathesis over the document of {generation}"), || {
            self.fuzz(generation, |_| document.to_string())
        });
        steps.run(&format!("a client generated from the document of {generation}"), || {
            self.converse(generation, &document)
        });
    }

    /// The example of a back end of one's own, with the clients that were generated for the stand-in.
    fn hold_own_back_end(&self, steps: &mut Steps) {
        if !steps.run("build the example own_back_end", programs::build_debug) {
            return;
        }
        for generation in GENERATIONS {
            let name = format!("a client generated from {generation} and a back end of one's own");
            let client = place::judges().join(format!("client-{generation}"));
            steps.run(&name, || own_back_end::converse(&self.python, generation, &client));
        }
    }

    /// What can be held without the published documents.
    fn hold_against_own(&self, steps: &mut Steps) {
        println!(
            "\nThe published documents are not here: schemathesis runs over the server's own document, \
             and no clients are generated. Set {} to judge by the published ones.",
            place::CONTRACT_DIR
        );
        steps.run("schemathesis over the server's own document", || {
            self.fuzz("own", |stand_in| format!("{}/openapi.json", stand_in.url()))
        });
    }

    fn fuzz(&self, name: &str, document: impl FnOnce(&StandIn) -> String) -> Result<()> {
        let limits = ["--limits", "off"];
        StandIn::judge(&self.binary, &limits, &format!("fuzz-{name}"), |stand_in| {
            let mut command = self.python.script("fuzz.py");
            command.args(["--document", &document(stand_in), "--name", name]);
            command.args(["--seconds", &FUZZ_SECONDS.to_string(), "--folder"]);
            command.arg(place::judges()).env("BESEDA_STAND_IN", stand_in.line());
            steps::call_within(Duration::from_secs(FUZZ_SECONDS + 20), &mut command)
        })
    }

    /// The surfaces that are our own, which need no published document.
    fn fuzz_surfaces(&self) -> Result<()> {
        StandIn::judge(&self.binary, &[], "surfaces", |stand_in| {
            let mut command = self.python.script("surfaces.py");
            command.arg("--folder").arg(place::judges()).env("BESEDA_STAND_IN", stand_in.line());
            steps::call_within(Duration::from_secs(2 * FUZZ_SECONDS), &mut command)
        })
    }

    fn converse(&self, generation: &str, document: &str) -> Result<()> {
        let client = place::judges().join(format!("client-{generation}"));
        let package = format!("chats_{generation}");
        // Answers with fields that the document doesn't have are refused.
        let strict = "disallowAdditionalPropertiesIfNotPresent=true";
        let options = ["--package-name", &package, "--additional-properties", strict];
        generate(&self.python, "python", Path::new(document), &client, &options)
            .with_context(|| format!("no client of {generation}"))?;
        let limits = ["--limits", generation];
        StandIn::judge(&self.binary, &limits, &format!("client-{generation}"), |stand_in| {
            let mut command = self.python.module("pytest");
            command.args(["--quiet", "-p", "no:cacheprovider"]);
            command.arg(format!("conversation/test_{generation}.py"));
            command.env("PYTHONPATH", &client).env("BESEDA_STAND_IN", stand_in.line());
            steps::call_within(CONVERSATION, &mut command)
        })
    }
}

/// Generates a client of a document into a folder of its own; its code is never kept in the repository.
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
             judges out with `cargo xtask test --skip-judges`"
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
    steps::call_within(CONVERSATION, &mut command)
        .with_context(|| format!("nothing was generated, see {}", log.display()))
}
