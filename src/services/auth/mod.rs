//! Sign-in: one-time passwords, passwords, sessions, and the tokens that stand for them.
//!
//! Holds:
//! - a one-time password works once, for 120 seconds, and survives at most five tries,
//!   however many arrive at once; one that somebody signed in has asked for works for
//!   them alone;
//! - no more text messages are sent in a day than the settings allow, in all processes
//!   together;
//! - with the single-session policy a user has at most one live session;
//! - a live session has exactly one refresh token that can still be used; each used one
//!   names its successor, and using it a second time ends the session;
//! - a password is stored as an Argon2id hash, and is hashed on threads of its own, a few
//!   at a time, never while a transaction is open;
//! - wrong passwords are counted in the database before they are looked at, so that no
//!   more are tried than the limits allow, however many arrive at once;
//! - no answer and no delay tells whether an e-mail address has an account;
//! - an ended session's tokens are refused at once in this process, and within a few
//!   seconds in every other.
//!
//! It does not keep profiles or roles: those are the accounts' (`users`).

mod attempts;
mod change;
mod clerk;
mod convert;
mod count;
mod email;
mod entity;
mod grpc;
mod jobs;
mod leave;
mod link;
mod login;
mod mail;
mod otp;
mod password;
mod phone;
mod prove;
mod rates;
mod refresh;
mod register;
mod request;
mod session;
mod spend;
mod standing;
mod store;
mod strength;
mod token;
mod tools;
mod verify;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::cache::Tally;
use crate::clients::clerk::Clerk;
use crate::clients::mail::Mail;
use crate::clients::sms::Sms;
use crate::db::Db;
use crate::kernel::Secret;
use crate::kernel::seal::Sealer;
use crate::kernel::signing::{CheckingKey, SigningKey};
use crate::services::users::{Open, Pictures};

pub use entity::session::Model as Session;
pub use jobs::register;
pub use leave::ForgetCredentials;
pub use rates::RateWindows;
pub use register::EmailAccounts;
pub use session::EndSessions;

/// How many sessions a user may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionPolicy {
    /// One: a new sign-in ends the one before.
    #[default]
    Single,
    /// One per sign-in.
    Multi,
}

/// What the sign-in is told at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Makes one-time passwords.
    pub otp_secret: Secret<Vec<u8>>,
    /// Replaces every one-time password; development only.
    pub otp_dev_code: Option<String>,
    /// Signs access tokens where there is no `signing_key`, and makes refresh tokens follow
    /// one another.
    pub jwt_secret: Secret<Vec<u8>>,
    /// Signs access tokens.
    pub signing_key: Option<SigningKey>,
    /// Signed access tokens before; they still check.
    pub previous_keys: Vec<CheckingKey>,
    /// The `iss` of access tokens.
    pub issuer: String,
    /// The `aud` of access tokens.
    pub audience: String,
    /// How long an access token works.
    pub access_ttl: Duration,
    /// How long a session lasts, however often its tokens are renewed.
    pub session_ttl: Duration,
    /// How many sessions a user may have.
    pub session_policy: SessionPolicy,
    /// Text messages in a day of UTC, for everybody together.
    pub sms_daily_limit: u32,
    /// The calling code (`213`) for numbers that tell none.
    pub phone_country: Option<String>,
    /// How accounts by e-mail address are made and reached.
    pub accounts: EmailAccounts,
}

/// The outside world that sign-in needs; a part that is missing refuses its calls.
#[derive(Clone, Default)]
pub struct Outside {
    /// Sends text messages.
    pub sms: Option<Arc<dyn Sms>>,
    /// Sends mail.
    pub mail: Option<Arc<dyn Mail>>,
    /// Vouches for people.
    pub clerk: Option<Arc<Clerk>>,
    /// Counts what happened in the last hour; without, nobody does.
    pub tally: Option<Tally>,
}

/// The service of sign-in. Clones share it.
#[derive(Clone)]
pub struct Auth(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    outside: Outside,
    open: Open,
    pictures: Arc<dyn Pictures>,
    codes: otp::Codes,
    access: token::AccessTokens,
    refresh: token::RefreshTokens,
    standings: standing::Standings,
    visitors: clerk::Visitors,
    session_ttl: Duration,
    policy: SessionPolicy,
    sms_daily_limit: u32,
    phone_country: Option<String>,
    hasher: password::Hasher,
    keys: attempts::Keys,
    links: link::Tokens,
    accounts: EmailAccounts,
}

impl Auth {
    /// The service; `sealer` makes its page tokens, `open` knows which sellers cannot
    /// stop selling, `pictures` which files accounts show.
    pub fn new(
        db: Db,
        sealer: Sealer,
        outside: Outside,
        open: Open,
        pictures: Arc<dyn Pictures>,
        settings: Settings,
    ) -> Self {
        let shared = || SigningKey::from_secret(&settings.jwt_secret);
        let signing = settings.signing_key.unwrap_or_else(shared);
        let tokens = token::Keys::new(signing, settings.previous_keys);
        Self(Arc::new(Parts {
            sealer,
            outside,
            open,
            pictures,
            keys: attempts::Keys::new(settings.otp_secret.clone()),
            links: link::Tokens::new(settings.otp_secret.clone()),
            hasher: password::Hasher::new(settings.accounts.hashers),
            codes: otp::Codes::new(settings.otp_secret, settings.otp_dev_code),
            access: token::AccessTokens::new(
                tokens,
                settings.issuer,
                settings.audience,
                settings.access_ttl,
            ),
            refresh: token::RefreshTokens::new(settings.jwt_secret),
            standings: standing::Standings::new(db.clone()),
            visitors: clerk::Visitors::new(),
            session_ttl: settings.session_ttl,
            policy: settings.session_policy,
            sms_daily_limit: settings.sms_daily_limit,
            phone_country: settings.phone_country,
            accounts: settings.accounts,
            db,
        }))
    }
}
