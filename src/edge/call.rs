//! The call to the inner gRPC service, and its answer taken apart: headers pass in and
//! out, frames and statuses do not.

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, Version, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use tonic::{Code, Status};
use tower::BoxError;

use super::Body;
use super::problem::Problem;

/// A frame begins with one byte that tells compression and four that tell the length.
const PREFIX: usize = 5;
/// Headers that describe the one hop or the JSON body, not the call.
const NOT_PASSED_IN: [HeaderName; 14] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("grpc-encoding"),
];
/// Headers that describe the gRPC answer, not what it says.
const NOT_PASSED_OUT: [HeaderName; 8] = [
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRAILER,
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// The gRPC request that carries `message` to the method at `uri`, with the headers and
/// extensions of the HTTP request.
pub fn request(uri: Uri, parts: http::request::Parts, message: &[u8]) -> Request<Body> {
    let body = Full::new(frame(message, 0));
    Request::from_parts(head(uri, parts), Body::new(body))
}

/// The same of a message that begins with `message` and ends with a body of so many bytes,
/// which is read when somebody asks for it.
pub fn streamed<B>(
    uri: Uri,
    parts: http::request::Parts,
    message: &[u8],
    length: usize,
    body: B,
) -> Request<Body>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let first = stream::iter([Ok(Frame::data(frame(message, length)))]);
    let rest = body.into_data_stream().map_ok(Frame::data);
    let rest = rest.map_err(|_| Status::invalid_argument("the body broke off"));
    let body = StreamBody::new(first.chain(rest));
    Request::from_parts(head(uri, parts), Body::new(body))
}

fn head(uri: Uri, mut parts: http::request::Parts) -> http::request::Parts {
    parts.method = Method::POST;
    parts.uri = uri;
    parts.version = Version::HTTP_2;
    for name in &NOT_PASSED_IN {
        parts.headers.remove(name);
    }
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    parts
        .headers
        .insert(header::TE, HeaderValue::from_static("trailers"));
    parts
}

/// The frame of a message, of which so many bytes follow.
fn frame(message: &[u8], more: usize) -> Bytes {
    let mut frame = BytesMut::with_capacity(PREFIX + message.len());
    frame.put_u8(0);
    // Requests are far below 4 GiB: bodies are, and so are request lines.
    frame.put_u32((message.len() + more) as u32);
    frame.extend_from_slice(message);
    frame.freeze()
}

/// The answer's headers with those that are only gRPC's taken out, and its body or the
/// refusal that came instead of one.
pub fn open(response: Response<Body>) -> (HeaderMap, Result<Body, Problem>) {
    let (parts, body) = response.into_parts();
    let mut headers = parts.headers;
    let refusal = refusal(&headers);
    for name in &NOT_PASSED_OUT {
        headers.remove(name);
    }
    (headers, refusal.map_or(Ok(body), Err))
}

/// The refusal that headers or trailers hold, if they hold one.
pub fn refusal(headers: &HeaderMap) -> Option<Problem> {
    let status = Status::from_header_map(headers)?;
    (status.code() != Code::Ok).then(|| Problem::from_status(&status))
}

/// The one message of a unary answer.
///
/// # Errors
/// The refusal in the trailers; INTERNAL when there is no whole message.
pub async fn unary(mut body: Body) -> Result<Bytes, Problem> {
    let mut frames = Frames::default();
    let mut message = None;
    while let Some(part) = body.frame().await {
        let part = part.map_err(|error| {
            tracing::error!(%error, "the answer of a method broke off");
            Problem::internal()
        })?;
        match part.into_data() {
            Ok(data) => {
                frames.push(data);
                message = frames.next().or(message);
            }
            Err(part) => {
                if let Some(problem) = part.trailers_ref().and_then(refusal) {
                    return Err(problem);
                }
            }
        }
    }
    message.ok_or_else(|| {
        tracing::error!("a method answered without a message");
        Problem::internal()
    })
}

/// Cuts a byte stream into the messages of its frames.
#[derive(Debug, Default)]
pub struct Frames {
    /// What has arrived and is not taken. A frame that comes in one piece, as all small
    /// ones do, is never copied.
    buffer: Bytes,
}

impl Frames {
    /// Takes more of the stream.
    pub fn push(&mut self, data: Bytes) {
        if self.buffer.is_empty() {
            self.buffer = data;
        } else {
            let mut joined = BytesMut::with_capacity(self.buffer.len() + data.len());
            joined.extend_from_slice(&self.buffer);
            joined.extend_from_slice(&data);
            self.buffer = joined.freeze();
        }
    }

    /// The next whole message.
    pub fn next(&mut self) -> Option<Bytes> {
        let (prefix, _) = self.buffer.split_first_chunk::<PREFIX>()?;
        let [_, length @ ..] = *prefix;
        let end = PREFIX + u32::from_be_bytes(length) as usize;
        if self.buffer.len() < end {
            return None;
        }
        let frame = self.buffer.split_to(end);
        Some(frame.slice(PREFIX..))
    }
}
