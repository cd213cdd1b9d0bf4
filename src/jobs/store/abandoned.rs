//! The queries on jobs whose lease has run out: their worker died or hangs.

use sea_orm::{ConnectionTrait, DbErr, Value};

use crate::db::{Db, Dialect, Tx, job_order};
use crate::kernel::Result;
use crate::kernel::id::JobId;

/// Jobs that are found at once; the others are found the next time.
const BATCH: i64 = 1000;
/// Why their last try failed.
pub(in crate::jobs) const VANISHED: &str = "the worker vanished";

/// A job that was taken from its worker.
pub(in crate::jobs) struct Recovered {
    pub(in crate::jobs) id: JobId,
    pub(in crate::jobs) kind: String,
    pub(in crate::jobs) attempt: i32,
    /// That was its last try; otherwise it waits for the next one.
    pub(in crate::jobs) is_dead: bool,
}

/// The jobs whose lease has run out.
pub(in crate::jobs) async fn find(db: &Db) -> Result<Vec<JobId>> {
    let sql = "SELECT id FROM jobs WHERE state = 'RUNNING' AND lease_until < $1 LIMIT $2";
    let values: [Value; 2] = [db.clock().now().micros().into(), BATCH.into()];
    let statement = db.dialect().statement(sql, values);
    let rows = db.read().query_all_raw(statement).await?;
    let ids = rows
        .iter()
        .map(|row| Ok(row.try_get::<uuid::Uuid>("", "id")?.into()));
    Ok(ids.collect::<Result<_, DbErr>>()?)
}

/// Frees those of some jobs whose lease has still run out.
pub(in crate::jobs) async fn recover(tx: &Tx, ids: &[JobId]) -> Result<Vec<Recovered>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // The try counts, so work that kills its worker is parked in the end. Rows that somebody
    // is writing are passed over: a worker that hangs within a transaction must not hold up
    // the others.
    let sql = format!(
        "WITH picked AS MATERIALIZED (SELECT id FROM jobs \
             WHERE state = 'RUNNING' AND lease_until < $1 AND id IN ({}){}) \
         UPDATE jobs SET \
             state = CASE WHEN attempts < max_attempts THEN 'PENDING' ELSE 'DEAD' END, \
             finished_at = CASE WHEN attempts < max_attempts THEN NULL ELSE $1 END, \
             last_error = '{VANISHED}', lease_owner = NULL, lease_until = NULL \
         WHERE id IN (SELECT id FROM picked) \
         RETURNING id, kind, attempts, state, order_key",
        Dialect::placeholders(2, ids.len()),
        tx.dialect().for_update_skip_locked()
    );
    let mut values: Vec<Value> = vec![tx.now().micros().into()];
    values.extend(ids.iter().map(|id| Value::from(id.uuid())));
    let statement = tx.dialect().statement(sql, values);
    let rows = tx.conn().query_all_raw(statement).await?;
    let mut recovered = Vec::with_capacity(rows.len());
    for row in &rows {
        let is_dead = row.try_get::<String>("", "state")? == "DEAD";
        let key: Option<String> = row.try_get("", "order_key")?;
        if let Some(key) = key.filter(|_| is_dead) {
            job_order::hold(tx, &key).await?;
            job_order::let_next_go(tx, &key).await?;
        }
        recovered.push(Recovered {
            id: row.try_get::<uuid::Uuid>("", "id")?.into(),
            kind: row.try_get("", "kind")?,
            attempt: row.try_get("", "attempts")?,
            is_dead,
        });
    }
    Ok(recovered)
}
