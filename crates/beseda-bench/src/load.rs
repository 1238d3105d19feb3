//! Load generator: keep-alive connections on one thread, each of which sends the next request after
//! the response to the last one.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use crate::http::Connection;

const LONGEST_NS: u64 = 60_000_000_000;

/// Range of chat ids to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChatRange {
    /// First chat id.
    pub first: u64,
    /// Number of chats.
    pub count: u64,
}

/// Prepared request with an optional random chat id.
#[derive(Clone)]
pub struct Request {
    before: Vec<u8>,
    after: Vec<u8>,
    chats: Option<ChatRange>,
}

impl Request {
    /// Creates a `POST` of `body` to `path`; `{chat}` in the path is replaced by a random chat of
    /// `chats`.
    #[must_use]
    pub fn post(path: &str, chats: Option<ChatRange>, api_key: Option<&str>, body: &[u8]) -> Self {
        let (path, rest) = path.split_once("{chat}").unwrap_or((path, ""));
        let before = if chats.is_some() { format!("POST {path}") } else { String::new() };
        let mut after = if chats.is_some() { rest.to_owned() } else { format!("POST {path}") };
        after.push_str(" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n");
        if let Some(key) = api_key {
            after.push_str(&format!("Api-Key: {key}\r\n"));
        }
        after.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut after = after.into_bytes();
        after.extend_from_slice(body);
        Self { before: before.into_bytes(), after, chats }
    }

    fn write(&self, random: &mut SmallRng, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(&self.before);
        if let Some(ChatRange { first, count }) = self.chats {
            let chat = random.random_range(first..first + count);
            into.extend_from_slice(itoa::Buffer::new().format(chat).as_bytes());
        }
        into.extend_from_slice(&self.after);
    }
}

/// Load of one measurement.
pub struct Job {
    /// Address of the server.
    pub address: SocketAddr,
    /// Request.
    pub request: Request,
    /// Number of concurrent connections.
    pub connections: usize,
    /// Warm-up time.
    pub warmup: Duration,
    /// Measured time.
    pub measure: Duration,
}

/// Result of a [`Job`].
#[derive(Clone, Copy, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Responses, or durable messages, per second.
    pub per_second: f64,
    /// Latency of responses; `None` if there are no callers.
    #[serde(flatten)]
    pub latency: Option<Latency>,
}

/// Latency of responses.
#[derive(Clone, Copy, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Median in microseconds.
    pub p50_us: f64,
    /// 99th percentile in microseconds.
    pub p99_us: f64,
}

/// Runs the load on this thread; the first response other than 200 is an error.
pub fn run(job: &Job) -> Result<Figures> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let longest = job.warmup + job.measure + Duration::from_secs(10);
    runtime.block_on(async {
        tokio::time::timeout(longest, drive(job)).await.context("the server stopped answering")?
    })
}

/// Sends one request and returns the body of the response.
pub fn once(address: SocketAddr, request: &Request) -> Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut bytes = Vec::new();
    request.write(&mut SmallRng::seed_from_u64(0), &mut bytes);
    runtime.block_on(async {
        let exchange = async {
            let mut connection = Connection::open(address).await?;
            connection.exchange(&bytes).await.map(<[u8]>::to_vec)
        };
        tokio::time::timeout(Duration::from_secs(10), exchange).await.context("no answer")?
    })
}

async fn drive(job: &Job) -> Result<Figures> {
    let mut connections = Vec::with_capacity(job.connections);
    for _ in 0..job.connections {
        connections.push(Connection::open(job.address).await?);
    }
    let counting_from = Instant::now() + job.warmup;
    let until = counting_from + job.measure;
    let times = Arc::new(Mutex::new(Histogram::new_with_max(LONGEST_NS, 3)?));
    let mut tasks = tokio::task::JoinSet::new();
    for (index, connection) in connections.into_iter().enumerate() {
        let random = SmallRng::seed_from_u64(index as u64 + 1);
        let caller = Caller { connection, request: job.request.clone(), random };
        tasks.spawn(caller.call_until(counting_from, until, Arc::clone(&times)));
    }
    while let Some(task) = tasks.join_next().await {
        task.context("a connection of the load generator failed")??;
    }
    let times = times.lock().unwrap_or_else(PoisonError::into_inner);
    let microseconds = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
    Ok(Figures {
        per_second: times.len() as f64 / job.measure.as_secs_f64(),
        latency: Some(Latency { p50_us: microseconds(0.50), p99_us: microseconds(0.99) }),
    })
}

struct Caller {
    connection: Connection,
    request: Request,
    random: SmallRng,
}

impl Caller {
    async fn call_until(
        mut self,
        counting_from: Instant,
        until: Instant,
        times: Arc<Mutex<Histogram<u64>>>,
    ) -> Result<()> {
        let mut bytes = Vec::new();
        let mut started = Instant::now();
        while started < until {
            self.request.write(&mut self.random, &mut bytes);
            self.connection.exchange(&bytes).await?;
            let answered = Instant::now();
            // Counted by the time of the response, so that the count is exact for the window.
            if answered >= counting_from && answered < until {
                let took = (answered - started).as_nanos() as u64;
                let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
                times.saturating_record(took);
            }
            started = answered;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ChatRange, Request};
    use rand::{SeedableRng, rngs::SmallRng};

    fn text(request: &Request) -> String {
        let mut bytes = Vec::new();
        request.write(&mut SmallRng::seed_from_u64(1), &mut bytes);
        String::from_utf8(bytes).expect("requests are text")
    }

    #[test]
    fn a_request_names_a_chat_of_the_range_and_carries_key_and_body() {
        let chats = ChatRange { first: 7, count: 1 };
        let request = Request::post("/chats?chatId={chat}&limit=50", Some(chats), Some("k"), b"{}");
        let text = text(&request);
        assert!(text.starts_with("POST /chats?chatId=7&limit=50 HTTP/1.1\r\n"), "{text}");
        assert!(text.contains("\r\nApi-Key: k\r\n"), "{text}");
        assert!(text.ends_with("\r\nContent-Length: 2\r\n\r\n{}"), "{text}");
    }

    #[test]
    fn a_request_without_chats_keeps_its_path() {
        let text = text(&Request::post("/chats?limit=20", None, None, b"{}"));
        assert!(text.starts_with("POST /chats?limit=20 HTTP/1.1\r\n"), "{text}");
    }
}
