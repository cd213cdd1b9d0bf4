//! How reels are received: the sum of what was taken over and of what is still to be.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde_json::json;
use uuid::Uuid;

use crate::db::{Conditions, Conn, Dialect, Kind, Tx};
use crate::kernel::id::{ReelId, StoreId};
use crate::kernel::{Error, Result};

/// How often something happened to a reel, from its beginning. No number ever shrinks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Stats {
    /// Likes given.
    pub(in super::super) liked: i64,
    /// Likes taken back.
    pub(in super::super) unliked: i64,
    /// Comments that were written, or shown again.
    pub(in super::super) commented: i64,
    /// Comments that were deleted or hidden.
    pub(in super::super) uncommented: i64,
    /// Views.
    pub(in super::super) viewed: i64,
}

impl Stats {
    /// How many people like it.
    pub(in super::super) const fn likes(&self) -> i64 {
        self.liked - self.unliked
    }

    /// How many comments it has.
    pub(in super::super) const fn comments(&self) -> i64 {
        self.commented - self.uncommented
    }

    /// How often it was viewed.
    pub(in super::super) const fn views(&self) -> i64 {
        self.viewed
    }
}

impl std::ops::AddAssign for Stats {
    fn add_assign(&mut self, more: Self) {
        self.liked += more.liked;
        self.unliked += more.unliked;
        self.commented += more.commented;
        self.uncommented += more.uncommented;
        self.viewed += more.viewed;
    }
}

/// What happened to some reels, by reel.
pub(in super::super) type Deltas = BTreeMap<ReelId, Stats>;

/// Whether the reels that a query is about must be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Among {
    All,
    Shown,
}

/// How the reels are received. One statement, one snapshot.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn of(
    conn: &impl Conn,
    dialect: Dialect,
    ids: &[ReelId],
) -> Result<HashMap<ReelId, Stats>> {
    read(conn, dialect, ids, Among::All).await
}

/// Like [`of`]; reels that are deleted, hidden or not ready are absent.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn of_shown(
    conn: &impl Conn,
    dialect: Dialect,
    ids: &[ReelId],
) -> Result<HashMap<ReelId, Stats>> {
    read(conn, dialect, ids, Among::Shown).await
}

async fn read(
    conn: &impl Conn,
    dialect: Dialect,
    ids: &[ReelId],
    among: Among,
) -> Result<HashMap<ReelId, Stats>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let only = match among {
        Among::All => "",
        Among::Shown => {
            " JOIN reels ON reels.id = want.id AND reels.status = 'READY' \
             AND NOT reels.hidden AND reels.deleted_at IS NULL"
        }
    };
    let sum = |column| {
        format!(
            "CAST(COALESCE(taken.{column}, 0) + COALESCE(left_over.{column}, 0) AS bigint) \
             AS {column}"
        )
    };
    let sql = format!(
        "WITH want AS {want}, left_over AS (\
             SELECT reel_id, SUM(liked) AS liked, SUM(unliked) AS unliked, \
                 SUM(commented) AS commented, SUM(uncommented) AS uncommented, \
                 SUM(viewed) AS viewed \
             FROM reel_deltas WHERE reel_id IN (SELECT id FROM want) GROUP BY reel_id) \
         SELECT want.id AS reel_id, {} FROM want{only} \
         LEFT JOIN reel_stats taken ON taken.reel_id = want.id \
         LEFT JOIN left_over ON left_over.reel_id = want.id",
        COLUMNS.map(sum).join(", "),
        want = dialect.table(&[("id", Kind::Id)], 1),
    );
    let ids = ids.iter().map(|id| json!([id.uuid().simple()]));
    let statement = dialect.statement(sql, [Dialect::rows(ids)]);
    let rows = conn.query_all_raw(statement).await?;
    Ok(rows.iter().map(delta).collect::<Result<_, DbErr>>()?)
}

/// How the reels of stores that are not deleted are received together, and how many they
/// are. One statement.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn of_stores(
    conn: &impl Conn,
    dialect: Dialect,
    stores: &[StoreId],
) -> Result<(i64, Stats)> {
    let mut conditions = Conditions::default();
    conditions.one_of("store_id", stores.iter().map(|store| store.uuid().into()));
    conditions.always("deleted_at IS NULL");
    let columns = COLUMNS.join(", ");
    let sum = |column| format!("CAST(COALESCE(SUM({column}), 0) AS bigint) AS {column}");
    let sql = format!(
        "WITH want AS (SELECT id FROM reels WHERE {}) \
         SELECT (SELECT count(*) FROM want) AS reels, {} FROM (\
             SELECT {columns} FROM reel_stats WHERE reel_id IN (SELECT id FROM want) UNION ALL \
             SELECT {columns} FROM reel_deltas WHERE reel_id IN (SELECT id FROM want)) received",
        conditions.sql(),
        COLUMNS.map(sum).join(", "),
    );
    let statement = dialect.statement(sql, conditions.values());
    let row = conn.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("a sum without a row"))?;
    Ok((row.try_get("", "reels")?, stats(&row)?))
}

const COLUMNS: [&str; 5] = ["liked", "unliked", "commented", "uncommented", "viewed"];

fn delta(row: &QueryResult) -> Result<(ReelId, Stats), DbErr> {
    Ok((row.try_get::<Uuid>("", "reel_id")?.into(), stats(row)?))
}

fn stats(row: &QueryResult) -> Result<Stats, DbErr> {
    Ok(Stats {
        liked: row.try_get("", "liked")?,
        unliked: row.try_get("", "unliked")?,
        commented: row.try_get("", "commented")?,
        uncommented: row.try_get("", "uncommented")?,
        viewed: row.try_get("", "viewed")?,
    })
}

/// Leaves what happened, to be counted from the commit on. One statement.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn count(tx: &Tx, deltas: &Deltas) -> Result<()> {
    if deltas.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO reel_deltas (reel_id, {columns}) SELECT reel_id, {columns} FROM {} AS want \
         ORDER BY reel_id",
        table(tx.dialect()),
        columns = COLUMNS.join(", "),
    );
    let statement = tx.dialect().statement(sql, [rows(deltas)]);
    tx.conn().execute_raw(statement).await?;
    Ok(())
}

/// Whether anything waits to be taken over.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn waits(conn: &impl Conn, dialect: Dialect) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM reel_deltas LIMIT 1";
    Ok(conn
        .query_one_raw(dialect.statement(sql, []))
        .await?
        .is_some())
}

/// Takes away the oldest of what waits, `limit` rows at the most; says how many rows it
/// was. Their order is that of the commits wherever one depends on another: nobody takes
/// back a like that is not there.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn take(tx: &Tx, limit: usize) -> Result<(usize, Deltas)> {
    let sql = format!(
        "DELETE FROM reel_deltas WHERE id IN (SELECT id FROM reel_deltas ORDER BY id \
         LIMIT {limit}) RETURNING reel_id, {}",
        COLUMNS.join(", ")
    );
    let statement = tx.dialect().statement(sql, []);
    let taken = tx.conn().query_all_raw(statement).await?;
    let mut deltas = Deltas::new();
    for row in &taken {
        let (reel, stats) = delta(row)?;
        *deltas.entry(reel).or_default() += stats;
    }
    Ok((taken.len(), deltas))
}

/// Adds what was taken away to the sums. They have their rows first: what has to be true
/// of a sum, no fewer likes than were taken back, need not be true of what is added.
///
/// # Errors
/// Those of the database.
pub(in super::super) async fn add(tx: &Tx, deltas: &Deltas) -> Result<()> {
    if deltas.is_empty() {
        return Ok(());
    }
    let want = table(tx.dialect());
    let begin = format!(
        "INSERT INTO reel_stats (reel_id, {columns}) SELECT reel_id, {zeros} FROM {want} AS want \
         WHERE TRUE ORDER BY reel_id ON CONFLICT DO NOTHING",
        columns = COLUMNS.join(", "),
        zeros = COLUMNS.map(|_| "0").join(", "),
    );
    let more = |column| format!("{column} = reel_stats.{column} + want.{column}");
    let add = format!(
        "UPDATE reel_stats SET {} FROM {want} AS want WHERE reel_stats.reel_id = want.reel_id",
        COLUMNS.map(more).join(", "),
    );
    for sql in [begin, add] {
        let statement = tx.dialect().statement(sql, [rows(deltas)]);
        tx.conn().execute_raw(statement).await?;
    }
    Ok(())
}

fn table(dialect: Dialect) -> String {
    let [liked, unliked, commented, uncommented, viewed] =
        COLUMNS.map(|column| (column, Kind::Number));
    let reel = ("reel_id", Kind::Id);
    dialect.table(&[reel, liked, unliked, commented, uncommented, viewed], 1)
}

fn rows(deltas: &Deltas) -> sea_orm::Value {
    Dialect::rows(deltas.iter().map(|(reel, stats)| {
        json!([
            reel.uuid().simple(),
            stats.liked,
            stats.unliked,
            stats.commented,
            stats.uncommented,
            stats.viewed,
        ])
    }))
}
