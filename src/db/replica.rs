//! A second PostgreSQL that follows the first one, for reads that may be a little behind.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;

use super::connect::Db;
use crate::kernel::{Caller, Code, Error, Result};

/// When a replica that failed is tried again, by one call.
const AGAIN: Duration = Duration::from_secs(5);
/// How long a call waits for a connection to the replica; then the first database answers.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// The replica.
pub(super) struct Replica {
    pub(super) pool: DatabaseConnection,
    born: Instant,
    /// In milliseconds of its life: when the next call may try.
    next_try: AtomicU64,
    is_away: AtomicBool,
}

impl Replica {
    pub(super) fn new(pool: DatabaseConnection) -> Self {
        Self {
            pool,
            born: Instant::now(),
            next_try: AtomicU64::new(0),
            is_away: AtomicBool::new(false),
        }
    }

    /// Whether this call may go there: while it is away, one call from time to time.
    fn admits(&self) -> bool {
        if !self.is_away.load(Ordering::Relaxed) {
            return true;
        }
        let now = millis(self.born.elapsed());
        let due = self.next_try.load(Ordering::Relaxed);
        let next = now.saturating_add(millis(AGAIN));
        let (won, lost) = (Ordering::Relaxed, Ordering::Relaxed);
        now >= due && self.next_try.compare_exchange(due, next, won, lost).is_ok()
    }

    fn lost(&self, error: &Error) {
        let next = millis(self.born.elapsed() + AGAIN);
        self.next_try.store(next, Ordering::Relaxed);
        if !self.is_away.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = ?error, "the replica is away, the first database answers for it");
        }
    }

    fn found(&self) {
        if self.is_away.load(Ordering::Relaxed) && self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!("the replica is back");
        }
    }
}

impl Db {
    /// Reads what may be a few seconds old: from the replica when there is one, from the
    /// first database otherwise and whenever the replica fails.
    ///
    /// Only for public lists and searches, and only guests are answered from there:
    /// whoever is signed in may look for what they have just written. Never for what is
    /// cached until an event comes, since the replica may not have what the event tells
    /// of; never to decide what a caller may do; never in a call that writes. `work` may
    /// run twice.
    ///
    /// # Errors
    /// Those of `work` on the first database.
    pub async fn read_stale<T, F, Fut>(&self, caller: &Caller, work: F) -> Result<T>
    where
        F: Fn(DatabaseConnection) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        if let (Caller::Anonymous, Some(replica)) = (caller, self.replica())
            && replica.admits()
        {
            match work(replica.pool.clone()).await {
                Err(error) if is_its_fault(&error) => replica.lost(&error),
                outcome => {
                    replica.found();
                    return outcome;
                }
            }
        }
        work(self.read().clone()).await
    }
}

/// Whether the first database may do better.
fn is_its_fault(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Aborted
    )
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
