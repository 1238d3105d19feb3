//! Shell completion scripts and manual pages, generated from the command line definition.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::{args::Cli, output::Output};

pub(crate) fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "beseda", &mut script);
    print(script)
}

pub(crate) fn manual(folder: Option<&Path>) -> anyhow::Result<()> {
    if let Some(folder) = folder {
        let write = || {
            std::fs::create_dir_all(folder)?;
            clap_mangen::generate_to(Cli::command(), folder)
        };
        return write().with_context(|| format!("can't write to {}", folder.display()));
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    print(page)
}

fn print(bytes: Vec<u8>) -> anyhow::Result<()> {
    Output::new(false).say(String::from_utf8(bytes)?.trim_end())
}
