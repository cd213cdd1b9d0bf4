//! Messages on their way. A call gets its place among others only when its message is
//! there: whoever sends heads and keeps the rest back would otherwise take the places of
//! those who call. What is awaited here costs memory alone, so that is what is bounded, in
//! all and of one network.

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Full};
use tonic::Status;
use tonic::body::Body;

use super::MAX_REQUEST;
use super::large::{PREFIX, Pace, Within, too_large};
use crate::kernel::Error;
use crate::kernel::seats::Seats;

/// How long nothing of a message may come, and how long it may take beyond the time of its
/// bytes: a phone far from everything sends a small one in that time, and who drips one
/// byte after the other is done with soon.
const PACE: Pace = Pace {
    silence: Duration::from_secs(2),
    grace: Duration::from_secs(4),
};
/// So many bytes are counted as one. A message of which nothing has come is one too: its
/// call costs about as much.
const UNIT: usize = 4 * 1024;
/// Of all messages that are awaited: 64 MiB.
const MOST: usize = 64 * 1024 * 1024 / UNIT;
/// Of those of one network: 2 MiB, so 512 small ones, or one of the largest beside 255.
const MOST_OF_NETWORK: usize = 2 * 1024 * 1024 / UNIT;

/// The messages that are awaited.
pub(super) struct Messages {
    seats: Seats<IpAddr>,
    pace: Pace,
}

impl Messages {
    pub(super) fn new() -> Self {
        Self {
            seats: Seats::new(MOST, MOST_OF_NETWORK),
            pace: PACE,
        }
    }

    /// The body whose message is all there, so that reading it waits for nobody. Without an
    /// owner only the sum counts.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED when too much is awaited; DEADLINE_EXCEEDED when it does not come
    /// in time; PAYLOAD_TOO_LARGE; what is wrong with the body.
    pub(super) async fn whole(
        &self,
        owner: Option<IpAddr>,
        mut body: Body,
    ) -> Result<Body, Status> {
        let mut message = Message::default();
        // Nearly all come together with their head, and are not counted: nothing waits.
        let came = poll_fn(|cx| Poll::Ready(message.take(&mut body, cx))).await;
        if let Poll::Ready(outcome) = came {
            outcome?;
            return Ok(message.into_body());
        }
        let mut seat = self.seats.take(owner).map_err(|_full| Error::busy())?;
        let mut counted = 0;
        let mut body = Within::new(body, (MAX_REQUEST + PREFIX) as u64, self.pace);
        loop {
            let units = message.bytes().len() / UNIT;
            seat.grow(units - counted).map_err(|_full| Error::busy())?;
            counted = units;
            match body.frame().await {
                Some(frame) => message.push(frame?)?,
                None => return Ok(message.into_body()),
            }
        }
    }
}

/// What has come of a message.
#[derive(Default)]
struct Message {
    /// The first piece, which mostly is all of it and never copied.
    first: Bytes,
    /// All pieces, once there are more: kept apart, each would hold what came beside it.
    all: BytesMut,
}

impl Message {
    /// Takes what is there of a body; ready when that was its end.
    fn take(&mut self, body: &mut Body, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        while let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(cx)) {
            self.push(frame?)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Takes more. Trailers are left out: clients of gRPC send none, and what comes after
    /// the head would be metadata that no layer has seen.
    fn push(&mut self, frame: Frame<Bytes>) -> Result<(), Status> {
        let Ok(data) = frame.into_data() else {
            return Ok(());
        };
        if self.bytes().is_empty() {
            self.first = data;
        } else {
            if self.all.is_empty() {
                self.all.extend_from_slice(&std::mem::take(&mut self.first));
            }
            self.all.extend_from_slice(&data);
        }
        let is_over = self.bytes().len() > MAX_REQUEST + PREFIX;
        match is_over || self.announced() > MAX_REQUEST {
            true => Err(too_large()),
            false => Ok(()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self.all.is_empty() {
            true => &self.first,
            false => &self.all,
        }
    }

    /// The length that it says it has, as soon as it does.
    fn announced(&self) -> usize {
        match self.bytes() {
            [_, a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]) as usize,
            _ => 0,
        }
    }

    fn into_body(self) -> Body {
        let bytes = match self.all.is_empty() {
            true => self.first,
            false => self.all.freeze(),
        };
        Body::new(Full::new(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{FutureExt, StreamExt, stream};
    use http_body_util::StreamBody;
    use tonic_types::StatusExt;

    use super::*;

    const SHORT: Duration = Duration::from_millis(200);

    fn messages(most: usize, most_of_network: usize) -> Messages {
        let pace = Pace {
            silence: SHORT,
            grace: SHORT * 2,
        };
        Messages {
            seats: Seats::new(most, most_of_network),
            pace,
        }
    }

    /// A body of these pieces, which then ends or keeps silent.
    fn body(pieces: &[&'static [u8]], ends: bool) -> Body {
        let pieces: Vec<_> = pieces.iter().copied().map(Bytes::from_static).collect();
        let pieces = stream::iter(pieces).map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
        match ends {
            true => Body::new(StreamBody::new(pieces)),
            false => Body::new(StreamBody::new(pieces.chain(stream::pending()))),
        }
    }

    /// A body whose pieces come one after the other.
    fn slow(pieces: usize, bytes: usize) -> Body {
        let pieces = stream::iter(0..pieces).then(move |nth| async move {
            tokio::task::yield_now().await;
            let mut piece = vec![0; bytes];
            if nth == 0 {
                piece[..PREFIX].copy_from_slice(&[0, 0, 0, 0, 9]);
            }
            Ok::<_, Infallible>(Frame::data(Bytes::from(piece)))
        });
        Body::new(StreamBody::new(Box::pin(pieces)))
    }

    async fn bytes(body: Body) -> Bytes {
        body.collect().await.unwrap().to_bytes()
    }

    fn reason(outcome: Result<Body, Status>) -> String {
        let details = outcome.unwrap_err().get_details_error_info();
        details.unwrap().reason
    }

    fn owner(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    #[tokio::test]
    async fn what_came_with_its_head_is_not_counted_and_stays_as_it_is() {
        let messages = messages(0, 0);
        let cases: [&[&'static [u8]]; 3] =
            [&[], &[b"\0\0\0\0\x02ab"], &[b"\0\0\0", b"\0\x02", b"ab"]];
        for pieces in cases {
            let whole = messages.whole(owner(1), body(pieces, true)).now_or_never();
            assert_eq!(bytes(whole.unwrap().unwrap()).await, pieces.concat());
        }
        let awaited = messages.whole(owner(1), slow(1, 9)).await;
        assert_eq!(reason(awaited), "RATE_LIMIT_EXCEEDED");
    }

    #[tokio::test]
    async fn what_does_not_come_is_refused_and_frees_its_place() {
        let messages = messages(1, 1);
        let cases: [&[&'static [u8]]; 2] = [&[], &[b"\0\0\0\0\x02a"]];
        for pieces in cases {
            let late = messages.whole(owner(1), body(pieces, false)).await;
            assert_eq!(reason(late), "DEADLINE_EXCEEDED");
        }
        let next = messages.whole(owner(1), slow(3, 9)).await;
        assert_eq!(bytes(next.unwrap()).await.len(), 27);
        assert_eq!(messages.seats.count(), 0);
    }

    #[tokio::test]
    async fn a_network_has_its_share_and_no_more() {
        let messages = messages(8, 4);
        let silent = |last| Box::pin(messages.whole(owner(last), body(&[], false)));
        let mut open: Vec<_> = (0..4).map(|_| silent(1)).collect();
        for waiting in &mut open {
            assert!(waiting.now_or_never().is_none());
        }
        assert_eq!(reason(silent(1).await), "RATE_LIMIT_EXCEEDED");
        assert!(messages.whole(owner(2), slow(1, 9)).await.is_ok());
        drop(open);
        // Bytes count as well, and no more than they are.
        assert!(messages.whole(owner(1), slow(3, UNIT)).await.is_ok());
        let more = messages.whole(owner(1), slow(5, UNIT)).await;
        assert_eq!(reason(more), "RATE_LIMIT_EXCEEDED");
        assert_eq!(messages.seats.count(), 0);
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_by_what_it_says() {
        let messages = Messages::new();
        let lie = body(&[b"\0\xff\xff\xff\xff"], false);
        let refused = messages.whole(owner(1), lie).now_or_never();
        assert_eq!(reason(refused.unwrap()), "PAYLOAD_TOO_LARGE");
        let beyond = slow(MAX_REQUEST / 1024 + 2, 1024);
        let refused = messages.whole(owner(1), beyond).await;
        assert_eq!(reason(refused), "PAYLOAD_TOO_LARGE");
    }
}
