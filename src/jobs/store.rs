//! Every query on jobs and their schedule: here what a job is, and lists of them.

pub(super) mod abandoned;
pub(super) mod lease;
pub(super) mod plan;
mod queues;
mod repair;

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

pub use queues::{QueueCounts, has_waited_since, queues};
pub use repair::{cancel, retry, retry_dead};

use crate::db::{Db, NewJob, Tx};
use crate::kernel::id::JobId;
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::{Error, Reason, Result, Time};

const COLUMNS: &str = "id, queue, kind, payload, state, attempts, max_attempts, run_at, \
                       last_error, created_at, finished_at, order_key";

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
    /// Jobs of one key run one after the other.
    pub order_key: Option<String>,
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
            order_key: new.order_key.clone(),
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
    /// Only those of this queue.
    pub queue: Option<String>,
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
    if let Some(queue) = &filter.queue {
        wanted += &format!(" AND queue = {}", bind(queue.clone().into()));
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

/// One job.
///
/// # Errors
/// NOT_FOUND; UNAVAILABLE.
pub async fn get(db: &Db, id: JobId) -> Result<Job> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = $1");
    let statement = db.dialect().statement(sql, [id.uuid().into()]);
    match db.read().query_one_raw(statement).await? {
        Some(row) => Ok(job(&row)?),
        None => Err(Error::not_found("job")),
    }
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
        order_key: row.try_get("", "order_key")?,
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
