//! Every query on likes.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};
use serde_json::json;
use uuid::Uuid;

use super::super::likes::{Like, Pair};
use crate::db::{Conn, Db, Dialect, Kind, Tx};
use crate::kernel::id::{ReelId, UserId};
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::{Error, Result, Time};

const PAIR: [(&str, Kind); 2] = [("reel_id", Kind::Id), ("user_id", Kind::Id)];

/// Adds likes of open accounts to reels that are shown; answers those that were not there.
/// Rows are written in their order, so that two calls never wait for each other in a circle,
/// and accounts are held, so that one that closes takes every like with it.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn add(tx: &Tx, wanted: &[Pair]) -> Result<HashSet<Pair>> {
    let sql = format!(
        "INSERT INTO reel_likes (reel_id, user_id, created_at) \
         SELECT reels.id, want.user_id, CAST($2 AS bigint) FROM {} AS want \
         JOIN reels ON reels.id = want.reel_id JOIN users ON users.id = want.user_id \
         WHERE reels.status = 'READY' AND NOT reels.hidden AND reels.deleted_at IS NULL \
         AND users.deleted_at IS NULL ORDER BY reels.id, want.user_id{} \
         ON CONFLICT DO NOTHING RETURNING reel_id, user_id",
        tx.dialect().table(&PAIR, 1),
        tx.dialect().for_key_share_of("users"),
    );
    let now = tx.now().micros().into();
    changed(tx, &sql, wanted, [now]).await
}

/// Takes likes back; answers those that were there. Rows are held in their order.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn remove(tx: &Tx, wanted: &[Pair]) -> Result<HashSet<Pair>> {
    let sql = format!(
        "WITH want AS {}, held AS MATERIALIZED (\
             SELECT reel_likes.reel_id, reel_likes.user_id FROM want JOIN reel_likes \
                 ON reel_likes.reel_id = want.reel_id AND reel_likes.user_id = want.user_id \
             ORDER BY reel_likes.reel_id, reel_likes.user_id{}) \
         DELETE FROM reel_likes WHERE (reel_id, user_id) IN (SELECT reel_id, user_id FROM held) \
         RETURNING reel_id, user_id",
        tx.dialect().table(&PAIR, 1),
        tx.dialect().for_update()
    );
    changed(tx, &sql, wanted, []).await
}

async fn changed(
    tx: &Tx,
    sql: &str,
    pairs: &[Pair],
    more: impl IntoIterator<Item = Value>,
) -> Result<HashSet<Pair>> {
    if pairs.is_empty() {
        return Ok(HashSet::new());
    }
    let rows = pairs
        .iter()
        .map(|(reel, user)| json!([reel.uuid().simple(), user.uuid().simple()]));
    let values = std::iter::once(Dialect::rows(rows)).chain(more);
    let statement = tx.dialect().statement(sql, values);
    let rows = tx.conn().query_all_raw(statement).await?;
    Ok(rows.iter().map(pair).collect::<Result<_, DbErr>>()?)
}

/// Whether a like is there.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn is_there(db: &Db, (reel, user): Pair) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM reel_likes WHERE reel_id = $1 AND user_id = $2";
    let values = [reel.uuid().into(), user.uuid().into()];
    let statement = db.dialect().statement(sql, values);
    Ok(db.read().query_one_raw(statement).await?.is_some())
}

/// Takes all likes of a user back; answers the reels.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn remove_all_of(tx: &Tx, user: UserId) -> Result<Vec<ReelId>> {
    let sql = format!(
        "WITH held AS MATERIALIZED (SELECT reel_id, user_id FROM reel_likes WHERE user_id = $1 \
             ORDER BY reel_id{}) \
         DELETE FROM reel_likes WHERE (reel_id, user_id) IN (SELECT reel_id, user_id FROM held) \
         RETURNING reel_id, user_id",
        tx.dialect().for_update()
    );
    let statement = tx.dialect().statement(sql, [user.uuid().into()]);
    let rows = tx.conn().query_all_raw(statement).await?;
    let reels = rows.iter().map(|row| Ok(pair(row)?.0));
    Ok(reels.collect::<Result<_, DbErr>>()?)
}

/// Which of the reels are shown.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn shown_among(tx: &Tx, reels: &[ReelId]) -> Result<HashSet<ReelId>> {
    let sql = format!(
        "SELECT id FROM reels WHERE id IN (SELECT id FROM {} AS want) \
         AND status = 'READY' AND NOT hidden AND deleted_at IS NULL",
        tx.dialect().table(&[("id", Kind::Id)], 1)
    );
    let rows = reels.iter().map(|reel| json!([reel.uuid().simple()]));
    let statement = tx.dialect().statement(sql, [Dialect::rows(rows)]);
    let rows = tx.conn().query_all_raw(statement).await?;
    let shown = rows
        .iter()
        .map(|row| row.try_get::<Uuid>("", "id").map(ReelId::from));
    Ok(shown.collect::<Result<_, DbErr>>()?)
}

/// A page of those who like a reel, newest first.
///
/// # Errors
/// Those of the database; INTERNAL for a cursor of another list.
pub(in super::super) async fn list(
    db: &Db,
    reel: ReelId,
    page: &PageRequest,
) -> Result<Page<Like>> {
    let mut values: Vec<Value> = vec![reel.uuid().into()];
    let mut after = "";
    if let Some(cursor) = page.cursor() {
        let (at, user) = read_cursor(cursor)?;
        values.extend([at.into(), user.into()]);
        after = " AND (created_at, user_id) < ($2, $3)";
    }
    let sql = format!(
        "SELECT user_id, created_at FROM reel_likes WHERE reel_id = $1{after} \
         ORDER BY created_at DESC, user_id DESC LIMIT {} OFFSET {}",
        page.limit + 1,
        page.offset()
    );
    let (conn, dialect) = (db.read(), db.dialect());
    let rows = conn.query_all_raw(dialect.statement(sql, values)).await?;
    let likes = rows.iter().map(|row| {
        Ok(Like {
            user: row.try_get::<Uuid>("", "user_id")?.into(),
            at: Time::from_micros(row.try_get("", "created_at")?),
        })
    });
    let likes = likes.collect::<Result<Vec<_>, DbErr>>()?;
    let total = match page.is_numbered() {
        true => Some(count(conn, dialect, reel).await?),
        false => None,
    };
    Ok(page.finish(likes, total, |like| {
        let at = like.at.micros().to_be_bytes();
        [at.as_slice(), like.user.uuid().as_bytes()].concat()
    }))
}

async fn count(conn: &impl Conn, dialect: Dialect, reel: ReelId) -> Result<u64> {
    let sql = "SELECT count(*) AS likes FROM reel_likes WHERE reel_id = $1";
    let statement = dialect.statement(sql, [reel.uuid().into()]);
    let row = conn.query_one_raw(statement).await?;
    let likes: i64 = match row {
        Some(row) => row.try_get("", "likes")?,
        None => 0,
    };
    Ok(u64::try_from(likes).unwrap_or(0))
}

fn read_cursor(cursor: &[u8]) -> Result<(i64, Uuid)> {
    let (at, user) = cursor
        .split_first_chunk()
        .ok_or_else(|| Error::internal(format!("a cursor of {} bytes", cursor.len())))?;
    let user = Uuid::from_slice(user).map_err(Error::internal)?;
    Ok((i64::from_be_bytes(*at), user))
}

fn pair(row: &QueryResult) -> Result<Pair, DbErr> {
    let id = |column| row.try_get::<Uuid>("", column);
    Ok((id("reel_id")?.into(), id("user_id")?.into()))
}
