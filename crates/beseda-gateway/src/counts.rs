//! What the gateway counts for `/metrics`. Only counting.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

use beseda_api::Endpoint;

use crate::lanes::Lanes;

const OPERATIONS: usize = 7;

/// Counters since the start.
#[derive(Default)]
pub(crate) struct Counts {
    upstream: [AtomicU64; OPERATIONS],
    failed: [AtomicU64; OPERATIONS],
    pub(crate) coalesced: AtomicU64,
    pub(crate) archived: AtomicU64,
    pub(crate) waited: AtomicU64,
    pub(crate) waited_micros: AtomicU64,
    pub(crate) no_turn: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) doubts: AtomicU64,
}

/// One more.
pub(crate) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn place(endpoint: &Endpoint) -> usize {
    let known = Endpoint::ALL.iter().position(|known| known.name == endpoint.name);
    known.unwrap_or_default().min(OPERATIONS - 1)
}

impl Counts {
    /// A call went up.
    pub(crate) fn called(&self, endpoint: &Endpoint) {
        add(&self.upstream[place(endpoint)]);
    }

    /// A call came to nothing.
    pub(crate) fn failed(&self, endpoint: &Endpoint) {
        add(&self.failed[place(endpoint)]);
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn render(&self, lanes: &Lanes) -> String {
        let mut text = String::with_capacity(4096);
        // Writing to a String can't fail.
        let _ = self.write(&mut text, lanes);
        text
    }

    fn write(&self, text: &mut String, lanes: &Lanes) -> std::fmt::Result {
        let by_operation = [
            ("beseda_gateway_upstream_calls_total", "Calls made upstream.", &self.upstream),
            ("beseda_gateway_upstream_failures_total", "Calls upstream that broke.", &self.failed),
        ];
        for (name, help, counters) in by_operation {
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter")?;
            for (counter, endpoint) in counters.iter().zip(Endpoint::ALL) {
                let count = counter.load(Ordering::Relaxed);
                writeln!(text, "{name}{{operation=\"{}\"}} {count}", endpoint.name)?;
            }
        }
        for (name, help, counter) in [
            ("coalesced_total", "Reads answered by another one's call.", &self.coalesced),
            (
                "archived_pages_total",
                "Pages of histories and messages answered by the archive.",
                &self.archived,
            ),
            ("no_turn_total", "Calls refused because no turn came in time.", &self.no_turn),
            ("repeated_sends_total", "Sends answered by their Idempotency-Key.", &self.repeated),
            ("doubts_total", "Sends about which the history was asked.", &self.doubts),
            ("waits_total", "Calls that had to wait for their turn.", &self.waited),
        ] {
            let count = counter.load(Ordering::Relaxed);
            let name = format!("beseda_gateway_{name}");
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {count}")?;
        }
        let micros = self.waited_micros.load(Ordering::Relaxed);
        let seconds = std::time::Duration::from_micros(micros).as_secs_f64();
        let name = "beseda_gateway_wait_seconds_total";
        writeln!(
            text,
            "# HELP {name} Time spent waiting for turns.\n# TYPE {name} counter\n{name} {seconds}"
        )?;
        write_state(text, lanes)
    }
}

/// Queues and budgets as they are now.
fn write_state(text: &mut String, lanes: &Lanes) -> std::fmt::Result {
    let (waiting, left) = ("beseda_gateway_waiting", "beseda_gateway_upstream_remaining");
    writeln!(text, "# HELP {waiting} Calls waiting for their turn.\n# TYPE {waiting} gauge")?;
    let queues = lanes.waiting();
    for (business, [people, machines]) in &queues {
        for (priority, count) in [("interactive", people), ("background", machines)] {
            let labels = format!("business=\"{business}\",priority=\"{priority}\"");
            writeln!(text, "{waiting}{{{labels}}} {count}")?;
        }
    }
    writeln!(
        text,
        "# HELP {left} Calls the upstream allows in the rest of the hour.\n# TYPE {left} gauge"
    )?;
    for (business, _) in &queues {
        for endpoint in Endpoint::ALL.iter().take(OPERATIONS) {
            if let Some(state) = lanes.left(*business, endpoint) {
                let labels = format!("business=\"{business}\",operation=\"{}\"", endpoint.name);
                writeln!(text, "{left}{{{labels}}} {}", state.remaining)?;
            }
        }
    }
    Ok(())
}
