//! What operators do about jobs: new tries for dead ones, an end for those nobody wants.

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};
use uuid::Uuid;

use super::{COLUMNS, Job, State, job};
use crate::db::{Dialect, Tx, job_order, unique_violation};
use crate::kernel::id::JobId;
use crate::kernel::{Error, Reason, Result};

/// New tries that a retry gives.
const RETRY_ATTEMPTS: i32 = 3;

/// Gives a dead job new tries, from now on. One with an order key goes behind those of its
/// key that wait.
///
/// # Errors
/// NOT_FOUND; JOB_NOT_RETRYABLE when it is not dead, or when a job with the same
/// deduplication key waits or runs already.
pub async fn retry(tx: &Tx, id: JobId) -> Result<Job> {
    let not_retryable = |message: &'static str| Error::new(Reason::JobNotRetryable, message);
    let sql = format!(
        "SELECT id, state, order_key FROM jobs WHERE id = $1{}",
        tx.dialect().for_update()
    );
    let statement = tx.dialect().statement(sql, [id.uuid().into()]);
    let Some(row) = tx.conn().query_one_raw(statement).await? else {
        return Err(Error::not_found("job"));
    };
    if row.try_get::<String>("", "state")? != State::Dead.as_str() {
        return Err(not_retryable("only a dead job can be retried"));
    }
    match revive(tx, vec![Dead::of(&row)?]).await {
        Ok(mut revived) => revived.pop().ok_or_else(|| Error::not_found("job")),
        Err(Revival::SameWorkWaits) => Err(not_retryable("the same work is waiting already")),
        Err(Revival::Failed(error)) => Err(error),
    }
}

/// Gives up to `limit` dead jobs of a kind or queue new tries, those first that died first,
/// and says how many. Of those with one deduplication key the last one is retried, and
/// none while such a job waits or runs.
///
/// # Errors
/// CONFLICT when a job with the same deduplication key was enqueued at the same moment.
pub async fn retry_dead(
    tx: &Tx,
    kind: Option<&str>,
    queue: Option<&str>,
    limit: u32,
) -> Result<usize> {
    let mut values: Vec<Value> = vec![i64::from(limit).into()];
    let mut wanted = String::new();
    for (column, word) in [("kind", kind), ("queue", queue)] {
        if let Some(word) = word {
            values.push(word.into());
            wanted += &format!(" AND j.{column} = ${}", values.len());
        }
    }
    let sql = format!(
        "SELECT j.id, j.order_key FROM jobs j WHERE j.state = 'DEAD'{wanted} \
         AND (j.dedupe_key IS NULL OR NOT EXISTS (SELECT 1 FROM jobs same \
                 WHERE same.kind = j.kind AND same.dedupe_key = j.dedupe_key \
                     AND same.state IN ('PENDING', 'RUNNING')) \
             AND NOT EXISTS (SELECT 1 FROM jobs later \
                 WHERE later.kind = j.kind AND later.dedupe_key = j.dedupe_key \
                     AND later.state = 'DEAD' AND later.id > j.id)) \
         ORDER BY j.finished_at, j.order_number LIMIT $1{}",
        tx.dialect().for_update_skip_locked()
    );
    let statement = tx.dialect().statement(sql, values);
    let rows = tx.conn().query_all_raw(statement).await?;
    let dead = rows.iter().map(Dead::of);
    let dead = dead.collect::<Result<Vec<_>, DbErr>>()?;
    match revive(tx, dead).await {
        Ok(revived) => Ok(revived.len()),
        Err(Revival::SameWorkWaits) => Err(Error::new(
            Reason::Conflict,
            "the same work was enqueued meanwhile",
        )),
        Err(Revival::Failed(error)) => Err(error),
    }
}

/// A dead job, locked.
struct Dead {
    id: Uuid,
    order_key: Option<String>,
}

impl Dead {
    fn of(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get("", "id")?,
            order_key: row.try_get("", "order_key")?,
        })
    }
}

/// Why dead jobs could not be brought back.
enum Revival {
    SameWorkWaits,
    Failed(Error),
}

impl From<Error> for Revival {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<DbErr> for Revival {
    fn from(error: DbErr) -> Self {
        match unique_violation(&error) {
            Some(_) => Self::SameWorkWaits,
            None => Self::Failed(error.into()),
        }
    }
}

/// Makes dead jobs wait again. Attempts never start anew: their number is what fences late
/// workers off.
async fn revive(tx: &Tx, dead: Vec<Dead>) -> Result<Vec<Job>, Revival> {
    let (ordered, free): (Vec<Dead>, Vec<Dead>) =
        dead.into_iter().partition(|dead| dead.order_key.is_some());
    let mut revived = Vec::with_capacity(ordered.len() + free.len());
    if !free.is_empty() {
        let sql = format!(
            "UPDATE jobs SET state = 'PENDING', run_at = $1, max_attempts = attempts + $2, \
             finished_at = NULL WHERE id IN ({}) RETURNING {COLUMNS}",
            Dialect::placeholders(3, free.len())
        );
        let mut values: Vec<Value> = vec![tx.now().micros().into(), RETRY_ATTEMPTS.into()];
        values.extend(free.iter().map(|dead| Value::from(dead.id)));
        let statement = tx.dialect().statement(sql, values);
        let rows = tx.conn().query_all_raw(statement).await?;
        for row in &rows {
            revived.push(job(row)?);
        }
    }
    for dead in ordered {
        if let Some(key) = &dead.order_key {
            revived.extend(revive_in_order(tx, dead.id, key).await?);
        }
    }
    Ok(revived)
}

/// The same for a job with an order key: it becomes the last of its key.
async fn revive_in_order(tx: &Tx, id: Uuid, key: &str) -> Result<Option<Job>, Revival> {
    job_order::hold(tx, key).await?;
    let sql = format!(
        "UPDATE jobs SET state = 'PENDING', run_at = $2, max_attempts = attempts + $3, \
         finished_at = NULL, blocked = TRUE, order_number = \
             (SELECT max(last.order_number) + 1 FROM jobs last WHERE last.order_key = $4) \
         WHERE id = $1 RETURNING {COLUMNS}"
    );
    let values: [Value; 4] = [
        id.into(),
        tx.now().micros().into(),
        RETRY_ATTEMPTS.into(),
        key.into(),
    ];
    let statement = tx.dialect().statement(sql, values);
    let row = tx.conn().query_one_raw(statement).await?;
    job_order::let_next_go(tx, key).await?;
    Ok(row.as_ref().map(job).transpose()?)
}

/// Removes a job that waits or is dead, and gives it as it was.
///
/// # Errors
/// NOT_FOUND; JOB_NOT_CANCELLABLE when it runs or is done.
pub async fn cancel(tx: &Tx, id: JobId) -> Result<Job> {
    let sql = format!(
        "DELETE FROM jobs WHERE id = $1 AND state IN ('PENDING', 'DEAD') RETURNING {COLUMNS}"
    );
    let statement = tx.dialect().statement(sql, [id.uuid().into()]);
    if let Some(row) = tx.conn().query_one_raw(statement).await? {
        let cancelled = job(&row)?;
        if let Some(key) = &cancelled.order_key {
            job_order::hold(tx, key).await?;
            job_order::let_next_go(tx, key).await?;
        }
        return Ok(cancelled);
    }
    let sql = "SELECT 1 AS one FROM jobs WHERE id = $1";
    let statement = tx.dialect().statement(sql, [id.uuid().into()]);
    match tx.conn().query_one_raw(statement).await? {
        Some(_) => Err(Error::new(
            Reason::JobNotCancellable,
            "only a job that waits or is dead can be cancelled",
        )),
        None => Err(Error::not_found("job")),
    }
}
