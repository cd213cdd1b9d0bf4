//! Who an access token speaks for, now: the session must live and the account be active,
//! and the role is the account's present one.
//!
//! That is looked up with every call, so it is cached for a few seconds. A change made
//! by this process counts at once: each user has a counter that a commit moves on before
//! its call answers, and what was read at another count is read again. So neither a
//! cached value nor a read that was under way can outlive the change. Changes of other
//! processes count when the cached value has aged.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::token::Bearer;
use super::{Auth, store};
use crate::db::{Db, NewEvent, Observer};
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::{Caller, Error, Reason, Result, Role, Time};
use crate::services::users;

/// How long a value is used without another look.
const TTL: Duration = Duration::from_secs(3);
/// Values kept, and counters of users; two that meet in one place only cost a look.
const PLACES: usize = 16_384;

/// A live session of an active account.
#[derive(Debug, Clone, Copy)]
struct Standing {
    user: UserId,
    role: Role,
    expires_at: Time,
}

/// What a look gave, and when.
#[derive(Debug, Clone, Copy)]
struct Look {
    session: SessionId,
    standing: Option<Standing>,
    at: Instant,
    count: u64,
}

/// The cache.
pub(super) struct Standings {
    db: Db,
    looks: Vec<Mutex<Option<Look>>>,
    counts: Vec<AtomicU64>,
}

impl Standings {
    pub(super) fn new(db: Db) -> Self {
        Self {
            db,
            looks: (0..PLACES).map(|_| Mutex::default()).collect(),
            counts: (0..PLACES).map(|_| AtomicU64::default()).collect(),
        }
    }

    async fn of(&self, bearer: Bearer) -> Result<Option<Standing>> {
        let place = &self.looks[place(bearer.session.uuid())];
        let count = self.count(bearer.user).load(Ordering::SeqCst);
        let kept = *place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = kept
            && look.session == bearer.session
            && look.count == count
            && look.at.elapsed() < TTL
        {
            return Ok(look.standing);
        }
        let standing = self.look_up(bearer).await?;
        let look = Look {
            session: bearer.session,
            standing,
            at: Instant::now(),
            count,
        };
        *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(look);
        Ok(standing)
    }

    async fn look_up(&self, bearer: Bearer) -> Result<Option<Standing>> {
        let conn = self.db.read();
        let Some(session) = store::find_session(conn, bearer.session).await? else {
            return Ok(None);
        };
        if session.ended_at.is_some() {
            return Ok(None);
        }
        let user = users::find(conn, session.user_id.into()).await?;
        let active = user.filter(|user| user.is_active);
        Ok(active.map(|user| Standing {
            user: user.user_id(),
            role: user.role(),
            expires_at: Time::from_micros(session.expires_at),
        }))
    }

    fn count(&self, user: UserId) -> &AtomicU64 {
        &self.counts[place(user.uuid())]
    }

    fn changed(&self, topic: &str) {
        let Some(("session" | "user", id)) = topic.split_once('/') else {
            return;
        };
        if let Ok(user) = id.parse::<uuid::Uuid>() {
            self.count(user.into()).fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Where an id goes; the low bits of a UUIDv7 are random.
fn place(id: uuid::Uuid) -> usize {
    let (_, low) = id.as_u64_pair();
    usize::try_from(low).unwrap_or(usize::MAX) % PLACES
}

impl Auth {
    /// The caller that an access token speaks for.
    ///
    /// # Errors
    /// TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED.
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        let now = self.0.db.clock().now();
        let bearer = self.0.access.read(now, token)?;
        let standing = self.0.standings.of(bearer).await?;
        match standing.filter(|standing| standing.expires_at > now && standing.user == bearer.user)
        {
            Some(Standing { user, role, .. }) => Ok(Caller::User {
                id: user,
                role,
                session: bearer.session,
            }),
            None => Err(Error::new(
                Reason::SessionRevoked,
                "the session has ended, sign in again",
            )),
        }
    }

    /// Sees the commits of this process, so that what changes a session or an account
    /// counts before the change is answered.
    pub fn observer(&self) -> Observer {
        let auth = self.clone();
        Box::new(move |events: &[NewEvent]| {
            for event in events {
                auth.0.standings.changed(&event.topic);
            }
        })
    }
}
