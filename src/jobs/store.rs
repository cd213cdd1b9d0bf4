//! Every query on jobs and their schedule.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

use crate::db::{Db, Dialect, NewJob, Tx, unique_violation};
use crate::kernel::id::JobId;
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::{Error, Reason, Result, Time};

/// New tries that a retry gives.
const RETRY_ATTEMPTS: i32 = 3;
const COLUMNS: &str = "id, queue, kind, payload, state, attempts, max_attempts, run_at, \
                       last_error, created_at, finished_at";

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for its time, or for its next try.
    Pending,
    /// Runs now.
    Running,
    /// Has succeeded.
    Done,
    /// Has failed for the last time.
    Dead,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::Done, Self::Dead];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Done => "DONE",
            Self::Dead => "DEAD",
        }
    }
}

/// A job as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The job.
    pub id: JobId,
    /// Its queue.
    pub queue: String,
    /// What it does.
    pub kind: String,
    /// JSON for the code that does it.
    pub payload: String,
    /// Where it stands.
    pub state: State,
    /// Tries so far.
    pub attempts: i32,
    /// Tries at the most.
    pub max_attempts: i32,
    /// Not before this instant.
    pub run_at: Time,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: Time,
    /// When it succeeded or died.
    pub finished_at: Option<Time>,
}

impl Job {
    /// A job that is being enqueued at `now`, as `Tx::enqueue` writes it.
    pub fn waiting(id: JobId, new: &NewJob, now: Time) -> Self {
        Self {
            id,
            queue: new.queue.to_owned(),
            kind: new.kind.to_owned(),
            payload: new.payload.clone(),
            state: State::Pending,
            attempts: 0,
            max_attempts: new.max_attempts,
            run_at: now + new.delay,
            last_error: None,
            created_at: now,
            finished_at: None,
        }
    }
}

/// Which jobs a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those of this kind.
    pub kind: Option<String>,
}

/// A page of the jobs, the newest first.
///
/// # Errors
/// PAGE_TOKEN_INVALID for a cursor of another list; UNAVAILABLE.
pub async fn list(db: &Db, filter: &Filter, page: &PageRequest) -> Result<Page<Job>> {
    let mut values: Vec<Value> = Vec::new();
    let mut bind = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut wanted = "1 = 1".to_owned();
    if let Some(state) = filter.state {
        wanted += &format!(" AND state = {}", bind(state.as_str().into()));
    }
    if let Some(kind) = &filter.kind {
        wanted += &format!(" AND kind = {}", bind(kind.clone().into()));
    }
    let total = if page.is_numbered() {
        let sql = format!("SELECT count(*) AS total FROM jobs WHERE {wanted}");
        Some(count(db, sql, values.clone()).await?)
    } else {
        None
    };
    let mut bind = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    if let Some(cursor) = page.cursor() {
        let (created_at, id) = read_cursor(cursor)?;
        let (created_at, id) = (bind(created_at.micros().into()), bind(id.uuid().into()));
        wanted += &format!(" AND (created_at, id) < ({created_at}, {id})");
    }
    let limit = bind(Value::from(page.limit as i64 + 1));
    let offset = bind(Value::from(page.offset() as i64));
    let sql = format!(
        "SELECT {COLUMNS} FROM jobs WHERE {wanted} \
         ORDER BY created_at DESC, id DESC LIMIT {limit} OFFSET {offset}"
    );
    let rows = db
        .read()
        .query_all_raw(db.dialect().statement(sql, values))
        .await?;
    let jobs = rows.iter().map(job).collect::<Result<_, DbErr>>()?;
    Ok(page.finish(jobs, total, cursor))
}

/// Gives a dead job new tries, from now on.
///
/// # Errors
/// NOT_FOUND; JOB_NOT_RETRYABLE when it is not dead, or when a job with the same
/// deduplication key waits or runs already.
pub async fn retry(tx: &Tx, id: JobId) -> Result<Job> {
    // Attempts never start anew: their number is what fences late workers off.
    let sql = format!(
        "UPDATE jobs SET state = 'PENDING', run_at = $2, max_attempts = attempts + $3, \
         finished_at = NULL WHERE id = $1 AND state = 'DEAD' RETURNING {COLUMNS}"
    );
    let values = [
        id.uuid().into(),
        tx.now().micros().into(),
        RETRY_ATTEMPTS.into(),
    ];
    let retried = tx
        .conn()
        .query_one_raw(tx.dialect().statement(sql, values))
        .await;
    let not_retryable = |message: &'static str| Error::new(Reason::JobNotRetryable, message);
    match retried {
        Ok(Some(row)) => Ok(job(&row)?),
        Ok(None) => {
            let sql = "SELECT 1 AS one FROM jobs WHERE id = $1";
            let statement = tx.dialect().statement(sql, [id.uuid().into()]);
            match tx.conn().query_one_raw(statement).await? {
                Some(_) => Err(not_retryable("only a dead job can be retried")),
                None => Err(Error::not_found("job")),
            }
        }
        Err(error) if unique_violation(&error).is_some() => {
            Err(not_retryable("the same work is waiting already"))
        }
        Err(error) => Err(error.into()),
    }
}

/// A job that a worker has taken.
pub(super) struct Claimed {
    pub(super) id: JobId,
    pub(super) kind: String,
    pub(super) payload: String,
    pub(super) attempt: i32,
    pub(super) max_attempts: i32,
}

/// Who claims, and until when the claim holds.
pub(super) struct Lease<'a> {
    pub(super) owner: &'a str,
    pub(super) until: Time,
}

/// The queues in which jobs wait, due or not.
pub(super) async fn waiting_queues(db: &Db) -> Result<Vec<String>> {
    // Jumps from queue to queue along the index; DISTINCT would walk every row.
    let sql = "WITH RECURSIVE found(queue) AS ( \
                   SELECT min(queue) FROM jobs WHERE state = 'PENDING' \
                   UNION ALL \
                   SELECT (SELECT min(queue) FROM jobs \
                           WHERE state = 'PENDING' AND jobs.queue > found.queue) \
                   FROM found WHERE found.queue IS NOT NULL) \
               SELECT queue FROM found WHERE queue IS NOT NULL";
    let rows = db
        .read()
        .query_all_raw(db.dialect().statement(sql, []))
        .await?;
    let queues = rows.iter().map(|row| row.try_get("", "queue"));
    Ok(queues.collect::<Result<_, DbErr>>()?)
}

/// Takes up to `limit` due jobs of a queue, the most urgent first. Workers of other
/// processes pass over each other's rows.
pub(super) async fn claim(
    tx: &Tx,
    queue: &str,
    kinds: &[&'static str],
    limit: usize,
    lease: &Lease<'_>,
) -> Result<Vec<Claimed>> {
    // The pick is materialized, so that it is made and locked once, whatever the plan.
    let sql = format!(
        "WITH picked AS MATERIALIZED (SELECT id FROM jobs \
             WHERE state = 'PENDING' AND queue = $1 AND run_at <= $2 AND kind IN ({}) \
             ORDER BY priority, run_at LIMIT $3{}) \
         UPDATE jobs SET state = 'RUNNING', attempts = attempts + 1, lease_owner = $4, \
             lease_until = $5 \
         WHERE id IN (SELECT id FROM picked) \
         RETURNING id, kind, payload, attempts, max_attempts, priority, run_at",
        Dialect::placeholders(6, kinds.len()),
        tx.dialect().for_update_skip_locked(),
    );
    let mut values: Vec<Value> = vec![
        queue.into(),
        tx.now().micros().into(),
        (limit as i64).into(),
        lease.owner.into(),
        lease.until.micros().into(),
    ];
    values.extend(kinds.iter().map(|kind| Value::from(*kind)));
    let rows = tx
        .conn()
        .query_all_raw(tx.dialect().statement(sql, values))
        .await?;
    let claimed = rows.iter().map(|row| {
        let urgency: (i32, i64) = (row.try_get("", "priority")?, row.try_get("", "run_at")?);
        let claimed = Claimed {
            id: row.try_get::<uuid::Uuid>("", "id")?.into(),
            kind: row.try_get("", "kind")?,
            payload: row.try_get("", "payload")?,
            attempt: row.try_get("", "attempts")?,
            max_attempts: row.try_get("", "max_attempts")?,
        };
        Ok((urgency, claimed))
    });
    let mut claimed = claimed.collect::<Result<Vec<_>, DbErr>>()?;
    // RETURNING promises no order.
    claimed.sort_by_key(|(urgency, _)| *urgency);
    Ok(claimed.into_iter().map(|(_, claimed)| claimed).collect())
}

/// Whether this try still holds the job; keeps it so until the transaction ends.
pub(super) async fn holds(tx: &Tx, id: JobId, attempt: i32) -> Result<bool> {
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
pub(super) enum Verdict {
    /// Succeeded.
    Done,
    /// Failed; the next try is not before this instant.
    Again(Time, String),
    /// Failed for the last time.
    Dead(String),
}

/// Records what a try came to; false when the job belongs to another try by now.
pub(super) async fn finish(tx: &Tx, id: JobId, attempt: i32, verdict: &Verdict) -> Result<bool> {
    let now = Some(tx.now().micros());
    let (state, run_at, error, finished_at) = match verdict {
        Verdict::Done => (State::Done, None, None, now),
        Verdict::Again(at, error) => (State::Pending, Some(at.micros()), Some(error), None),
        Verdict::Dead(error) => (State::Dead, None, Some(error), now),
    };
    let sql = "UPDATE jobs SET state = $3, run_at = coalesce($4, run_at), \
               last_error = coalesce($5, last_error), finished_at = $6, \
               lease_owner = NULL, lease_until = NULL \
               WHERE id = $1 AND attempts = $2 AND state = 'RUNNING'";
    let values: [Value; 6] = [
        id.uuid().into(),
        attempt.into(),
        state.as_str().into(),
        run_at.into(),
        error.cloned().into(),
        finished_at.into(),
    ];
    changed_one(tx, sql, values).await
}

/// Extends the lease; false when the job belongs to another try by now.
pub(super) async fn renew(tx: &Tx, id: JobId, attempt: i32, until: Time) -> Result<bool> {
    let sql = "UPDATE jobs SET lease_until = $3 \
               WHERE id = $1 AND attempts = $2 AND state = 'RUNNING'";
    let values: [Value; 3] = [id.uuid().into(), attempt.into(), until.micros().into()];
    changed_one(tx, sql, values).await
}

/// Whether a lease has run out.
pub(super) async fn has_abandoned(db: &Db) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM jobs WHERE state = 'RUNNING' AND lease_until < $1 LIMIT 1";
    let now = db.clock().now().micros();
    let row = db
        .read()
        .query_one_raw(db.dialect().statement(sql, [now.into()]))
        .await?;
    Ok(row.is_some())
}

/// Frees the jobs whose lease has run out: their worker died or hangs. Says how many.
pub(super) async fn recover_abandoned(tx: &Tx) -> Result<u64> {
    // The try counts, so work that kills its worker is parked in the end.
    let sql = "UPDATE jobs SET \
                   state = CASE WHEN attempts < max_attempts THEN 'PENDING' ELSE 'DEAD' END, \
                   finished_at = CASE WHEN attempts < max_attempts THEN NULL ELSE $1 END, \
                   last_error = 'the worker vanished', lease_owner = NULL, lease_until = NULL \
               WHERE state = 'RUNNING' AND lease_until < $1";
    let now = tx.now().micros();
    let done = tx
        .conn()
        .execute_raw(tx.dialect().statement(sql, [now.into()]))
        .await?;
    Ok(done.rows_affected())
}

/// When each recurring job is due next.
pub(super) async fn planned(db: &Db) -> Result<HashMap<String, Time>> {
    let sql = "SELECT name, next_run_at FROM job_schedules";
    let rows = db
        .read()
        .query_all_raw(db.dialect().statement(sql, []))
        .await?;
    let planned = rows.iter().map(|row| {
        let next = Time::from_micros(row.try_get("", "next_run_at")?);
        Ok((row.try_get("", "name")?, next))
    });
    Ok(planned.collect::<Result<_, DbErr>>()?)
}

/// Moves a recurring job on from the run that was `seen` due; false when another process
/// did so first.
pub(super) async fn plan(tx: &Tx, name: &str, seen: Option<Time>, next: Time) -> Result<bool> {
    let values: Vec<Value> = [
        Some(name.into()),
        Some(next.micros().into()),
        Some(tx.now().micros().into()),
        seen.map(|seen| seen.micros().into()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let sql = match seen {
        Some(_) => {
            "UPDATE job_schedules SET next_run_at = $2, last_run_at = $3 \
             WHERE name = $1 AND next_run_at = $4"
        }
        None => {
            "INSERT INTO job_schedules (name, next_run_at, last_run_at) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING"
        }
    };
    changed_one(tx, sql, values).await
}

/// Deletes up to `limit` jobs that succeeded before `before`, and says how many.
pub(super) async fn purge_done(tx: &Tx, before: Time, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs \
               WHERE state = 'DONE' AND finished_at < $1 ORDER BY finished_at LIMIT $2)";
    let values = [before.micros().into(), limit.into()];
    let done = tx
        .conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(done.rows_affected())
}

async fn changed_one(tx: &Tx, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<bool> {
    let done = tx
        .conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(done.rows_affected() == 1)
}

async fn count(db: &Db, sql: String, values: Vec<Value>) -> Result<u64> {
    let row = db
        .read()
        .query_one_raw(db.dialect().statement(sql, values))
        .await?;
    let total: i64 = row.map_or(Ok(0), |row| row.try_get("", "total"))?;
    Ok(total.unsigned_abs())
}

fn job(row: &QueryResult) -> Result<Job, DbErr> {
    let time =
        |column: &str| -> Result<Time, DbErr> { row.try_get("", column).map(Time::from_micros) };
    let word: String = row.try_get("", "state")?;
    let state = State::ALL.into_iter().find(|state| state.as_str() == word);
    Ok(Job {
        id: row.try_get::<uuid::Uuid>("", "id")?.into(),
        queue: row.try_get("", "queue")?,
        kind: row.try_get("", "kind")?,
        payload: row.try_get("", "payload")?,
        state: state.ok_or_else(|| DbErr::Custom(format!("jobs.state holds {word}")))?,
        attempts: row.try_get("", "attempts")?,
        max_attempts: row.try_get("", "max_attempts")?,
        run_at: time("run_at")?,
        last_error: row.try_get("", "last_error")?,
        created_at: time("created_at")?,
        finished_at: row
            .try_get::<Option<i64>>("", "finished_at")?
            .map(Time::from_micros),
    })
}

fn cursor(job: &Job) -> Vec<u8> {
    let mut bytes = job.created_at.micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(job.id.uuid().as_bytes());
    bytes
}

fn read_cursor(bytes: &[u8]) -> Result<(Time, JobId)> {
    let parsed = bytes.split_first_chunk().and_then(|(created_at, id)| {
        let id = uuid::Uuid::from_slice(id).ok()?;
        Some((
            Time::from_micros(i64::from_be_bytes(*created_at)),
            id.into(),
        ))
    });
    parsed.ok_or_else(|| Error::new(Reason::PageTokenInvalid, "pageToken is not of this list"))
}
