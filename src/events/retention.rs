//! How long the log is kept.

use std::time::Duration;

use super::{Events, store};
use crate::db::Db;
use crate::jobs::Registry;
use crate::kernel::{Result, Time};

/// How long events are kept, unless configured otherwise.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Registers the hourly job that forgets events older than `kept`.
#[must_use]
pub fn register_retention(registry: Registry, events: &Events, kept: Duration) -> Registry {
    let events = events.clone();
    registry
        .register("events.prune", move |_run| {
            let events = events.clone();
            async move {
                let before = events.0.db.clock().now() - kept;
                let pruned = events.prune(before).await?;
                tracing::info!(pruned, "old events forgotten");
                Ok(())
            }
        })
        .every("events.prune", HOUR, "maintenance", "events.prune")
}

pub(super) async fn prune(db: &Db, before: Time) -> Result<u64> {
    db.in_batches(|tx, limit| async move { store::prune(&tx, before, limit).await })
        .await
}
