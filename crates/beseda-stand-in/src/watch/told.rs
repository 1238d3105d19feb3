//! An exchange on its way into the journal. It gets there even if the caller goes away in between.

use std::{io::Read, sync::Arc, time::Instant};

use axum::{body::Body, response::Response};
use beseda_api::{Time, wire::ErrorResponse};
use beseda_server::{Arrival, Reset};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, header, request::Parts};

use super::{
    Done,
    tee::{self, Heard, KEPT},
};
use crate::{
    Journal,
    faults::Fault,
    journal::{Entry, Half, Verdict, curl_line, redacted_body, redacted_header},
};

/// An entry that is being written. Dropped before its end, it says that the caller went away.
pub(crate) struct Pending {
    journal: Arc<Journal>,
    started: Instant,
    heard: Heard,
    /// The headers with their secrets, for advice only.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) path: String,
    pub(crate) query: String,
    entry: Option<Entry>,
}

impl Pending {
    pub(crate) fn begin(
        journal: &Arc<Journal>,
        arrival: &Arrival,
        parts: &Parts,
        struck: &[Fault],
    ) -> Self {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let headers = pairs(&parts.headers);
        let shown =
            headers.iter().map(|(name, value)| (name.clone(), redacted_header(name, value)));
        let entry = Entry {
            id: 0,
            at: Time::moscow(arrival.at),
            operation: arrival.operation.to_owned(),
            business_id: arrival.business,
            method: parts.method.to_string(),
            target: redacted_body(target),
            status: None,
            verdict: Verdict::Breakage,
            reason: Some("the caller went away before the answer".to_owned()),
            advice: None,
            faults: struck.iter().map(|fault| fault.id).collect(),
            took_micros: 0,
            request: Half { headers: shown.collect(), ..Half::default() },
            response: None,
            curl: String::new(),
        };
        Self {
            journal: Arc::clone(journal),
            started: Instant::now(),
            heard: Heard::default(),
            headers,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            entry: Some(entry),
        }
    }

    /// Listens to the request's body.
    pub(crate) fn listen(&mut self, body: Body) -> Body {
        let (body, heard) = tee::listened(body);
        self.heard = heard;
        body
    }

    /// The request's body as far as it was read. What isn't text is replaced.
    pub(crate) fn body(&self) -> String {
        let (bytes, _) = self.heard.so_far();
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        String::from_utf8_lossy(text).into_owned()
    }

    pub(crate) fn method(&self) -> &str {
        self.entry.as_ref().map_or("", |entry| entry.method.as_str())
    }

    pub(crate) fn advise(&mut self, advice: String) {
        if let Some(entry) = &mut self.entry {
            entry.advice = Some(advice);
        }
    }

    /// Writes the entry down.
    pub(crate) fn end(mut self, response: &Response, whole: Option<&Bytes>, done: Option<Done>) {
        let Some(entry) = &mut self.entry else { return };
        entry.reason = None;
        if response.extensions().get::<Reset>().is_none() {
            let status = response.status().as_u16();
            let half = answered(response.headers(), whole);
            entry.status = Some(status);
            entry.reason = half.body.as_deref().and_then(reason);
            entry.verdict = Verdict::of(status, entry.reason.as_deref());
            entry.response = Some(half);
        }
        if let Some((verdict, text)) = done {
            entry.verdict = verdict;
            entry.reason = Some(text);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        let (kept, bytes) = self.heard.so_far();
        entry.request.bytes = Some(bytes);
        entry.request.body = text(&kept);
        entry.took_micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        entry.curl = curl_line(&entry.method, &entry.target, &entry.operation, &entry.request);
        self.journal.write(entry);
    }
}

/// The reason in the body of a refusal.
pub(crate) fn reason(body: &str) -> Option<String> {
    let failure: ErrorResponse = serde_json::from_str(body).ok()?;
    let first = failure.errors.into_iter().next()?;
    first.message.or(Some(first.code))
}

/// The answer with its body at hand, if it is in memory.
pub(crate) async fn seen(response: Response) -> (Response, Option<Bytes>) {
    let (parts, body) = response.into_parts();
    let (body, whole) = tee::whole(body).await;
    (Response::from_parts(parts, body), whole)
}

fn answered(headers: &HeaderMap, whole: Option<&Bytes>) -> Half {
    let shown = pairs(headers).into_iter().map(|(name, value)| {
        let value = redacted_header(&name, &value);
        (name, value)
    });
    let unpacked = whole.map(|bytes| match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding == "gzip" => unpacked(bytes),
        _ => bytes.slice(..bytes.len().min(KEPT)),
    });
    Half {
        headers: shown.collect(),
        body: unpacked.as_ref().and_then(text),
        bytes: whole.map(|bytes| bytes.len() as u64),
    }
}

fn unpacked(bytes: &Bytes) -> Bytes {
    let mut plain = Vec::new();
    // What can't be unpacked is shown as far as it can.
    let _ = GzDecoder::new(bytes.as_ref()).take(KEPT as u64).read_to_end(&mut plain);
    Bytes::from(plain)
}

/// The text without secrets; a cut in the middle of a letter loses that letter only.
fn text(bytes: &Bytes) -> Option<String> {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    (!valid.is_empty()).then(|| redacted_body(valid))
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    headers.iter().map(pair).collect()
}
