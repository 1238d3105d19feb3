//! A TCP stream that can end with a reset in place of a goodbye. Whether it should is said by others.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Says that a stream shall end with a reset.
pub(crate) type Breaker = Arc<AtomicBool>;

/// A TCP stream with its breaker.
pub(crate) struct Resettable {
    stream: TcpStream,
    breaker: Breaker,
}

impl Resettable {
    pub(crate) fn new(stream: TcpStream) -> (Self, Breaker) {
        let breaker = Breaker::default();
        (Self { stream, breaker: Arc::clone(&breaker) }, breaker)
    }

    fn broken(&self) -> bool {
        self.breaker.load(Ordering::Acquire)
    }
}

impl Drop for Resettable {
    fn drop(&mut self) {
        if self.broken() {
            // Only a socket that is gone already refuses this.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Resettable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A goodbye would reach the other side before the reset.
        if self.broken() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
