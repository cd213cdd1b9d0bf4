//! Hints between processes that something new may be there. They may be lost, doubled or
//! late: the slow poll makes up for it.

mod redis;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::db::Db;
pub use redis::RedisBus;

/// What may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// Events were appended.
    Events,
    /// Jobs were enqueued.
    Jobs,
}

impl Hint {
    const ALL: [Self; 2] = [Self::Events, Self::Jobs];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Jobs => "jobs",
        }
    }
}

/// Carries hints to the other processes.
#[async_trait::async_trait]
pub trait Bus: Send + Sync {
    /// Tells the others. Never waits and never fails.
    fn announce(&self, hint: Hint);

    /// Returns when another process has announced it since the last call, or may have.
    async fn announced(&self, hint: Hint);
}

/// The bus of a process that runs alone: its own commits wake its tailer and its workers
/// directly, so there is nobody else to tell.
#[derive(Debug, Default)]
pub struct LocalBus {
    events: Notify,
    jobs: Notify,
}

#[async_trait::async_trait]
impl Bus for LocalBus {
    fn announce(&self, _hint: Hint) {}

    async fn announced(&self, hint: Hint) {
        match hint {
            Hint::Events => self.events.notified().await,
            Hint::Jobs => self.jobs.notified().await,
        }
    }
}

impl LocalBus {
    /// Plays the part of another process.
    #[cfg(test)]
    pub(super) fn hint(&self) {
        self.events.notify_one();
    }
}

/// Tells the others of jobs that this process enqueues, and wakes its workers for theirs,
/// until the process stops.
pub(super) async fn carry_jobs(db: &Db, bus: &dyn Bus, stopping: &CancellationToken) {
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = db.jobs_committed().notified() => bus.announce(Hint::Jobs),
            () = bus.announced(Hint::Jobs) => db.jobs_enqueued().notify_one(),
        }
    }
}
