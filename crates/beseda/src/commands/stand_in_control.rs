//! `beseda stand-in clock`, `faults`, `journal` and others: calls the admin API of a running
//! stand-in.

use std::{
    io::{Read, Write},
    path::Path,
    time::Duration,
};

use anyhow::Context;
use beseda_api::Error;
use beseda_client::StandInClient;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::{
    args::{ClockArgs, ControlCommand, FaultsArgs, JournalArgs},
    connect,
    exit_status::UsageError,
    output::Output,
    tables,
};

pub(crate) async fn run(command: ControlCommand, out: Output) -> anyhow::Result<()> {
    match command {
        ControlCommand::Clock(args) => {
            clock(connect::stand_in(&args.connection)?, out, args.what).await
        }
        ControlCommand::Faults(args) => {
            faults(connect::stand_in(&args.connection)?, out, args.what).await
        }
        ControlCommand::Journal(args) => {
            journal(connect::stand_in(&args.connection)?, out, args.what).await
        }
        ControlCommand::Reset(args) => {
            let client = connect::stand_in(&args.connection)?;
            client.post("reset", &json!({})).await?;
            out.say("reset")
        }
        ControlCommand::Seed(args) => {
            let client = connect::stand_in(&args.connection)?;
            let bar = bar()?;
            let on_progress = |done, all| {
                bar.set_length(all);
                bar.set_position(done);
            };
            let seeded =
                client.post_with_progress("seed", read(&args.what.file)?, on_progress).await;
            bar.finish_and_clear();
            out.document(&seeded.map_err(|error| in_file(error, &args.what.file))?)
        }
        ControlCommand::Snapshot(args) => {
            let client = connect::stand_in(&args.connection)?;
            let Some(name) = args.what.name else {
                return out.document(&client.read("snapshots", &[]).await?["snapshots"]);
            };
            let answer = client.post("snapshots", &json!({ "name": name })).await?;
            out.document(&answer["result"])
        }
        ControlCommand::Restore(args) => {
            let client = connect::stand_in(&args.connection)?;
            let name = args.what.name.ok_or_else(|| UsageError::error("no snapshot name given"))?;
            client.post(&format!("snapshots/{name}/restore"), &json!({})).await?;
            out.say(format!("restored {name}"))
        }
        ControlCommand::Export(args) => {
            let client = connect::stand_in(&args.connection)?;
            let document = client.read_bare("export").await?;
            write(&args.what.file, &serde_json::to_vec(&document)?)
        }
        ControlCommand::Import(args) => {
            let client = connect::stand_in(&args.connection)?;
            let answer = client.post_text("import", read(&args.what.file)?).await;
            answer.map_err(|error| in_file(error, &args.what.file))?;
            out.say("imported")
        }
    }
}

/// Returns a progress bar on standard error, hidden if that is not a terminal.
fn bar() -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} messages, {eta} left")?;
    Ok(ProgressBar::new(0).with_style(style))
}

async fn clock(client: StandInClient, out: Output, args: ClockArgs) -> anyhow::Result<()> {
    let reading = if let Some(now) = args.set {
        client.put("clock", &json!({ "mode": "manual", "now": now })).await?
    } else if let Some(seconds) = args.advance {
        client.post("clock/advance", &json!({ "seconds": seconds })).await?
    } else if args.stop {
        client.put("clock", &json!({ "mode": "manual" })).await?
    } else if args.real {
        client.put("clock", &json!({ "mode": "real" })).await?
    } else if args.resume {
        client.post("clock/resume", &json!({})).await?
    } else {
        json!({ "result": client.read("clock", &[]).await? })
    };
    let reading = &reading["result"];
    let facts = [("now", plain_text(&reading["now"])), ("mode", plain_text(&reading["mode"]))];
    out.show(reading, |_| tables::properties(&facts))
}

async fn faults(client: StandInClient, out: Output, args: FaultsArgs) -> anyhow::Result<()> {
    if let Some(rule) = args.add {
        let added = client.post_text("faults", rule.into_bytes()).await?;
        return out.document(&added["result"]);
    }
    if let Some(id) = args.remove {
        client.delete(&format!("faults/{id}")).await?;
        return out.say(format!("removed {id}"));
    }
    if args.clear {
        client.delete("faults").await?;
        return out.say("no faults");
    }
    let listed = client.read("faults", &[]).await?;
    if out.is_json() {
        return out.document(&listed);
    }
    for rule in listed["faults"].as_array().into_iter().flatten() {
        out.line(rule)?;
    }
    Ok(())
}

async fn journal(client: StandInClient, out: Output, args: JournalArgs) -> anyhow::Result<()> {
    let mut query = vec![("limit", args.limit.to_string())];
    query.extend(args.operation.map(|name| ("operation", name)));
    query.extend(args.status.map(|status| ("status", status)));
    query.extend(args.business.map(|business| ("businessId", business.to_string())));
    let mut after = 0;
    loop {
        let mut parameters = query.clone();
        parameters.push(("after", after.to_string()));
        let found = client.read("journal", &parameters).await?;
        for entry in found["entries"].as_array().into_iter().flatten() {
            after = entry["id"].as_u64().unwrap_or(after).max(after);
            if args.curl {
                out.say(plain_text(&entry["curl"]))?;
            } else if out.is_json() {
                out.line(entry)?;
            } else {
                out.say(entry_line(entry))?;
            }
        }
        if !args.follow {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Formats a journal entry for people.
fn entry_line(entry: &Value) -> String {
    let status = entry["status"].as_u64().map_or("---".to_owned(), |status| status.to_string());
    let mut entry_line = format!(
        "{:>5}  {}  {status}  {:<18} {} {}",
        plain_text(&entry["id"]),
        plain_text(&entry["at"]),
        plain_text(&entry["operation"]),
        plain_text(&entry["method"]),
        plain_text(&entry["target"]),
    );
    for (name, sign) in [("reason", "       "), ("advice", "       advice: ")] {
        if let Some(text) = entry[name].as_str() {
            entry_line.push('\n');
            entry_line.push_str(sign);
            entry_line.push_str(text);
        }
    }
    entry_line
}

/// Prefixes the messages of an error with the name of the file it is about.
fn in_file(error: Error, file: &Path) -> Error {
    let Error::Api(mut refused) = error else { return error };
    for fault in &mut refused.items {
        let said = fault.message.take().unwrap_or_default();
        fault.message = Some(format!("{}: {said}", file.display()));
    }
    Error::Api(refused)
}

/// Returns a JSON value as text, without quotes around strings.
fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("can't read {}", file.display()))
}

fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if file == Path::new("-") {
        return Ok(std::io::stdout().lock().write_all(bytes)?);
    }
    std::fs::write(file, bytes).with_context(|| format!("can't write {}", file.display()))
}
