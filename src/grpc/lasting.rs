//! The body of a stream: it holds the stream's place until it ends or its reader is gone.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};

use super::streams::Place;

/// What ends a stream from outside.
pub(super) type End = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body that holds a place.
pub(super) struct Lasting {
    inner: Body,
    _place: Place,
    end: Option<End>,
    over: bool,
}

impl Lasting {
    /// A stream that ends by itself.
    pub(super) fn hold(inner: Body, place: Place) -> Body {
        Self::until(inner, place, None)
    }

    /// A stream that does not: when `end` comes, its last word is UNAVAILABLE.
    pub(super) fn until(inner: Body, place: Place, end: Option<End>) -> Body {
        Body::new(Self {
            inner,
            _place: place,
            end,
            over: false,
        })
    }
}

impl http_body::Body for Lasting {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(end) = &mut self.end
            && end.as_mut().poll(cx).is_ready()
        {
            self.over = true;
            let mut trailers = HeaderMap::new();
            let status = Status::new(Code::Unavailable, "the stream ends, open another one");
            status.add_header(&mut trailers)?;
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
