//! The page to try GraphQL: an editor, its variables and headers, the answer, what was
//! asked before, and the schema. Everything is built in, so it works without a network.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::Full;

use crate::edge::Body;

/// Scripts, styles and data come from this server alone.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// May be kept, but must be asked for again.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The page, or a file of it, at a path.
pub fn page(path: &str) -> Option<Response<Body>> {
    let (content, kind) = match path {
        "/graphiql" => (
            include_str!("page/graphiql.html"),
            "text/html; charset=utf-8",
        ),
        "/graphiql/graphiql.css" => (include_str!("page/graphiql.css"), "text/css"),
        "/graphiql/graphiql.js" => (include_str!("page/graphiql.js"), "text/javascript"),
        _ => return None,
    };
    let mut response = Response::new(Body::new(Full::new(Bytes::from_static(content.as_bytes()))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, ASK_AGAIN);
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    Some(response)
}
