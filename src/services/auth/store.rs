//! Every query on one-time passwords, sessions and refresh tokens.
//!
//! Rows are always locked in this order: challenge, account and source of a try, source of
//! a send, day, user, address and source of a mail, link, session, token.

pub mod attempts;
mod challenges;
pub mod credentials;
mod identities;
mod limits;
pub mod links;

use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Value,
};

pub(super) use identities::{
    Identity, Visit, find_identity, find_visit, leave_identities, put_external_session,
    put_identity, subjects, touch_session,
};

use super::Session;
use super::entity::{refresh_token, session};
use super::session::{EndReason, Which};
use super::token::{RefreshToken, Salt};
use crate::db::{Conn, Db, Tx};
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::page::PageRequest;
use crate::kernel::{Error, Reason, Result, Time};

pub(super) use challenges::*;
pub(super) use limits::*;

/// How much longer the ended sessions of a provider are kept than others, so that none
/// comes to life again: beyond the life that browsers allow its cookies.
const PROVIDED_KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// Adds a session.
pub(super) async fn insert_session(tx: &Tx, new: &Session) -> Result<()> {
    session::Entity::insert(new.clone().into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// A session, live or not.
pub(super) async fn find_session(conn: &impl Conn, id: SessionId) -> Result<Option<Session>> {
    Ok(session::Entity::find_by_id(id.uuid()).one(conn).await?)
}

/// A page of a user's live sessions, one row more than asked, the newest first.
pub(super) async fn list_sessions(
    db: &Db,
    user: UserId,
    after: Option<SessionId>,
    page: &PageRequest,
) -> Result<Vec<Session>> {
    let mut query = live(db, user)
        .order_by_desc(session::Column::Id)
        .offset(page.offset())
        .limit(page.limit + 1);
    if let Some(id) = after {
        query = query.filter(session::Column::Id.lt(id.uuid()));
    }
    Ok(query.all(db.read()).await?)
}

/// How many live sessions a user has.
pub(super) async fn count_sessions(db: &Db, user: UserId) -> Result<u64> {
    Ok(live(db, user).count(db.read()).await?)
}

fn live(db: &Db, user: UserId) -> sea_orm::Select<session::Entity> {
    session::Entity::find()
        .filter(session::Column::UserId.eq(user.uuid()))
        .filter(session::Column::EndedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(db.clock().now().micros()))
}

/// Ends live sessions and revokes their refresh tokens. Says which.
pub(super) async fn end_sessions(
    tx: &Tx,
    which: Which,
    reason: EndReason,
) -> Result<Vec<SessionId>> {
    let mut ending = ending(tx, reason);
    ending = ending.filter(session::Column::UserId.eq(which.user().uuid()));
    ending = match which {
        Which::Of(_) => ending,
        Which::One(_, id) => ending.filter(session::Column::Id.eq(id.uuid())),
        Which::Others(_, id) => ending.filter(session::Column::Id.ne(id.uuid())),
        Which::Issued(_) => ending.filter(session::Column::Provider.is_null()),
        Which::Provided(_) => ending.filter(session::Column::Provider.is_not_null()),
    };
    let ended = ending.exec_with_returning(tx.conn()).await?;
    revoke_tokens(tx, &ended).await?;
    Ok(ended.into_iter().map(|session| session.id.into()).collect())
}

/// Ends up to `limit` live sessions whose time is up. Says whose and which.
pub(super) async fn end_expired(tx: &Tx, limit: u64) -> Result<Vec<(UserId, SessionId)>> {
    let expired = Query::select()
        .column(session::Column::Id)
        .from(session::Entity)
        .and_where(session::Column::EndedAt.is_null())
        .and_where(session::Column::ExpiresAt.lte(tx.now().micros()))
        .limit(limit)
        .to_owned();
    let ended = ending(tx, EndReason::Expired)
        .filter(Expr::col(session::Column::Id).in_subquery(expired))
        .exec_with_returning(tx.conn())
        .await?;
    revoke_tokens(tx, &ended).await?;
    let whose = |session: Session| (session.user_id.into(), session.id.into());
    Ok(ended.into_iter().map(whose).collect())
}

fn ending(tx: &Tx, reason: EndReason) -> sea_orm::UpdateMany<session::Entity> {
    session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::val(tx.now().micros()))
        .col_expr(session::Column::EndReason, Expr::val(reason.as_str()))
        .filter(session::Column::EndedAt.is_null())
}

async fn revoke_tokens(tx: &Tx, ended: &[Session]) -> Result<()> {
    if ended.is_empty() {
        return Ok(());
    }
    refresh_token::Entity::update_many()
        .col_expr(
            refresh_token::Column::RevokedAt,
            Expr::val(tx.now().micros()),
        )
        .filter(refresh_token::Column::SessionId.is_in(ended.iter().map(|session| session.id)))
        .filter(refresh_token::Column::ConsumedAt.is_null())
        .filter(refresh_token::Column::RevokedAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Adds the live refresh token of a session.
pub(super) async fn insert_refresh_token(
    tx: &Tx,
    session: SessionId,
    token: &RefreshToken,
) -> Result<()> {
    insert_token_as(
        tx,
        uuid::Uuid::from_bytes(crate::kernel::random::bytes()),
        session,
        token,
    )
    .await
}

async fn insert_token_as(
    tx: &Tx,
    id: uuid::Uuid,
    session: SessionId,
    token: &RefreshToken,
) -> Result<()> {
    let row = refresh_token::Model {
        id,
        session_id: session.uuid(),
        token_hash: token.hash(),
        created_at: tx.now().micros(),
        consumed_at: None,
        successor_id: None,
        successor_salt: None,
        revoked_at: None,
    };
    refresh_token::Entity::insert(row.into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// The session of a refresh token, held until commit and, if live, marked as used now.
pub(super) async fn use_session_of(tx: &Tx, token: &RefreshToken) -> Result<Option<Session>> {
    let owner = Query::select()
        .column(refresh_token::Column::SessionId)
        .from(refresh_token::Entity)
        .and_where(refresh_token::Column::TokenHash.eq(token.hash()))
        .to_owned();
    let used = Expr::case(
        session::Column::EndedAt.is_null(),
        Expr::val(tx.now().micros()),
    )
    .finally(Expr::col(session::Column::LastUsedAt));
    let found = session::Entity::update_many()
        .col_expr(session::Column::LastUsedAt, used.into())
        .filter(Expr::col(session::Column::Id).in_subquery(owner))
        .exec_with_returning(tx.conn())
        .await?;
    Ok(found.into_iter().next())
}

/// Where a refresh token stands in its chain.
#[derive(Debug)]
pub(super) struct Chain {
    pub token: uuid::Uuid,
    /// Its session ended while it was the live one.
    pub is_revoked: bool,
    /// When it was exchanged, and the salt of its successor.
    pub consumed: Option<(Time, Vec<u8>)>,
    /// There is a successor, and nobody has used it.
    pub successor_is_unused: bool,
}

/// Where a refresh token stands. Call it while its session is held.
pub(super) async fn chain(tx: &Tx, token: &RefreshToken) -> Result<Chain> {
    let sql = "SELECT t.id, t.revoked_at, t.consumed_at, t.successor_salt, \
               CASE WHEN n.id IS NOT NULL AND n.consumed_at IS NULL THEN 1 ELSE 0 END AS unused \
               FROM refresh_tokens t LEFT JOIN refresh_tokens n ON n.id = t.successor_id \
               WHERE t.token_hash = $1";
    let statement = tx.dialect().statement(sql, [token.hash().into()]);
    let row = tx.conn().query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("a refresh token vanished"))?;
    let consumed_at: Option<i64> = row.try_get("", "consumed_at")?;
    let salt: Option<Vec<u8>> = row.try_get("", "successor_salt")?;
    Ok(Chain {
        token: row.try_get("", "id")?,
        is_revoked: row.try_get::<Option<i64>>("", "revoked_at")?.is_some(),
        consumed: consumed_at.map(Time::from_micros).zip(salt),
        successor_is_unused: row.try_get::<i32>("", "unused")? == 1,
    })
}

/// Exchanges the live token of a held session for its successor.
pub(super) async fn rotate(
    tx: &Tx,
    chain: &Chain,
    session: SessionId,
    successor: &RefreshToken,
    salt: &Salt,
) -> Result<()> {
    let next = uuid::Uuid::from_bytes(crate::kernel::random::bytes());
    let sql = "UPDATE refresh_tokens SET consumed_at = $2, successor_id = $3, \
               successor_salt = $4 \
               WHERE id = $1 AND consumed_at IS NULL AND revoked_at IS NULL";
    let values = [
        chain.token.into(),
        tx.now().micros().into(),
        next.into(),
        salt.to_vec().into(),
    ];
    if run(tx, sql, values).await? != 1 {
        return Err(Error::new(
            Reason::Conflict,
            "the session changed meanwhile, try again",
        ));
    }
    insert_token_as(tx, next, session, successor).await
}

/// Removes up to `limit` rows of each kind that nothing needs any more. Says whether
/// there may be more.
pub(super) async fn purge(
    tx: &Tx,
    ended_before: Time,
    sent_before: Time,
    failed_before: Time,
    limit: u64,
) -> Result<bool> {
    let (ended, sent) = (ended_before.micros(), sent_before.micros());
    let failed = failed_before.micros();
    // A provider may bring up a session long after it was ended here.
    let provided = (ended_before - PROVIDED_KEPT).micros();
    let purges = [
        ("sessions", "id", "provider IS NULL AND ended_at", ended),
        ("sessions", "id", "ended_at", provided),
        ("otp_challenges", "id", "expires_at", sent),
        ("otp_sends", "id", "sent_at", sent),
        ("otp_sources", "ip", "last_sent_at", sent),
        ("mail_links", "id", "expires_at", sent),
        ("sign_in_failures", "id", "failed_at", failed),
        ("sms_days", "day", "day", ended),
    ];
    let batch = i64::try_from(limit).map_err(Error::internal)?;
    let mut more = false;
    for (table, key, column, before) in purges {
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN \
             (SELECT {key} FROM {table} WHERE {column} < $1 LIMIT $2)"
        );
        let removed = run(tx, &sql, [before.into(), batch.into()]).await?;
        more |= removed >= limit;
    }
    Ok(more)
}

async fn run(tx: &Tx, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64> {
    let statement = tx.dialect().statement(sql, values);
    Ok(tx.conn().execute_raw(statement).await?.rows_affected())
}
