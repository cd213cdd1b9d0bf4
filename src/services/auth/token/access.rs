//! Access tokens: JWTs of ours (RFC 9068), signed by one of our keys.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::kernel::id::{SessionId, UserId};
use crate::kernel::signing::{CheckingKey, Compact, SigningKey};
use crate::kernel::{Error, Reason, Result, Role, Time, random};

/// How far the clocks of two processes may be apart.
const LEEWAY_SECONDS: i64 = 5;
/// No token of ours works longer, whatever the settings.
const TTL_MAX_SECONDS: i64 = 15 * 60;
/// The `typ` of the header (RFC 9068): no other token of ours passes for an access token.
const TYPE: &str = "at+jwt";

/// Who an access token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Bearer {
    pub user: UserId,
    pub session: SessionId,
}

/// The header of our tokens. It has nothing else: a token that brings its own key, names a
/// place to fetch one, or asks for what is not done here is not ours.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    sid: String,
    // For clients to read; the server looks the role up, because it may change.
    role: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    iss: String,
    aud: String,
}

/// The keys of access tokens: one signs, and those before it still check.
#[derive(Debug)]
pub(in super::super) struct Keys {
    current: SigningKey,
    previous: Vec<CheckingKey>,
}

impl Keys {
    pub(in super::super) const fn new(current: SigningKey, previous: Vec<CheckingKey>) -> Self {
        Self { current, previous }
    }

    /// All that check, the one that signs first.
    pub(in super::super) fn checking(&self) -> impl Iterator<Item = &CheckingKey> {
        std::iter::once(self.current.checks()).chain(&self.previous)
    }
}

/// Issues and reads access tokens.
pub(in super::super) struct AccessTokens {
    keys: Keys,
    issuer: String,
    audience: String,
    ttl: Duration,
}

impl AccessTokens {
    pub(in super::super) const fn new(
        keys: Keys,
        issuer: String,
        audience: String,
        ttl: Duration,
    ) -> Self {
        Self {
            keys,
            issuer,
            audience,
            ttl,
        }
    }

    /// How long a token works.
    pub(in super::super) const fn ttl(&self) -> Duration {
        self.ttl
    }

    /// The keys.
    pub(in super::super) const fn keys(&self) -> &Keys {
        &self.keys
    }

    /// A token for a session.
    ///
    /// # Errors
    /// INTERNAL when signing fails.
    pub(in super::super) fn issue(&self, now: Time, bearer: Bearer, role: Role) -> Result<String> {
        let claims = Claims {
            sub: bearer.user.to_string(),
            sid: bearer.session.to_string(),
            role: role.as_str().to_owned(),
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: (now + self.ttl).seconds(),
            jti: URL_SAFE_NO_PAD.encode(random::bytes::<16>()),
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
        };
        self.keys.current.sign(TYPE, &claims)
    }

    /// Who a token of ours speaks for.
    ///
    /// # Errors
    /// TOKEN_INVALID, without saying in what way; TOKEN_EXPIRED, in the same words, for
    /// one that is ours in every way but time.
    pub(in super::super) fn read(&self, now: Time, token: &str) -> Result<Bearer> {
        let claims = self.claims(token).ok_or_else(invalid)?;
        let bearer = Bearer {
            user: claims.sub.parse().map_err(|_| invalid())?,
            session: claims.sid.parse().map_err(|_| invalid())?,
        };
        if !is_timely(&claims, now.seconds()) {
            return Err(invalid());
        }
        if claims.exp <= now.seconds() {
            return Err(expired());
        }
        Ok(bearer)
    }

    /// The claims, if one of our keys signed them for us.
    fn claims(&self, token: &str) -> Option<Claims> {
        let token = Compact::of(token)?;
        let header: Header = token.header()?;
        let key = self.keys.checking().find(|key| key.id() == header.kid)?;
        if header.typ != TYPE || header.alg != key.algorithm() || !key.signed(&token) {
            return None;
        }
        let claims: Claims = token.claims()?;
        (claims.iss == self.issuer && claims.aud == self.audience).then_some(claims)
    }
}

/// Whether the times of a token are such as we write: it began, and lasts no longer than
/// ours do.
fn is_timely(claims: &Claims, now: i64) -> bool {
    let lasts = claims.exp.checked_sub(claims.nbf);
    claims.iat >= 0
        && claims.iat <= claims.nbf
        && claims.nbf <= now + LEEWAY_SECONDS
        && lasts.is_some_and(|span| (1..=TTL_MAX_SECONDS).contains(&span))
}

/// The answer to every token that is not a good one.
pub(in super::super) fn invalid() -> Error {
    refused(Reason::TokenInvalid)
}

/// The answer to a token that was a good one.
pub(in super::super) fn expired() -> Error {
    refused(Reason::TokenExpired)
}

fn refused(reason: Reason) -> Error {
    Error::new(reason, "the access token is not valid")
}
