//! Files that souk itself keeps and serves: where no bucket is set, clients send bytes to
//! `PUT /files/{key}?token=…` and everybody reads them at `GET /files/{key}`.
//!
//! It stands in front of the edge and passes on whatever is not below `/files/`. What may
//! come in is written on the ticket; what has come in is served when it is published, and
//! with headers that make it nothing but a picture or a video.

mod receive;
mod send;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response};
use tower::{Service, ServiceExt};

use crate::clients::blob::LocalBlobs;
use crate::edge::{Body, Problem};
use crate::kernel::{Error, Result};

const PREFIX: &str = "/files/";
const ALLOWED: &str = "GET, HEAD, PUT";

/// The tower service of files, and what answers everything else.
#[derive(Clone)]
pub struct Files<S> {
    blobs: Arc<LocalBlobs>,
    rest: S,
}

impl<S> Files<S> {
    /// Serves the files of a folder in front of `rest`.
    pub const fn new(blobs: Arc<LocalBlobs>, rest: S) -> Self {
        Self { blobs, rest }
    }
}

impl<S> Service<Request<Body>> for Files<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Readiness is awaited for each call, on the clone that makes it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path().starts_with(PREFIX) {
            let blobs = self.blobs.clone();
            Box::pin(async move { Ok(answer(&blobs, request).await) })
        } else {
            Box::pin(self.rest.clone().oneshot(request))
        }
    }
}

async fn answer(blobs: &LocalBlobs, request: Request<Body>) -> Response<Body> {
    let id = request.headers().get("x-request-id");
    let id = id
        .and_then(|id| id.to_str().ok())
        .unwrap_or("unknown")
        .to_owned();
    let method = request.method().clone();
    let outcome = match method {
        Method::GET | Method::HEAD => send::send(blobs, request, &id).await,
        Method::PUT => receive::receive(blobs, request).await,
        _ => Err(Problem::wrong_method(ALLOWED)),
    };
    let mut response = outcome.unwrap_or_else(|refused| refused.into_response(&id));
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// The key in the path. Keys need no encoding, so what has one is none.
fn key<B>(request: &Request<B>) -> &str {
    let path = request.uri().path();
    path.strip_prefix(PREFIX).unwrap_or_default()
}

fn not_found() -> Problem {
    Error::not_found("file").into()
}
