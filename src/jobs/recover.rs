//! Jobs whose worker vanished go on, or are given up.

use super::metrics;
use super::store::abandoned::{self, Recovered, VANISHED};
use super::worker::Jobs;
use crate::kernel::Result;

impl Jobs {
    /// Frees the jobs whose lease has run out, of whatever process.
    pub(super) async fn recover(&self) -> Result<()> {
        let db = &self.0.db;
        let mut ids = abandoned::find(db).await?;
        // What runs here has its worker. On SQLite it may hold the only writer for longer
        // than its lease, which then cannot be renewed.
        ids.retain(|id| !self.under_way().contains(id));
        if ids.is_empty() {
            return Ok(());
        }
        let ids = &ids;
        let recovered = db
            .transact(|tx| async move { abandoned::recover(&tx, ids).await })
            .await?;
        for job in &recovered {
            tell(job);
        }
        Ok(())
    }
}

fn tell(job: &Recovered) {
    let Recovered {
        id,
        kind,
        attempt,
        is_dead,
    } = job;
    metrics::vanished(kind, *is_dead);
    match is_dead {
        true => tracing::error!(kind, %id, attempt, reason = VANISHED, "job is dead"),
        false => tracing::warn!(kind, %id, attempt, reason = VANISHED, "job failed"),
    }
}
