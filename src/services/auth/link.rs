//! The links that mails carry: how a token follows from its seed, and how many mails may
//! be sent. Pure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::attempts::{Account, Tally};
use super::otp::Seed;
use crate::kernel::id::UserId;
use crate::kernel::seal::hmac;
use crate::kernel::{Error, Reason, Result, Secret, Time};

const HOUR: Duration = Duration::from_secs(60 * 60);
/// Mails to one address within an hour.
const ADDRESS_MAX: i64 = 3;
/// Mails at the wish of one network address within an hour.
const SOURCE_MAX: i64 = 20;
/// How long a wish for a mail counts.
pub(super) const COUNTED: Duration = HOUR;

/// What a link is good for. It opens nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A new password.
    ResetPassword,
    /// The proof of an e-mail address.
    VerifyEmail,
}

impl Purpose {
    const ALL: [Self; 2] = [Self::ResetPassword, Self::VerifyEmail];

    /// The word in the database.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ResetPassword => "RESET_PASSWORD",
            Self::VerifyEmail => "VERIFY_EMAIL",
        }
    }

    /// The purpose of a word.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }

    /// How long a link works.
    pub(super) const fn ttl(self) -> Duration {
        match self {
            Self::ResetPassword => HOUR,
            Self::VerifyEmail => Duration::from_secs(24 * 60 * 60),
        }
    }

    /// The page of the client that the link leads to.
    pub(super) const fn page(self) -> &'static str {
        match self {
            Self::ResetPassword => "reset-password",
            Self::VerifyEmail => "verify-email",
        }
    }
}

/// A wish for a mail with a link, and what became of it.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub id: uuid::Uuid,
    pub purpose: Purpose,
    /// Whose account; unset until the address has been looked up.
    pub user: Option<UserId>,
    /// The address, until it has been looked up.
    pub address: Option<String>,
    /// The address that the link was asked for, hashed.
    pub address_key: Account,
    /// At whose wish.
    pub source: String,
    pub seed: Seed,
    pub created_at: Time,
    pub expires_at: Time,
}

/// Makes and checks tokens.
#[derive(Debug)]
pub(super) struct Tokens(Secret<Vec<u8>>);

impl Tokens {
    pub(super) const fn new(secret: Secret<Vec<u8>>) -> Self {
        Self(secret)
    }

    /// The token of a link: 256 bits that follow from the random seed, bound to purpose
    /// and address. Who reads the database learns nothing without the secret, and a link
    /// is void as soon as its account has another address.
    pub(super) fn token(&self, purpose: Purpose, email: &str, seed: &Seed) -> String {
        let mut mac = hmac(self.0.expose());
        let purpose = purpose.as_str().as_bytes();
        for part in [b"mail-link".as_slice(), purpose, email.as_bytes(), seed] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Whether `given` is the token of the link, now that its account has `email`.
    pub(super) fn matches(&self, link: &Link, email: Option<&str>, given: &str) -> bool {
        email.is_some_and(|email| {
            let expected = self.token(link.purpose, email, &link.seed);
            bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
        })
    }
}

/// What the database knows of a token.
pub(super) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Whether one more mail may be sent to an address at the wish of a network address.
///
/// # Errors
/// RATE_LIMIT_EXCEEDED with the wait.
pub(super) fn check_wishes(address: Tally, source: Tally, now: Time) -> Result<()> {
    let wait = |tally: Tally, max: i64| {
        let is_full = tally.tries >= max;
        is_full.then(|| {
            tally
                .oldest
                .map_or(HOUR, |oldest| (oldest + HOUR).since(now))
        })
    };
    match wait(address, ADDRESS_MAX).max(wait(source, SOURCE_MAX)) {
        None => Ok(()),
        Some(wait) => Err(Error::new(
            Reason::RateLimitExceeded,
            "too many mails were asked for, try again later",
        )
        .retry_after(wait)),
    }
}

/// The refusal of a token, whatever is wrong with it.
pub(super) fn invalid() -> Error {
    Error::new(
        Reason::LinkInvalidOrExpired,
        "the link is invalid or expired",
    )
    .at("token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_bound_to_secret_purpose_address_and_seed() {
        let tokens = Tokens::new(Secret::new(vec![1; 32]));
        let other = Tokens::new(Secret::new(vec![2; 32]));
        let (reset, email) = (Purpose::ResetPassword, "amina@example.dz");
        let token = tokens.token(reset, email, &[3; 32]);
        assert_eq!(token.len(), 43);
        assert_eq!(token, tokens.token(reset, email, &[3; 32]));
        for differs in [
            other.token(reset, email, &[3; 32]),
            tokens.token(Purpose::VerifyEmail, email, &[3; 32]),
            tokens.token(reset, "amina@example.fr", &[3; 32]),
            tokens.token(reset, email, &[4; 32]),
        ] {
            assert_ne!(token, differs);
        }
    }

    #[test]
    fn the_fourth_mail_of_an_hour_waits_for_the_first_to_age() {
        let now = Time::default() + Duration::from_secs(1_000_000);
        let tally = |tries, age| Tally {
            tries,
            pending: 0,
            oldest: Some(now - Duration::from_secs(age)),
        };
        assert!(check_wishes(tally(2, 9), tally(19, 9), now).is_ok());
        let wait = |address, source| {
            check_wishes(address, source, now)
                .unwrap_err()
                .retry_delay()
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(wait(tally(3, 600), tally(3, 600)), seconds(3_000));
        assert_eq!(wait(tally(0, 0), tally(20, 3_000)), seconds(600));
        assert_eq!(wait(tally(3, 600), tally(20, 3_000)), seconds(3_000));
    }
}
