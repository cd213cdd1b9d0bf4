//! Exchanging a refresh token for the next pair.

use std::time::Duration;

use super::session::{EndReason, Pair, Which};
use super::store::Chain;
use super::token::{RefreshToken, Salt};
use super::{Auth, session, store, verify};
use crate::db::Tx;
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::{Error, Reason, Result, Time, random};
use crate::services::users;

/// How long a client may ask again when the answer was lost.
const RETRY_WINDOW: Duration = Duration::from_secs(30);

/// What becomes of a refresh token that a client shows.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is the live one.
    Rotate,
    /// It was exchanged a moment ago and its successor is unused: the answer was lost.
    Repeat(Vec<u8>),
    /// Somebody used it before: one of the two is a thief.
    Reused,
}

impl Auth {
    /// Exchanges a refresh token. Calls with tokens of one session take turns on its
    /// row, so its tokens stay one chain.
    ///
    /// # Errors
    /// TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED, ACCOUNT_INACTIVE; REFRESH_REUSED,
    /// which ends the session in the same transaction.
    pub(super) async fn refresh(&self, token: String) -> Result<Pair> {
        let token = &RefreshToken::shown(token);
        // The inner result is the answer: the end of a stolen session must be committed
        // although the call is refused.
        let exchange = |tx: Tx| async move { self.exchange(&tx, token).await };
        self.0.db.transact(exchange).await?
    }

    async fn exchange(&self, tx: &Tx, token: &RefreshToken) -> Result<Result<Pair>> {
        let (session, chain) = match store::use_session_of(tx, token).await? {
            Some(session) => (session, store::chain(tx, token).await?),
            None => return Ok(Err(invalid())),
        };
        let (id, owner) = (SessionId::from(session.id), UserId::from(session.user_id));
        if session.ended_at.is_some() || chain.is_revoked {
            return Ok(Err(ended()));
        }
        if session.expires_at <= tx.now().micros() {
            return Ok(Err(expired()));
        }
        let user = match users::find(tx.conn(), owner).await? {
            Some(user) if user.is_active => user,
            Some(_) => return Ok(Err(verify::inactive())),
            None => return Ok(Err(ended())),
        };
        let next = match judge(&chain, tx.now()) {
            Verdict::Rotate => {
                let salt: Salt = random::bytes();
                let next = self.0.refresh.successor(token, &salt);
                store::rotate(tx, &chain, id, &next, &salt).await?;
                next
            }
            Verdict::Repeat(salt) => self.0.refresh.successor(token, &salt),
            Verdict::Reused => {
                session::end(tx, Which::One(owner, id), EndReason::Reused).await?;
                tracing::warn!(user.id = %owner, session.id = %id, "a refresh token came twice: session ended");
                return Ok(Err(reused()));
            }
        };
        session::pair(tx, &self.0, &user, id, next).map(Ok)
    }
}

fn judge(chain: &Chain, now: Time) -> Verdict {
    match (&chain.consumed, chain.successor_is_unused) {
        (None, _) => Verdict::Rotate,
        (Some((at, salt)), true) if now.since(*at) <= RETRY_WINDOW => Verdict::Repeat(salt.clone()),
        (Some(_), _) => Verdict::Reused,
    }
}

fn invalid() -> Error {
    Error::new(Reason::TokenInvalid, "the refresh token is not valid")
}

fn expired() -> Error {
    Error::new(
        Reason::TokenExpired,
        "the session has expired, sign in again",
    )
}

fn ended() -> Error {
    Error::new(
        Reason::SessionRevoked,
        "the session has ended, sign in again",
    )
}

fn reused() -> Error {
    Error::new(
        Reason::RefreshReused,
        "the refresh token was used before; the session has ended, sign in again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_rotated_repeated_or_reused() {
        let used = Time::from_micros(1_000_000_000);
        let chain = |consumed: bool, successor_is_unused: bool| Chain {
            token: uuid::Uuid::nil(),
            is_revoked: false,
            consumed: consumed.then(|| (used, vec![7; 32])),
            successor_is_unused,
        };
        let soon = used + RETRY_WINDOW;
        let late = soon + Duration::from_micros(1);
        let cases = [
            (chain(false, false), used, Verdict::Rotate),
            (chain(true, true), soon, Verdict::Repeat(vec![7; 32])),
            (chain(true, true), late, Verdict::Reused),
            (chain(true, false), used, Verdict::Reused),
        ];
        for (chain, now, expected) in cases {
            assert_eq!(judge(&chain, now), expected);
        }
    }
}
