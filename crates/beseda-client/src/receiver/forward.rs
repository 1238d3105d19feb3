//! Passing notifications on to a program at another address, whose answers decide. Printing them is somebody else's business.

use std::{fmt::Display, time::Duration};

use async_trait::async_trait;
use axum::http::StatusCode;
use beseda_api::{Error, Result, notification::Receipt};
use bytes::{Bytes, BytesMut};
use reqwest::{header::CONTENT_TYPE, redirect};
use url::Url;

use super::{Event, Reply, Take, Verdict};
use crate::{ClientError, builder};

/// How long the program may take to answer: less than Market waits.
const PATIENCE: Duration = Duration::from_secs(7);
const PING_PATIENCE: Duration = Duration::from_millis(800);
/// The largest answer that is passed on.
const MAX_ANSWER: usize = 64 * 1024;

/// Posts each notification, byte for byte, to a program and passes its answer on: its 200, 400 and 5xx as they are, and
/// 500 for anything else or if it isn't there, so that Market repeats.
///
/// ```no_run
/// use std::sync::Arc;
/// use beseda_client::receiver::{Forward, Receiver};
///
/// # fn run() -> beseda_client::api::Result<()> {
/// let forward = Forward::to("http://127.0.0.1:3000/market")?;
/// let router = Receiver::builder().build_taking(Arc::new(forward))?;
/// # drop(router); Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Forward {
    url: Url,
    http: reqwest::Client,
}

impl Forward {
    /// To the program at this address.
    ///
    /// # Errors
    /// [`ClientError::Setup`](crate::ClientError::Setup) if it isn't an address of http or https.
    pub fn to(url: &str) -> Result<Self> {
        let bad = |why: &dyn Display| {
            Error::from(ClientError::Setup(format!("can't forward to '{url}': {why}")))
        };
        let url = Url::parse(url).map_err(|error| bad(&error))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(bad(&"the address must begin with http:// or https://"));
        }
        builder::use_ring();
        let settings = || {
            let client = reqwest::Client::builder().redirect(redirect::Policy::none());
            if builder::is_loopback(&url) { client.no_proxy() } else { client }
        };
        // A machine without root certificates can still talk to a plain address.
        let built = match settings().build() {
            Err(_) if url.scheme() == "http" => settings().tls_certs_only([]).build(),
            built => built,
        };
        Ok(Self { http: built.map_err(|error| bad(&error))?, url })
    }

    async fn post(&self, body: Bytes, patience: Duration) -> Verdict {
        match tokio::time::timeout(patience, self.exchange(body)).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(error)) => {
                // Where it was sent is known to whoever reads this.
                let error = ClientError::of_transport(error);
                Verdict::Failed(format!("the program to forward to didn't answer: {error}"))
            }
            Err(_) => Verdict::Failed("the program to forward to didn't answer in time".to_owned()),
        }
    }

    async fn exchange(&self, body: Bytes) -> std::result::Result<Verdict, reqwest::Error> {
        let request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let mut answer = request.body(body).send().await?;
        let status = answer.status();
        if status != StatusCode::OK
            && status != StatusCode::BAD_REQUEST
            && !status.is_server_error()
        {
            return Ok(Verdict::Failed(format!(
                "the program to forward to answered with {status}"
            )));
        }
        let content_type = answer.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|text| text.to_str().ok()).map(str::to_owned);
        let mut body = BytesMut::new();
        while let Some(part) = answer.chunk().await? {
            if body.len() + part.len() > MAX_ANSWER {
                return Ok(Verdict::Failed("the answer of the program is too large".to_owned()));
            }
            body.extend_from_slice(&part);
        }
        let taken = status == StatusCode::OK && is_receipt(content_type.as_deref(), &body);
        Ok(Verdict::Answered(Reply { status, content_type, body: body.freeze(), taken }))
    }
}

#[async_trait]
impl Take for Forward {
    async fn take(&self, event: Event) -> Verdict {
        self.post(event.body, PATIENCE).await
    }

    async fn ping(&self, event: Event) -> Verdict {
        self.post(event.body, PING_PATIENCE).await
    }
}

/// Whether Market would count this body of a 200 as a receipt.
fn is_receipt(content_type: Option<&str>, body: &[u8]) -> bool {
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    let fits = |word: &str| (1..=100).contains(&word.chars().count());
    media.trim().eq_ignore_ascii_case("application/json")
        && serde_json::from_slice::<Receipt>(body)
            .is_ok_and(|receipt| fits(&receipt.version) && fits(&receipt.name))
}
