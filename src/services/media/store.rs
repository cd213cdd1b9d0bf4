//! Every query on files.

#[cfg(test)]
mod plans;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel,
    QueryFilter, QuerySelect, Statement, UpdateMany, Value,
};

use super::check::Measures;
use super::complete::Found;
use super::entity::media;
use super::file::Status;
use super::{File, Named};
use crate::db::{Conn, Dialect, Tx};
use crate::kernel::id::{MediaId, UserId};
use crate::kernel::{Error, Result, Time};

/// The file, in any status.
pub async fn find(conn: &impl Conn, id: MediaId) -> Result<Option<File>> {
    Ok(media::Entity::find_by_id(id.uuid()).one(conn).await?)
}

/// The file of a key, in any status.
pub async fn find_by_key(conn: &impl Conn, key: &str) -> Result<Option<File>> {
    let query = media::Entity::find().filter(media::Column::Key.eq(key));
    Ok(query.one(conn).await?)
}

/// The file, in any status, held until commit.
pub async fn lock(tx: &Tx, named: &Named) -> Result<Option<File>> {
    let query = match named {
        Named::Id(id) => media::Entity::find_by_id(id.uuid()),
        Named::Key(key) => media::Entity::find().filter(media::Column::Key.eq(key.as_str())),
    };
    Ok(query.lock_exclusive().one(tx.conn()).await?)
}

/// The files of these keys, in any status.
pub async fn find_by_keys(conn: &impl Conn, keys: &[String]) -> Result<Vec<File>> {
    let keys = keys.iter().map(String::as_str);
    let query = media::Entity::find().filter(media::Column::Key.is_in(keys));
    Ok(query.all(conn).await?)
}

/// What a user has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Uploads that may still come.
    pub open: i64,
    /// Bytes of the files that came and that nothing uses yet, and of all that may still
    /// come: a ticket is good until its time is over, whatever has become of its upload.
    pub unused: i64,
    /// The same with the bytes of all files in use.
    pub all: i64,
}

/// What a user has.
pub async fn held(tx: &Tx, owner: UserId) -> Result<Held> {
    let statement = held_by(tx.dialect(), owner, tx.now());
    let Some(row) = tx.conn().query_one_raw(statement).await? else {
        return Ok(Held::default());
    };
    let number = |column| row.try_get::<i64>("", column);
    let late = number("late")?;
    Ok(Held {
        open: number("open")?,
        unused: number("unused")? + late,
        all: number("all_bytes")? + late,
    })
}

/// Two sums, each from an index of its own: files that are over stay as rows, and there is
/// no end to them.
pub(super) fn held_by(dialect: Dialect, owner: UserId, now: Time) -> Statement {
    let sql = "SELECT live.*, late.* FROM \
         (SELECT count(*) FILTER (WHERE status = 'PENDING' AND expires_at > $2) AS open, \
             CAST(COALESCE(sum(size) FILTER (WHERE uses = 0), 0) AS BIGINT) AS unused, \
             CAST(COALESCE(sum(size), 0) AS BIGINT) AS all_bytes \
             FROM media WHERE owner_id = $1 \
             AND status IN ('PENDING', 'PROCESSING', 'READY')) live \
         CROSS JOIN (SELECT CAST(COALESCE(sum(size), 0) AS BIGINT) AS late \
             FROM media WHERE owner_id = $1 AND expires_at > $2 \
             AND uses = 0 AND status IN ('FAILED', 'ABORTED', 'DELETED')) late";
    dialect.statement(sql, [owner.uuid().into(), now.micros().into()])
}

/// Adds a file.
pub async fn insert(tx: &Tx, new: &File) -> Result<()> {
    let row = new.clone().into_active_model().reset_all();
    media::Entity::insert(row)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Says that the bytes of an announced file are there and were checked; whether it was
/// still to come.
pub async fn checked(tx: &Tx, id: MediaId, found: Found) -> Result<bool> {
    let now = tx.now().micros();
    let bytes = i64::try_from(found.bytes).map_err(Error::internal)?;
    let side = |pixels: u32| i32::try_from(pixels).ok();
    let width = found.size.and_then(|size| side(size.width));
    let height = found.size.and_then(|size| side(size.height));
    let update = moved(tx, Status::Processing)
        .col_expr(media::Column::CheckedAt, Expr::value(Some(now)))
        .col_expr(media::Column::UnusedSince, Expr::value(Some(now)))
        .col_expr(media::Column::Size, Expr::value(bytes))
        .col_expr(media::Column::Width, Expr::value(width))
        .col_expr(media::Column::Height, Expr::value(height))
        .filter(media::Column::Id.eq(id.uuid()))
        .filter(media::Column::Status.eq(Status::Pending.as_str()));
    Ok(update.exec(tx.conn()).await?.rows_affected == 1)
}

/// Says what was measured of a file; whether that was still to be done.
pub async fn measured(
    tx: &Tx,
    id: MediaId,
    measures: Measures,
    thumbnail_key: &str,
) -> Result<bool> {
    let length = measures.duration_ms;
    let length = length.and_then(|length| i32::try_from(length).ok());
    let side = |pixels: u32| i32::try_from(pixels).ok();
    let update = moved(tx, Status::Ready)
        .col_expr(media::Column::ThumbnailKey, Expr::value(thumbnail_key))
        .col_expr(media::Column::Width, Expr::value(side(measures.width)))
        .col_expr(media::Column::Height, Expr::value(side(measures.height)))
        .col_expr(media::Column::DurationMs, Expr::value(length))
        .filter(media::Column::Id.eq(id.uuid()))
        .filter(media::Column::Status.eq(Status::Processing.as_str()));
    Ok(update.exec(tx.conn()).await?.rows_affected == 1)
}

/// Says that a file cannot be used; whether it was in the status before.
pub async fn failed(tx: &Tx, id: MediaId, before: Status, failure: &str) -> Result<bool> {
    let update = moved(tx, Status::Failed)
        .col_expr(media::Column::Failure, Expr::value(failure))
        .filter(media::Column::Id.eq(id.uuid()))
        .filter(media::Column::Status.eq(before.as_str()));
    Ok(update.exec(tx.conn()).await?.rows_affected == 1)
}

/// Ends a file that nothing uses; whether it was in one of the statuses before.
pub async fn end(tx: &Tx, id: MediaId, before: &[Status], end: Status) -> Result<bool> {
    let before = before.iter().map(|status| status.as_str());
    let update = moved(tx, end)
        .col_expr(media::Column::Failure, Expr::value(""))
        .filter(media::Column::Id.eq(id.uuid()))
        .filter(media::Column::Uses.eq(0))
        .filter(media::Column::Status.is_in(before));
    Ok(update.exec(tx.conn()).await?.rows_affected == 1)
}

/// One more use of each of the files that can be used; answers how many those were.
pub async fn attach(tx: &Tx, ids: &[MediaId]) -> Result<u64> {
    let update = touched(tx)
        .col_expr(media::Column::Uses, Expr::col(media::Column::Uses).add(1))
        .col_expr(media::Column::UnusedSince, Expr::value(None::<i64>))
        .filter(media::Column::Id.is_in(ids.iter().map(|id| id.uuid())))
        .filter(media::Column::Status.is_in(SHOWN.map(Status::as_str)));
    Ok(update.exec(tx.conn()).await?.rows_affected)
}

/// One use less of a file.
pub async fn release(tx: &Tx, id: MediaId) -> Result<()> {
    release_those(tx, "id", vec![id.uuid().into()]).await
}

/// One use less of the file of each key.
pub async fn release_keys(tx: &Tx, keys: &[String]) -> Result<()> {
    let keys = keys.iter().map(|key| Value::from(key.as_str()));
    release_those(tx, "key", keys.collect()).await
}

async fn release_those(tx: &Tx, column: &str, those: Vec<Value>) -> Result<()> {
    let sql = format!(
        "UPDATE media SET uses = uses - 1, updated_at = $1, version = version + 1, \
         unused_since = CASE WHEN uses = 1 THEN CAST($1 AS BIGINT) END \
         WHERE uses > 0 AND {column} IN ({})",
        Dialect::placeholders(2, those.len())
    );
    let mut values: Vec<Value> = vec![tx.now().micros().into()];
    values.extend(those);
    tx.conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(())
}

/// Ends up to `limit` files that nothing used since before `unused_before`, and uploads
/// that never came before `expired_before`; answers which. Rows that another process is
/// ending are left to it.
pub async fn end_forgotten(
    tx: &Tx,
    unused_before: Time,
    expired_before: Time,
    limit: usize,
) -> Result<Vec<MediaId>> {
    let sql = format!(
        "WITH unused AS MATERIALIZED (SELECT id FROM media \
             WHERE status IN ('PROCESSING', 'READY', 'FAILED') AND unused_since IS NOT NULL \
             AND unused_since <= $1 ORDER BY unused_since LIMIT {limit}{lock}), \
         expired AS MATERIALIZED (SELECT id FROM media \
             WHERE status = 'PENDING' AND expires_at <= $2 \
             ORDER BY expires_at LIMIT {limit}{lock}) \
         UPDATE media SET status = 'DELETED', failure = '', version = version + 1, \
         updated_at = $3 WHERE uses = 0 AND (id IN (SELECT id FROM unused) \
             AND status IN ('PROCESSING', 'READY', 'FAILED') AND unused_since <= $1 \
             OR id IN (SELECT id FROM expired) AND status = 'PENDING') RETURNING id",
        lock = tx.dialect().for_update_skip_locked(),
    );
    let values = [
        unused_before.micros().into(),
        expired_before.micros().into(),
        tx.now().micros().into(),
    ];
    let statement = tx.dialect().statement(sql, values);
    let rows = tx.conn().query_all_raw(statement).await?;
    let id = |row: &sea_orm::QueryResult| row.try_get::<uuid::Uuid>("", "id");
    let ids: Result<Vec<_>, _> = rows.iter().map(id).collect();
    Ok(ids?.into_iter().map(MediaId::from).collect())
}

const SHOWN: [Status; 2] = [Status::Processing, Status::Ready];

/// An update that leads to the next version, in another status.
fn moved(tx: &Tx, status: Status) -> UpdateMany<media::Entity> {
    touched(tx).col_expr(media::Column::Status, Expr::value(status.as_str()))
}

fn touched(tx: &Tx) -> UpdateMany<media::Entity> {
    media::Entity::update_many()
        .col_expr(
            media::Column::Version,
            Expr::col(media::Column::Version).add(1),
        )
        .col_expr(media::Column::UpdatedAt, Expr::value(tx.now().micros()))
}
