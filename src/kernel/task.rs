//! Background tasks that somebody stops and waits for.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Error, Result};

/// The tasks of one process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs a task until it ends; it must watch [`Tasks::stopping`] and end by itself.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that spawns: tasks are tracked here"
    )]
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.tracker.track_future(task));
    }

    /// Fires when the process begins to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells every task to end and waits for them, `limit` at the longest. Says whether
    /// all ended.
    pub async fn stop(&self, limit: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait())
            .await
            .is_ok()
    }
}

/// Runs `work` to its end, also when whoever waits for it goes away meanwhile; what it
/// comes to is then dropped. For steps that must not be left half done.
///
/// # Errors
/// INTERNAL when it panics.
#[expect(
    clippy::disallowed_methods,
    reason = "bounded by its work, which must not be bound to a caller"
)]
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work).await.map_err(Error::internal)
}
