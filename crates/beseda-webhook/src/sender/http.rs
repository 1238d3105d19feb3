//! Sends one notification over a new connection.

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

use super::{
    SenderSettings,
    verdict::{self, DeliveryError, cant_get_response},
};

/// Maximum time of a request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time of a `PING`.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum size of a response body in bytes.
const MAX_RESPONSE: usize = 64 * 1024;

/// HTTP client for webhooks.
pub(crate) struct HttpSender {
    settings: SenderSettings,
    tls: OnceCell<TlsConnector>,
}

/// Result of a request.
#[derive(Debug)]
pub(crate) struct HttpResult {
    pub(crate) status: Option<StatusCode>,
    pub(crate) result: Result<(), DeliveryError>,
    pub(crate) took_ms: i64,
}

impl HttpSender {
    pub(crate) fn new(settings: SenderSettings) -> Self {
        Self { settings, tls: OnceCell::new() }
    }

    /// Verifies that a URL may be subscribed.
    pub(crate) fn check(&self, url: &str) -> Result<(), String> {
        self.settings.policy.read(url).map(|_| ())
    }

    /// Sends a notification and verifies the response.
    pub(crate) async fn send(&self, url: &str, notification: &Notification) -> HttpResult {
        let started = Instant::now();
        let limit = match notification {
            Notification::Ping { .. } => PING_TIMEOUT,
            _ => TIMEOUT,
        };
        let mut status = None;
        let result = self.request_response(url, notification, started + limit, &mut status).await;
        let took_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        HttpResult { status, result, took_ms }
    }

    async fn request_response(
        &self,
        url: &str,
        notification: &Notification,
        until: Instant,
        status: &mut Option<StatusCode>,
    ) -> Result<(), DeliveryError> {
        let refused = |text: String| cant_get_response(FailureReason::ConnectionRefused, &text);
        let url = self.settings.policy.read(url).map_err(refused)?;
        let request = self.request(&url, notification)?;
        let late =
            |_| cant_get_response(FailureReason::ConnectionTimedOut, &"no connection in time");
        let stream = timeout_at(until, self.connect(&url)).await.map_err(late)??;
        let answered = if url.scheme() == "https" {
            let late =
                |_| cant_get_response(FailureReason::SslError, &"the handshake took too long");
            let stream = timeout_at(until, self.encrypt(&url, stream)).await.map_err(late)??;
            timeout_at(until, send_request(stream, request, status)).await
        } else {
            timeout_at(until, send_request(stream, request, status)).await
        };
        let late = |_| cant_get_response(FailureReason::ReadTimedOut, &"no whole answer in time");
        let (head, body) = answered.map_err(late)??.into_parts();
        verdict::verify(head.status, &head.headers, &body)
    }

    fn request(
        &self,
        url: &Url,
        notification: &Notification,
    ) -> Result<Request<Full<Bytes>>, DeliveryError> {
        let wrong = |error: &dyn std::fmt::Display| cant_get_response(FailureReason::Http, error);
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

    /// Connects to one of the verified addresses. The host is not resolved again.
    async fn connect(&self, url: &Url) -> Result<TcpStream, DeliveryError> {
        let found = self.settings.policy.addresses(url, self.settings.resolver.as_ref()).await;
        let found =
            found.map_err(|text| cant_get_response(FailureReason::ConnectionRefused, &text))?;
        let mut last = String::new();
        for address in found {
            match connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = format!("{address}: {error}"),
            }
        }
        Err(cant_get_response(FailureReason::ConnectionRefused, &last))
    }

    async fn encrypt(
        &self,
        url: &Url,
        stream: TcpStream,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, DeliveryError> {
        let wrong =
            |error: &dyn std::fmt::Display| cant_get_response(FailureReason::SslError, error);
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|error| wrong(&error))?;
        let connector = self.tls.get_or_try_init(|| self.connector()).await;
        let connector = connector.map_err(|error| wrong(&error))?;
        connector.connect(name, stream).await.map_err(|error| wrong(&error))
    }

    /// Loads the system's certificates on first use: they take a megabyte of memory.
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

/// Sends the request and reads the response. Redirects are not followed.
async fn send_request(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    status: &mut Option<StatusCode>,
) -> Result<Response<Bytes>, DeliveryError> {
    let broke = |error: &dyn std::fmt::Display| cant_get_response(FailureReason::Http, error);
    let created = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = created.map_err(|error| broke(&error))?;
    let _running = AbortOnDropHandle::new(tokio::spawn(connection));
    let answer = sender.send_request(request).await.map_err(|error| broke(&error))?;
    *status = Some(answer.status());
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, MAX_RESPONSE).collect().await.map_err(|error| broke(&error))?;
    Ok(Response::from_parts(head, body.to_bytes()))
}
