//! The JSON edge: HTTP and JSON for every method of the contract, through the same
//! inner service that gRPC uses, so that nothing is decided twice.
//!
//! It owns the way from a path, a query and a body to a request message ([`router`],
//! [`request`]), the envelope of answers and refusals, server streams as
//! `text/event-stream` ([`sse`]), the OpenAPI document and the page that shows it. It
//! follows the tables of the contract alone and knows no service.

mod binding;
mod call;
mod json;
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
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use tower::{BoxError, Service, ServiceExt};

use self::binding::{Binding, BodyPlan};
use self::problem::Problem;
use self::router::{Match, Router};
use crate::kernel::{Result, random};

/// The body of requests to the inner service and of every answer.
pub type Body = tonic::body::Body;

/// Correlates an answer with the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken over from a client.
const MAX_REQUEST_ID: usize = 128;

/// The tower service that answers HTTP and JSON by calls to the inner gRPC service.
#[derive(Debug, Clone)]
pub struct Edge<S> {
    inner: S,
    contract: Arc<Contract>,
}

/// What the contract says, ready for use.
#[derive(Debug)]
struct Contract {
    router: Router,
    bindings: Vec<Binding>,
}

impl<S> Edge<S> {
    /// Works out the tables of the contract for an inner service.
    ///
    /// # Errors
    /// INTERNAL when the compiled contract contradicts itself.
    pub fn new(inner: S) -> Result<Self> {
        let pool = binding::descriptors()?;
        let bindings = binding::all(&pool)?;
        let router = Router::new(crate::pb::routes::ROUTES);
        Ok(Self {
            inner,
            contract: Arc::new(Contract { router, bindings }),
        })
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
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Readiness is awaited for each call, on the clone that makes it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let edge = self.clone();
        Box::pin(async move { Ok(edge.answer(request).await) })
    }
}

impl<S> Edge<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    async fn answer<B>(self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (mut parts, body) = request.into_parts();
        let request_id = request_id(&mut parts.headers);
        let is_head = parts.method == Method::HEAD;
        let mut response = match self.route(parts, body, &request_id).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(text(&request_id)),
        };
        response
            .headers_mut()
            .entry(REQUEST_ID)
            .or_insert(request_id);
        match is_head {
            true => without_body(response),
            false => response,
        }
    }

    async fn route<B>(
        self,
        parts: http::request::Parts,
        body: B,
        request_id: &HeaderValue,
    ) -> Result<Response<Body>, Problem>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let contract = self.contract;
        let uri = parts.uri.clone();
        let (index, captures) = match contract.router.find(&parts.method, uri.path()) {
            Match::Found(index, captures) => (index, captures),
            Match::WrongMethod(allow) => return Err(Problem::wrong_method(&allow)),
            Match::Unknown => return Err(Problem::unknown_path()),
        };
        let Some(binding) = contract.bindings.get(index) else {
            return Err(Problem::unknown_path());
        };
        let body = match binding.body {
            BodyPlan::None => Bytes::new(),
            BodyPlan::Whole { .. } | BodyPlan::Field { .. } => {
                request::read_body(&parts.headers, body).await?
            }
        };
        let message = request::message(binding, &captures, uri.query(), &body, &parts.headers)?;
        let request = call::request(binding, parts, &message);
        let response = self.inner.oneshot(request).await.map_err(|error| {
            let error: BoxError = error.into();
            tracing::error!(%error, "the inner service failed");
            Problem::internal()
        })?;
        Ok(answer(binding, response, text(request_id)).await)
    }
}

/// The HTTP form of a method's answer.
async fn answer(binding: &Binding, response: Response<Body>, request_id: &str) -> Response<Body> {
    let (headers, body) = call::open(response);
    let body = match body {
        Ok(body) => body,
        Err(problem) => return refuse(headers, problem, request_id),
    };
    let codec = binding.method.output;
    if let Some(stream) = binding.stream {
        return sse::response(headers, body, codec, stream.message_token, request_id);
    }
    let json = match call::unary(body).await {
        Ok(message) => success(binding, &message),
        Err(problem) => Err(problem),
    };
    match json {
        Err(problem) => refuse(headers, problem, request_id),
        Ok(json) => {
            let mut response = Response::new(json_body(json));
            *response.headers_mut() = headers;
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            if binding.created {
                *response.status_mut() = StatusCode::CREATED;
            }
            response
        }
    }
}

/// `{"success": true, …}` around the fields of the message, whose JSON is written in
/// place and not parsed again.
fn success(binding: &Binding, message: &[u8]) -> Result<Vec<u8>, Problem> {
    const START: &[u8] = br#"{"success":true"#;
    let mut json = Vec::with_capacity(START.len() + message.len() * 2 + 64);
    json.extend_from_slice(START);
    let start = json.len();
    let codec = binding.method.output;
    if let Err(error) = (codec.encode)(message, &mut json) {
        tracing::error!(%error, message = codec.full_name, "no JSON form");
        return Err(Problem::internal());
    }
    match json.get(start + 1) {
        Some(b'}') => json.truncate(start),
        _ => json[start] = b',',
    }
    if json.len() == start {
        json.push(b'}');
    }
    Ok(json)
}

fn refuse(headers: HeaderMap, problem: Problem, request_id: &str) -> Response<Body> {
    let mut response = problem.into_response(request_id);
    for (name, value) in &headers {
        response.headers_mut().entry(name).or_insert(value.clone());
    }
    response
}

fn json_body(json: Vec<u8>) -> Body {
    Body::new(Full::new(Bytes::from(json)))
}

/// The request's id, made and set where the client sent none that can be taken over.
fn request_id(headers: &mut HeaderMap) -> HeaderValue {
    let sent = headers.get(REQUEST_ID).filter(|value| {
        (1..=MAX_REQUEST_ID).contains(&value.len())
            && value.as_bytes().iter().all(u8::is_ascii_graphic)
    });
    if let Some(sent) = sent {
        return sent.clone();
    }
    let made = format!("{:032x}", u128::from_be_bytes(random::bytes()));
    let made = HeaderValue::try_from(made).unwrap_or(HeaderValue::from_static("unknown"));
    headers.insert(REQUEST_ID, made.clone());
    made
}

fn text(request_id: &HeaderValue) -> &str {
    request_id.to_str().unwrap_or_default()
}

/// The answer to HEAD: what GET would say, without saying it.
fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = http_body::Body::size_hint(&body).exact() {
        parts
            .headers
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}
