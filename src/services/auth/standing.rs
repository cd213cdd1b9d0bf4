//! Who an access token speaks for, now: the session must live and the account be active,
//! and the role is the account's present one.
//!
//! That is looked up with every call, so it is cached for a few seconds. A change made
//! by this process counts at once, because its event empties the cache before the call
//! that made it answers. Changes of other processes count when the cached value has aged.

use std::time::Duration;

use super::token::Bearer;
use super::{Auth, store};
use crate::cache::Cache;
use crate::db::{Db, Observer, Seen};
use crate::events::SESSION_ENDED;
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::{Caller, Error, Reason, Result, Role, Time};
use crate::services::users;

/// How long a value is used without another look.
const TTL: Duration = Duration::from_secs(3);
/// Values kept of each kind.
const CAPACITY: u64 = 100_000;

/// A session that has not been ended.
#[derive(Debug, Clone, Copy)]
struct Live {
    user: UserId,
    expires_at: Time,
}

/// Looks standings up, and keeps them for a while.
pub(super) struct Standings {
    db: Db,
    kept: Kept,
}

/// The caches.
#[derive(Clone)]
struct Kept {
    sessions: Cache<SessionId, Option<Live>>,
    /// The roles of active accounts.
    roles: Cache<UserId, Option<Role>>,
}

impl Standings {
    pub(super) fn new(db: Db) -> Self {
        Self {
            db,
            kept: Kept {
                sessions: Cache::new("sessions", CAPACITY, TTL),
                roles: Cache::new("roles", CAPACITY, TTL),
            },
        }
    }

    /// The role of the bearer, while the session lives and the account is active.
    async fn role_of(&self, bearer: Bearer, now: Time) -> Result<Option<Role>> {
        let load = || self.load_session(bearer.session);
        let live = self
            .kept
            .sessions
            .get_or_load(&bearer.session, load)
            .await?;
        match live {
            Some(live) if live.user == bearer.user && live.expires_at > now => {
                let load = || self.load_role(bearer.user);
                self.kept.roles.get_or_load(&bearer.user, load).await
            }
            _ => Ok(None),
        }
    }

    /// Looks a session up anew the next time.
    pub(super) fn forget(&self, session: SessionId) {
        self.kept.sessions.invalidate(&session);
    }

    async fn load_session(&self, id: SessionId) -> Result<Option<Live>> {
        let session = store::find_session(self.db.read(), id).await?;
        let live = session.filter(|session| session.ended_at.is_none());
        Ok(live.map(|session| Live {
            user: session.user_id.into(),
            expires_at: Time::from_micros(session.expires_at),
        }))
    }

    async fn load_role(&self, id: UserId) -> Result<Option<Role>> {
        let user = users::find(self.db.read(), id).await?;
        Ok(user.filter(|user| user.is_active).map(|user| user.role()))
    }
}

impl Kept {
    fn heed(&self, event: Seen<'_>) {
        if event.kind == SESSION_ENDED {
            self.sessions.invalidate(&event.aggregate.into());
        } else if users::is_change(event) {
            self.roles.invalidate(&event.aggregate.into());
        }
    }
}

impl Auth {
    /// The caller that an access token speaks for.
    ///
    /// # Errors
    /// TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED; for a token of Clerk's also
    /// ACCOUNT_INACTIVE and UNAVAILABLE.
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        let now = self.0.db.clock().now();
        let bearer = match self.visitor(now, token).await? {
            Some(visitor) => visitor,
            None => self.0.access.read(now, token)?,
        };
        let role = self.0.standings.role_of(bearer, now).await?;
        match role {
            Some(role) => Ok(Caller::User {
                id: bearer.user,
                role,
                session: bearer.session,
            }),
            None => Err(Error::new(
                Reason::SessionRevoked,
                "the session has ended, sign in again",
            )),
        }
    }

    /// Sees the events, so that what changes a session or an account counts before the
    /// change is answered, and soon in every other process.
    pub fn observer(&self) -> Observer {
        // Only the caches: the database keeps its observers, and must not keep itself.
        let kept = self.0.standings.kept.clone();
        Box::new(move |event| kept.heed(event))
    }
}
