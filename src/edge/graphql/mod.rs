//! A GraphQL face of a few operations, at `/graphql`: what clients of the systems that souk
//! replaces ask there. Each field is a call of the contract through the same inner service
//! as every other transport, so nothing is decided here. `/graphiql` is a page to try it.

mod bounds;
mod caller;
mod order;
mod page;
mod schema;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{EmptySubscription, PathSegment, Pos, Request, Schema, ServerError, Value};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Response, StatusCode, header};
use tower::{BoxError, Service, ServiceExt};

pub use page::page;

use self::caller::{Caller, Inner};
use self::schema::{Mutation, Query};
use super::arriving::Arriving;
use super::envelope::json_body;
use super::problem::Problem;
use super::{Body, body, json};
use crate::kernel::{Error, Reason};

/// Where GraphQL is answered.
pub const PATH: &str = "/graphql";

/// How deep a query may nest: as deep as tools ask for the schema.
const MAX_DEPTH: usize = 16;
/// What a query may cost: a call of the contract costs [`schema::CALL`], any other field 1.
const MAX_COMPLEXITY: usize = 500;
/// How often directives may stand on one field.
const MAX_DIRECTIVES: usize = 4;
/// How long a query may take. Each of its calls has a time of its own, usually shorter: one
/// that is refused for it leaves the rest of the answer as it is.
const TIME: Duration = Duration::from_secs(15);

/// The schema, ready for use.
#[derive(Clone)]
pub struct GraphQl(Schema<Query, Mutation, EmptySubscription>);

impl std::fmt::Debug for GraphQl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GraphQl").finish_non_exhaustive()
    }
}

impl GraphQl {
    /// The schema with its bounds.
    pub fn new() -> Self {
        let schema = Schema::build(Query, Mutation, EmptySubscription)
            .limit_depth(MAX_DEPTH)
            .limit_complexity(MAX_COMPLEXITY)
            .limit_directives(MAX_DIRECTIVES)
            .finish();
        Self(schema)
    }

    /// Answers one request: a POST of JSON, or a GET that only reads.
    ///
    /// # Errors
    /// VALIDATION_ERROR for what is no GraphQL request, METHOD_NOT_ALLOWED for other
    /// methods and for mutations by GET, DEADLINE_EXCEEDED for what takes too long; those of
    /// the body. What a query or its calls are refused for stands in the answer's `errors`.
    pub async fn answer<S, B>(
        &self,
        parts: http::request::Parts,
        body: B,
        arriving: &Arriving,
        inner: S,
    ) -> Result<Response<Body>, Problem>
    where
        S: Service<http::Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Into<BoxError>,
    {
        let (mut asked, length) = match parts.method {
            Method::GET | Method::HEAD => {
                let query = parts.uri.query().unwrap_or_default();
                (from_query(query)?, query.len())
            }
            Method::POST => {
                let body =
                    body::read_json(&parts.headers, body, arriving.room(&parts.extensions)).await?;
                (from_json(json::parse(&body)?)?, body.len())
            }
            _ => return Err(Problem::wrong_method("GET, HEAD, POST")),
        };
        let only_reads = parts.method != Method::POST;
        let caller = Caller::new(shared(inner), parts);
        if let Err(why) = bounds::check(&mut asked, length) {
            return written(StatusCode::BAD_REQUEST, &refusal(&caller, why));
        }
        if only_reads && writes(&mut asked) {
            return Err(Problem::wrong_method("POST"));
        }
        let keys = order::keys(&mut asked);
        let answer = tokio::time::timeout(TIME, self.0.execute(asked.data(caller))).await;
        let answer = answer
            .map_err(|_elapsed| Error::new(Reason::DeadlineExceeded, "the query took too long"))?;
        written(StatusCode::OK, &order::apply(whole_or_null(answer), &keys))
    }
}

/// The answer to a query that is out of bounds.
fn refusal(caller: &Caller, why: &'static str) -> async_graphql::Response {
    let problem = Error::new(Reason::ValidationError, why).into();
    let mut error = caller.error(&problem).into_server_error(Pos::default());
    // It is the query as a whole.
    error.locations.clear();
    async_graphql::Response::from_errors(vec![error])
}

fn written(
    status: StatusCode,
    answer: &async_graphql::Response,
) -> Result<Response<Body>, Problem> {
    let json = serde_json::to_vec(answer).map_err(|error| {
        tracing::error!(%error, "a GraphQL answer has no JSON form");
        Problem::internal()
    })?;
    let mut response = Response::new(json_body(json));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// A field that must not be null and was refused leaves the whole answer null; the library
/// would leave the field out.
fn whole_or_null(mut answer: async_graphql::Response) -> async_graphql::Response {
    let Value::Object(data) = &answer.data else {
        return answer;
    };
    let is_missing = |error: &ServerError| match error.path.as_slice() {
        [PathSegment::Field(name), ..] => !data.contains_key(name.as_str()),
        _ => false,
    };
    if answer.errors.iter().any(is_missing) {
        answer.data = Value::Null;
    }
    answer
}

/// The inner service in a form that resolvers can share.
fn shared<S>(inner: S) -> Inner
where
    S: Service<http::Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    let inner = Mutex::new(inner);
    Arc::new(move |request| {
        let inner = inner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move { inner.oneshot(request).await.map_err(Into::into) }.boxed()
    })
}

/// `{"query": …, "variables": …, "operationName": …}`.
fn from_json(value: serde_json::Value) -> Result<Request, Problem> {
    if value
        .get("query")
        .and_then(serde_json::Value::as_str)
        .is_none()
    {
        return Err(Problem::invalid(
            "the body needs a query: a text of GraphQL",
        ));
    }
    serde_json::from_value(value)
        .map_err(|error| Problem::invalid(format!("the body is no GraphQL request: {error}")))
}

/// `?query=…&variables=…&operationName=…`.
fn from_query(query: &str) -> Result<Request, Problem> {
    let mut members = serde_json::Map::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        let value = match &*name {
            "query" | "operationName" => serde_json::Value::String(text.into_owned()),
            "variables" => json::parse(text.as_bytes())?,
            _ => continue,
        };
        members.insert(name.into_owned(), value);
    }
    from_json(serde_json::Value::Object(members))
}

/// Whether the operation that is asked for is no query. What cannot be read is told by the
/// execution.
fn writes(request: &mut Request) -> bool {
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else {
        return false;
    };
    document.operations.iter().any(|(known, operation)| {
        let is_meant = name.is_none() || known.map(|known| known.as_str()) == name.as_deref();
        is_meant && operation.node.ty != OperationType::Query
    })
}
