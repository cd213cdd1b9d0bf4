//! Requests as large as files, which some methods take by the contract: bounded by what the
//! method takes, and what takes long to come must keep coming.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;

use super::MAX_REQUEST;
use crate::kernel::{Error, Reason};
use crate::pb::policy;

/// How long a large request may take to come, beyond the time of its call.
pub(super) const TRANSFER: Duration = Duration::from_secs(60);
/// How long nothing of it may come.
const SILENCE: Duration = Duration::from_secs(10);
/// How long it may take, and for every so many bytes of it a second more: whoever sends a
/// byte now and then must not have one of the few places until the end.
const GRACE: Duration = Duration::from_secs(10);
const SLOWEST: u64 = 32 * 1024;
/// What stands before a message (compression, length).
pub(super) const PREFIX: usize = 5;

/// The largest request of each service that takes larger ones than usual, in bytes.
static LARGEST: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
    let mut largest = HashMap::new();
    for policy in policy::ALL {
        if let Some(max) = policy.max_bytes {
            let most = largest.entry(policy.service()).or_default();
            *most = max.max(*most);
        }
    }
    largest
});

/// The largest request that any method of a server takes, in bytes.
pub fn largest_request<S: NamedService>(_server: &S) -> usize {
    LARGEST.get(S::NAME).copied().unwrap_or(MAX_REQUEST)
}

/// The body of a request to a method that takes larger ones than usual, no larger than that.
pub(super) fn within(max: usize, body: Body) -> Body {
    let pace = Pace {
        silence: SILENCE,
        grace: GRACE,
    };
    Body::new(Within::new(body, (max + PREFIX) as u64, pace))
}

/// How slowly a request may come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How long nothing may come.
    pub(super) silence: Duration,
    /// How long it may take beyond the time of its bytes.
    pub(super) grace: Duration,
}

/// A body within a bound of bytes, which keeps coming.
pub(super) struct Within {
    inner: Body,
    /// Bytes that may still come.
    left: u64,
    pace: Pace,
    /// When it has to be all there, as far as it has come.
    end: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Within {
    pub(super) fn new(inner: Body, left: u64, pace: Pace) -> Self {
        Self {
            inner,
            left,
            pace,
            end: Instant::now() + pace.grace,
            timer: Box::pin(sleep(pace.silence.min(pace.grace))),
        }
    }

    /// More bytes came; whether they came in time.
    fn go_on(&mut self, came: u64) -> bool {
        let now = Instant::now();
        let is_late = now >= self.end;
        self.end += Duration::from_micros(came.saturating_mul(1_000_000) / SLOWEST);
        let next = self.end.min(now + self.pace.silence);
        self.timer.as_mut().reset(next);
        !is_late
    }
}

impl http_body::Body for Within {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            return self.timer.as_mut().poll(cx).map(|()| Some(Err(slow())));
        };
        let data = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref());
        let came = data.map_or(0, |data| data.len() as u64);
        let is_in_time = self.go_on(came);
        Poll::Ready(match self.left.checked_sub(came) {
            // The end of what came late is no reason to refuse it.
            Some(_) if !is_in_time && frame.is_some() => Some(Err(slow())),
            Some(left) => {
                self.left = left;
                frame
            }
            None => Some(Err(too_large())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn slow() -> Status {
    Error::new(Reason::DeadlineExceeded, "the request came too slowly").into()
}

pub(super) fn too_large() -> Status {
    Error::new(Reason::PayloadTooLarge, "the request is too large").into()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{BodyExt, Full, StreamBody};
    use tokio::time::{Interval, interval};
    use tonic_types::StatusExt;

    use super::*;
    use crate::pb::policy::MethodPolicy;

    fn method(name: &str) -> &'static MethodPolicy {
        let found = policy::ALL
            .iter()
            .find(|policy| policy.path.ends_with(name));
        found.unwrap()
    }

    async fn outcome(max: usize, bytes: usize) -> Result<usize, String> {
        let body = Body::new(Full::new(Bytes::from(vec![0; bytes])));
        let read = within(max, body).collect().await;
        read.map(|read| read.to_bytes().len())
            .map_err(|status| status.get_details_error_info().unwrap().reason)
    }

    #[tokio::test]
    async fn a_large_request_is_as_large_as_its_method_takes() {
        let upload = method("/UploadProductImage");
        let max = upload.max_bytes.unwrap();
        assert_eq!(outcome(max, max + PREFIX).await, Ok(max + PREFIX));
        let beyond = Err("PAYLOAD_TOO_LARGE".to_owned());
        assert_eq!(outcome(max, max + PREFIX + 1).await, beyond);
        let largest = |service| LARGEST.get(service).copied();
        assert_eq!(largest("souk.media.v1.MediaService"), upload.max_bytes);
        assert_eq!(largest("souk.orders.v1.OrderService"), None);
    }

    fn refusal(status: &Status) -> String {
        status.get_details_error_info().unwrap().reason
    }

    const SHORT: Duration = Duration::from_millis(20);

    fn bound(inner: Body, silence: Duration) -> Within {
        let grace = SHORT * 2;
        Within::new(inner, 10 * 1024 * 1024, Pace { silence, grace })
    }

    #[tokio::test]
    async fn a_request_that_does_not_go_on_ends() {
        let silent = stream::pending::<Result<Frame<Bytes>, Infallible>>();
        let mut body = bound(Body::new(StreamBody::new(silent)), SHORT);
        let refused = body.frame().await.unwrap().unwrap_err();
        assert_eq!(refusal(&refused), "DEADLINE_EXCEEDED");
    }

    /// A body of pieces that come one after the other.
    fn pieces(many: usize, bytes: usize) -> Body {
        let piece = move |(number, mut pace): (usize, Interval)| async move {
            if number == many {
                return None;
            }
            pace.tick().await;
            let frame = Frame::data(Bytes::from(vec![0; bytes]));
            Some((Ok::<_, Infallible>(frame), (number + 1, pace)))
        };
        let pace = interval(Duration::from_millis(1));
        Body::new(StreamBody::new(Box::pin(stream::unfold((0, pace), piece))))
    }

    #[tokio::test]
    async fn a_request_that_trickles_ends_and_one_that_comes_does_not() {
        let patient = Duration::from_secs(60);
        let trickled = bound(pieces(3_000, 1), patient).collect().await;
        assert_eq!(refusal(&trickled.unwrap_err()), "DEADLINE_EXCEEDED");
        let slow = bound(pieces(60, 33 * 1024), patient).collect().await;
        assert_eq!(slow.unwrap().to_bytes().len(), 60 * 33 * 1024);
    }
}
