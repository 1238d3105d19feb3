//! A receiver as a shop may have it: a plain HTTP server that keeps what it got and answers as it is told to. It checks nothing.

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

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    Status(u16),
    NotJson,
    Garbled,
    NoVersion,
    Redirect(SocketAddr),
    /// Takes the request and never answers.
    Silent,
    /// Hangs up in place of an answer.
    HangsUp,
}

/// What came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) head: String,
    pub(crate) body: Value,
    pub(crate) answered: bool,
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shelf: Arc<Shelf>,
    serving: JoinHandle<()>,
}

struct Shelf {
    mood: Mutex<Mood>,
    got: Mutex<Vec<Got>>,
    count: watch::Sender<usize>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub(crate) async fn start(mood: Mood) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), mood, None)
    }

    /// One that speaks TLS.
    pub(crate) async fn start_tls(acceptor: tokio_rustls::TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, Mood::Good, Some(acceptor))
    }

    fn on(listener: TcpListener, mood: Mood, acceptor: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let address = listener.local_addr().unwrap();
        let shelf = Arc::new(Shelf {
            mood: Mutex::new(mood),
            got: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let kept = Arc::clone(&shelf);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, acceptor) = (Arc::clone(&kept), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => kept.serve(stream).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => kept.serve(stream).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { address, shelf, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/notification", self.address)
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.shelf.mood.lock().unwrap() = mood;
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.shelf.got.lock().unwrap().clone()
    }

    /// The bodies of everything but `PING`.
    pub(crate) fn events(&self) -> Vec<Value> {
        let got = self.got().into_iter().map(|got| got.body);
        got.filter(|body| body["notificationType"] != "PING").collect()
    }

    /// Comes back when so many requests have come, `PING` included.
    pub(crate) async fn wait_for(&self, count: usize) {
        let mut counted = self.shelf.count.subscribe();
        let waiting = counted.wait_for(|now| *now >= count);
        crate::world::soon(waiting).await.unwrap();
    }
}

impl Shelf {
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
        let mood = *self.mood.lock().unwrap();
        let answered = mood == Mood::Good;
        let answer = answer(mood);
        self.got.lock().unwrap().push(Got { head, body, answered });
        self.count.send_modify(|count| *count += 1);
        match answer {
            Some(answer) => stream.write_all(answer.as_bytes()).await.ok(),
            None if mood == Mood::Silent => std::future::pending().await,
            None => None,
        }
    }
}

fn answer(mood: Mood) -> Option<String> {
    let good = r#"{"version":"1.0.0","name":"shop","time":"2026-11-21T10:00:00Z"}"#;
    let json = "application/json";
    let (status, media, body, more) = match mood {
        Mood::Good => (200, json, good, String::new()),
        Mood::Status(status) => {
            let body = r#"{"error":{"type":"WRONG_EVENT_FORMAT","message":"what is that?"}}"#;
            (status, json, body, String::new())
        }
        Mood::NotJson => (200, "text/html", good, String::new()),
        Mood::Garbled => (200, json, "<html>", String::new()),
        Mood::NoVersion => {
            (200, json, r#"{"name":"shop","time":"2026-11-21T10:00:00Z"}"#, String::new())
        }
        Mood::Redirect(to) => (307, json, good, format!("Location: http://{to}/\r\n")),
        Mood::Silent | Mood::HangsUp => return None,
    };
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n{more}\r\n{body}"
    ))
}
