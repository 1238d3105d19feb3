//! Answers requests that hyper can't parse in the API's shape instead of with an empty body.
//!
//! hyper answers such a request itself, before any service sees it: bytes in the target that aren't UTF-8, a broken
//! request line, too many headers. [`MalformedAnswers`] recognises that empty answer on its way to the socket and
//! sends the router's answer to a [`Malformed`] request in its place.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{Router, body::Body};
use futures::future::BoxFuture;
use http::{HeaderName, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower::ServiceExt;

/// Marks the placeholder of a request that could not be parsed, with the status chosen by hyper.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Malformed(pub(crate) StatusCode);

/// Stream that replaces hyper's empty responses to malformed requests by the router's.
pub(crate) struct MalformedAnswers<S> {
    stream: S,
    router: Router,
    state: ParserState,
}

enum ParserState {
    Forwarding,
    Answering(BoxFuture<'static, Vec<u8>>),
    Writing { answer: Vec<u8>, written: usize },
}

impl<S> MalformedAnswers<S> {
    pub(crate) fn new(stream: S, router: Router) -> Self {
        Self { stream, router, state: ParserState::Forwarding }
    }

    /// Starts a replacement if `bytes` are an empty response of hyper.
    fn match_path(&mut self, bytes: &[u8]) {
        if matches!(self.state, ParserState::Forwarding)
            && let Some(status) = empty_refusal(bytes)
        {
            let router = self.router.clone();
            self.state = ParserState::Answering(Box::pin(answer(router, status)));
        }
    }
}

/// Returns the status of a complete empty response to a malformed request.
fn empty_refusal(bytes: &[u8]) -> Option<StatusCode> {
    let status = bytes.strip_prefix(b"HTTP/1.1 ").or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?;
    if !matches!(status.get(..3)?, b"400" | b"414" | b"431") {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let empty = head.split("\r\n").any(|line| line.eq_ignore_ascii_case("content-length: 0"));
    empty.then(|| StatusCode::from_bytes(&status[..3]).ok())?
}

async fn answer(router: Router, status: StatusCode) -> Vec<u8> {
    let mut request = Request::new(Body::empty());
    request.extensions_mut().insert(Malformed(status));
    let Ok(response) = router.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    written(&Response::from_parts(parts, body))
}

/// Serializes a response as HTTP/1.1. The connection closes after it.
fn written(response: &Response<bytes::Bytes>) -> Vec<u8> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    let own = |name: &HeaderName| *name == header::CONNECTION || *name == header::CONTENT_LENGTH;
    for (name, value) in response.headers().iter().filter(|(name, _)| !own(name)) {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    let length = response.body().len();
    bytes.extend_from_slice(
        format!("connection: close\r\ncontent-length: {length}\r\n\r\n").as_bytes(),
    );
    bytes.extend_from_slice(response.body());
    bytes
}

impl<S: AsyncWrite + Unpin> MalformedAnswers<S> {
    /// Drives a replacement to its end; ready immediately if there is none.
    fn poll_replace(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            match &mut self.state {
                ParserState::Forwarding => return Poll::Ready(Ok(false)),
                ParserState::Answering(answering) => {
                    let answer = ready!(answering.as_mut().poll(cx));
                    self.state = ParserState::Writing { answer, written: 0 };
                }
                ParserState::Writing { answer, written } if *written < answer.len() => {
                    let stream = Pin::new(&mut self.stream);
                    let count = ready!(stream.poll_write(cx, &answer[*written..]))?;
                    if count == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    *written += count;
                }
                ParserState::Writing { .. } => {
                    self.state = ParserState::Forwarding;
                    return Poll::Ready(Ok(true));
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for MalformedAnswers<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MalformedAnswers<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.match_path(bytes);
        if ready!(self.poll_replace(cx))? {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [one] = pieces {
            return self.poll_write(cx, one);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::empty_refusal;

    #[test]
    fn only_a_whole_answer_without_a_body_is_taken_for_one_of_hypers() {
        let empty = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(empty_refusal(empty), Some(StatusCode::BAD_REQUEST));
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
            b"HTTP/1.1 4",
            b"",
        ] {
            assert_eq!(empty_refusal(other), None);
        }
    }
}
