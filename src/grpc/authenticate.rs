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
    /// TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED, ACCOUNT_INACTIVE.
    async fn authenticate(&self, token: &str) -> Result<Caller>;
}

/// The caller of a request. A token that is sent must be good even where none is
/// needed: a client whose token went bad must learn it, not silently become nobody.
pub(super) async fn caller(by: &dyn Authenticator, headers: &HeaderMap) -> Result<Caller> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(Caller::Anonymous);
    };
    match value.to_str().ok().and_then(bearer) {
        Some(token) => by.authenticate(token).await,
        None => Err(Error::new(
            Reason::TokenInvalid,
            "the authorization header must be: Bearer <access token>",
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
