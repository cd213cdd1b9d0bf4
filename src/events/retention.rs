//! How long the log is kept.

use std::time::Duration;

use super::store;
use crate::db::Db;
use crate::kernel::{Result, Time};

/// How long events are kept, unless configured otherwise.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Events that one transaction deletes, so that none is long.
const BATCH: i64 = 5_000;

pub(super) async fn prune(db: &Db, before: Time) -> Result<u64> {
    let mut total = 0;
    loop {
        let deleted = db
            .transact(|tx| async move { store::prune(&tx, before, BATCH).await })
            .await?;
        total += deleted;
        if deleted < BATCH as u64 {
            return Ok(total);
        }
    }
}
