//! Body wrapper that captures a copy while the body is read.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Maximum number of bytes captured.
pub(crate) const MAX_CAPTURED: usize = 64 * 1024;

/// Captured bytes and total length.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyCapture(Arc<Mutex<(BytesMut, u64)>>);

impl BodyCapture {
    fn add(&self, data: &Bytes) {
        let mut captured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        captured.1 += data.len() as u64;
        let room = MAX_CAPTURED.saturating_sub(captured.0.len());
        captured.0.extend_from_slice(&data[..data.len().min(room)]);
    }

    /// Returns the captured bytes and the total length.
    pub(crate) fn snapshot(&self) -> (Bytes, u64) {
        let captured = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (Bytes::copy_from_slice(&captured.0), captured.1)
    }
}

/// Wraps a body.
pub(crate) fn tee(body: Body) -> (Body, BodyCapture) {
    let captured = BodyCapture::default();
    (Body::new(TeeBody { body, captured: captured.clone() }), captured)
}

struct TeeBody {
    body: Body,
    captured: BodyCapture,
}

impl HttpBody for TeeBody {
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
            self.captured.add(data);
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

/// Returns a body as bytes if its length is known and at most 8 MiB; otherwise leaves it as it is.
pub(crate) async fn buffer(body: Body) -> (Body, Option<Bytes>) {
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
