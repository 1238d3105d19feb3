//! Records an exchange for the journal, even if the client disconnects.

use std::{io::Read, sync::Arc, time::Instant};

use axum::{body::Body, response::Response};
use beseda_api::{Time, wire::ErrorResponse};
use beseda_server::{RequestInfo, ResetConnection};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, header, request::Parts};

use super::tee_body::{self, BodyCapture, MAX_CAPTURED};
use crate::{
    Journal,
    faults::Fault,
    journal::{
        HttpMessage, JournalEntry, JournalVerdict, curl_line, redacted_body, redacted_header,
    },
};

/// Verdict and text that a fault leaves in the journal.
pub(crate) type FaultOutcome = (JournalVerdict, String);

/// Journal entry being written. If dropped before [`Recorder::finish`], it reports that the client
/// disconnected.
pub(crate) struct Recorder {
    journal: Arc<Journal>,
    started: Instant,
    captured: BodyCapture,
    /// Headers including secrets; used for hints only.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) path: String,
    pub(crate) query: String,
    entry: Option<JournalEntry>,
}

impl Recorder {
    pub(crate) fn start(
        journal: &Arc<Journal>,
        info: &RequestInfo,
        parts: &Parts,
        triggered: &[Fault],
    ) -> Self {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let headers = header_pairs(&parts.headers);
        let redacted =
            headers.iter().map(|(name, value)| (name.clone(), redacted_header(name, value)));
        let entry = JournalEntry {
            id: 0,
            at: Time::moscow(info.at),
            operation: info.operation.to_owned(),
            business_id: info.business,
            method: parts.method.to_string(),
            target: redacted_body(target),
            status: None,
            verdict: JournalVerdict::Breakage,
            reason: Some("the client disconnected before the response".to_owned()),
            advice: None,
            faults: triggered.iter().map(|fault| fault.id).collect(),
            took_micros: 0,
            request: HttpMessage { headers: redacted.collect(), ..HttpMessage::default() },
            response: None,
            curl: String::new(),
        };
        Self {
            journal: Arc::clone(journal),
            started: Instant::now(),
            captured: BodyCapture::default(),
            headers,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            entry: Some(entry),
        }
    }

    /// Captures the request body while it is read.
    pub(crate) fn tee_request(&mut self, body: Body) -> Body {
        let (body, captured) = tee_body::tee(body);
        self.captured = captured;
        body
    }

    /// Returns the request body as far as it was read, with invalid UTF-8 replaced.
    pub(crate) fn body(&self) -> String {
        let (bytes, _) = self.captured.snapshot();
        let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        String::from_utf8_lossy(text).into_owned()
    }

    pub(crate) fn method(&self) -> &str {
        self.entry.as_ref().map_or("", |entry| entry.method.as_str())
    }

    pub(crate) fn set_hint(&mut self, advice: String) {
        if let Some(entry) = &mut self.entry {
            entry.advice = Some(advice);
        }
    }

    /// Completes the entry; it is written on drop.
    pub(crate) fn finish(
        mut self,
        response: &Response,
        whole: Option<&Bytes>,
        done: Option<FaultOutcome>,
    ) {
        let Some(entry) = &mut self.entry else { return };
        entry.reason = None;
        if response.extensions().get::<ResetConnection>().is_none() {
            let status = response.status().as_u16();
            let half = response_message(response.headers(), whole);
            entry.status = Some(status);
            entry.reason = half.body.as_deref().and_then(reason);
            entry.verdict = JournalVerdict::of(status, entry.reason.as_deref());
            entry.response = Some(half);
        }
        if let Some((verdict, text)) = done {
            entry.verdict = verdict;
            entry.reason = Some(text);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        let (kept, bytes) = self.captured.snapshot();
        entry.request.bytes = Some(bytes);
        entry.request.body = text(&kept);
        entry.took_micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        entry.curl = curl_line(&entry.method, &entry.target, &entry.operation, &entry.request);
        self.journal.record(entry);
    }
}

/// Returns the reason in the body of an error response.
pub(crate) fn reason(body: &str) -> Option<String> {
    let failure: ErrorResponse = serde_json::from_str(body).ok()?;
    let first = failure.errors.into_iter().next()?;
    first.message.or(Some(first.code))
}

/// Buffers a response body that is in memory.
pub(crate) async fn buffered(response: Response) -> (Response, Option<Bytes>) {
    let (parts, body) = response.into_parts();
    let (body, whole) = tee_body::buffer(body).await;
    (Response::from_parts(parts, body), whole)
}

fn response_message(headers: &HeaderMap, whole: Option<&Bytes>) -> HttpMessage {
    let redacted = header_pairs(headers).into_iter().map(|(name, value)| {
        let value = redacted_header(&name, &value);
        (name, value)
    });
    let decompressed = whole.map(|bytes| match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding == "gzip" => decompressed(bytes),
        _ => bytes.slice(..bytes.len().min(MAX_CAPTURED)),
    });
    HttpMessage {
        headers: redacted.collect(),
        body: decompressed.as_ref().and_then(text),
        bytes: whole.map(|bytes| bytes.len() as u64),
    }
}

fn decompressed(bytes: &Bytes) -> Bytes {
    let mut plain = Vec::new();
    // A broken stream is shown as far as it can be decompressed.
    let _ = GzDecoder::new(bytes.as_ref()).take(MAX_CAPTURED as u64).read_to_end(&mut plain);
    Bytes::from(plain)
}

/// Returns the text with secrets redacted. An incomplete character at the end is dropped.
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

fn header_pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    headers.iter().map(pair).collect()
}
