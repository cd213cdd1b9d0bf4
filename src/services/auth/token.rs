//! Access tokens (JWT, HS256) and refresh tokens (opaque). Pure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::kernel::id::{SessionId, UserId};
use crate::kernel::seal::hmac;
use crate::kernel::{Error, Reason, Result, Role, Secret, Time, random};

/// How far the clocks of two processes may be apart.
const LEEWAY_SECONDS: i64 = 5;
/// The `typ` of the header (RFC 9068): no other token of ours passes for an access token.
const TYPE: &str = "at+jwt";

/// Who an access token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bearer {
    pub user: UserId,
    pub session: SessionId,
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

/// Issues and reads access tokens.
pub(super) struct AccessTokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    issuer: String,
    audience: String,
    ttl: Duration,
}

impl AccessTokens {
    pub(super) fn new(
        secret: &Secret<Vec<u8>>,
        issuer: String,
        audience: String,
        ttl: Duration,
    ) -> Self {
        // The algorithm is fixed here and never read from a token.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&audience]);
        validation.set_required_spec_claims(&["sub", "iss", "aud", "exp", "nbf"]);
        // Time is compared with the injected clock, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            signing: EncodingKey::from_secret(secret.expose()),
            checking: DecodingKey::from_secret(secret.expose()),
            validation,
            issuer,
            audience,
            ttl,
        }
    }

    /// How long a token works.
    pub(super) const fn ttl(&self) -> Duration {
        self.ttl
    }

    /// A token for a session.
    ///
    /// # Errors
    /// INTERNAL when signing fails.
    pub(super) fn issue(&self, now: Time, bearer: Bearer, role: Role) -> Result<String> {
        let header = Header {
            typ: Some(TYPE.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
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
        jsonwebtoken::encode(&header, &claims, &self.signing).map_err(Error::internal)
    }

    /// Who a token of ours speaks for.
    ///
    /// # Errors
    /// TOKEN_INVALID, without saying in what way; TOKEN_EXPIRED.
    pub(super) fn read(&self, now: Time, token: &str) -> Result<Bearer> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation)
            .map_err(|error| invalid().caused_by(error))?;
        let claims = data.claims;
        if data.header.typ.as_deref() != Some(TYPE) || claims.nbf > now.seconds() + LEEWAY_SECONDS {
            return Err(invalid());
        }
        if claims.exp <= now.seconds() {
            return Err(Error::new(
                Reason::TokenExpired,
                "the access token has expired",
            ));
        }
        let user = claims.sub.parse().map_err(|_| invalid())?;
        let session = claims.sid.parse().map_err(|_| invalid())?;
        Ok(Bearer { user, session })
    }
}

fn invalid() -> Error {
    Error::new(Reason::TokenInvalid, "the access token is not valid")
}

/// Makes the refresh tokens of a session, one from the other.
#[derive(Debug)]
pub(super) struct RefreshTokens {
    secret: Secret<Vec<u8>>,
}

/// A refresh token: 256 bits that only the client keeps; the database has the hash.
#[derive(Debug)]
pub(super) struct RefreshToken(Secret<String>);

/// Random bytes that make a token's successor unpredictable.
pub(super) type Salt = [u8; 32];

impl RefreshTokens {
    pub(super) const fn new(secret: Secret<Vec<u8>>) -> Self {
        Self { secret }
    }

    /// The token that follows `token`. It can be made again as long as the client shows
    /// `token`, so an answer that was lost on its way can be given again, word for word,
    /// and the chain stays one chain. Without the token and the secret, the salt in the
    /// database tells nothing.
    pub(super) fn successor(&self, token: &RefreshToken, salt: &[u8]) -> RefreshToken {
        let mut mac = hmac(self.secret.expose());
        mac.update(b"souk refresh token");
        mac.update(salt);
        mac.update(token.expose().as_bytes());
        RefreshToken::of(&mac.finalize().into_bytes())
    }
}

impl RefreshToken {
    /// The first token of a session.
    pub(super) fn first() -> Self {
        Self::of(&random::bytes::<32>())
    }

    /// The token that a client shows.
    pub(super) fn shown(token: String) -> Self {
        Self(Secret::new(token))
    }

    fn of(bytes: &[u8]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What the database keeps. The token has 256 random bits, so a plain hash suffices.
    pub(super) fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.expose()).to_vec()
    }

    /// For the answer.
    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(900);

    fn now() -> Time {
        Time::from_micros(1_790_000_000_000_000)
    }

    fn tokens(secret: &[u8], issuer: &str, audience: &str) -> AccessTokens {
        let secret = Secret::new(secret.to_vec());
        AccessTokens::new(&secret, issuer.to_owned(), audience.to_owned(), TTL)
    }

    fn ours() -> AccessTokens {
        tokens(b"the signing secret of the tests", "souk", "souk")
    }

    fn bearer() -> Bearer {
        Bearer {
            user: UserId::new(now()),
            session: SessionId::new(now()),
        }
    }

    #[test]
    fn a_token_speaks_for_its_session_until_it_expires() {
        let bearer = bearer();
        let token = ours().issue(now(), bearer, Role::Customer).unwrap();
        assert_eq!(ours().read(now(), &token).unwrap(), bearer);
        let last = now() + (TTL - Duration::from_secs(1));
        assert_eq!(ours().read(last, &token).unwrap(), bearer);
        let after = ours().read(now() + TTL, &token).unwrap_err();
        assert_eq!(after.reason(), Reason::TokenExpired);
        let early = ours().read(now() - Duration::from_secs(60), &token);
        assert_eq!(early.unwrap_err().reason(), Reason::TokenInvalid);
    }

    #[test]
    fn what_others_made_is_refused_alike() {
        let good = ours().issue(now(), bearer(), Role::Customer).unwrap();
        let foreign = [
            tokens(b"another secret", "souk", "souk"),
            tokens(b"the signing secret of the tests", "other", "souk"),
            tokens(b"the signing secret of the tests", "souk", "other"),
        ];
        let mut forged: Vec<String> = foreign
            .iter()
            .map(|tokens| tokens.issue(now(), bearer(), Role::Admin).unwrap())
            .collect();
        let (head, body) = (
            URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"at+jwt"}"#),
            good.split('.').nth(1).unwrap(),
        );
        forged.push(format!("{head}.{body}."));
        forged.push(good[..good.len() - 2].to_owned());
        forged.extend(["", "a.b.c", "é"].map(str::to_owned));
        for token in forged {
            let refused = ours().read(now(), &token).unwrap_err();
            assert_eq!(refused.reason(), Reason::TokenInvalid, "{token}");
            assert_eq!(refused.message(), "the access token is not valid");
        }
    }

    #[test]
    fn a_jwt_of_another_type_is_no_access_token() {
        let key = EncodingKey::from_secret(b"the signing secret of the tests");
        let token = ours().issue(now(), bearer(), Role::Customer).unwrap();
        let claims = jsonwebtoken::dangerous::insecure_decode::<Claims>(&token)
            .unwrap()
            .claims;
        let plain = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();
        assert!(ours().read(now(), &plain).is_err());
    }

    #[test]
    fn a_successor_can_be_made_again_from_token_and_salt_alone() {
        let makes = RefreshTokens::new(Secret::new(b"secret".to_vec()));
        let first = RefreshToken::first();
        let again = RefreshToken::shown(first.expose().to_owned());
        let next = makes.successor(&first, &[1; 32]);
        assert_eq!(next.hash(), makes.successor(&again, &[1; 32]).hash());
        assert_ne!(next.hash(), makes.successor(&first, &[2; 32]).hash());
        assert_ne!(next.hash(), first.hash());
        assert_eq!(next.expose().len(), 43);
    }
}
