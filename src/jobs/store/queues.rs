//! How much stands in each queue.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr};

use crate::db::Db;
use crate::kernel::{Result, Time};

/// How much stands in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCounts {
    /// The queue.
    pub name: String,
    /// Jobs that wait, for whatever.
    pub pending: i64,
    /// Of those, the ones that could run now.
    pub due: i64,
    /// Since when the oldest of these could run.
    pub oldest_due: Option<Time>,
    /// Jobs that run.
    pub running: i64,
    /// Jobs that are dead.
    pub dead: i64,
}

impl QueueCounts {
    /// A queue in which nothing stands.
    pub(in crate::jobs) const fn empty(name: String) -> Self {
        Self {
            name,
            pending: 0,
            due: 0,
            oldest_due: None,
            running: 0,
            dead: 0,
        }
    }

    /// How long the oldest due job waits at `now`; zero when none is due.
    pub fn oldest_due_age(&self, now: Time) -> Duration {
        self.oldest_due.map_or(Duration::ZERO, |due| now.since(due))
    }
}

/// The queues in which jobs wait, run or are dead, by name. One walk along the indexes of
/// such jobs; those that succeeded are not looked at.
///
/// # Errors
/// UNAVAILABLE.
pub async fn queues(db: &Db) -> Result<Vec<QueueCounts>> {
    let sql = "SELECT queue, CAST(sum(pending) AS BIGINT) AS pending, \
                   CAST(sum(due) AS BIGINT) AS due, min(oldest) AS oldest, \
                   CAST(sum(running) AS BIGINT) AS running, CAST(sum(dead) AS BIGINT) AS dead \
               FROM ( \
                   SELECT queue, count(*) AS pending, \
                       sum(CASE WHEN run_at <= $1 AND NOT blocked THEN 1 ELSE 0 END) AS due, \
                       min(CASE WHEN run_at <= $1 AND NOT blocked THEN run_at END) AS oldest, \
                       0 AS running, 0 AS dead \
                   FROM jobs WHERE state = 'PENDING' GROUP BY queue \
                   UNION ALL \
                   SELECT queue, 0, 0, NULL, count(*), 0 \
                   FROM jobs WHERE state = 'RUNNING' GROUP BY queue \
                   UNION ALL \
                   SELECT queue, 0, 0, NULL, 0, count(*) \
                   FROM jobs WHERE state = 'DEAD' GROUP BY queue) AS counted \
               GROUP BY queue";
    let now = db.clock().now().micros();
    let statement = db.dialect().statement(sql, [now.into()]);
    let rows = db.read().query_all_raw(statement).await?;
    let counts = rows.iter().map(|row| {
        let oldest: Option<i64> = row.try_get("", "oldest")?;
        Ok(QueueCounts {
            name: row.try_get("", "queue")?,
            pending: row.try_get("", "pending")?,
            due: row.try_get("", "due")?,
            oldest_due: oldest.map(Time::from_micros),
            running: row.try_get("", "running")?,
            dead: row.try_get("", "dead")?,
        })
    });
    let mut counts = counts.collect::<Result<Vec<_>, DbErr>>()?;
    // Databases sort by their own rules.
    counts.sort_by(|one: &QueueCounts, other| one.name.cmp(&other.name));
    Ok(counts)
}
