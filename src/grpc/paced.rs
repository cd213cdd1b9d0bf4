//! Readers who do not read. An answer waits in memory until its reader makes room for it,
//! so one that makes none for too long loses it.
//!
//! An answer leaves in pieces, and the next one is asked for only when there was room for
//! the one before. Between the two the reader owes: whoever drives the answer sees that
//! and counts the time.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use tonic::Status;
use tonic::body::Body;

/// The largest piece: what HTTP/2 puts into one frame, and what at most waits for a reader
/// beyond the room that it gave.
const PIECE: usize = 16 * 1024;

thread_local! {
    /// The pieces of the answer that is being driven on this thread: their number, and
    /// in the lowest bit whether its reader owes.
    static PIECES: Cell<u64> = const { Cell::new(0) };
}

fn note(owes: bool) {
    let pieces = PIECES.get();
    PIECES.set(match owes {
        true => pieces.wrapping_add(2) | 1,
        false => pieces & !1,
    });
}

/// The body of every answer, in pieces.
pub(super) struct Paced {
    inner: Body,
    rest: Bytes,
}

impl Paced {
    pub(super) fn new(inner: Body) -> Self {
        Self {
            inner,
            rest: Bytes::new(),
        }
    }
}

impl http_body::Body for Paced {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        note(false);
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        note(true);
        let size = Ord::min(self.rest.len(), PIECE);
        let piece = self.rest.split_to(size);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Asked before the first piece, when nothing is taken yet.
        self.inner.size_hint()
    }
}

/// Counts how long the reader of one answer, or of one connection with one answer at a
/// time, has owed.
pub(super) struct Patience {
    limit: Duration,
    pieces: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(super) const fn new(limit: Duration) -> Self {
        Self {
            limit,
            pieces: 0,
            timer: None,
        }
    }

    /// Drives the answer; `None` when the reader has owed for too long.
    pub(super) fn poll<F: Future + ?Sized>(
        &mut self,
        work: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        let others = PIECES.replace(self.pieces);
        let outcome = work.poll(cx);
        let pieces = PIECES.replace(others);
        if let Poll::Ready(outcome) = outcome {
            return Poll::Ready(Some(outcome));
        }
        if pieces & 1 == 0 {
            self.pieces = pieces;
            self.timer = None;
            return Poll::Pending;
        }
        if pieces != self.pieces {
            self.pieces = pieces;
            if let Some(timer) = &mut self.timer {
                timer.as_mut().reset(Instant::now() + self.limit);
            }
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        timer.as_mut().poll(cx).map(|()| None)
    }
}

/// Drives one answer to its end, or until its reader has owed for too long.
pub(super) async fn while_read(work: impl Future<Output = ()>, limit: Duration) {
    let mut work = pin!(work);
    let mut patience = Patience::new(limit);
    let read = poll_fn(|cx| patience.poll(work.as_mut(), cx)).await;
    if read.is_none() {
        tracing::debug!("an answer that nobody reads was dropped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;
    use http_body_util::{BodyExt, Full};

    #[tokio::test]
    async fn a_large_answer_leaves_in_pieces_and_whole() {
        let bytes: Vec<u8> = (0..40_000u32).map(|n| n as u8).collect();
        let mut body = Paced::new(Body::new(Full::new(Bytes::from(bytes.clone()))));
        assert_eq!(body.size_hint().exact(), Some(40_000));
        let mut sizes = Vec::new();
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            let piece = frame.unwrap().into_data().unwrap();
            sizes.push(piece.len());
            whole.extend_from_slice(&piece);
        }
        assert_eq!(sizes, [PIECE, PIECE, 40_000 - 2 * PIECE]);
        assert_eq!(whole, bytes);
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn who_does_not_read_loses_the_answer_and_who_waits_does_not() {
        let limit = Duration::from_millis(20);
        let drive = async |owes: bool, time: Duration| {
            let mut began = false;
            let work = poll_fn(move |_| {
                if !began {
                    note(owes);
                }
                began = true;
                Poll::<()>::Pending
            });
            let within = tokio::time::timeout(time, while_read(work, limit));
            within.await.is_ok()
        };
        assert!(drive(true, Duration::from_secs(10)).await);
        assert!(!drive(false, limit * 5).await);
    }
}
