//! The event log as seen by those who listen: reading it in commit order, waking those
//! who wait, and the one helper behind every server stream.
//!
//! Changes append their events in their own transaction (`Tx::emit`). One tailer per
//! process reads each new event once and hands it to the local watchers of its topic.
//! The database is the truth; the bus only carries hints, so losing it makes streams
//! late by the poll interval, never wrong.

mod bus;
mod event;
mod hub;
mod latest;
mod meter;
mod retention;
mod store;
mod tailer;
mod token;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use bus::{Bus, Hint, LocalBus, RedisBus};
pub use event::{Event, Position, SESSION_ENDED};
pub use latest::{Latest, Newest, Watcher};
pub use retention::{KEPT, register_retention};
pub use watch::{Snapshot, Step, Steps, Update};

use crate::db::Db;
use crate::kernel::seal::Sealer;
use crate::kernel::task::Tasks;
use crate::kernel::{Result, Time};
use hub::Hub;
use tailer::Tailer;

/// How streams behave.
#[derive(Debug, Clone)]
pub struct EventsConfig {
    /// How long the tailer sleeps when nothing wakes it: how late other processes'
    /// events may be while the bus is away.
    pub poll: Duration,
    /// How long a stream stays silent before it sends a heartbeat.
    pub heartbeat: Duration,
    /// When a stream is ended, so that long-lived clients spread over new processes.
    pub max_age: Duration,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            heartbeat: Duration::from_secs(20),
            max_age: Duration::from_secs(25 * 60),
        }
    }
}

/// The event log of this process. Clones share it.
#[derive(Clone)]
pub struct Events(Arc<Shared>);

struct Shared {
    db: Db,
    sealer: Sealer,
    config: EventsConfig,
    hub: Arc<Hub>,
    tailer: Tailer,
    stopping: CancellationToken,
}

impl Events {
    /// Begins to follow the log from its present end.
    ///
    /// # Errors
    /// UNAVAILABLE when the database is away.
    pub async fn start(
        db: Db,
        sealer: Sealer,
        bus: Arc<dyn Bus>,
        config: EventsConfig,
        tasks: &Tasks,
    ) -> Result<Self> {
        store::rebase_after_restore(&db).await?;
        let head = store::head(&db).await?;
        let hub = Arc::new(Hub::new(head));
        let tailer = Tailer::new(db.clone(), hub.clone(), head);
        let events = Self(Arc::new(Shared {
            db,
            sealer,
            config,
            hub,
            tailer,
            stopping: tasks.stopping(),
        }));
        let (carrying, to_carry, stopping) = (events.clone(), bus.clone(), tasks.stopping());
        tasks.spawn(async move {
            bus::carry_jobs(&carrying.0.db, &*to_carry, &stopping).await;
        });
        let following = events.clone();
        tasks.spawn(async move {
            let shared = &following.0;
            shared
                .tailer
                .follow(&*bus, shared.config.poll, &shared.stopping)
                .await;
        });
        Ok(events)
    }

    /// Returns once every event that was committed before the call has been handed to
    /// the watchers of this process. Meant for tests: an open transaction makes it wait.
    ///
    /// # Errors
    /// UNAVAILABLE when the database is away.
    pub async fn caught_up(&self) -> Result<()> {
        let newest = store::newest(&self.0.db).await?.unwrap_or_default();
        self.0.tailer.advance_to(newest).await
    }

    /// Forgets events that are older than `before`, and says how many. Resume tokens
    /// from before the forgotten ones are then refused with RESUME_TOKEN_EXPIRED.
    ///
    /// # Errors
    /// UNAVAILABLE when the database is away.
    pub async fn prune(&self, before: Time) -> Result<u64> {
        retention::prune(&self.0.db, before).await
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
