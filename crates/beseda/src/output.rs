//! Standard output: JSON for programs, tables for people.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use beseda_api::wire::Envelope;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

/// Error of a closed standard output, which ends the command silently.
#[derive(Debug)]
pub(crate) struct StdoutClosed;

impl Display for StdoutClosed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("standard output is closed")
    }
}

impl std::error::Error for StdoutClosed {}

/// Format and destination of results.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    terminal: bool,
    colour: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { json, terminal, colour: terminal && !set("NO_COLOR") && !dumb }
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    pub(crate) fn has_color(self) -> bool {
        self.colour
    }

    /// Prints the value as a JSON document, or as a table for people.
    pub(crate) fn show<T: Serialize>(
        self,
        value: &T,
        table: impl FnOnce(Self) -> Table,
    ) -> anyhow::Result<()> {
        if self.json { self.document(value) } else { self.table(table(self)) }
    }

    /// Prints a JSON document: indented on a terminal, else on one line.
    pub(crate) fn document<T: Serialize>(self, value: &T) -> anyhow::Result<()> {
        let text = if self.terminal {
            serde_json::to_string_pretty(value)?
        } else {
            serde_json::to_string(value)?
        };
        self.say(text)
    }

    /// Prints one line of JSON.
    pub(crate) fn line<T: Serialize>(self, value: &T) -> anyhow::Result<()> {
        self.say(serde_json::to_string(value)?)
    }

    /// Prints a table without borders, as wide as the terminal or, elsewhere, as its contents.
    pub(crate) fn table(self, mut table: Table) -> anyhow::Result<()> {
        let arrangement =
            if self.terminal { ContentArrangement::Dynamic } else { ContentArrangement::Disabled };
        table.load_preset(comfy_table::presets::NOTHING).set_content_arrangement(arrangement);
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        self.say(lines.join("\n"))
    }

    /// Prints a line of text.
    pub(crate) fn say(self, text: impl Display) -> anyhow::Result<()> {
        match writeln!(io::stdout().lock(), "{text}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(StdoutClosed.into()),
            written => Ok(written?),
        }
    }

    /// Reports success of an operation without a result: a word for people, the API's empty
    /// envelope as JSON.
    pub(crate) fn done(self, word: &str) -> anyhow::Result<()> {
        if self.json { self.document(&Envelope::empty()) } else { self.say(word) }
    }

    /// Prints a note to standard error, unless the output is JSON.
    pub(crate) fn note(self, text: impl Display) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}
