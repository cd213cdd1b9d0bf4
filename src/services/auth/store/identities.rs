//! Queries on who an identity provider says that a user is, and on the sessions that it
//! keeps.

use sea_orm::{IntoActiveModel, QueryResult};

use super::run;
use crate::db::{Conn, Db, Tx};
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::{Result, Time};
use crate::services::auth::Session;
use crate::services::auth::entity::session;

/// Somebody whom a provider knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::services::auth) struct Identity {
    /// The account, unless it was closed.
    pub user: Option<UserId>,
    /// The provider's time of what it told last.
    pub told_at: Time,
    /// The provider has deleted the person.
    pub is_deleted: bool,
}

/// A session of a provider that came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::services::auth) struct Visit {
    pub session: SessionId,
    /// Whose it is.
    pub user: UserId,
    pub last_used_at: Time,
}

/// Somebody whom a provider knows, with the session of theirs by this name.
pub(in crate::services::auth) async fn find_visit(
    db: &Db,
    provider: &str,
    subject: &str,
    external_id: &str,
) -> Result<Option<(Identity, Option<Visit>)>> {
    let sql = "SELECT i.user_id, i.told_at, i.deleted_at, s.id AS session_id, \
               s.user_id AS owner_id, s.last_used_at FROM external_identities i \
               LEFT JOIN sessions s ON s.provider = i.provider AND s.external_id = $3 \
               WHERE i.provider = $1 AND i.subject = $2";
    let values = [provider.into(), subject.into(), external_id.into()];
    let statement = db.dialect().statement(sql, values);
    let Some(row) = db.read().query_one_raw(statement).await? else {
        return Ok(None);
    };
    let session: Option<uuid::Uuid> = row.try_get("", "session_id")?;
    let visit = match session {
        Some(session) => Some(Visit {
            session: session.into(),
            user: row.try_get::<uuid::Uuid>("", "owner_id")?.into(),
            last_used_at: Time::from_micros(row.try_get("", "last_used_at")?),
        }),
        None => None,
    };
    Ok(Some((identity(&row)?, visit)))
}

/// Somebody whom a provider knows.
pub(in crate::services::auth) async fn find_identity(
    tx: &Tx,
    provider: &str,
    subject: &str,
) -> Result<Option<Identity>> {
    let sql = "SELECT user_id, told_at, deleted_at FROM external_identities \
               WHERE provider = $1 AND subject = $2";
    let statement = tx
        .dialect()
        .statement(sql, [provider.into(), subject.into()]);
    let row = tx.conn().query_one_raw(statement).await?;
    row.as_ref().map(identity).transpose()
}

fn identity(row: &QueryResult) -> Result<Identity> {
    let user: Option<uuid::Uuid> = row.try_get("", "user_id")?;
    Ok(Identity {
        user: user.map(UserId::from),
        told_at: Time::from_micros(row.try_get("", "told_at")?),
        is_deleted: row.try_get::<Option<i64>>("", "deleted_at")?.is_some(),
    })
}

/// Writes who somebody is now.
pub(in crate::services::auth) async fn put_identity(
    tx: &Tx,
    provider: &str,
    subject: &str,
    identity: &Identity,
) -> Result<()> {
    let sql = "INSERT INTO external_identities \
               (provider, subject, user_id, told_at, created_at, deleted_at) \
               VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (provider, subject) DO UPDATE SET user_id = excluded.user_id, \
               told_at = excluded.told_at, deleted_at = excluded.deleted_at";
    let now = tx.now().micros();
    let values = [
        provider.into(),
        subject.into(),
        identity.user.map(UserId::uuid).into(),
        identity.told_at.micros().into(),
        now.into(),
        identity.is_deleted.then_some(now).into(),
    ];
    run(tx, sql, values).await.map(drop)
}

/// By which names a provider knows a user, deleted persons left out.
pub(in crate::services::auth) async fn subjects(
    conn: &impl Conn,
    db: crate::db::Dialect,
    provider: &str,
    user: UserId,
) -> Result<Vec<String>> {
    let sql = "SELECT subject FROM external_identities \
               WHERE user_id = $1 AND provider = $2 AND deleted_at IS NULL ORDER BY subject";
    let statement = db.statement(sql, [user.uuid().into(), provider.into()]);
    let rows = conn.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| Ok(row.try_get("", "subject")?))
        .collect()
}

/// Forgets which persons a user is, and remembers that they left.
pub(in crate::services::auth) async fn leave_identities(tx: &Tx, user: UserId) -> Result<()> {
    let sql = "UPDATE external_identities SET user_id = NULL WHERE user_id = $1";
    run(tx, sql, [user.uuid().into()]).await.map(drop)
}

/// Adds a session of a provider, unless it is there, and says whose and which it is.
pub(in crate::services::auth) async fn put_external_session(
    tx: &Tx,
    new: &Session,
) -> Result<Visit> {
    use sea_orm::sea_query::OnConflict;
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
    let added = session::Entity::insert(new.clone().into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    let found = match added {
        0 => session::Entity::find()
            .filter(session::Column::Provider.eq(new.provider.clone()))
            .filter(session::Column::ExternalId.eq(new.external_id.clone()))
            .one(tx.conn())
            .await?
            .ok_or_else(|| crate::kernel::Error::internal("a taken session is not there"))?,
        _ => new.clone(),
    };
    Ok(Visit {
        session: found.id.into(),
        user: found.user_id.into(),
        last_used_at: Time::from_micros(found.last_used_at),
    })
}

/// Notes that a live session was used now, and lets it live on until `expires_at`.
pub(in crate::services::auth) async fn touch_session(
    tx: &Tx,
    id: SessionId,
    expires_at: Time,
) -> Result<()> {
    let sql = "UPDATE sessions SET last_used_at = $2, expires_at = $3 \
               WHERE id = $1 AND ended_at IS NULL";
    let values = [
        id.uuid().into(),
        tx.now().micros().into(),
        expires_at.micros().into(),
    ];
    run(tx, sql, values).await.map(drop)
}
