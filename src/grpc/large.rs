//! Requests as large as files, which some methods take by the contract. A server has one
//! bound for all of its methods, so the others of the same service are bounded here; and
//! what takes long to come must keep coming.

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
use crate::pb::policy::{self, MethodPolicy};

/// How long a large request may take to come, beyond the time of its call.
pub(super) const TRANSFER: Duration = Duration::from_secs(60);
/// How long nothing of it may come.
const SILENCE: Duration = Duration::from_secs(10);
/// What stands before a message (compression, length).
const PREFIX: u64 = 5;

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

/// The body of a request to a method, no larger than the method takes. Bodies whose server
/// bounds them just so stay as they are.
pub(super) fn within(policy: &MethodPolicy, body: Body) -> Body {
    let max = match policy.max_bytes {
        Some(max) => max,
        None if LARGEST.contains_key(policy.service()) => MAX_REQUEST,
        None => return body,
    };
    Body::new(Within {
        inner: body,
        left: max as u64 + PREFIX,
        silence: SILENCE,
        timer: Box::pin(sleep(SILENCE)),
    })
}

struct Within {
    inner: Body,
    /// Bytes that may still come.
    left: u64,
    silence: Duration,
    timer: Pin<Box<Sleep>>,
}

impl http_body::Body for Within {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
            return self.timer.as_mut().poll(cx).map(|()| Some(Err(silent())));
        };
        let next = Instant::now() + self.silence;
        self.timer.as_mut().reset(next);
        let data = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref());
        let came = data.map_or(0, |data| data.len() as u64);
        Poll::Ready(match self.left.checked_sub(came) {
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

fn silent() -> Status {
    Error::new(Reason::DeadlineExceeded, "the request did not go on").into()
}

fn too_large() -> Status {
    Error::new(Reason::PayloadTooLarge, "the request is too large").into()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{BodyExt, Full, StreamBody};
    use tonic_types::StatusExt;

    use super::*;

    fn method(name: &str) -> &'static MethodPolicy {
        let found = policy::ALL
            .iter()
            .find(|policy| policy.path.ends_with(name));
        found.unwrap()
    }

    async fn outcome(policy: &MethodPolicy, bytes: usize) -> Result<usize, String> {
        let body = Body::new(Full::new(Bytes::from(vec![0; bytes])));
        let read = within(policy, body).collect().await;
        read.map(|read| read.to_bytes().len())
            .map_err(|status| status.get_details_error_info().unwrap().reason)
    }

    #[tokio::test]
    async fn each_method_of_a_service_has_its_own_bound() {
        let upload = method("/UploadProductImage");
        let (max, usual) = (upload.max_bytes.unwrap() + 5, MAX_REQUEST + 5);
        assert_eq!(outcome(upload, max).await, Ok(max));
        let beyond = Err("PAYLOAD_TOO_LARGE".to_owned());
        assert_eq!(outcome(upload, max + 1).await, beyond);
        let beside = method("MediaService/CreateUpload");
        assert_eq!(outcome(beside, usual).await, Ok(usual));
        assert_eq!(outcome(beside, usual + 1).await, beyond);
        // Elsewhere the server itself bounds them.
        let largest = |service| LARGEST.get(service).copied();
        assert_eq!(largest("souk.media.v1.MediaService"), upload.max_bytes);
        assert_eq!(largest("souk.orders.v1.OrderService"), None);
    }

    #[tokio::test]
    async fn a_request_that_does_not_go_on_ends() {
        let silent = stream::pending::<Result<Frame<Bytes>, Infallible>>();
        let mut body = Within {
            inner: Body::new(StreamBody::new(silent)),
            left: 100,
            silence: Duration::from_millis(20),
            timer: Box::pin(sleep(Duration::from_millis(20))),
        };
        let refused = body.frame().await.unwrap().unwrap_err();
        let reason = refused.get_details_error_info().unwrap().reason;
        assert_eq!(reason, "DEADLINE_EXCEEDED");
    }
}
