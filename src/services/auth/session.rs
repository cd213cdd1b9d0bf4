//! The life of a session: it starts with a sign-in and ends for one reason.

use async_trait::async_trait;

use super::token::{Bearer, RefreshToken};
use super::{Parts, Session, SessionPolicy, store};
use crate::db::{Db, NewEvent, Tx};
use crate::events::SESSION_ENDED;
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::{Call, Error, Result};
use crate::services::users::{Farewell, Sessions, SignOut, User};

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndReason {
    /// Its own wish.
    Logout,
    /// Another session of the same user ended it.
    Revoked,
    /// A new sign-in took its place.
    Superseded,
    /// One of its refresh tokens came a second time.
    Reused,
    /// Its time was up.
    Expired,
    /// The account was closed.
    AccountClosed,
    /// The account has another role.
    RoleChanged,
    /// The account was switched off.
    Deactivated,
    /// The account has another password.
    PasswordChanged,
}

impl EndReason {
    /// The word in the database.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "LOGOUT",
            Self::Revoked => "REVOKED",
            Self::Superseded => "SUPERSEDED",
            Self::Reused => "REUSED",
            Self::Expired => "EXPIRED",
            Self::AccountClosed => "ACCOUNT_CLOSED",
            Self::RoleChanged => "ROLE_CHANGED",
            Self::Deactivated => "DEACTIVATED",
            Self::PasswordChanged => "PASSWORD_CHANGED",
        }
    }
}

/// Which live sessions.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    /// All of a user.
    Of(UserId),
    /// One of a user.
    One(UserId, SessionId),
    /// All of a user but one.
    Others(UserId, SessionId),
    /// Those of a user that souk issued tokens for.
    Issued(UserId),
    /// Those of a user that an identity provider keeps.
    Provided(UserId),
}

impl Which {
    /// Whose.
    pub(super) const fn user(self) -> UserId {
        match self {
            Self::Of(user)
            | Self::One(user, _)
            | Self::Others(user, _)
            | Self::Issued(user)
            | Self::Provided(user) => user,
        }
    }
}

/// From where a user signs in.
#[derive(Debug, Clone, Default)]
pub(super) struct Device {
    pub name: Option<String>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

impl Device {
    /// What a call tells of it, and the name that the client gives it.
    pub(super) fn of(call: &Call, name: Option<String>) -> Self {
        Self {
            name: name.filter(|name| !name.trim().is_empty()),
            ip: call.ip.map(|ip| ip.to_canonical().to_string()),
            user_agent: call.user_agent.as_deref().map(str::to_owned),
        }
    }
}

/// The two tokens of a session.
#[derive(Debug)]
pub(super) struct Pair {
    pub access: String,
    pub refresh: RefreshToken,
    /// How long the access token works, in seconds.
    pub expires_in: i32,
}

/// Starts a session of a user whose row the caller holds, so that sign-ins of one user
/// take turns. With the single-session policy every other session ends first, except those
/// that an identity provider keeps.
pub(super) async fn start(tx: &Tx, parts: &Parts, user: &User, device: &Device) -> Result<Pair> {
    let exclusive = parts.policy == SessionPolicy::Single;
    if exclusive {
        end(tx, Which::Issued(user.user_id()), EndReason::Superseded).await?;
    }
    let id = SessionId::new(tx.now());
    let session = Session {
        id: id.uuid(),
        user_id: user.id,
        exclusive,
        device: device.name.clone(),
        ip_address: device.ip.clone(),
        user_agent: device.user_agent.clone(),
        created_at: tx.now().micros(),
        last_used_at: tx.now().micros(),
        expires_at: (tx.now() + parts.session_ttl).micros(),
        ended_at: None,
        end_reason: None,
        provider: None,
        external_id: None,
    };
    store::insert_session(tx, &session).await?;
    let refresh = RefreshToken::first();
    store::insert_refresh_token(tx, id, &refresh).await?;
    tracing::info!(user.id = %user.user_id(), session.id = %id, "signed in");
    pair(tx, parts, user, id, refresh)
}

/// The tokens of a session, with a new access token.
pub(super) fn pair(
    tx: &Tx,
    parts: &Parts,
    user: &User,
    session: SessionId,
    refresh: RefreshToken,
) -> Result<Pair> {
    let bearer = Bearer {
        user: user.user_id(),
        session,
    };
    Ok(Pair {
        access: parts.access.issue(tx.now(), bearer, user.role())?,
        refresh,
        expires_in: i32::try_from(parts.access.ttl().as_secs()).map_err(Error::internal)?,
    })
}

/// Ends live sessions with their refresh tokens and says how many there were. The event
/// ends their streams everywhere and empties what is cached of them.
pub(super) async fn end(tx: &Tx, which: Which, reason: EndReason) -> Result<usize> {
    let ended = store::end_sessions(tx, which, reason).await?;
    for session in &ended {
        emit_ended(tx, which.user(), *session);
    }
    Ok(ended.len())
}

/// The event of an ended session; the topic and the session's id say it all.
pub(super) fn emit_ended(tx: &Tx, user: UserId, session: SessionId) {
    tx.emit(NewEvent {
        topic: topic(user),
        kind: SESSION_ENDED,
        aggregate: session.uuid(),
        version: 1,
        payload: Vec::new(),
    });
}

/// A page of a user's live sessions, the newest first.
pub(super) async fn list(db: &Db, user: UserId, page: &PageRequest) -> Result<Page<Session>> {
    let after = page.cursor().map(uuid::Uuid::from_slice).transpose();
    let after = after.map_err(Error::internal)?.map(SessionId::from);
    let rows = store::list_sessions(db, user, after, page).await?;
    let total = match page.is_numbered() {
        true => Some(store::count_sessions(db, user).await?),
        false => None,
    };
    Ok(page.finish(rows, total, |last| last.id.as_bytes().to_vec()))
}

/// The topic of a user's sessions.
pub(super) fn topic(user: UserId) -> String {
    format!("session/{}", user.uuid())
}

/// Ends the sessions of accounts that are closed, switched off, or given another role. Of
/// closed ones it also forgets whom a provider calls so.
#[derive(Debug, Clone, Copy, Default)]
pub struct EndSessions;

#[async_trait]
impl Farewell for EndSessions {
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()> {
        end(tx, Which::Of(user), EndReason::AccountClosed).await?;
        store::leave_identities(tx, user).await
    }
}

#[async_trait]
impl Sessions for EndSessions {
    async fn sign_out(&self, tx: &Tx, user: UserId, why: SignOut) -> Result<()> {
        let reason = match why {
            SignOut::RoleChanged => EndReason::RoleChanged,
            SignOut::Deactivated => EndReason::Deactivated,
        };
        end(tx, Which::Of(user), reason).await.map(drop)
    }
}
