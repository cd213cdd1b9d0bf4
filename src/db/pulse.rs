//! Whether the database answers. It is felt twice a second over a connection of its own,
//! so that a full pool is no sign of death, and calls learn within two seconds that nobody
//! will answer them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::connect::Db;

/// How often the pulse is felt.
const PERIOD: Duration = Duration::from_millis(500);
/// How long the database may take to give a sign of life.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pulse of a database, beating until somebody feels otherwise. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<watch::Sender<bool>>);

impl Pulse {
    /// Whether the database did not answer the last time.
    pub fn is_lost(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns as soon as the database does not answer.
    pub async fn lost(&self) {
        // The sender lives as long as `self`.
        self.0.subscribe().wait_for(|lost| *lost).await.ok();
    }

    /// Whether that is news.
    fn note(&self, lost: bool) -> bool {
        self.0
            .send_if_modified(|known| std::mem::replace(known, lost) != lost)
    }
}

impl Db {
    /// Feels the pulse until the process stops.
    pub async fn feel_pulse(self, stopping: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
            let answered = tokio::time::timeout(PATIENCE, self.ping()).await;
            let lost = !matches!(answered, Ok(Ok(())));
            match self.pulse().note(lost) {
                true if lost => tracing::error!("the database does not answer"),
                true => tracing::info!("the database answers again"),
                false => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn those_who_wait_learn_that_it_is_lost_and_latecomers_at_once() {
        let pulse = Pulse::default();
        let mut early = Box::pin(pulse.lost());
        assert!(early.as_mut().now_or_never().is_none());
        assert!(pulse.note(true) && !pulse.note(true));
        early.await;
        pulse.lost().await;
        assert!(pulse.note(false) && !pulse.is_lost());
        assert!(pulse.lost().now_or_never().is_none());
    }
}
