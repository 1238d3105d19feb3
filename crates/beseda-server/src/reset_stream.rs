//! TCP stream that can be closed with RST instead of FIN, by feature `faults`.

#[cfg(feature = "faults")]
pub(crate) use faults::{ResetFlag, wrap};
#[cfg(not(feature = "faults"))]
pub(crate) use plain::{ResetFlag, wrap};

#[cfg(not(feature = "faults"))]
mod plain {
    use std::io;

    use axum::response::Response;
    use tokio::net::TcpStream;

    /// Stand-in for the flag of the feature `faults`.
    #[derive(Clone)]
    pub(crate) struct ResetFlag;

    impl ResetFlag {
        /// Returns the response.
        #[expect(clippy::unnecessary_wraps, reason = "same signature as with the feature")]
        pub(crate) fn apply(&self, response: Response) -> io::Result<Response> {
            Ok(response)
        }
    }

    /// Returns the stream.
    pub(crate) fn wrap(stream: TcpStream) -> (TcpStream, ResetFlag) {
        (stream, ResetFlag)
    }
}

#[cfg(feature = "faults")]
mod faults {
    use std::{
        io::{self, IoSlice},
        pin::Pin,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        task::{Context, Poll},
    };

    use axum::response::Response;
    use tokio::{
        io::{AsyncRead, AsyncWrite, ReadBuf},
        net::TcpStream,
    };

    use crate::ResetConnection;

    /// Flag that makes a stream close with a reset.
    #[derive(Clone, Default)]
    pub(crate) struct ResetFlag(Arc<AtomicBool>);

    impl ResetFlag {
        /// Returns the response, or an error that ends the connection if it has a [`ResetConnection`].
        pub(crate) fn apply(&self, response: Response) -> io::Result<Response> {
            if response.extensions().get::<ResetConnection>().is_none() {
                return Ok(response);
            }
            self.0.store(true, Ordering::Release);
            Err(io::ErrorKind::ConnectionReset.into())
        }

        fn is_set(&self) -> bool {
            self.0.load(Ordering::Acquire)
        }
    }

    /// Wraps a stream and returns its flag.
    pub(crate) fn wrap(stream: TcpStream) -> (ResetStream, ResetFlag) {
        let flag = ResetFlag::default();
        (ResetStream { stream, flag: flag.clone() }, flag)
    }

    /// TCP stream with its reset flag.
    pub(crate) struct ResetStream {
        stream: TcpStream,
        flag: ResetFlag,
    }

    impl Drop for ResetStream {
        fn drop(&mut self) {
            if self.flag.is_set() {
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
            if self.flag.is_set() {
                return Poll::Ready(Ok(()));
            }
            Pin::new(&mut self.stream).poll_shutdown(cx)
        }
    }
}
