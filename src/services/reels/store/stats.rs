//! How reels are received, in numbers.

use std::collections::HashMap;

use sea_orm::{FromQueryResult, Statement, Value};
use uuid::Uuid;

use crate::db::{Conn, Dialect, Tx};
use crate::kernel::Result;
use crate::kernel::id::ReelId;

/// How a reel is received. Each number only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Likes given.
    pub liked: i64,
    /// Likes taken back.
    pub unliked: i64,
    /// Comments that came to be seen.
    pub commented: i64,
    /// Comments that no longer are.
    pub uncommented: i64,
    /// Views.
    pub viewed: i64,
}

impl Stats {
    /// How many people like it.
    pub const fn likes(&self) -> i64 {
        self.liked - self.unliked
    }

    /// How many comments it has.
    pub const fn comments(&self) -> i64 {
        self.commented - self.uncommented
    }

    /// How often it was viewed.
    pub const fn views(&self) -> i64 {
        self.viewed
    }
}

#[derive(FromQueryResult)]
struct Row {
    reel_id: Uuid,
    liked: i64,
    unliked: i64,
    commented: i64,
    uncommented: i64,
    viewed: i64,
}

/// The stats of reels; a reel that nobody has touched is absent. One statement.
///
/// # Errors
/// Those of the database.
pub async fn of(conn: &impl Conn, reels: &[ReelId]) -> Result<HashMap<ReelId, Stats>> {
    if reels.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = Dialect::placeholders(1, reels.len());
    // PostgreSQL sums whole numbers into decimals.
    let sum = |column| format!("CAST(sum({column}) AS BIGINT) AS {column}");
    let sums = ["liked", "unliked", "commented", "uncommented", "viewed"].map(sum);
    let columns = "reel_id, liked, unliked, commented, uncommented, viewed";
    let sql = format!(
        "SELECT reel_id, {} FROM (\
             SELECT {columns} FROM reel_stats WHERE reel_id IN ({ids}) \
             UNION ALL SELECT {columns} FROM reel_deltas WHERE reel_id IN ({ids})) counted \
         GROUP BY reel_id",
        sums.join(", ")
    );
    let values = reels.iter().map(|reel| Value::from(reel.uuid()));
    let statement = Statement::from_sql_and_values(conn.get_database_backend(), sql, values);
    let rows = Row::find_by_statement(statement).all(conn).await?;
    let stats = rows.into_iter().map(|row| {
        let stats = Stats {
            liked: row.liked,
            unliked: row.unliked,
            commented: row.commented,
            uncommented: row.uncommented,
            viewed: row.viewed,
        };
        (row.reel_id.into(), stats)
    });
    Ok(stats.collect())
}

/// Leaves what a change of a reel is to be counted as, beside the change.
///
/// # Errors
/// Those of the database.
pub async fn count(tx: &Tx, reel: ReelId, change: &Stats) -> Result<()> {
    let sql = "INSERT INTO reel_deltas (reel_id, liked, unliked, commented, uncommented, viewed) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        reel.uuid().into(),
        change.liked.into(),
        change.unliked.into(),
        change.commented.into(),
        change.uncommented.into(),
        change.viewed.into(),
    ];
    tx.conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(())
}
