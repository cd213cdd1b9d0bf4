//! Headers that keep browsers from misreading an answer. An answer that has its own,
//! such as the documentation page with its content policy, keeps it.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

const SAFE: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Two years, as preload lists ask.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Adds what is missing; `encrypted` when clients reach this server by TLS.
pub(super) fn secure(headers: &mut HeaderMap, encrypted: bool) {
    for (name, value) in SAFE {
        headers.entry(name).or_insert(value);
    }
    if encrypted {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HSTS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_its_own_and_gets_the_rest() {
        let own = HeaderValue::from_static("public, max-age=60");
        let mut headers = HeaderMap::from_iter([(CACHE_CONTROL, own.clone())]);
        secure(&mut headers, false);
        assert_eq!(headers[CACHE_CONTROL], own);
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
        secure(&mut headers, true);
        assert_eq!(headers.len(), 6);
    }
}
