//! The way from a field of GraphQL to a call of the contract.

use std::sync::Arc;

use async_graphql::{Context, Error, ErrorExtensionValues, ErrorExtensions, PathSegment};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, Response, Uri};
use serde_json::Value;
use tower::BoxError;

use crate::edge::problem::Problem;
use crate::edge::{Body, call};
use crate::kernel::code_word;
use crate::pb::methods;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The inner service.
pub type Inner = Arc<
    dyn Fn(http::Request<Body>) -> BoxFuture<'static, Result<Response<Body>, BoxError>>
        + Send
        + Sync,
>;

/// Makes calls with the headers of one HTTP request.
pub struct Caller {
    inner: Inner,
    parts: http::request::Parts,
}

impl Caller {
    /// The caller who sent a request.
    pub fn new(inner: Inner, parts: http::request::Parts) -> Self {
        Self { inner, parts }
    }

    /// Calls a method, by its gRPC path, with a request and for an answer in JSON.
    async fn call(
        &self,
        path: &'static str,
        place: &str,
        message: Value,
    ) -> Result<Value, Problem> {
        let method = methods::method(path).ok_or_else(|| broken("there is no such method"))?;
        let message = (method.input.decode_value)(message)
            .map_err(|error| Problem::invalid(format!("the arguments do not fit: {error}")))?;
        let mut parts = self.parts.clone();
        self.own_key(&mut parts, place);
        let request = call::request(Uri::from_static(path), parts, &message);
        let response = (self.inner)(request)
            .await
            .map_err(|error| broken(&error.to_string()))?;
        let (_, body) = call::open(response);
        let message = call::unary(body?).await?;
        let mut json = Vec::new();
        (method.output.encode)(&message, &mut json).map_err(|error| broken(&error.to_string()))?;
        serde_json::from_slice(&json).map_err(|error| broken(&error.to_string()))
    }

    /// Several fields of one request are several intents, each with a key of its own.
    fn own_key(&self, parts: &mut http::request::Parts, place: &str) {
        let key = self.parts.headers.get(&IDEMPOTENCY_KEY);
        let Some(key) = key.and_then(|key| key.to_str().ok()) else {
            return;
        };
        if let Ok(own) = HeaderValue::from_str(&format!("{key}/{place}")) {
            parts.headers.insert(IDEMPOTENCY_KEY, own);
        }
    }

    /// The refusal as GraphQL tells it.
    pub fn error(&self, problem: &Problem) -> Error {
        let request_id = self.parts.headers.get(&REQUEST_ID);
        let request_id = request_id.and_then(|id| id.to_str().ok());
        Error::new(problem.message()).extend_with(|_, told| {
            told.set("code", code_word(problem.grpc_code() as usize));
            told.set("reason", problem.reason());
            if let Some(id) = request_id {
                told.set("requestId", id);
            }
            if let Some(wait) = problem.retry_after() {
                told.set("retryAfterSeconds", wait.as_secs_f64());
            }
            facts(problem, told);
        })
    }
}

/// The facts for programs, and the fields at fault, where there are any.
fn facts(problem: &Problem, told: &mut ErrorExtensionValues) {
    let json = |value: &_| async_graphql::to_value(value).ok();
    if !problem.metadata().is_empty()
        && let Some(metadata) = json(&serde_json::json!(problem.metadata()))
    {
        told.set("metadata", metadata);
    }
    if !problem.errors().is_empty()
        && let Some(errors) = json(&serde_json::json!(problem.errors()))
    {
        told.set("errors", errors);
    }
}

/// Calls a method for the field that is resolved.
///
/// # Errors
/// What the call is refused for, with `extensions.code` and `extensions.reason`.
pub async fn call(
    context: &Context<'_>,
    path: &'static str,
    message: Value,
) -> Result<Value, Error> {
    let caller = context.data::<Caller>()?;
    let place = context
        .path_node
        .map_or_else(String::new, |node| node.to_string());
    let outcome = caller.call(path, &place, message).await;
    outcome.map_err(|problem| caller.error(&problem))
}

/// As [`call`], for a field that may be null: the refusal stands in the errors, and the
/// other fields are answered all the same.
pub async fn call_or_null(
    context: &Context<'_>,
    path: &'static str,
    message: Value,
) -> Option<Value> {
    match call(context, path, message).await {
        Ok(answer) => Some(answer),
        Err(error) => {
            let mut error = error.into_server_error(context.item.pos);
            error.path = vec![PathSegment::Field(
                context.item.node.response_key().node.to_string(),
            )];
            context.add_error(error);
            None
        }
    }
}

fn broken(why: &str) -> Problem {
    tracing::error!(why, "a call for GraphQL failed");
    Problem::internal()
}
