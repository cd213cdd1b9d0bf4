//! The edge before a fake inner service: what reaches it, and what becomes of its
//! answers.

mod answers;
mod pages;
mod raw;
mod requests;
mod streams;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use prost::Message;
use serde_json::Value;
use tower::{ServiceExt, service_fn};

use super::{Body, Edge};

/// What reached the inner service.
#[derive(Debug, Clone)]
struct Seen {
    path: String,
    headers: HeaderMap,
    message: Vec<u8>,
}

impl Seen {
    fn decode<M: Message + Default>(&self) -> M {
        M::decode(&*self.message).expect("the request message")
    }
}

/// What came back over HTTP.
struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
    seen: Option<Seen>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    fn seen<M: Message + Default>(&self) -> M {
        self.seen
            .as_ref()
            .unwrap_or_else(|| panic!("refused: {}", self.text))
            .decode()
    }

    /// The errors of a refusal as `field message` lines.
    fn errors(&self) -> Vec<String> {
        assert_eq!(self.json()["success"], false, "{}", self.text);
        let errors = self.json()["errors"].clone();
        errors
            .as_array()
            .expect("a list")
            .iter()
            .map(|error| {
                let part = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}", part("field"), part("message"))
            })
            .collect()
    }
}

/// Sends a request to an edge whose inner service gives `answer`.
async fn send_to(answer: fn() -> Response<Body>, request: Request<Full<Bytes>>) -> Reply {
    let seen: Arc<Mutex<Option<Seen>>> = Arc::default();
    let inner = {
        let seen = seen.clone();
        service_fn(move |request: Request<Body>| {
            let seen = seen.clone();
            async move {
                let (parts, body) = request.into_parts();
                let frame = body.collect().await.expect("a body").to_bytes();
                let length = u32::from_be_bytes(frame[1..5].try_into().expect("4 bytes"));
                assert_eq!(frame.len(), 5 + length as usize);
                *seen.lock().expect("unpoisoned") = Some(Seen {
                    path: parts.uri.path().to_owned(),
                    headers: parts.headers,
                    message: frame[5..].to_vec(),
                });
                Ok::<_, std::convert::Infallible>(answer())
            }
        })
    };
    let edge = Edge::new(inner).expect("the contract fits itself");
    let response = edge.oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let seen = seen.lock().expect("unpoisoned").clone();
    Reply {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(body.to_vec()).expect("text"),
        seen,
    }
}

/// Sends a request to an edge whose inner service answers with an empty message.
async fn send(request: Request<Full<Bytes>>) -> Reply {
    send_to(|| unary(&()), request).await
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).expect("a request")
}

fn with_body(method: &str, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .expect("a request")
}

fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    with_body("POST", path, body)
}

fn framed(message: &impl Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
    frame.extend_from_slice(&message);
    frame
}

/// A gRPC answer with these bytes in these pieces, then this status.
fn grpc(pieces: Vec<Vec<u8>>, end: tonic::Status) -> Response<Body> {
    let pieces = pieces
        .into_iter()
        .map(|piece| Ok::<_, std::convert::Infallible>(http_body::Frame::data(Bytes::from(piece))));
    let mut trailers = HeaderMap::new();
    end.add_header(&mut trailers).expect("headers");
    let frames = pieces.chain([Ok(http_body::Frame::trailers(trailers))]);
    let frames: Vec<_> = frames.collect();
    let body = http_body_util::StreamBody::new(tokio_stream::iter(frames));
    let mut response = Response::new(Body::new(body));
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn unary(message: &impl Message) -> Response<Body> {
    grpc(vec![framed(message)], tonic::Status::ok(""))
}
