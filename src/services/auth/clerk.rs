//! People whom Clerk vouches for.
//!
//! Holds:
//! - a person of Clerk's (the *subject*) is one account here, found again by the subject
//!   alone; an account that was there before is linked only by an e-mail address that
//!   Clerk has verified;
//! - each session at Clerk is a row among the sessions, so that it is listed, ended and
//!   watched like the others; it has no refresh tokens and ends no other session;
//! - what Clerk tells late changes nothing, and nobody comes back whom Clerk has deleted.

mod admit;
mod news;
mod push;

use std::sync::Arc;
use std::time::Duration;

use super::session::{Device, Pair};
use super::token::{Bearer, invalid};
use super::{Auth, session, store, verify};
use crate::cache::Cache;
use crate::clients::clerk::{Clerk, Person, Unproven};
use crate::db::Tx;
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::phone::Phone;
use crate::kernel::{Result, Time};
use crate::services::users::{self, Told, User};

pub(super) use self::push::PUSH_ROLE;
pub(super) use crate::clients::svix::Signed;

/// The provider's name in the tables.
const PROVIDER: &str = "clerk";
/// How long it is remembered which session of ours one of Clerk's is. That never changes;
/// whether it lives is looked up elsewhere.
const TTL: Duration = Duration::from_secs(60);
/// How often it is noted that a session is used.
const NOTED: Duration = Duration::from_secs(60 * 60);
/// Sessions remembered.
const CAPACITY: u64 = 100_000;

/// Remembers which sessions of ours those of Clerk are, by subject and session.
pub(super) struct Visitors(Cache<(String, String), Known>);

/// A session of Clerk's that is known.
#[derive(Debug, Clone, Copy)]
struct Known {
    bearer: Bearer,
    /// When it was last noted that it is used.
    noted_at: Time,
}

impl Visitors {
    pub(super) fn new() -> Self {
        Self(Cache::new("clerk", CAPACITY, TTL))
    }
}

impl Auth {
    /// Who a token of Clerk's speaks for; nothing when it does not even claim to be one.
    ///
    /// # Errors
    /// TOKEN_INVALID, TOKEN_EXPIRED, ACCOUNT_INACTIVE; UNAVAILABLE when somebody comes for
    /// the first time and Clerk cannot be asked who that is.
    pub(super) async fn visitor(&self, now: Time, token: &str) -> Result<Option<Bearer>> {
        let Some(clerk) = &self.0.outside.clerk else {
            return Ok(None);
        };
        if !clerk.is_named_by(token) {
            return Ok(None);
        }
        let session = clerk.session(now, token).await.map_err(refused)?;
        let key = (session.subject.clone(), session.id.clone());
        let recognise = || self.recognise(clerk, &session);
        let visitors = &self.0.visitors.0;
        let mut known = visitors.get_or_load(&key, recognise).await?;
        if now.since(known.noted_at) >= NOTED {
            visitors.invalidate(&key);
            known = visitors.get_or_load(&key, recognise).await?;
        }
        Ok(Some(known.bearer))
    }

    /// Gives tokens of ours to somebody who came with one of Clerk's.
    ///
    /// # Errors
    /// TOKEN_INVALID when the caller's session is not Clerk's; ACCOUNT_INACTIVE.
    pub(super) async fn sign_in_visitor(
        &self,
        caller: (UserId, SessionId),
        device: &Device,
    ) -> Result<(User, Pair)> {
        let (user, session) = caller;
        let sign_in = |tx: Tx| async move {
            let known = store::find_session(tx.conn(), session).await?;
            let is_visit = known.is_some_and(|known| known.provider.as_deref() == Some(PROVIDER));
            let user = users::lock_open(&tx, user).await?;
            let (true, Some(user)) = (is_visit, user) else {
                return Err(invalid());
            };
            if !user.is_active {
                return Err(verify::inactive());
            }
            let pair = session::start(&tx, &self.0, &user, device).await?;
            Ok((user, pair))
        };
        self.0.db.transact(sign_in).await
    }

    /// Clerk, where it is on.
    fn clerk(&self) -> Option<&Arc<Clerk>> {
        self.0.outside.clerk.as_ref()
    }

    /// What Clerk tells, in the words of the accounts.
    fn told(&self, person: &Person) -> Told {
        let country = self.0.phone_country.as_deref();
        let phone = person.phone.as_deref();
        Told {
            email: person.email.clone(),
            email_verified: person.email_verified,
            phone: phone.and_then(|phone| Phone::parse(phone, country).ok()),
            first_name: person.first_name.clone(),
            last_name: person.last_name.clone(),
            avatar_url: person.image_url.clone(),
        }
    }
}

/// One answer for every token that proves nothing.
fn refused(unproven: Unproven) -> crate::kernel::Error {
    match unproven {
        Unproven::Invalid => invalid(),
        Unproven::Expired => super::token::expired(),
    }
}

/// Changes of one person take turns.
async fn take_turns(tx: &Tx, subject: &str) -> Result<()> {
    tx.take_turns(&format!("{PROVIDER}/{subject}")).await
}
