//! Hints between processes that new events may be there. They may be lost, doubled or
//! late: the slow poll makes up for it.

use tokio::sync::Notify;

/// Carries hints to the tailers of other processes.
#[async_trait::async_trait]
pub trait Bus: Send + Sync {
    /// Tells the others that events were appended. Never waits and never fails.
    fn announce(&self);

    /// Returns when another process has announced something since the last call.
    async fn announced(&self);
}

/// The bus of a process that runs alone: its own commits wake its tailer directly, so
/// there is nobody else to tell.
#[derive(Debug, Default)]
pub struct LocalBus {
    hint: Notify,
}

#[async_trait::async_trait]
impl Bus for LocalBus {
    fn announce(&self) {}

    async fn announced(&self) {
        self.hint.notified().await;
    }
}

impl LocalBus {
    /// Plays the part of another process.
    #[cfg(test)]
    pub(super) fn hint(&self) {
        self.hint.notify_one();
    }
}
