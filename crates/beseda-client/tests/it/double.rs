//! A server that gives the answers it was told to, in order, and remembers what it was asked.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::HeaderMap,
    response::Response,
};
use beseda_api::{BusinessId, ChatId};
use beseda_client::{Client, ClientBuilder, RetryPolicy};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer to give.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    sized: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.to_owned(), sized: true }
    }

    pub(crate) fn ok(result: &str) -> Self {
        Self::new(200, &format!(r#"{{"status":"OK","result":{result}}}"#))
    }

    /// Without a `Content-Length`.
    pub(crate) fn unsized_(mut self) -> Self {
        self.sized = false;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

pub(crate) struct Double {
    pub(crate) address: SocketAddr,
    script: Arc<Script>,
}

impl Double {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Arc::new(Script::default());
        script.answers.lock().unwrap().extend(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, script }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        let millisecond = Duration::from_millis(1);
        let retry_policy = RetryPolicy {
            initial_backoff: millisecond,
            max_backoff: millisecond,
            ..RetryPolicy::default()
        };
        Client::builder().url(self.url()).api_key("ACMA:secret").retry_policy(retry_policy)
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    /// Adds one more answer to give.
    pub(crate) fn then(&self, answer: Answer) {
        self.script.answers.lock().unwrap().push_back(answer);
    }
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 16 << 20).await.unwrap_or_default();
    script.asked.lock().unwrap().push(Asked {
        line: format!("{} {}", head.method, head.uri),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let next = script.answers.lock().unwrap().pop_front();
    let next = next.unwrap_or_else(|| Answer::new(599, "the script has ended"));
    let mut response = Response::builder().status(next.status);
    for (name, value) in next.headers {
        response = response.header(name, value);
    }
    let body = if next.sized {
        Body::from(next.body)
    } else {
        Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>(next.body)]))
    };
    response.body(body).unwrap()
}

pub(crate) fn business() -> BusinessId {
    BusinessId::new(1).unwrap()
}

pub(crate) fn chat() -> ChatId {
    ChatId::new(42).unwrap()
}

pub(crate) const CHAT: &str = r#"{"chatId":42,"context":{"type":"DIRECT"},"type":"CHAT","status":"NEW","createdAt":"2026-05-31T10:30:17+03:00","updatedAt":"2026-05-31T10:30:17+03:00"}"#;
