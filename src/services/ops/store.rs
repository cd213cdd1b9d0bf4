//! The one query of operations.

use sea_orm::ConnectionTrait;

use crate::db::Db;
use crate::kernel::{Result, Time};

/// Whether a job has waited since before an instant.
pub(super) async fn has_job_due_before(db: &Db, instant: Time) -> Result<bool> {
    let sql = "SELECT 1 AS one FROM jobs WHERE state = 'PENDING' AND run_at < $1 LIMIT 1";
    let statement = db.dialect().statement(sql, [instant.micros().into()]);
    Ok(db.read().query_one_raw(statement).await?.is_some())
}
