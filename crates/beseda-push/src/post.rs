//! Sending one notification over a connection of its own. Whether it is repeated is not decided here.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use beseda_api::{FailureReason, notification::Notification};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::OnceCell,
    time::{Instant, timeout_at},
};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::{
    Settings,
    receipt::{self, Miss, no_response},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the answer to a `PING` may take.
const PING_PATIENCE: Duration = Duration::from_secs(1);
/// The largest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends notifications.
pub(crate) struct Post {
    settings: Settings,
    tls: OnceCell<TlsConnector>,
}

/// What came of a sending.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) status: Option<StatusCode>,
    pub(crate) result: Result<(), Miss>,
    pub(crate) took_ms: i64,
}

impl Post {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, tls: OnceCell::new() }
    }

    /// Whether an address may be subscribed.
    pub(crate) fn check(&self, url: &str) -> Result<(), String> {
        self.settings.policy.read(url).map(|_| ())
    }

    /// Sends a notification and judges the answer.
    pub(crate) async fn send(&self, url: &str, notification: &Notification) -> Sent {
        let begun = Instant::now();
        let patience = match notification {
            Notification::Ping { .. } => PING_PATIENCE,
            _ => PATIENCE,
        };
        let mut status = None;
        let result = self.exchange(url, notification, begun + patience, &mut status).await;
        let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        Sent { status, result, took_ms }
    }

    async fn exchange(
        &self,
        url: &str,
        notification: &Notification,
        until: Instant,
        status: &mut Option<StatusCode>,
    ) -> Result<(), Miss> {
        let refused = |text: String| no_response(FailureReason::ConnectionRefused, &text);
        let url = self.settings.policy.read(url).map_err(refused)?;
        let request = self.request(&url, notification)?;
        let late = |_| no_response(FailureReason::ConnectionTimedOut, &"no connection in time");
        let stream = timeout_at(until, self.connect(&url)).await.map_err(late)??;
        let answered = if url.scheme() == "https" {
            let late = |_| no_response(FailureReason::SslError, &"the handshake took too long");
            let stream = timeout_at(until, self.encrypt(&url, stream)).await.map_err(late)??;
            timeout_at(until, converse(stream, request, status)).await
        } else {
            timeout_at(until, converse(stream, request, status)).await
        };
        let late = |_| no_response(FailureReason::ReadTimedOut, &"no whole answer in time");
        let (head, body) = answered.map_err(late)??.into_parts();
        receipt::judge(head.status, &head.headers, &body)
    }

    fn request(
        &self,
        url: &Url,
        notification: &Notification,
    ) -> Result<Request<Full<Bytes>>, Miss> {
        let wrong = |error: &dyn std::fmt::Display| no_response(FailureReason::Http, error);
        let body = serde_json::to_vec(notification).map_err(|error| wrong(&error))?;
        let mut target = url.path().to_owned();
        if self.settings.append_notification {
            target = format!("{}/notification", target.trim_end_matches('/'));
        }
        if let Some(query) = url.query() {
            target = format!("{target}?{query}");
        }
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        Request::post(target)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("beseda/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| wrong(&error))
    }

    /// Connects to one of the addresses that were looked at, and to nothing else.
    async fn connect(&self, url: &Url) -> Result<TcpStream, Miss> {
        let found = self.settings.policy.addresses(url, self.settings.resolver.as_ref()).await;
        let found = found.map_err(|text| no_response(FailureReason::ConnectionRefused, &text))?;
        let mut last = String::new();
        for address in found {
            match connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = format!("{address}: {error}"),
            }
        }
        Err(no_response(FailureReason::ConnectionRefused, &last))
    }

    async fn encrypt(
        &self,
        url: &Url,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Miss> {
        let wrong = |error: &dyn std::fmt::Display| no_response(FailureReason::SslError, error);
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|error| wrong(&error))?;
        let connector = self.tls.get_or_try_init(|| self.connector()).await;
        let connector = connector.map_err(|error| wrong(&error))?;
        connector.connect(name, stream).await.map_err(|error| wrong(&error))
    }

    /// Made at the first need: the certificates of the machine are worth a megabyte.
    async fn connector(&self) -> Result<TlsConnector, rustls::Error> {
        let load = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
        let mut roots = RootCertStore::empty();
        if let Ok(found) = load.await {
            roots.add_parsable_certificates(found.certs);
        }
        for root in &self.settings.roots {
            roots.add(root.clone())?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

async fn connect_to(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One request and its whole answer. Redirects are answers like any other.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    status: &mut Option<StatusCode>,
) -> Result<Response<Bytes>, Miss> {
    let broke = |error: &dyn std::fmt::Display| no_response(FailureReason::Http, error);
    let made = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = made.map_err(|error| broke(&error))?;
    let _running = AbortOnDropHandle::new(tokio::spawn(connection));
    let answer = sender.send_request(request).await.map_err(|error| broke(&error))?;
    *status = Some(answer.status());
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| broke(&error))?;
    Ok(Response::from_parts(head, body.to_bytes()))
}
