//! A bounded cache of loaded values.

use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::meter::Reads;
use crate::kernel::{Error, Result};

/// Invalidations are counted per stripe of keys: memory stays bounded, and a rare
/// neighbour is loaded once more than needed.
const STRIPES: usize = 256;

/// Keeps up to a number of values for a time. Clones share it.
///
/// Readers that miss the same key together load it once. After [`Cache::invalidate`] no
/// reader gets a value whose loading began before it.
pub struct Cache<K, V>(Arc<Shared<K, V>>);

struct Shared<K, V> {
    kept: moka::future::Cache<K, Entry<V>>,
    stripes: [AtomicU64; STRIPES],
    hasher: RandomState,
    reads: Reads,
}

#[derive(Clone)]
struct Entry<V> {
    /// How often the key's stripe had been invalidated when the loading began.
    epoch: u64,
    value: V,
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache of `capacity` values, each kept for `ttl` at the most. Metrics call it
    /// `name`.
    pub fn new(name: &'static str, capacity: u64, ttl: Duration) -> Self {
        let kept = moka::future::Cache::builder()
            .max_capacity(capacity)
            .time_to_live(ttl)
            .build();
        Self(Arc::new(Shared {
            kept,
            stripes: std::array::from_fn(|_| AtomicU64::new(0)),
            hasher: RandomState::new(),
            reads: Reads::of(name),
        }))
    }

    /// The value of a key, loaded when it is not kept. Failures are not kept.
    ///
    /// # Errors
    /// What the loader fails with; those who waited for the same loading get the same
    /// reason.
    pub async fn get_or_load<F, Fut>(&self, key: &K, load: F) -> Result<V>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<V>>,
    {
        let has_missed = AtomicBool::new(false);
        let value = self.read(key, &load, &has_missed).await;
        self.0.reads.count(has_missed.into_inner());
        value
    }

    async fn read<F, Fut>(&self, key: &K, load: &F, has_missed: &AtomicBool) -> Result<V>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<V>>,
    {
        loop {
            let stripe = self.stripe(key);
            let loading = async {
                has_missed.store(true, Ordering::Relaxed);
                let epoch = stripe.load(Ordering::SeqCst);
                let value = load().await?;
                Ok(Entry { epoch, value })
            };
            let entry = self.0.kept.try_get_with_by_ref(key, loading).await;
            let entry = entry.map_err(shared_error)?;
            if entry.epoch == stripe.load(Ordering::SeqCst) {
                return Ok(entry.value);
            }
            // Invalidated while it was being loaded.
            let loaded = entry.epoch;
            if self
                .0
                .kept
                .get(key)
                .await
                .is_some_and(|kept| kept.epoch == loaded)
            {
                self.0.kept.invalidate(key).await;
            }
        }
    }

    /// Forgets a key, so that the next reader loads it.
    pub fn invalidate(&self, key: &K) {
        // The old entry may stay until it is asked for: its epoch has passed.
        self.stripe(key).fetch_add(1, Ordering::SeqCst);
    }

    fn stripe(&self, key: &K) -> &AtomicU64 {
        let hash = self.0.hasher.hash_one(key);
        &self.0.stripes[(hash % STRIPES as u64) as usize]
    }
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> std::fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

/// The error for one of several readers who waited for the same loading.
fn shared_error(error: Arc<Error>) -> Error {
    Arc::try_unwrap(error).unwrap_or_else(|shared| {
        let copy = Error::new(shared.reason(), shared.message().to_owned());
        let copy = match shared.retry_delay() {
            Some(wait) => copy.retry_after(wait),
            None => copy,
        };
        copy.caused_by(shared)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use tokio::sync::Notify;

    use super::*;
    use crate::kernel::Reason;

    fn cache() -> Cache<u32, u32> {
        Cache::new("test", 10, Duration::from_secs(60))
    }

    #[tokio::test]
    async fn readers_who_miss_together_load_once() {
        let (cache, loads) = (cache(), AtomicU32::new(0));
        let read = || {
            cache.get_or_load(&1, || async {
                tokio::task::yield_now().await;
                Ok(loads.fetch_add(1, Ordering::SeqCst))
            })
        };
        let (left, right) = tokio::join!(read(), read());
        assert_eq!((left.unwrap(), right.unwrap()), (0, 0));
        assert_eq!(read().await.unwrap(), 0);
        cache.invalidate(&1);
        assert_eq!(read().await.unwrap(), 1);
        assert_eq!(read().await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_value_whose_loading_began_before_an_invalidation_is_not_given() {
        let (cache, source, go_on) = (cache(), AtomicU32::new(1), Notify::new());
        let reading = cache.get_or_load(&1, || async {
            let value = source.load(Ordering::SeqCst);
            if value == 1 {
                go_on.notified().await;
            }
            Ok(value)
        });
        let writing = async {
            source.store(2, Ordering::SeqCst);
            cache.invalidate(&1);
            go_on.notify_one();
        };
        let (read, ()) = tokio::join!(biased; reading, writing);
        assert_eq!(read.unwrap(), 2);
        let kept = cache.get_or_load(&1, || async { Ok(9) }).await;
        assert_eq!(kept.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_failure_reaches_everyone_who_waited_and_is_not_kept() {
        let cache = cache();
        let read = || {
            cache.get_or_load(&1, || async {
                tokio::task::yield_now().await;
                Err(Error::not_found("store"))
            })
        };
        let (left, right) = tokio::join!(read(), read());
        for refused in [left, right] {
            let error = refused.unwrap_err();
            assert_eq!(error.reason(), Reason::NotFound);
            assert_eq!(error.message(), "store not found");
        }
        let loaded = cache.get_or_load(&1, || async { Ok(3) }).await;
        assert_eq!(loaded.unwrap(), 3);
    }
}
