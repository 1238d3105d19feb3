//! TCP stream that can be closed with RST instead of FIN.

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

/// Flag that makes a stream close with a reset.
pub(crate) type ResetFlag = Arc<AtomicBool>;

/// TCP stream with its reset flag.
pub(crate) struct ResetStream {
    stream: TcpStream,
    reset_flag: ResetFlag,
}

impl ResetStream {
    pub(crate) fn new(stream: TcpStream) -> (Self, ResetFlag) {
        let reset_flag = ResetFlag::default();
        (Self { stream, reset_flag: Arc::clone(&reset_flag) }, reset_flag)
    }

    fn broken(&self) -> bool {
        self.reset_flag.load(Ordering::Acquire)
    }
}

impl Drop for ResetStream {
    fn drop(&mut self) {
        if self.broken() {
            // Fails only if the socket is already closed.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for ResetStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for ResetStream {
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
        // A FIN would reach the peer before the reset.
        if self.broken() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
