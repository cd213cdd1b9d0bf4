//! Who calls: the Bearer token becomes a [`Caller`].

use async_trait::async_trait;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::kernel::{Caller, Error, Reason, Result};

/// Knows tokens. The service that issues them implements it.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// The caller that an access token names.
    ///
    /// # Errors
    /// TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED, ACCOUNT_INACTIVE; UNAVAILABLE when
    /// whoever vouches for the caller cannot be asked.
    async fn authenticate(&self, token: &str) -> Result<Caller>;
}

/// The caller of a request. A token that is sent must be good even where none is
/// needed: a client whose token went bad must learn it, not silently become nobody.
pub(super) async fn caller(by: &dyn Authenticator, headers: &HeaderMap) -> Result<Caller> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let token = match (values.next(), values.next()) {
        (None, _) => return Ok(Caller::Anonymous),
        (Some(value), None) => value.to_str().ok().and_then(bearer),
        // Two callers in one call: neither is meant.
        (Some(_), Some(_)) => None,
    };
    match token {
        Some(token) => by.authenticate(token).await,
        // The same words as for every token that is not good: what is wrong with it is
        // not told.
        None => Err(Error::new(
            Reason::TokenInvalid,
            "the access token is not valid",
        )),
    }
}

/// The token of a header value; the scheme's name is read in any case (RFC 9110).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_bearer_header() {
        let cases = [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("BEARER abc", Some("abc")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic abc", None),
            ("abc", None),
        ];
        for (value, token) in cases {
            assert_eq!(bearer(value), token, "{value}");
        }
    }
}
