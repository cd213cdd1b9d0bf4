//! One request from its arrival to its answer: found, read, called, written.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use tower::{BoxError, Service, ServiceExt};

use super::arriving::Arriving;
use super::binding::{self, Binding, BodyPlan};
use super::docs::Docs;
use super::graphql::{self, GraphQl};
use super::problem::Problem;
use super::router::{Match, Router};
use super::{Body, body, call, envelope, request};
use crate::kernel::{Result, random};

/// Correlates an answer with the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest request id that is taken over from a client.
const MAX_REQUEST_ID: usize = 128;

/// The service without compression.
#[derive(Debug, Clone)]
pub struct Answers<S> {
    inner: S,
    contract: Arc<Contract>,
}

/// What the contract says, ready for use.
#[derive(Debug)]
struct Contract {
    router: Router,
    bindings: Vec<Binding>,
    docs: Docs,
    graphql: GraphQl,
    arriving: Arriving,
}

impl<S> Answers<S> {
    /// Works out the tables of the contract.
    ///
    /// # Errors
    /// INTERNAL when the compiled contract contradicts itself.
    pub fn new(inner: S) -> Result<Self> {
        let pool = binding::descriptors()?;
        let contract = Contract {
            router: Router::new(crate::pb::routes::ROUTES),
            bindings: binding::all(&pool)?,
            docs: Docs::new(pool),
            graphql: GraphQl::new(),
            arriving: Arriving::default(),
        };
        Ok(Self {
            inner,
            contract: Arc::new(contract),
        })
    }
}

/// An answer on its way.
type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<S, B> Service<Request<B>> for Answers<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Readiness is awaited for each call, on the clone that makes it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answers = self.clone();
        Box::pin(async move { Ok(answers.answer(request).await) })
    }
}

impl<S> Answers<S>
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
            Match::Unknown if uri.path() == graphql::PATH => {
                let (graphql, arriving) = (&contract.graphql, &contract.arriving);
                return graphql.answer(parts, body, arriving, self.inner).await;
            }
            Match::Unknown => {
                return contract.docs.page(
                    &contract.bindings,
                    &parts.method,
                    uri.path(),
                    &parts.headers,
                );
            }
        };
        let Some(binding) = contract.bindings.get(index) else {
            return Err(Problem::unknown_path());
        };
        let to = binding.uri.clone();
        let request = if let BodyPlan::Raw { number } = binding.body
            && let Some(max) = binding.max_bytes
        {
            let length = body::length(&body, max)?;
            let before = request::before_raw(binding, number, &captures, length, &parts.headers)?;
            call::streamed(to, parts, &before, length, body)
        } else {
            let room = contract.arriving.room(&parts.extensions);
            let body = match binding.body {
                BodyPlan::None => Bytes::new(),
                BodyPlan::Raw { .. } => body::read_raw(body, room).await?,
                BodyPlan::Whole { .. } | BodyPlan::Field { .. } => {
                    body::read_json(&parts.headers, body, room).await?
                }
            };
            let query = uri.query();
            let message = request::message(binding, &captures, query, &body, &parts.headers)?;
            call::request(to, parts, &message)
        };
        let response = self.inner.oneshot(request).await.map_err(|error| {
            let error: BoxError = error.into();
            tracing::error!(%error, "the inner service failed");
            Problem::internal()
        })?;
        Ok(envelope::answer(binding, response, text(request_id)).await)
    }
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
