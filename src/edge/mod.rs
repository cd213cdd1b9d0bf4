//! The JSON edge: HTTP and JSON for every method of the contract, through the same
//! inner service that gRPC uses, so that nothing is decided twice.
//!
//! It owns the way from a path, a query and a body to a request message ([`router`],
//! [`body`], [`request`]), the room for what has half arrived ([`arriving`]), the envelope
//! of answers and refusals ([`envelope`]), server streams as `text/event-stream` ([`sse`]),
//! the OpenAPI document and the page that shows it ([`openapi`], [`docs`]), and a GraphQL
//! face of a few operations ([`graphql`]). It follows the tables of the contract alone and
//! knows no service.

mod answers;
mod arriving;
mod binding;
mod body;
mod call;
mod docs;
mod envelope;
mod graphql;
mod json;
mod openapi;
mod problem;
mod request;
mod router;
mod shape;
mod slot;
mod sse;
#[cfg(test)]
mod tests;
mod wire;

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::TryFutureExt;
use futures_util::future::MapOk;
use http::{Request, Response};
use tower::{BoxError, Service};
use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{Compression, CompressionBody};

use self::answers::Answers;
pub use self::problem::Problem;
use crate::kernel::Result;

/// The body of requests to the inner service and of every answer.
pub type Body = tonic::body::Body;

/// The tower service that answers HTTP and JSON by calls to the inner gRPC service.
/// Answers of some size are compressed for clients that accept it.
#[derive(Clone)]
pub struct Edge<S>(Compression<Answers<S>, Compressible>);

/// Small answers gain nothing, events must leave at once, and images are compressed.
type Compressible = And<And<SizeAbove, NotForContentType>, NotForContentType>;
/// From here on compression pays for its time.
const COMPRESS_ABOVE: u64 = 1024;

impl<S> Edge<S> {
    /// Works out the tables of the contract for an inner service.
    ///
    /// # Errors
    /// INTERNAL when the compiled contract contradicts itself.
    pub fn new(inner: S) -> Result<Self> {
        let compressible = SizeAbove::new(COMPRESS_ABOVE)
            .and(NotForContentType::const_new("text/event-stream"))
            .and(NotForContentType::IMAGES);
        let answers = Answers::new(inner)?;
        Ok(Self(Compression::new(answers).compress_when(compressible)))
    }
}

impl<S, B> Service<Request<B>> for Edge<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = MapOk<
        <Compression<Answers<S>, Compressible> as Service<Request<B>>>::Future,
        fn(Response<CompressionBody<Body>>) -> Response<Body>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0
            .call(request)
            .map_ok(|response| response.map(Body::new))
    }
}
