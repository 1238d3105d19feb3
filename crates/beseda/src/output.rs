//! Standard output: JSON for machines, tables for people. What a table holds stands in `tables.rs`.

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

use beseda_api::wire::Envelope;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

/// Nobody reads our output any more: no reason for words.
#[derive(Debug)]
pub(crate) struct Closed;

impl Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the output is closed")
    }
}

impl std::error::Error for Closed {}

/// Where results go, and how.
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

    pub(crate) fn has_colour(self) -> bool {
        self.colour
    }

    /// The value as one JSON document, or what a person wants to see of it.
    pub(crate) fn show<T: Serialize>(
        self,
        value: &T,
        table: impl FnOnce(Self) -> Table,
    ) -> anyhow::Result<()> {
        if self.json { self.document(value) } else { self.table(table(self)) }
    }

    /// One JSON document: indented for a terminal, on one line for a program.
    pub(crate) fn document<T: Serialize>(self, value: &T) -> anyhow::Result<()> {
        let text = if self.terminal {
            serde_json::to_string_pretty(value)?
        } else {
            serde_json::to_string(value)?
        };
        self.say(text)
    }

    /// One line of JSON among others.
    pub(crate) fn line<T: Serialize>(self, value: &T) -> anyhow::Result<()> {
        self.say(serde_json::to_string(value)?)
    }

    /// A table without lines, as wide as the terminal, or as wide as it wants to be.
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

    /// A line of text.
    pub(crate) fn say(self, text: impl Display) -> anyhow::Result<()> {
        match writeln!(io::stdout().lock(), "{text}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
            written => Ok(written?),
        }
    }

    /// Reports success of an operation without a result: one word for people, the API's empty envelope as JSON.
    pub(crate) fn done(self, word: &str) -> anyhow::Result<()> {
        if self.json { self.document(&Envelope::empty()) } else { self.say(word) }
    }

    /// Something besides the result, for people.
    pub(crate) fn note(self, text: impl Display) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}
