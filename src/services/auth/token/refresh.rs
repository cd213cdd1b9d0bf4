//! Refresh tokens: opaque, each made from the one before. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::kernel::seal::hmac;
use crate::kernel::{Secret, random};

/// Makes the refresh tokens of a session, one from the other.
#[derive(Debug)]
pub(in super::super) struct RefreshTokens {
    secret: Secret<Vec<u8>>,
}

/// A refresh token: 256 bits that only the client keeps; the database has the hash.
#[derive(Debug)]
pub(in super::super) struct RefreshToken(Secret<String>);

/// Random bytes that make a token's successor unpredictable.
pub(in super::super) type Salt = [u8; 32];

impl RefreshTokens {
    pub(in super::super) const fn new(secret: Secret<Vec<u8>>) -> Self {
        Self { secret }
    }

    /// The token that follows `token`. It can be made again as long as the client shows
    /// `token`, so an answer that was lost on its way can be given again, word for word,
    /// and the chain stays one chain. Without the token and the secret, the salt in the
    /// database tells nothing.
    pub(in super::super) fn successor(&self, token: &RefreshToken, salt: &[u8]) -> RefreshToken {
        let mut mac = hmac(self.secret.expose());
        mac.update(b"souk refresh token");
        mac.update(salt);
        mac.update(token.expose().as_bytes());
        RefreshToken::of(&mac.finalize().into_bytes())
    }
}

impl RefreshToken {
    /// The first token of a session.
    pub(in super::super) fn first() -> Self {
        Self::of(&random::bytes::<32>())
    }

    /// The token that a client shows.
    pub(in super::super) fn shown(token: String) -> Self {
        Self(Secret::new(token))
    }

    fn of(bytes: &[u8]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// What the database keeps. The token has 256 random bits, so a plain hash suffices.
    pub(in super::super) fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.expose()).to_vec()
    }

    /// For the answer.
    pub(in super::super) fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
