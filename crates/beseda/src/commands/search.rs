//! `beseda search`: prints matching messages, with matches highlighted for people.

use std::fmt::Write;

use beseda_api::ContextType;
use beseda_archive::{Hit, Search, Snippet};

use crate::{archive_access, args::SearchArgs, output::Output, tables::printable};

/// Maximum number of continuations of a search that hit its scan limit.
const MAX_CONTINUATIONS: usize = 50;

pub(crate) fn run(args: SearchArgs, out: Output) -> anyhow::Result<()> {
    let archive = archive_access::open_existing(&args.archive)?;
    archive_access::update_index(&archive, out)?;
    let mut search = Search {
        query: args.query.join(" "),
        filter: args.among.into(),
        limit: args.limit.into(),
        before: args.before,
    };
    let mut found = archive.search(&search).map_err(archive_access::to_error)?;
    // A single search call scans a bounded number of messages, which suits a service; a person at a
    // terminal can wait for more.
    for _ in 0..MAX_CONTINUATIONS {
        if !found.ended_early {
            break;
        }
        search.before = found.next;
        search.limit = usize::from(args.limit) - found.hits.len();
        let more = archive.search(&search)?;
        found.hits.extend(more.hits);
        (found.next, found.ended_early) = (more.next, more.ended_early);
    }
    if out.is_json() {
        return out.document(&found);
    }
    for hit in &found.hits {
        out.say(format_hit(out, hit))?;
    }
    match found.next {
        Some(cursor) if found.ended_early => out.note(format_args!(
            "scan limit reached: --before {cursor} continues with older messages"
        )),
        Some(cursor) => out.note(format_args!("more results: --before {cursor} shows older ones")),
        None if found.hits.is_empty() => out.note("nothing was found"),
        None => {}
    }
    Ok(())
}

fn format_hit(out: Output, hit: &Hit) -> String {
    let mut head = vec![hit.created_at.to_string(), format!("chat {}", hit.chat_id)];
    if let Some(order) = hit.order_id {
        head.push(format!("order {order}"));
    }
    if let Some(ret) = hit.return_id {
        head.push(format!("return {ret}"));
    }
    if hit.context_type == ContextType::Direct {
        head.push("a question".to_owned());
    }
    head.push(match (&hit.operator, &hit.customer_name) {
        (Some(operator), _) => format!("{} ({})", hit.sender, printable(operator)),
        (None, Some(name)) => format!("{} with {}", hit.sender, printable(name)),
        (None, None) => hit.sender.to_string(),
    });
    let head = head.join("  ");
    let text = if hit.snippet.text.is_empty() {
        "(sticker)".to_owned()
    } else {
        highlight(out, &hit.snippet)
    };
    let text = text.replace('\n', "\n    ");
    if out.has_color() {
        format!("\x1b[2m{head}\x1b[0m\n    {text}")
    } else {
        format!("{head}\n    {text}")
    }
}

/// Returns the text with matches in bold yellow if the terminal has colours.
fn highlight(out: Output, snippet: &Snippet) -> String {
    if !out.has_color() {
        return printable(&snippet.text);
    }
    let chars: Vec<char> = snippet.text.chars().collect();
    let piece = |from: usize, to: usize| printable(&chars[from..to].iter().collect::<String>());
    let mut text = String::new();
    let mut at = 0;
    for &(start, end) in &snippet.highlights {
        // Writing to a String can't fail.
        write!(text, "{}\x1b[1;33m{}\x1b[0m", piece(at, start), piece(start, end)).ok();
        at = end;
    }
    text.push_str(&piece(at, chars.len()));
    text
}
