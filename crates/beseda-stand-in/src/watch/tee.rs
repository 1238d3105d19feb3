//! A body that is listened to while it is read. What it says and when it ends stays as it was.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// How much of a body is kept.
pub(crate) const KEPT: usize = 64 * 1024;

/// What was heard of a body so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<(BytesMut, u64)>>);

impl Heard {
    fn add(&self, data: &Bytes) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.1 += data.len() as u64;
        let room = KEPT.saturating_sub(heard.0.len());
        heard.0.extend_from_slice(&data[..data.len().min(room)]);
    }

    /// The bytes that were kept, and how many there were in all.
    pub(crate) fn so_far(&self) -> (Bytes, u64) {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (Bytes::copy_from_slice(&heard.0), heard.1)
    }
}

/// The body, listened to.
pub(crate) fn listened(body: Body) -> (Body, Heard) {
    let heard = Heard::default();
    (Body::new(Tee { body, heard: heard.clone() }), heard)
}

struct Tee {
    body: Body,
    heard: Heard,
}

impl HttpBody for Tee {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.heard.add(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body as bytes if it is in memory and short; otherwise as it was.
pub(crate) async fn whole(body: Body) -> (Body, Option<Bytes>) {
    if body.size_hint().exact().is_none_or(|size| size > 8 * 1024 * 1024) {
        return (body, None);
    }
    match body.collect().await {
        Ok(collected) => {
            let bytes = collected.to_bytes();
            (Body::from(bytes.clone()), Some(bytes))
        }
        Err(_) => (Body::empty(), None),
    }
}
