//! `beseda scenario`: plays scenario files against a service, records them, and validates them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::bail;
use beseda_api::{BusinessId, ChatsApi, Clock, SystemClock};
use beseda_client::ChatsExt;
use beseda_scenario::{
    FileSource, RunState, Scenario, ScenarioReport, ScenarioWorld, ShopPart, play, record,
};
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;

use crate::{
    args::{ScenarioArgs, ScenarioCommand},
    connect,
    exit_status::UsageError,
    output::Output,
};

/// Polling interval of waits, far below the hourly limits.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

pub(crate) async fn run(args: ScenarioArgs, out: Output) -> anyhow::Result<()> {
    match &args.command {
        ScenarioCommand::Check { files } => {
            let read = read(files)?;
            let names: Vec<&str> = read.iter().map(|(_, read)| read.name.as_str()).collect();
            if out.is_json() {
                return out.document(&json!({ "scenarios": names }));
            }
            let counted = match names.len() {
                1 => "1 scenario is".to_owned(),
                many => format!("{many} scenarios are"),
            };
            out.say(format!("{counted} valid"))
        }
        ScenarioCommand::Record { chat, with_shop } => {
            let shop = connect::ShopClient::connect(&args.connection, &args.cabinet, &[]).await?;
            let messages = shop.client.history_sorted(shop.business, *chat, None).await?;
            let chat = shop.client.get_chat(shop.business, *chat).await?;
            let part = if *with_shop { ShopPart::Scripted } else { ShopPart::Awaited };
            let text = record(&chat, &messages, part);
            if out.is_json() {
                return out.document(&json!({ "scenario": text }));
            }
            out.say(text.trim_end())
        }
        ScenarioCommand::Run { files } => {
            // Validate all files before playing the first.
            let read = read(files)?;
            let (market, business) = connect::market(&args.connection, &args.cabinet).await?;
            let shop = connect::shop_from_env(&args.connection, &args.cabinet)?;
            let world = ScenarioWorld::remote(Arc::new(market), Arc::new(shop), POLL_INTERVAL);
            let mut failed = 0;
            for (path, scenario) in &read {
                let business = scenario.cabinet.unwrap_or(business);
                let report = show(out, path, scenario, &world, business).await?;
                failed += usize::from(report.state != RunState::Done);
            }
            match failed {
                0 => Ok(()),
                _ => bail!("{failed} of {} scenarios failed", read.len()),
            }
        }
    }
}

/// Parses all files and reports every error of each.
fn read(files: &[PathBuf]) -> anyhow::Result<Vec<(&Path, Scenario)>> {
    let (mut good, mut wrong) = (Vec::new(), Vec::new());
    for path in files {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| UsageError::error(format!("can't read {shown}: {error}")))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        match Scenario::parse(&text, &FileSource::Folder(folder)) {
            Ok(scenario) => good.push((path.as_path(), scenario)),
            Err(errors) => wrong.push(errors.report(&shown)),
        }
    }
    if wrong.is_empty() { Ok(good) } else { Err(UsageError::error(wrong.join("\n"))) }
}

/// Plays a scenario and prints each step when it is done.
async fn show(
    out: Output,
    path: &Path,
    scenario: &Scenario,
    world: &ScenarioWorld,
    business: BusinessId,
) -> anyhow::Result<ScenarioReport> {
    #[derive(Serialize)]
    struct Line<'a> {
        file: &'a str,
        #[serde(flatten)]
        report: &'a ScenarioReport,
    }
    let (told, mut report) = watch::channel(ScenarioReport::start(scenario, SystemClock.now()));
    if !out.is_json() {
        out.say(format!("{}: {}", path.display(), scenario.name))?;
    }
    let mut shown = 0;
    let mut playing = std::pin::pin!(play(scenario, world, business, &told));
    loop {
        let ended = tokio::select! {
            () = &mut playing => true,
            _ = report.changed() => false,
        };
        let now = report.borrow_and_update().clone();
        if !out.is_json() {
            for done in &now.steps[shown..] {
                let note = done.note.iter().map(|note| format!(" ({note})")).collect::<String>();
                out.say(format!("  {} line {}: {}{note}", done.at, done.line, done.step))?;
            }
        }
        shown = now.steps.len();
        if !ended {
            continue;
        }
        if out.is_json() {
            let file = path.display().to_string();
            out.line(&Line { file: &file, report: &now })?;
        } else if let Some(failure) = &now.failure {
            out.say(format!(
                "  failed: {}:{}: {}: {}",
                path.display(),
                failure.line,
                failure.step,
                failure.reason
            ))?;
        } else {
            out.say("  done")?;
        }
        return Ok(now);
    }
}
