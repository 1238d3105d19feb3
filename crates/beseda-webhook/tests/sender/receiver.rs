//! HTTP server that records requests and responds as configured.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
};

/// Configured response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behavior {
    Accept,
    Status(u16),
    WrongContentType,
    InvalidJson,
    MissingVersion,
    Redirect(SocketAddr),
    /// Reads the request and never responds.
    NeverRespond,
    /// Closes the connection without a response.
    CloseConnection,
}

/// Received request.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    pub(crate) head: String,
    pub(crate) body: Value,
    pub(crate) answered: bool,
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
    serving: JoinHandle<()>,
}

struct Inner {
    behavior: Mutex<Behavior>,
    requests: Mutex<Vec<ReceivedRequest>>,
    count: watch::Sender<usize>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub(crate) async fn start(behavior: Behavior) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), behavior, None)
    }

    /// Starts a receiver with TLS.
    pub(crate) async fn start_tls(acceptor: tokio_rustls::TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, Behavior::Accept, Some(acceptor))
    }

    fn on(
        listener: TcpListener,
        behavior: Behavior,
        acceptor: Option<tokio_rustls::TlsAcceptor>,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            behavior: Mutex::new(behavior),
            requests: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let shared = Arc::clone(&inner);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => shared.serve(stream).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => shared.serve(stream).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, inner, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/notification", self.address)
    }

    pub(crate) fn set(&self, behavior: Behavior) {
        *self.inner.behavior.lock().unwrap() = behavior;
    }

    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        self.inner.requests.lock().unwrap().clone()
    }

    /// Returns the bodies without `PING`.
    pub(crate) fn events(&self) -> Vec<Value> {
        let requests = self.requests().into_iter().map(|requests| requests.body);
        requests.filter(|body| body["notificationType"] != "PING").collect()
    }

    /// Waits for this number of requests, including `PING`.
    pub(crate) async fn wait_for(&self, count: usize) {
        let mut counted = self.inner.count.subscribe();
        let waiting = counted.wait_for(|now| *now >= count);
        crate::world::within_a_minute(waiting).await.unwrap();
    }
}

impl Inner {
    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let mut bytes = Vec::new();
        let (head, length) = loop {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, _)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case("content-length")
                        .then(|| value.trim().parse().ok())?
                });
                break (head.to_owned(), head.len() + 4 + length.unwrap_or(0_usize));
            }
        };
        while bytes.len() < length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        let body = serde_json::from_slice(&bytes[head.len() + 4..]).unwrap_or(Value::Null);
        let behavior = *self.behavior.lock().unwrap();
        let answered = behavior == Behavior::Accept;
        let answer = answer(behavior);
        self.requests.lock().unwrap().push(ReceivedRequest { head, body, answered });
        self.count.send_modify(|count| *count += 1);
        match answer {
            Some(answer) => stream.write_all(answer.as_bytes()).await.ok(),
            None if behavior == Behavior::NeverRespond => std::future::pending().await,
            None => None,
        }
    }
}

fn answer(behavior: Behavior) -> Option<String> {
    let good = r#"{"version":"1.0.0","name":"shop","time":"2026-11-21T10:00:00Z"}"#;
    let json = "application/json";
    let (status, media, body, more) = match behavior {
        Behavior::Accept => (200, json, good, String::new()),
        Behavior::Status(status) => {
            let body = r#"{"error":{"type":"WRONG_EVENT_FORMAT","message":"what is that?"}}"#;
            (status, json, body, String::new())
        }
        Behavior::WrongContentType => (200, "text/html", good, String::new()),
        Behavior::InvalidJson => (200, json, "<html>", String::new()),
        Behavior::MissingVersion => {
            (200, json, r#"{"name":"shop","time":"2026-11-21T10:00:00Z"}"#, String::new())
        }
        Behavior::Redirect(to) => (307, json, good, format!("Location: http://{to}/\r\n")),
        Behavior::NeverRespond | Behavior::CloseConnection => return None,
    };
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n{more}\r\n{body}"
    ))
}
