//! The queries on recurring jobs.

use std::collections::HashMap;

use sea_orm::{ConnectionTrait, DbErr, Value};

use super::changed_one;
use crate::db::{Db, Tx};
use crate::kernel::{Result, Time};

/// When each recurring job is due next.
pub(in crate::jobs) async fn planned(db: &Db) -> Result<HashMap<String, Time>> {
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
pub(in crate::jobs) async fn plan(
    tx: &Tx,
    name: &str,
    seen: Option<Time>,
    next: Time,
) -> Result<bool> {
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
