//! Server streams as `text/event-stream`. `id:` is the message's resume token, so that
//! a browser's EventSource, which repeats the last id when it reconnects, goes on right
//! where it was cut off.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::Frame;
use tower::BoxError;

use super::Body;
use super::call::{self, Frames};
use super::problem::Problem;
use super::wire;
use crate::pb::json::MessageCodec;

/// How long a browser waits before it reconnects, in milliseconds.
const PREAMBLE: &[u8] = b"retry: 1000\n\n";

/// The answer that passes a gRPC stream on as events.
pub fn response(
    headers: HeaderMap,
    inner: Body,
    codec: &'static MessageCodec,
    token_field: Option<u32>,
    request_id: &str,
) -> Response<Body> {
    let events = Events {
        inner,
        codec,
        token_field,
        request_id: request_id.to_owned(),
        frames: Frames::default(),
        state: State::Preamble,
    };
    let mut response = Response::new(Body::new(events));
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Asks a reverse proxy to pass each event on at once.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A body of events.
struct Events {
    inner: Body,
    codec: &'static MessageCodec,
    /// The field of each message that holds its resume token.
    token_field: Option<u32>,
    request_id: String,
    frames: Frames,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Preamble,
    Open,
    Ended,
}

impl Events {
    fn event(&mut self, message: &[u8]) -> Vec<u8> {
        let mut event = Vec::with_capacity(message.len() * 2 + 64);
        let token = self
            .token_field
            .and_then(|number| wire::find(message, number));
        if let Some(token) = token {
            event.extend_from_slice(b"id: ");
            event.extend_from_slice(token);
            event.push(b'\n');
        }
        event.extend_from_slice(b"data: ");
        if let Err(error) = (self.codec.encode)(message, &mut event) {
            tracing::error!(%error, message = self.codec.full_name, "no JSON form");
            return self.failure(&Problem::internal());
        }
        event.extend_from_slice(b"\n\n");
        event
    }

    /// The last event: what ended the stream. Its id stays the one before, so that a
    /// reconnect resumes.
    fn failure(&mut self, problem: &Problem) -> Vec<u8> {
        self.state = State::Ended;
        let mut event = b"event: error\ndata: ".to_vec();
        event.extend_from_slice(&problem.to_json(&self.request_id));
        event.extend_from_slice(b"\n\n");
        event
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        loop {
            match self.state {
                State::Ended => return Poll::Ready(None),
                State::Preamble => {
                    self.state = State::Open;
                    return Poll::Ready(Some(PREAMBLE.to_vec()));
                }
                State::Open => {}
            }
            if let Some(message) = self.frames.next() {
                return Poll::Ready(Some(self.event(&message)));
            }
            let part = ready!(http_body::Body::poll_frame(Pin::new(&mut self.inner), cx));
            match part {
                None => self.state = State::Ended,
                Some(Err(status)) => {
                    let problem = Problem::from_status(&status);
                    return Poll::Ready(Some(self.failure(&problem)));
                }
                Some(Ok(part)) => match part.into_data() {
                    Ok(data) => self.frames.push(data),
                    Err(part) => {
                        if let Some(problem) = part.trailers_ref().and_then(call::refusal) {
                            return Poll::Ready(Some(self.failure(&problem)));
                        }
                    }
                },
            }
        }
    }
}

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let event = ready!(self.poll_event(cx));
        Poll::Ready(event.map(|event| Ok(Frame::data(Bytes::from(event)))))
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::Ended
    }
}
