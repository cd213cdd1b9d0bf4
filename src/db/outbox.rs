//! What a change leaves behind in its own transaction: events for those who watch,
//! jobs for later.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Value};
use uuid::Uuid;

use super::dialect::Dialect;
use super::job_order;
use super::tx::Tx;
use crate::kernel::id::JobId;
use crate::kernel::{Result, Time};

/// An event, before it has a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Who hears it: `order/<uuid>`, `store-orders/<uuid>`, ….
    pub topic: String,
    /// What happened: `order.placed`, `stock.changed`, ….
    pub kind: &'static str,
    /// The record that changed.
    pub aggregate: Uuid,
    /// The record's version after the change: 1, 2, 3, … without a gap.
    pub version: i64,
    /// What watchers receive: an encoded protobuf message.
    pub payload: Vec<u8>,
}

/// A job, before it is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The queue, which decides how many run at once.
    pub queue: &'static str,
    /// The kind, which decides the code that runs.
    pub kind: &'static str,
    /// JSON for that code.
    pub payload: String,
    /// While a job of the same kind and key waits or runs, another is not added.
    pub dedupe_key: Option<String>,
    /// Jobs of one key, of whatever kind or queue, run one after the other, in the order
    /// in which they were committed. One that is dead no longer holds up the others.
    pub order_key: Option<String>,
    /// Lower runs first.
    pub priority: i32,
    /// Not before this long from now.
    pub delay: Duration,
    /// Tries before the job is parked as dead.
    pub max_attempts: i32,
}

impl NewJob {
    /// A job with three attempts, due at once.
    pub const fn new(queue: &'static str, kind: &'static str, payload: String) -> Self {
        Self {
            queue,
            kind,
            payload,
            dedupe_key: None,
            order_key: None,
            priority: 0,
            delay: Duration::ZERO,
            max_attempts: 3,
        }
    }
}

const EVENT_COLUMNS: usize = 6;
/// Events that one statement appends: a statement of SQLite carries 32,766 values.
const EVENT_BATCH: usize = 1_000;

pub(super) async fn append_events(tx: &Tx, events: &[NewEvent]) -> Result<()> {
    for batch in events.chunks(EVENT_BATCH) {
        append_batch(tx, batch).await?;
    }
    Ok(())
}

async fn append_batch(tx: &Tx, events: &[NewEvent]) -> Result<()> {
    let mut values: Vec<Value> = Vec::with_capacity(events.len() * EVENT_COLUMNS);
    for event in events {
        values.extend([
            event.topic.clone().into(),
            event.kind.into(),
            event.aggregate.into(),
            event.version.into(),
            event.payload.clone().into(),
            tx.now().micros().into(),
        ]);
    }
    let sql = format!(
        "INSERT INTO events (topic, kind, aggregate, version, payload, created_at) VALUES {}",
        rows(events.len(), EVENT_COLUMNS)
    );
    tx.conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(())
}

const JOB_COLUMNS: usize = 12;

pub(super) async fn append_jobs(tx: &Tx, jobs: &[(JobId, NewJob)]) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let keys = jobs.iter().filter_map(|(_, job)| job.order_key.as_deref());
    let keys: BTreeSet<&str> = keys.collect();
    let mut numbers = job_order::last_numbers(tx, &keys).await?;
    let now: Time = tx.now();
    let mut values: Vec<Value> = Vec::with_capacity(jobs.len() * JOB_COLUMNS);
    for (id, job) in jobs {
        let number = job.order_key.as_ref().map(|key| {
            let number = numbers.entry(key.clone()).or_default();
            *number += 1;
            *number
        });
        values.extend([
            id.uuid().into(),
            job.queue.into(),
            job.kind.into(),
            job.payload.clone().into(),
            job.dedupe_key.clone().into(),
            job.priority.into(),
            (now + job.delay).micros().into(),
            job.max_attempts.into(),
            now.micros().into(),
            job.order_key.clone().into(),
            number.into(),
            // The first of its key is let go below.
            number.is_some().into(),
        ]);
    }
    let rows = (0..jobs.len())
        .map(|row| {
            let first = row * JOB_COLUMNS + 1;
            format!("({}, 'PENDING')", Dialect::placeholders(first, JOB_COLUMNS))
        })
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!(
        "INSERT INTO jobs (id, queue, kind, payload, dedupe_key, priority, run_at, max_attempts, \
         created_at, order_key, order_number, blocked, state) VALUES {rows} \
         ON CONFLICT (kind, dedupe_key) \
         WHERE dedupe_key IS NOT NULL AND state IN ('PENDING', 'RUNNING') DO NOTHING"
    );
    tx.conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    for key in keys {
        job_order::let_next_go(tx, key).await?;
    }
    Ok(())
}

/// `($1, $2), ($3, $4), …`
fn rows(count: usize, columns: usize) -> String {
    (0..count)
        .map(|row| format!("({})", Dialect::placeholders(row * columns + 1, columns)))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing::on_each;
    use crate::kernel::Clock;

    #[tokio::test]
    async fn a_change_may_tell_thousands() {
        on_each(Clock::system(), |db| async move {
            let many: i64 = 12_345;
            let tell = |tx: Tx| async move {
                for person in 1..=many {
                    tx.emit(NewEvent {
                        topic: format!("person/{person}"),
                        kind: "test.told",
                        aggregate: Uuid::from_u128(u128::from(person.unsigned_abs())),
                        version: 1,
                        payload: Vec::new(),
                    });
                }
                Ok(())
            };
            db.transact(tell).await.unwrap();
            let count = "SELECT count(*) AS told FROM events";
            let row = db
                .read()
                .query_one_raw(db.dialect().statement(count, []))
                .await;
            let told: i64 = row.unwrap().unwrap().try_get("", "told").unwrap();
            assert_eq!(told, many);
        })
        .await;
    }
}
