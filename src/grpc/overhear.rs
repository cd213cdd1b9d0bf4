//! Listening in on what a connection says, below the library that understands it: for
//! what that library lets pass.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What listens.
pub(super) trait Ear {
    /// Hears what the client said; an error hangs up.
    fn heard(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Is told how many bytes were answered.
    fn answered(&mut self, bytes: usize);
}

/// A connection with an ear.
pub(super) struct Overheard<I, E> {
    io: I,
    ear: E,
}

impl<I, E> Overheard<I, E> {
    pub(super) const fn new(io: I, ear: E) -> Self {
        Self { io, ear }
    }
}

impl<I: AsyncRead + Unpin, E: Ear + Unpin> AsyncRead for Overheard<I, E> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buffer))?;
        Poll::Ready(this.ear.heard(&buffer.filled()[before..]))
    }
}

impl<I: AsyncWrite + Unpin, E: Ear + Unpin> AsyncWrite for Overheard<I, E> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write(cx, bytes))?;
        this.ear.answered(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write_vectored(cx, slices))?;
        this.ear.answered(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
