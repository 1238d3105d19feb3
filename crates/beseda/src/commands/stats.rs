//! `beseda stats`: prints response times as tables and writes their chart.

use std::{fs, path::Path};

use anyhow::Context;
use beseda_api::{Clock, SystemClock};
use beseda_archive::{
    ArchiveFilter,
    stats::{ChartLanguage, Quantiles, Stats, StatsGroup, StatsQuery},
};
use comfy_table::{CellAlignment, Table};

use crate::{
    archive_access,
    args::{LanguageArg, StatsArgs},
    output::Output,
    tables::{printable, with_headers},
};

/// Number of days shown in the table; JSON has all of them.
const DAYS: usize = 14;

pub(crate) fn run(args: StatsArgs, out: Output) -> anyhow::Result<()> {
    let archive = archive_access::open_existing(&args.archive)?;
    let question = StatsQuery {
        filter: ArchiveFilter {
            businesses: args.business,
            campaigns: args.campaign,
            since: args.span.since,
            until: args.span.until,
            ..ArchiveFilter::default()
        },
        working_hours: args.working_hours,
        offset: args.timezone,
        now: SystemClock.now(),
    };
    let stats = archive.stats(&question)?;
    let language = language(args.lang);
    if let Some(file) = &args.svg {
        write(file, stats.svg(language).as_bytes())?;
    }
    if let Some(file) = &args.png {
        write(file, &stats.png(language)?)?;
    }
    if out.is_json() { out.document(&stats) } else { print_tables(out, &stats) }
}

fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| format!("writing {}", file.display()))
}

fn language(option: Option<LanguageArg>) -> ChartLanguage {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default();
    match option {
        Some(LanguageArg::Ru) => ChartLanguage::Russian,
        None if locale.starts_with("ru") => ChartLanguage::Russian,
        _ => ChartLanguage::English,
    }
}

fn print_tables(out: Output, stats: &Stats) -> anyhow::Result<()> {
    out.say(format_args!(
        "messages: {} by customers, {} by the shop, {} by Market and support",
        stats.customer_messages, stats.shop_messages, stats.other_messages
    ))?;
    let waiting = &stats.backlog.waiting;
    out.say(format_args!(
        "waiting now: {} chats, half of them for {}, the longest for {}",
        waiting.count,
        duration(waiting.p50),
        duration(waiting.max)
    ))?;
    for open in stats.backlog.longest.iter().take(5) {
        let duration = duration(open.seconds);
        out.say(format_args!("  chat {} since {} ({duration})", open.chat_id, open.since))?;
    }
    let days = &stats.by_day[stats.by_day.len().saturating_sub(DAYS)..];
    let busy: Vec<StatsGroup> =
        stats.by_hour.iter().filter(|hour| hour.turns > 0).cloned().collect();
    let all = std::slice::from_ref(&stats.all);
    for (title, groups) in [
        ("ALL", all),
        ("HOUR", &busy),
        ("DAY", days),
        ("SHOP", &stats.by_shop),
        ("OPERATOR", &stats.by_operator),
    ] {
        if !groups.is_empty() {
            out.say("")?;
            out.table(table(out, title, groups))?;
        }
    }
    Ok(())
}

fn table(out: Output, title: &str, groups: &[StatsGroup]) -> Table {
    let mut table = with_headers(
        out,
        &[title, "TURNS", "FIRST p50", "p90", "ANSWERED", "ANSWER p50", "p90", "MEAN", "MAX"],
    );
    for group in groups {
        let StatsGroup { first_answer: first, answer, .. } = group;
        let of = |figures: &Quantiles, time_of: fn(&Quantiles) -> f64| {
            if figures.count == 0 { "—".to_owned() } else { duration(time_of(figures)) }
        };
        table.add_row(vec![
            printable(&group.name),
            group.turns.to_string(),
            of(first, |first| first.p50),
            of(first, |first| first.p90),
            answer.count.to_string(),
            of(answer, |answer| answer.p50),
            of(answer, |answer| answer.p90),
            of(answer, |answer| answer.mean),
            of(answer, |answer| answer.max),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Formats a duration in seconds for people.
fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds < 10.0 => format!("{seconds:.1} s"),
        _ if seconds < 100.0 => format!("{seconds:.0} s"),
        _ if seconds < 100.0 * 60.0 => format!("{:.0} min", seconds / 60.0),
        _ if seconds < 48.0 * 3_600.0 => format!("{:.1} h", seconds / 3_600.0),
        _ => format!("{:.1} d", seconds / 86_400.0),
    }
}
