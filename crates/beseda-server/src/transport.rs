//! Sockets: connections accepted in bounds, TLS if there is a certificate, slow senders cut off, and a drain with an end. What is said over them is the router's business.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    path::PathBuf,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
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
    Reset,
    malformed::MalformedAnswers,
    resettable::{Breaker, Resettable},
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
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

/// Returns the URL under which callers on this machine reach a bound address.
#[must_use]
pub fn local_url(bound: SocketAddr, scheme: &str) -> String {
    match bound.ip() {
        ip if ip.is_unspecified() => format!("{scheme}://127.0.0.1:{}", bound.port()),
        _ => format!("{scheme}://{bound}"),
    }
}

/// How connections are taken and kept. Every field has a default, so a TOML section may name only what differs.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transport {
    /// The certificate; plain HTTP if `None`.
    pub tls: Option<Tls>,
    /// Seconds in which a request's headers must have come; also how long an idle connection is kept.
    pub header_timeout_seconds: u64,
    /// Seconds that running requests have to finish after the end was asked for.
    pub drain_seconds: u64,
    /// The most connections at once; further ones wait.
    pub max_connections: usize,
    /// Whether handlers are told who calls, by axum's `ConnectInfo<SocketAddr>`. Not for configuration files.
    #[serde(skip)]
    pub tell_peers: bool,
}

impl Default for Transport {
    fn default() -> Self {
        Self {
            tls: None,
            header_timeout_seconds: 30,
            drain_seconds: 10,
            max_connections: 10_000,
            tell_peers: false,
        }
    }
}

/// Where certificate and key are, as PEM files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those above it.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Transport {
    /// Whether it can be used: the certificate is read.
    ///
    /// # Errors
    /// If certificate or key can't be read or don't belong together.
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
        let patience = Duration::from_secs(self.header_timeout_seconds.max(1));
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .max_headers(128)
            .max_buf_size(64 * 1024);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .max_header_list_size(64 * 1024)
            .keep_alive_interval(patience)
            .keep_alive_timeout(patience);
        builder
    }
}

/// Serves a router until `shutdown` is ready, then lets running requests finish within the bound.
///
/// # Errors
/// If the certificate can't be used. Failures of single connections end only those.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    transport: Transport,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let patience = Duration::from_secs(transport.header_timeout_seconds.max(1));
    let tls = transport.acceptor()?;
    let (builder, tell_peers) = (transport.builder(), transport.tell_peers);
    let door = Arc::new(Door { tls, builder, router, patience, tell_peers });
    let room = Arc::new(Semaphore::new(transport.max_connections.max(1)));
    let (graceful, mut connections) = (GracefulShutdown::new(), JoinSet::new());
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            next = accept(&listener, &room) => next,
        };
        // Connections that have ended are let go here and not kept until the drain.
        while connections.try_join_next().is_some() {}
        let (door, watcher) = (Arc::clone(&door), graceful.watcher());
        connections.spawn(async move {
            door.welcome(stream, watcher).await;
            drop(place);
        });
    }
    drop(listener);
    let bound = Duration::from_secs(transport.drain_seconds);
    if timeout(bound, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off after the drain time");
    }
    connections.shutdown().await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there always is a permit in the end.
    let place = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, place),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of file descriptors, most likely: wait for others to close.
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// What every connection needs.
struct Door {
    tls: Option<TlsAcceptor>,
    builder: auto::Builder<TokioExecutor>,
    router: Router,
    patience: Duration,
    tell_peers: bool,
}

impl Door {
    async fn welcome(&self, stream: TcpStream, watcher: Watcher) {
        // Only a socket that is gone already refuses this, and then reading tells.
        let _ = stream.set_nodelay(true);
        let peer = if self.tell_peers { stream.peer_addr().ok() } else { None };
        let (stream, breaker) = Resettable::new(stream);
        let Some(tls) = &self.tls else {
            return self.converse(stream, peer, breaker, watcher).await;
        };
        match timeout(self.patience, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.converse(stream, peer, breaker, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
            Err(_) => tracing::debug!("TLS took too long"),
        }
    }

    async fn converse<S>(
        &self,
        stream: S,
        peer: Option<SocketAddr>,
        breaker: Breaker,
        watcher: Watcher,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let router = TowerToHyperService::new(self.router.clone());
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            if let Some(peer) = peer {
                request.extensions_mut().insert(ConnectInfo(peer));
            }
            let (answer, breaker) = (router.call(request), Arc::clone(&breaker));
            async move {
                let Ok(answer) = answer.await;
                if answer.extensions().get::<Reset>().is_none() {
                    return Ok(answer);
                }
                breaker.store(true, Ordering::Release);
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            }
        });
        let stream = TokioIo::new(MalformedAnswers::new(stream, self.router.clone()));
        let connection = self.builder.serve_connection(stream, service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(error, "a connection ended badly");
        }
    }
}
