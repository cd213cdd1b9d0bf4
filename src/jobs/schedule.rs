//! Recurring jobs: of all processes, one enqueues each run.

use super::registry::Schedule;
use super::store::plan;
use crate::db::{Db, NewJob};
use crate::kernel::{Result, Time};

/// Enqueues every recurring job that is due.
pub(super) async fn enqueue_due(db: &Db, schedules: &[Schedule]) -> Result<()> {
    if schedules.is_empty() {
        return Ok(());
    }
    let now = db.clock().now();
    let planned = plan::planned(db).await?;
    for schedule in schedules {
        let seen = planned.get(schedule.name).copied();
        if seen.is_none_or(|next| next <= now) {
            enqueue(db, schedule, seen).await?;
        }
    }
    Ok(())
}

async fn enqueue(db: &Db, schedule: &Schedule, seen: Option<Time>) -> Result<()> {
    db.transact(|tx| async move {
        // The grid stays, unless whole periods were missed.
        let on_grid = seen.map(|due| due + schedule.period);
        let next = on_grid
            .filter(|next| *next > tx.now())
            .unwrap_or_else(|| tx.now() + schedule.period);
        if plan::plan(&tx, schedule.name, seen, next).await? {
            tx.enqueue(NewJob {
                dedupe_key: Some(schedule.name.to_owned()),
                ..NewJob::new(schedule.queue, schedule.kind, "{}".to_owned())
            });
        }
        Ok(())
    })
    .await
}
