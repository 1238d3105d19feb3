//! Metrics of one router in the text format of Prometheus. Plain atomics, since a process may run
//! several servers.

use std::{
    fmt::Write,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use http::{Method, StatusCode};

use crate::router::{Operation, Route};

const STATUSES: [u16; 15] =
    [200, 206, 304, 400, 401, 403, 404, 405, 415, 416, 420, 431, 500, 503, 0];
const BUCKETS_MICROS: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000];
const LABELS: usize = RouteLabel::ALL.len();

/// Kind of a request, for metrics and log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteLabel {
    Operation(Operation),
    /// Published path with an unsupported method.
    NoOperation,
    File,
    Market,
    Admin,
    ServerPage,
    Unknown,
}

impl RouteLabel {
    const ALL: [&'static str; 15] = [
        "getChats",
        "getChat",
        "getChatHistory",
        "getChatMessage",
        "createChat",
        "sendMessageToChat",
        "sendFileToChat",
        "getCampaigns",
        "getAuthTokenInfo",
        "noOperation",
        "file",
        "market",
        "admin",
        "page",
        "unknown",
    ];

    pub(crate) fn of(route: Route<'_>, method: &Method) -> Self {
        match route {
            Route::Api { resource, .. } => {
                resource.operation(method).map_or(Self::NoOperation, Self::Operation)
            }
            Route::File(_) => Self::File,
            Route::Market(_) => Self::Market,
            Route::Admin(_) => Self::Admin,
            Route::Page(_) | Route::DocsFile(_) => Self::ServerPage,
            Route::Unknown => Self::Unknown,
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Operation(operation) => operation as usize,
            Self::NoOperation => 9,
            Self::File => 10,
            Self::Market => 11,
            Self::Admin => 12,
            Self::ServerPage => 13,
            Self::Unknown => 14,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL[self.index()]
    }
}

/// Metrics of one router.
#[derive(Default)]
pub(crate) struct Metrics {
    in_flight: AtomicI64,
    of: [OfLabel; LABELS],
}

#[derive(Default)]
struct OfLabel {
    by_status: [AtomicU64; STATUSES.len()],
    by_duration: [AtomicU64; BUCKETS_MICROS.len() + 1],
    micros: AtomicU64,
}

/// Running request, counted while in flight.
pub(crate) struct InFlight<'a>(&'a AtomicI64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    pub(crate) fn count(&self, label: RouteLabel, status: StatusCode, took: Duration) {
        let of = &self.of[label.index()];
        let status = status.as_u16();
        let place = STATUSES.iter().position(|known| *known == status);
        of.by_status[place.unwrap_or(STATUSES.len() - 1)].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MICROS.iter().position(|most| micros <= *most);
        of.by_duration[bucket.unwrap_or(BUCKETS_MICROS.len())].fetch_add(1, Ordering::Relaxed);
        of.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Renders all metrics.
    pub(crate) fn render(&self) -> String {
        let mut text = String::with_capacity(4096);
        // Writing to a String can't fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# HELP beseda_requests_in_flight Requests being answered now.")?;
        writeln!(text, "# TYPE beseda_requests_in_flight gauge")?;
        writeln!(text, "beseda_requests_in_flight {}", self.in_flight.load(Ordering::Relaxed))?;
        writeln!(text, "# HELP beseda_requests_total Answers by operation and status.")?;
        writeln!(text, "# TYPE beseda_requests_total counter")?;
        let mut refused = 0;
        for (of, name) in self.of.iter().zip(RouteLabel::ALL) {
            for (count, status) in of.by_status.iter().zip(STATUSES) {
                let count = count.load(Ordering::Relaxed);
                refused += if status == 420 { count } else { 0 };
                if count > 0 {
                    let status = if status == 0 { "other".to_owned() } else { status.to_string() };
                    let labels = format!("operation=\"{name}\",status=\"{status}\"");
                    writeln!(text, "beseda_requests_total{{{labels}}} {count}")?;
                }
            }
        }
        writeln!(text, "# HELP beseda_limit_hits_total Calls refused with 420.")?;
        writeln!(text, "# TYPE beseda_limit_hits_total counter")?;
        writeln!(text, "beseda_limit_hits_total {refused}")?;
        writeln!(text, "# HELP beseda_request_duration_seconds How long answers took.")?;
        writeln!(text, "# TYPE beseda_request_duration_seconds histogram")?;
        self.of.iter().zip(RouteLabel::ALL).try_for_each(|(of, name)| of.write(text, name))
    }
}

impl OfLabel {
    fn write(&self, text: &mut String, name: &str) -> std::fmt::Result {
        const METRIC: &str = "beseda_request_duration_seconds";
        let counts: Vec<u64> = self.by_duration.iter().map(|c| c.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return Ok(());
        }
        let mut so_far = 0;
        for (count, micros) in counts.iter().zip(BUCKETS_MICROS) {
            so_far += count;
            let le = Duration::from_micros(micros).as_secs_f64();
            writeln!(text, "{METRIC}_bucket{{operation=\"{name}\",le=\"{le}\"}} {so_far}")?;
        }
        writeln!(text, "{METRIC}_bucket{{operation=\"{name}\",le=\"+Inf\"}} {total}")?;
        let sum = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        writeln!(text, "{METRIC}_sum{{operation=\"{name}\"}} {sum}")?;
        writeln!(text, "{METRIC}_count{{operation=\"{name}\"}} {total}")
    }
}
