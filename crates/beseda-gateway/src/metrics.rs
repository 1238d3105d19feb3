//! Metrics of the gateway in Prometheus text format. Written by hand: the server appends them to
//! its own.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use beseda_api::Endpoint;

use crate::scheduler::CallScheduler;

/// Number of operations the gateway calls: the first ones of [`Endpoint::ALL`].
const OPERATIONS: usize = 7;

/// Counters since the start of the process.
#[derive(Default)]
pub(crate) struct GatewayMetrics {
    upstream_calls: [AtomicU64; OPERATIONS],
    upstream_failures: [AtomicU64; OPERATIONS],
    pub(crate) coalesced_reads: AtomicU64,
    pub(crate) archive_hits: AtomicU64,
    waits: AtomicU64,
    wait_micros: AtomicU64,
    pub(crate) queue_rejections: AtomicU64,
    pub(crate) repeated_sends: AtomicU64,
    pub(crate) send_reconciliations: AtomicU64,
}

/// Increments a counter.
pub(crate) fn increment(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn operation_index(endpoint: &Endpoint) -> usize {
    let index = Endpoint::ALL.iter().position(|known| known.name == endpoint.name);
    index.unwrap_or_default().min(OPERATIONS - 1)
}

impl GatewayMetrics {
    /// Counts an upstream call.
    pub(crate) fn record_upstream_call(&self, endpoint: &Endpoint) {
        increment(&self.upstream_calls[operation_index(endpoint)]);
    }

    /// Counts an upstream call that failed without a refusal of the API.
    pub(crate) fn record_upstream_failure(&self, endpoint: &Endpoint) {
        increment(&self.upstream_failures[operation_index(endpoint)]);
    }

    /// Counts a call that waited in the queue.
    pub(crate) fn record_wait(&self, waited: Duration) {
        increment(&self.waits);
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.wait_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Returns all metrics in Prometheus text format.
    pub(crate) fn render(&self, scheduler: &CallScheduler) -> String {
        let mut text = String::with_capacity(4096);
        // Writing to a String can't fail.
        let _ = self.write(&mut text, scheduler);
        text
    }

    fn write(&self, text: &mut String, scheduler: &CallScheduler) -> std::fmt::Result {
        let by_operation = [
            ("upstream_calls_total", "Upstream calls.", &self.upstream_calls),
            ("upstream_failures_total", "Failed upstream calls.", &self.upstream_failures),
        ];
        for (name, help, counters) in by_operation {
            let name = write_header(text, name, help, "counter")?;
            for (counter, endpoint) in counters.iter().zip(Endpoint::ALL) {
                let count = counter.load(Ordering::Relaxed);
                writeln!(text, "{name}{{operation=\"{}\"}} {count}", endpoint.name)?;
            }
        }
        for (name, help, counter) in [
            (
                "coalesced_reads_total",
                "Reads that shared the upstream call of an equal read.",
                &self.coalesced_reads,
            ),
            (
                "archive_hits_total",
                "History pages and messages served from the archive.",
                &self.archive_hits,
            ),
            (
                "queue_rejections_total",
                "Calls rejected because no permit was available before their deadline.",
                &self.queue_rejections,
            ),
            (
                "repeated_sends_total",
                "Sends answered with the stored response of their Idempotency-Key.",
                &self.repeated_sends,
            ),
            (
                "send_reconciliations_total",
                "Uncertain sends reconciled with the chat history.",
                &self.send_reconciliations,
            ),
            ("queue_waits_total", "Calls that waited in the queue.", &self.waits),
        ] {
            let name = write_header(text, name, help, "counter")?;
            writeln!(text, "{name} {}", counter.load(Ordering::Relaxed))?;
        }
        let help = "Total time that calls waited in the queue.";
        let name = write_header(text, "queue_wait_seconds_total", help, "counter")?;
        let waited = Duration::from_micros(self.wait_micros.load(Ordering::Relaxed));
        writeln!(text, "{name} {}", waited.as_secs_f64())?;
        write_gauges(text, scheduler)
    }
}

/// Writes the `HELP` and `TYPE` lines of a metric and returns its full name.
fn write_header(
    text: &mut String,
    name: &str,
    help: &str,
    kind: &str,
) -> Result<String, std::fmt::Error> {
    let name = format!("beseda_gateway_{name}");
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
    Ok(name)
}

/// Writes queue lengths and remaining budgets.
fn write_gauges(text: &mut String, scheduler: &CallScheduler) -> std::fmt::Result {
    let name = write_header(text, "queue_length", "Calls in the queue.", "gauge")?;
    let queues = scheduler.queue_lengths();
    for (business, [interactive, background]) in &queues {
        for (priority, length) in [("interactive", interactive), ("background", background)] {
            let labels = format!("business=\"{business}\",priority=\"{priority}\"");
            writeln!(text, "{name}{{{labels}}} {length}")?;
        }
    }
    let help = "Calls left in the upstream's hourly budget.";
    let name = write_header(text, "upstream_remaining", help, "gauge")?;
    for (business, _) in &queues {
        for endpoint in Endpoint::ALL.iter().take(OPERATIONS) {
            if let Some(budget) = scheduler.budget(*business, endpoint) {
                let labels = format!("business=\"{business}\",operation=\"{}\"", endpoint.name);
                writeln!(text, "{name}{{{labels}}} {}", budget.remaining)?;
            }
        }
    }
    Ok(())
}
