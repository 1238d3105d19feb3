//! Resuming a text export: finds the last complete row and cuts off an incomplete one.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use super::{
    Format, pieces,
    rows::ExportTable,
    text::{MARK, header},
};
use crate::{Error, Result};

/// Cuts off an incomplete line and returns the cursor of the last one: `None` without a file to
/// resume, `Some(None)` if it has only a header.
pub(super) fn cut(file: &Path, format: Format, table: ExportTable) -> Result<Option<Option<i64>>> {
    let mut found = match OpenOptions::new().read(true).write(true).open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let foreign = |why| Error::Resume { file: file.into(), why };
    let length = found.metadata()?.len();
    let header = header(format, table)?;
    let mut begin = Vec::new();
    found.by_ref().take(header.len() as u64).read_to_end(&mut begin)?;
    if begin.len() < header.len() && header.starts_with(&begin) {
        // The earlier export stopped before writing its header.
        return Ok(None);
    }
    if begin != header {
        return Err(foreign("its header is another one: was it made with other options?"));
    }
    let quoted = matches!(format, Format::Csv | Format::Excel);
    let (last, end) = last_record(&mut found, quoted)?;
    if end < length {
        found.set_len(end)?;
    }
    if end <= header.len() as u64 {
        // JSON lines have no header: an empty file is a new one.
        return Ok(quoted.then_some(None));
    }
    let line = between(&mut found, last, end)?;
    let cursor = if quoted { csv_cursor(&line, format) } else { json_cursor(&line, table) };
    cursor
        .map(|cursor| Some(Some(cursor)))
        .ok_or_else(|| foreign("its last line isn't an export's"))
}

/// Returns the start and end of the last complete line. A line break within quotes is text.
fn last_record(file: &mut File, quoted: bool) -> io::Result<(u64, u64)> {
    let (mut last, mut end, mut at) = (0, 0, 0_u64);
    let mut inside = false;
    pieces(file, |piece| {
        for byte in piece {
            at += 1;
            match byte {
                b'"' if quoted => inside = !inside,
                b'\n' if !inside => (last, end) = (end, at),
                _ => {}
            }
        }
    })?;
    Ok((last, end))
}

fn between(file: &mut File, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(to - from).read_to_end(&mut line)?;
    Ok(line)
}

fn csv_cursor(line: &[u8], format: Format) -> Option<i64> {
    let line = line.strip_prefix(MARK.as_bytes()).unwrap_or(line);
    let delimiter = if format == Format::Excel { b';' } else { b',' };
    let first = line.split(|byte| *byte == delimiter).next()?;
    std::str::from_utf8(first).ok()?.parse().ok()
}

fn json_cursor(line: &[u8], table: ExportTable) -> Option<i64> {
    let row: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).ok()?;
    let of_chats = !table.names().any(|name| name == "messageId");
    // Messages have an id and chats have none; an export of one can't resume the other.
    (row.contains_key("messageId") != of_chats).then(|| row.get("cursor")?.as_i64())?
}
