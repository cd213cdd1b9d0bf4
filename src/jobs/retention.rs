//! Recurring jobs that throw away what has had its time.

use std::time::Duration;

use super::registry::Registry;
use super::store;
use crate::db::Db;
use crate::kernel::{Result, Time};

/// How long jobs that succeeded are kept, unless configured otherwise. Dead ones stay
/// until somebody decides.
pub const DONE_KEPT: Duration = Duration::from_secs(3 * 24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Registers the hourly purges of finished jobs, of expired idempotency keys and of old
/// entries of the audit log and old webhook messages.
#[must_use]
pub fn register_purges(registry: Registry, db: &Db, done_kept: Duration) -> Registry {
    let (finished, keys) = (db.clone(), db.clone());
    let (entries, messages) = (db.clone(), db.clone());
    registry
        .register("jobs.purge", move |_run| {
            let db = finished.clone();
            async move {
                let before = db.clock().now() - done_kept;
                let purged = purge_done(&db, before).await?;
                tracing::info!(purged, "finished jobs purged");
                Ok(())
            }
        })
        .every("jobs.purge", HOUR, "maintenance", "jobs.purge")
        .register("idempotency.purge", move |_run| {
            let db = keys.clone();
            async move {
                let purged = db.purge_idempotency_keys().await?;
                tracing::info!(purged, "expired idempotency keys purged");
                Ok(())
            }
        })
        .every(
            "idempotency.purge",
            HOUR,
            "maintenance",
            "idempotency.purge",
        )
        .register("audit.purge", move |_run| {
            let db = entries.clone();
            async move {
                let purged = db.purge_audit_log().await?;
                tracing::info!(purged, "old entries of the audit log purged");
                Ok(())
            }
        })
        .every("audit.purge", HOUR, "maintenance", "audit.purge")
        .register("webhooks.purge", move |_run| {
            let db = messages.clone();
            async move {
                let purged = db.purge_webhook_events().await?;
                tracing::info!(purged, "old webhook messages purged");
                Ok(())
            }
        })
        .every("webhooks.purge", HOUR, "maintenance", "webhooks.purge")
}

/// Deletes the jobs that succeeded before `before`, and says how many.
pub(super) async fn purge_done(db: &Db, before: Time) -> Result<u64> {
    db.in_batches(|tx, limit| async move { store::purge_done(&tx, before, limit).await })
        .await
}
