//! Forwards notifications to another receiver and passes its responses on.

#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use async_trait::async_trait;
use beseda_api::notification::Receipt;
use beseda_webhook::receiver::{Ack, EventSink, ForwardedResponse, WebhookEvent};
use bytes::{Bytes, BytesMut};
use reqwest::{StatusCode, header::CONTENT_TYPE, redirect};
use url::{Host, Url};

/// Maximum time of a request; Market's timeout is 10 seconds.
const TIMEOUT: Duration = Duration::from_secs(7);
/// Maximum time of a `PING`; Market's timeout is one second.
const PING_TIMEOUT: Duration = Duration::from_millis(800);
/// Maximum size of a response body in bytes.
const MAX_RESPONSE: usize = 64 * 1024;

/// Sink that posts each notification unchanged to a URL.
///
/// Responses with 200, 400 and 5xx are passed on. Everything else, and no response, becomes a 500, so that Market retries.
#[derive(Debug, Clone)]
pub(super) struct Forwarder {
    url: Url,
    http: reqwest::Client,
}

impl Forwarder {
    /// Creates a sink for this URL.
    ///
    /// # Errors
    ///
    /// If it isn't an http or https URL.
    pub(super) fn new(text: &str) -> anyhow::Result<Self> {
        let context = || format!("can't forward to '{text}'");
        let url = Url::parse(text).with_context(context)?;
        let valid = matches!(url.scheme(), "http" | "https") && url.has_host();
        ensure!(valid, "{}: the URL must begin with http:// or https://", context());
        // Fails if a provider is installed already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let builder = || {
            let builder = reqwest::Client::builder().redirect(redirect::Policy::none());
            if is_loopback(&url) { builder.no_proxy() } else { builder }
        };
        // Plain http works without root certificates.
        let http = match builder().build() {
            Err(_) if url.scheme() == "http" => builder().tls_certs_only([]).build(),
            built => built,
        };
        Ok(Self { http: http.with_context(context)?, url })
    }

    async fn post(&self, body: Bytes, timeout: Duration) -> Ack {
        let result = tokio::time::timeout(timeout, self.exchange(body)).await;
        result.unwrap_or_else(|_| Err(anyhow!("timeout"))).unwrap_or_else(|error| {
            Ack::Failed(format!("the receiver to forward to didn't respond: {error:#}"))
        })
    }

    async fn exchange(&self, body: Bytes) -> anyhow::Result<Ack> {
        let request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let mut response = request.body(body).send().await.map_err(without_url)?;
        let status = response.status();
        if status != StatusCode::OK
            && status != StatusCode::BAD_REQUEST
            && !status.is_server_error()
        {
            return Ok(Ack::Failed(format!("the receiver to forward to answered {status}")));
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|text| text.to_str().ok()).map(str::to_owned);
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(without_url)? {
            if body.len() + chunk.len() > MAX_RESPONSE {
                return Ok(Ack::Failed(
                    "the response to the forwarded request is too large".into(),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let accepted = status == StatusCode::OK && is_receipt(content_type.as_deref(), &body);
        Ok(Ack::Forwarded(ForwardedResponse {
            status,
            content_type,
            body: body.freeze(),
            accepted,
        }))
    }
}

#[async_trait]
impl EventSink for Forwarder {
    async fn accept(&self, event: WebhookEvent) -> Ack {
        self.post(event.body, TIMEOUT).await
    }

    async fn ping(&self, event: WebhookEvent) -> Ack {
        self.post(event.body, PING_TIMEOUT).await
    }
}

/// Removes the URL, which may contain a secret, from a message that is sent to Market.
fn without_url(error: reqwest::Error) -> anyhow::Error {
    let connecting = error.is_connect();
    let error = anyhow::Error::new(error.without_url());
    if connecting { error.context("can't connect") } else { error }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Returns true if Market accepts this body of a 200 as a receipt.
fn is_receipt(content_type: Option<&str>, body: &[u8]) -> bool {
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let is_valid = |text: &str| (1..=100).contains(&text.chars().count());
    media_type.trim().eq_ignore_ascii_case("application/json")
        && serde_json::from_slice::<Receipt>(body)
            .is_ok_and(|receipt| is_valid(&receipt.version) && is_valid(&receipt.name))
}
