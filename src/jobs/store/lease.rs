//! The queries of workers: what is due, who holds it, what it came to.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::{State, changed_one};
use crate::db::{Db, Dialect, Tx, job_order};
use crate::kernel::id::JobId;
use crate::kernel::{Result, Time};

/// A job that a worker has taken.
pub(in crate::jobs) struct Claimed {
    pub(in crate::jobs) id: JobId,
    pub(in crate::jobs) kind: String,
    pub(in crate::jobs) payload: String,
    pub(in crate::jobs) attempt: i32,
    pub(in crate::jobs) max_attempts: i32,
    pub(in crate::jobs) order_key: Option<String>,
    /// How long the claim holds without a sign of life.
    pub(in crate::jobs) lease: Duration,
}

/// Who claims, and how long the claim holds without a sign of life.
#[derive(Debug, Clone, Copy)]
pub(in crate::jobs) struct Lease<'a> {
    pub(in crate::jobs) owner: &'a str,
    pub(in crate::jobs) lasts: Duration,
}

/// Jobs that are claimed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::jobs) struct Level {
    pub(in crate::jobs) queue: String,
    pub(in crate::jobs) priority: i32,
}

/// The statement of [`due_levels`]. It jumps along the index from one priority to the next,
/// and where there is none to the next queue; DISTINCT would walk every row that waits.
pub(in crate::jobs) const DUE_LEVELS: &str = "WITH RECURSIVE level(queue, priority) AS ( \
                   SELECT '', CAST(NULL AS INTEGER) \
                   UNION ALL \
                   SELECT CASE WHEN level.priority IS NULL \
                              THEN (SELECT min(j.queue) FROM jobs j \
                                    WHERE j.state = 'PENDING' AND j.queue > level.queue) \
                              ELSE level.queue END, \
                          CASE WHEN level.priority IS NULL \
                              THEN (SELECT min(j.priority) FROM jobs j \
                                    WHERE j.state = 'PENDING' AND j.blocked = FALSE AND j.queue = \
                                        (SELECT min(k.queue) FROM jobs k \
                                         WHERE k.state = 'PENDING' AND k.queue > level.queue)) \
                              ELSE (SELECT min(j.priority) FROM jobs j \
                                    WHERE j.state = 'PENDING' AND j.blocked = FALSE \
                                        AND j.queue = level.queue \
                                        AND j.priority > level.priority) END \
                   FROM level WHERE level.queue IS NOT NULL) \
               SELECT queue, priority FROM level WHERE priority IS NOT NULL AND EXISTS ( \
                   SELECT 1 FROM jobs j WHERE j.state = 'PENDING' AND j.blocked = FALSE \
                       AND j.queue = level.queue AND j.priority = level.priority \
                       AND j.run_at <= $1) \
               ORDER BY queue, priority";

/// The queues and priorities in which jobs are due, the most urgent of each queue first.
pub(in crate::jobs) async fn due_levels(db: &Db) -> Result<Vec<Level>> {
    due_levels_since(db, db.clock().now()).await
}

/// Those in which jobs have been due since an instant, or longer.
pub(super) async fn due_levels_since(db: &Db, instant: Time) -> Result<Vec<Level>> {
    let statement = db
        .dialect()
        .statement(DUE_LEVELS, [instant.micros().into()]);
    let rows = db.read().query_all_raw(statement).await?;
    let levels = rows.iter().map(|row| {
        Ok(Level {
            queue: row.try_get("", "queue")?,
            priority: row.try_get("", "priority")?,
        })
    });
    Ok(levels.collect::<Result<_, DbErr>>()?)
}

/// The statement of [`claim`], for `kinds` kinds.
pub(in crate::jobs) fn claim_sql(dialect: Dialect, kinds: usize) -> String {
    // The pick is materialized, so that it is made and locked once, whatever the plan.
    format!(
        "WITH picked AS MATERIALIZED (SELECT id FROM jobs \
             WHERE state = 'PENDING' AND blocked = FALSE AND queue = $1 AND priority = $2 \
                 AND run_at <= $3 AND kind IN ({}) \
             ORDER BY run_at LIMIT $4{}) \
         UPDATE jobs SET state = 'RUNNING', attempts = attempts + 1, lease_owner = $5, \
             lease_until = $6 \
         WHERE id IN (SELECT id FROM picked) \
         RETURNING id, kind, payload, attempts, max_attempts, order_key, run_at",
        Dialect::placeholders(7, kinds),
        dialect.for_update_skip_locked(),
    )
}

/// Takes up to `limit` due jobs of a level, the one that waits longest first. Workers of
/// other processes pass over each other's rows.
pub(in crate::jobs) async fn claim(
    tx: &Tx,
    level: &Level,
    kinds: &[&'static str],
    limit: usize,
    lease: Lease<'_>,
) -> Result<Vec<Claimed>> {
    let sql = claim_sql(tx.dialect(), kinds.len());
    let mut values: Vec<Value> = vec![
        level.queue.as_str().into(),
        level.priority.into(),
        tx.now().micros().into(),
        (limit as i64).into(),
        lease.owner.into(),
        (tx.now() + lease.lasts).micros().into(),
    ];
    values.extend(kinds.iter().map(|kind| Value::from(*kind)));
    let rows = tx
        .conn()
        .query_all_raw(tx.dialect().statement(sql, values))
        .await?;
    let claimed = rows.iter().map(|row| {
        let run_at: i64 = row.try_get("", "run_at")?;
        let claimed = Claimed {
            id: row.try_get::<uuid::Uuid>("", "id")?.into(),
            kind: row.try_get("", "kind")?,
            payload: row.try_get("", "payload")?,
            attempt: row.try_get("", "attempts")?,
            max_attempts: row.try_get("", "max_attempts")?,
            order_key: row.try_get("", "order_key")?,
            lease: lease.lasts,
        };
        Ok((run_at, claimed))
    });
    let mut claimed = claimed.collect::<Result<Vec<_>, DbErr>>()?;
    // RETURNING promises no order.
    claimed.sort_by_key(|(run_at, _)| *run_at);
    Ok(claimed.into_iter().map(|(_, claimed)| claimed).collect())
}

/// Whether this try still holds the job; keeps it so until the transaction ends.
pub(in crate::jobs) async fn holds(tx: &Tx, id: JobId, attempt: i32) -> Result<bool> {
    let sql = format!(
        "SELECT 1 AS one FROM jobs WHERE id = $1 AND attempts = $2 AND state = 'RUNNING'{}",
        tx.dialect().for_update()
    );
    let values = [id.uuid().into(), attempt.into()];
    let row = tx
        .conn()
        .query_one_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(row.is_some())
}

/// What a try came to.
#[derive(Debug)]
pub(in crate::jobs) enum Verdict {
    /// Succeeded.
    Done,
    /// Failed; the next try is not before this instant.
    Again(Time, String),
    /// Failed for the last time.
    Dead(String),
    /// Was cut short because the process stops. It does not count: the job gets one more.
    GivenBack,
}

/// Records what a try came to; false when the job belongs to another try by now, or when
/// this one has ended already.
pub(in crate::jobs) async fn finish(
    tx: &Tx,
    id: JobId,
    attempt: i32,
    order_key: Option<&str>,
    verdict: &Verdict,
) -> Result<bool> {
    let ends = matches!(verdict, Verdict::Done | Verdict::Dead(_));
    let key = order_key.filter(|_| ends);
    if let Some(key) = key {
        job_order::hold(tx, key).await?;
    }
    let now = Some(tx.now().micros());
    let (state, run_at, error, finished_at) = match verdict {
        Verdict::Done => (State::Done, None, None, now),
        Verdict::Again(at, error) => (State::Pending, Some(at.micros()), Some(error), None),
        Verdict::Dead(error) => (State::Dead, None, Some(error), now),
        Verdict::GivenBack => (State::Pending, None, None, None),
    };
    let more = i32::from(matches!(verdict, Verdict::GivenBack));
    let sql = "UPDATE jobs SET state = $3, run_at = coalesce($4, run_at), \
               last_error = coalesce($5, last_error), finished_at = $6, \
               max_attempts = max_attempts + $7, lease_owner = NULL, lease_until = NULL \
               WHERE id = $1 AND attempts = $2 AND state = 'RUNNING'";
    let values: [Value; 7] = [
        id.uuid().into(),
        attempt.into(),
        state.as_str().into(),
        run_at.into(),
        error.cloned().into(),
        finished_at.into(),
        more.into(),
    ];
    let recorded = changed_one(tx, sql, values).await?;
    if let (Some(key), true) = (key, recorded) {
        job_order::let_next_go(tx, key).await?;
    }
    Ok(recorded)
}

/// Whether this try has ended well.
pub(in crate::jobs) async fn is_done(db: &Db, id: JobId, attempt: i32) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM jobs WHERE id = $1 AND attempts = $2 AND state = 'DONE'";
    let values = [id.uuid().into(), attempt.into()];
    let statement = db.dialect().statement(sql, values);
    Ok(db.read().query_one_raw(statement).await?.is_some())
}

/// Extends the lease; false when the job belongs to another try by now.
pub(in crate::jobs) async fn renew(tx: &Tx, id: JobId, attempt: i32, until: Time) -> Result<bool> {
    let sql = "UPDATE jobs SET lease_until = $3 \
               WHERE id = $1 AND attempts = $2 AND state = 'RUNNING'";
    let values: [Value; 3] = [id.uuid().into(), attempt.into(), until.micros().into()];
    changed_one(tx, sql, values).await
}
