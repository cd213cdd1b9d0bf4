//! Passing counts that nobody's money depends on: what happened lately, and what is on
//! its way to the database.

mod redis;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::kernel::task::Tasks;
use crate::kernel::{Clock, Result, Time};
pub use redis::RedisCounters;

/// Names that are counted at once in one process; beyond, new ones are not.
const NAMES: usize = 100_000;

/// Counts by name. A name that was never counted stands at zero.
#[async_trait::async_trait]
pub trait Counters: Send + Sync {
    /// Adds to a count, which is forgotten `keep` after the last addition; without, it is
    /// kept as long as the store.
    ///
    /// # Errors
    /// UNAVAILABLE when the store is away.
    async fn add(&self, name: &str, by: i64, keep: Option<Duration>) -> Result<()>;

    /// The counts of some names, in their order.
    ///
    /// # Errors
    /// UNAVAILABLE when the store is away.
    async fn read(&self, names: &[&str]) -> Result<Vec<i64>>;

    /// The counts of some names, in their order, which begin again at zero: what is added
    /// meanwhile is in this answer or in the next one, never in both.
    ///
    /// # Errors
    /// UNAVAILABLE when the store is away.
    async fn take(&self, names: &[&str]) -> Result<Vec<i64>>;
}

/// Counts in this process.
#[derive(Debug)]
pub struct LocalCounters {
    clock: Clock,
    counts: Mutex<HashMap<String, Count>>,
}

#[derive(Debug)]
struct Count {
    value: i64,
    until: Option<Time>,
}

impl LocalCounters {
    /// Everything stands at zero.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            counts: Mutex::default(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self, count: &Count) -> bool {
        count.until.is_some_and(|until| until <= self.clock.now())
    }
}

#[async_trait::async_trait]
impl Counters for LocalCounters {
    async fn add(&self, name: &str, by: i64, keep: Option<Duration>) -> Result<()> {
        let until = keep.map(|keep| self.clock.now() + keep);
        let mut counts = self.counts();
        if counts.len() >= NAMES {
            counts.retain(|_, count| !self.is_over(count));
        }
        let is_full = counts.len() >= NAMES;
        match counts.get_mut(name) {
            Some(count) => {
                let value = if self.is_over(count) { 0 } else { count.value };
                *count = Count {
                    value: value.saturating_add(by),
                    until,
                };
            }
            None if is_full => tracing::warn!("too many names are counted, a new one is not"),
            None => {
                counts.insert(name.to_owned(), Count { value: by, until });
            }
        }
        Ok(())
    }

    async fn read(&self, names: &[&str]) -> Result<Vec<i64>> {
        let counts = self.counts();
        let value = |name: &&str| match counts.get(*name) {
            Some(count) if !self.is_over(count) => count.value,
            _ => 0,
        };
        Ok(names.iter().map(value).collect())
    }

    async fn take(&self, names: &[&str]) -> Result<Vec<i64>> {
        let mut counts = self.counts();
        let mut value = |name: &&str| match counts.remove(*name) {
            Some(count) if !self.is_over(&count) => count.value,
            _ => 0,
        };
        Ok(names.iter().map(&mut value).collect())
    }
}

/// Counts what happens without anybody waiting for it. Clones count together.
#[derive(Clone)]
pub struct Tally {
    counters: Arc<dyn Counters>,
    tasks: Tasks,
}

impl Tally {
    /// Counts there, by tasks of `tasks`.
    pub fn new(counters: Arc<dyn Counters>, tasks: Tasks) -> Self {
        Self { counters, tasks }
    }

    /// Adds one to a count that is forgotten `keep` after the last one. While the store is
    /// away nothing is counted.
    pub fn count(&self, name: &'static str, keep: Duration) {
        let counters = self.counters.clone();
        self.tasks.spawn(async move {
            if let Err(error) = counters.add(name, 1, Some(keep)).await {
                tracing::debug!(name, error = ?error, "not counted");
            }
        });
    }
}

impl std::fmt::Debug for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;
    use crate::cache::testing::with_redis;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    /// The same for every store.
    async fn counts_add_up_and_are_taken_once(counters: &dyn Counters) {
        let adds = (1..=10).map(|by| counters.add("likes", by, None));
        for added in join_all(adds).await {
            added.unwrap();
        }
        counters.add("views", -4, Some(HOUR)).await.unwrap();
        let names = ["views", "nothing", "likes"];
        assert_eq!(counters.read(&names).await.unwrap(), [-4, 0, 55]);
        // Those who take at once share what there is.
        let takes = join_all((0..8).map(|_| counters.take(&names))).await;
        let total = takes.into_iter().map(Result::unwrap);
        let total = total.fold([0; 3], |sum, taken| [0, 1, 2].map(|n| sum[n] + taken[n]));
        assert_eq!(total, [-4, 0, 55]);
        assert_eq!(counters.read(&names).await.unwrap(), [0, 0, 0]);
    }

    #[tokio::test]
    async fn counts_add_up_here() {
        counts_add_up_and_are_taken_once(&LocalCounters::new(Clock::system())).await;
    }

    #[tokio::test]
    async fn counts_add_up_in_redis() {
        with_redis(async |redis| {
            counts_add_up_and_are_taken_once(&RedisCounters::new(redis)).await;
        })
        .await;
    }

    #[tokio::test]
    async fn a_count_is_forgotten_when_its_time_is_up() {
        let clock = Clock::manual(Time::from_micros(0));
        let counters = LocalCounters::new(clock.clone());
        counters.add("otp_sent", 1, Some(HOUR)).await.unwrap();
        clock.advance(HOUR / 2);
        counters.add("otp_sent", 1, Some(HOUR)).await.unwrap();
        clock.advance(HOUR - Duration::from_secs(1));
        assert_eq!(counters.read(&["otp_sent"]).await.unwrap(), [2]);
        clock.advance(Duration::from_secs(1));
        assert_eq!(counters.read(&["otp_sent"]).await.unwrap(), [0]);
        counters.add("otp_sent", 1, Some(HOUR)).await.unwrap();
        assert_eq!(counters.read(&["otp_sent"]).await.unwrap(), [1]);
    }
}
