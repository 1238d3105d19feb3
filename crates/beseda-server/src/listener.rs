//! Listener: connections with limits and timeouts, TLS, and graceful shutdown.

use std::{
    future::Future, io, net::SocketAddr, path::PathBuf, pin::pin, sync::Arc, time::Duration,
};

use axum::{Router, extract::ConnectInfo};
use hyper::{
    body::Incoming,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    malformed::MalformedAnswers,
    reset_stream::{self, ResetFlag},
};

/// Binds a listener and returns it with the address taken, which differs from the one given for port 0.
///
/// # Errors
/// If the address can't be bound; the message names it.
pub async fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let message = format!("failed to listen on {address} ({error}); choose another address");
        io::Error::new(error.kind(), message)
    })?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Returns the URL under which callers on this machine reach a bound address.
#[must_use]
pub fn local_url(bound: SocketAddr, scheme: &str) -> String {
    match bound.ip() {
        ip if ip.is_unspecified() => format!("{scheme}://127.0.0.1:{}", bound.port()),
        _ => format!("{scheme}://{bound}"),
    }
}

/// Settings of connections. Every field has a default, so a TOML section may be partial.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransportSettings {
    /// Certificate; `None` serves plain HTTP.
    pub tls: Option<Tls>,
    /// Timeout for request headers and for idle connections, in seconds.
    pub header_timeout_seconds: u64,
    /// Time for running requests to finish after shutdown was requested, in seconds.
    pub drain_seconds: u64,
    /// Maximum number of concurrent connections; further ones wait.
    pub max_connections: usize,
    /// Provides the peer's address to handlers, as axum's `ConnectInfo<SocketAddr>`. Not for
    /// configuration files.
    #[serde(skip)]
    pub provide_peer_address: bool,
}

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            tls: None,
            header_timeout_seconds: 30,
            drain_seconds: 10,
            max_connections: 10_000,
            provide_peer_address: false,
        }
    }
}

/// Certificate and key as PEM files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

impl TransportSettings {
    /// Checks certificate and key.
    ///
    /// # Errors
    ///
    /// If certificate or key can't be read or don't match.
    pub fn check(&self) -> io::Result<()> {
        self.acceptor().map(drop)
    }

    fn acceptor(&self) -> io::Result<Option<TlsAcceptor>> {
        let Some(tls) = &self.tls else { return Ok(None) };
        let named = |path: &PathBuf, error: String| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
        };
        let certs = CertificateDer::pem_file_iter(&tls.cert)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| named(&tls.cert, error.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&tls.key)
            .map_err(|error| named(&tls.key, error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(certs, key)
            .map_err(|error| named(&tls.cert, error.to_string()))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Some(TlsAcceptor::from(Arc::new(config))))
    }

    fn builder(&self) -> auto::Builder<TokioExecutor> {
        let header_timeout = Duration::from_secs(self.header_timeout_seconds.max(1));
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_headers(128)
            .max_buf_size(64 * 1024);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .max_header_list_size(64 * 1024)
            .keep_alive_interval(header_timeout)
            .keep_alive_timeout(header_timeout);
        builder
    }
}

/// Serves a router until `shutdown` completes, then drains running requests within the timeout.
///
/// # Errors
///
/// If the certificate is unusable. A failed connection ends only itself.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    transport: TransportSettings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let header_timeout = Duration::from_secs(transport.header_timeout_seconds.max(1));
    let tls = transport.acceptor()?;
    let (builder, provide_peer_address) = (transport.builder(), transport.provide_peer_address);
    let handler =
        Arc::new(ConnectionHandler { tls, builder, router, header_timeout, provide_peer_address });
    let connection_permits = Arc::new(Semaphore::new(transport.max_connections.max(1)));
    let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, permit) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            next = accept(&listener, &connection_permits) => next,
        };
        // Finished connections are reaped here rather than kept until the drain.
        while connections.try_join_next().is_some() {}
        let (handler, watcher) = (Arc::clone(&handler), graceful.watcher());
        connections.spawn(async move {
            handler.handle(stream, watcher).await;
            drop(permit);
        });
    }
    drop(listener);
    let drain_timeout = Duration::from_secs(transport.drain_seconds);
    if timeout(drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "connections closed after the drain timeout"
        );
    }
    connections.shutdown().await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    connection_permits: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let permit = Arc::clone(connection_permits).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                // Probably out of file descriptors: wait for other connections to close.
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Handler of connections.
struct ConnectionHandler {
    tls: Option<TlsAcceptor>,
    builder: auto::Builder<TokioExecutor>,
    router: Router,
    header_timeout: Duration,
    provide_peer_address: bool,
}

impl ConnectionHandler {
    async fn handle(&self, stream: TcpStream, watcher: Watcher) {
        // Fails only if the socket is closed, which the next read reports.
        let _ = stream.set_nodelay(true);
        let peer = if self.provide_peer_address { stream.peer_addr().ok() } else { None };
        let (stream, reset_flag) = reset_stream::wrap(stream);
        let Some(tls) = &self.tls else {
            return self.serve_stream(stream, peer, reset_flag, watcher).await;
        };
        match timeout(self.header_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve_stream(stream, peer, reset_flag, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake timed out"),
        }
    }

    async fn serve_stream<S>(
        &self,
        stream: S,
        peer: Option<SocketAddr>,
        reset_flag: ResetFlag,
        watcher: Watcher,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = TowerToHyperService::new(self.router.clone());
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            if let Some(peer) = peer {
                request.extensions_mut().insert(ConnectInfo(peer));
            }
            let (response, reset_flag) = (router.call(request), reset_flag.clone());
            async move {
                let Ok(response) = response.await;
                reset_flag.apply(response)
            }
        });
        let stream = TokioIo::new(MalformedAnswers::new(stream, self.router.clone()));
        let connection = self.builder.serve_connection(stream, service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error, "connection failed");
        }
    }
}
