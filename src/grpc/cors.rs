//! Which web pages may read answers: an exact list of origins, never an echo.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tonic::body::Body;

use super::config::Origins;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, grpc-timeout, idempotency-key, last-event-id, x-grpc-web, \
     x-request-id, x-user-agent",
);
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static(
    "etag, grpc-status, grpc-message, grpc-status-details-bin, idempotency-replayed, \
     retry-after, x-db-statements, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id",
);
/// Seconds that a browser may remember a preflight's answer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// The rules for pages of other origins.
#[derive(Debug)]
pub(super) struct Cors {
    origins: Allowed,
    credentials: bool,
}

#[derive(Debug)]
enum Allowed {
    Any,
    List(Vec<HeaderValue>),
}

impl Cors {
    pub(super) fn new(origins: &Origins, credentials: bool) -> Self {
        let origins = match origins {
            Origins::Any => Allowed::Any,
            Origins::List(list) => Allowed::List(
                list.iter()
                    .filter_map(|origin| HeaderValue::from_str(origin).ok())
                    .collect(),
            ),
        };
        Self {
            origins,
            credentials,
        }
    }

    /// The answer to a browser's question whether a page may make a call.
    pub(super) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let asks = request.method() == Method::OPTIONS
            && request
                .headers()
                .contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let origin = request.headers().get(ORIGIN).filter(|_| asks)?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        if self.mark(origin, headers) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        Some(response)
    }

    /// Lets a page of `origin` read the answer, where it may.
    pub(super) fn expose(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        if self.mark(origin, headers) {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
        }
    }

    fn mark(&self, origin: &HeaderValue, headers: &mut HeaderMap) -> bool {
        let allowed = match &self.origins {
            Allowed::Any => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                return true;
            }
            Allowed::List(list) => list.iter().find(|allowed| *allowed == origin),
        };
        // The answer depends on the origin, so caches must keep one for each.
        headers.append(VARY, HeaderValue::from_static("origin"));
        let Some(allowed) = allowed else {
            return false;
        };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
        if self.credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(cors: &Cors, origin: &'static str) -> HeaderMap {
        let request = Request::options("/api/orders")
            .header(ORIGIN, origin)
            .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .body(())
            .unwrap();
        cors.preflight(&request).unwrap().headers().clone()
    }

    #[test]
    fn only_the_exact_origins_of_the_list_are_allowed() {
        let list = Origins::List(vec!["https://shop.dz".to_owned()]);
        let cors = Cors::new(&list, true);
        let headers = answer(&cors, "https://shop.dz");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.dz");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        for foreign in [
            "https://shop.dz.evil.com",
            "http://shop.dz",
            "https://shop.dz:8443",
            "null",
        ] {
            let headers = answer(&cors, foreign);
            assert!(
                !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN),
                "{foreign}"
            );
            assert!(
                !headers.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS),
                "{foreign}"
            );
            assert_eq!(headers[VARY], "origin");
        }
    }

    #[test]
    fn any_origin_never_comes_with_credentials() {
        let headers = answer(&Cors::new(&Origins::Any, true), "https://evil.com");
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }

    #[test]
    fn an_ordinary_options_request_is_no_preflight() {
        let cors = Cors::new(&Origins::Any, false);
        let request = Request::options("/")
            .header(ORIGIN, "https://a.dz")
            .body(())
            .unwrap();
        assert!(cors.preflight(&request).is_none());
    }
}
