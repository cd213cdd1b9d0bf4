//! A bounded cache of loaded values.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::meter::Reads;
use super::shared::Tier;
use crate::kernel::{Code, Error, Result};

/// Invalidations are counted per stripe of keys: memory stays bounded, and a rare
/// neighbour is loaded once more than needed.
const STRIPES: usize = 256;
/// When a value that could not be loaded anew, or that another process loads anew, is
/// asked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long the reader who loads a stale value anew waits for the new one.
const RENEWAL: Duration = Duration::from_millis(250);

/// How long a value is used when no event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// So long it is right as it is; later one reader loads it anew.
    pub fresh: Duration,
    /// So long all others get it meanwhile, and everybody when the loading fails.
    pub stale: Duration,
}

impl Freshness {
    /// Used for a time and not longer.
    pub const fn only(time: Duration) -> Self {
        Self {
            fresh: time,
            stale: time,
        }
    }

    /// Fresh for a time, and stale for four times as long: nobody misses it while the
    /// database is away for a moment.
    pub const fn lasting(fresh: Duration) -> Self {
        Self {
            fresh,
            stale: fresh.saturating_mul(5),
        }
    }
}

/// A value, and how long ago it was loaded.
pub(super) struct Loaded<V> {
    value: V,
    age: Duration,
}

impl<V> Loaded<V> {
    pub(super) const fn new(value: V) -> Self {
        Self::aged(value, Duration::ZERO)
    }

    pub(super) const fn aged(value: V, age: Duration) -> Self {
        Self { value, age }
    }
}

/// Keeps up to a number of values for a time. Clones share it.
///
/// Readers that miss the same key together load it once. After [`Cache::invalidate`] no
/// reader gets a value whose loading began before it. With a [`Tier`] it looks there
/// before it loads.
pub struct Cache<K, V>(Arc<Shared<K, V>>);

struct Shared<K, V> {
    kept: moka::future::Cache<K, Entry<V>>,
    stripes: [AtomicU64; STRIPES],
    hasher: RandomState,
    freshness: Freshness,
    tier: Option<Tier<K, V>>,
    born: Instant,
    reads: Reads,
}

#[derive(Clone)]
struct Entry<V> {
    /// How often the key's stripe had been invalidated when the loading began.
    epoch: u64,
    value: V,
    times: Arc<Times>,
}

/// Instants of an entry, in microseconds of the cache's life.
struct Times {
    /// When the next reader is to load it anew.
    renew: AtomicU64,
    /// When it is over.
    over: u64,
}

/// What a reader is to do with an entry.
enum Use {
    AsItIs,
    Renew,
    Not,
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache of `capacity` values, each kept for `ttl` at the most. Metrics call it
    /// `name`.
    pub fn new(name: &'static str, capacity: u64, ttl: Duration) -> Self {
        Self::tiered(name, capacity, Freshness::only(ttl), None)
    }

    /// A cache of `capacity` values in front of a shared one, if there is one.
    pub fn tiered(
        name: &'static str,
        capacity: u64,
        freshness: Freshness,
        tier: Option<Tier<K, V>>,
    ) -> Self {
        let kept = moka::future::Cache::builder()
            .max_capacity(capacity)
            .time_to_live(freshness.stale)
            .build();
        Self(Arc::new(Shared {
            kept,
            stripes: std::array::from_fn(|_| AtomicU64::new(0)),
            hasher: RandomState::new(),
            freshness,
            tier,
            born: Instant::now(),
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
        let (stripe, kept) = (self.stripe(key), &self.0.kept);
        let mut has_missed = false;
        loop {
            if let Some(entry) = kept.get(key).await
                && entry.epoch == stripe.load(Ordering::SeqCst)
            {
                match entry.times.use_at(self.now()) {
                    Use::AsItIs => {
                        self.0.reads.count(has_missed);
                        return Ok(entry.value);
                    }
                    // Boxed, as is what follows a miss: callers carry a hit only.
                    Use::Renew => match Box::pin(self.renew(key, entry, &load)).await {
                        Some(outcome) => {
                            self.0.reads.count(true);
                            return outcome;
                        }
                        None => continue,
                    },
                    Use::Not => kept.invalidate(key).await,
                }
            }
            has_missed = true;
            let loading = self.load(key, &load);
            let entry = kept.try_get_with_by_ref(key, loading).await;
            let entry = entry.map_err(Error::shared)?;
            if entry.epoch == stripe.load(Ordering::SeqCst) {
                self.0.reads.count(has_missed);
                return Ok(entry.value);
            }
            // Invalidated while it was being loaded.
            let loaded = entry.epoch;
            if kept.get(key).await.is_some_and(|kept| kept.epoch == loaded) {
                kept.invalidate(key).await;
            }
        }
    }

    /// Forgets a key, so that the next reader loads it.
    pub fn invalidate(&self, key: &K) {
        // The shared tier first: whoever sees the new epoch must not look there any more.
        if let Some(tier) = &self.0.tier {
            tier.forget(key);
        }
        // The old entry may stay until it is asked for: its epoch has passed.
        self.stripe(key).fetch_add(1, Ordering::SeqCst);
    }

    /// Loads an entry anew. Gives the old value when that fails for now, and nothing when
    /// the value was invalidated meanwhile.
    async fn renew<F, Fut>(&self, key: &K, old: Entry<V>, load: &F) -> Option<Result<V>>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<V>>,
    {
        let outcome = tokio::time::timeout(RENEWAL, self.load(key, load)).await;
        let outcome = outcome
            .unwrap_or_else(|elapsed| Err(Error::unavailable("loading takes too long", elapsed)));
        let is_current = |entry: &Entry<V>| {
            let epoch = self.stripe(key).load(Ordering::SeqCst);
            entry.epoch == epoch
        };
        match outcome {
            Ok(entry) if is_current(&entry) => {
                self.0.kept.insert(key.clone(), entry.clone()).await;
                Some(Ok(entry.value))
            }
            Err(error) if is_passing(&error) && is_current(&old) => {
                tracing::debug!(error = ?error, "a stale value is used for longer");
                Some(Ok(old.value))
            }
            Err(error) => {
                self.0.kept.invalidate(key).await;
                Some(Err(error))
            }
            Ok(_) => None,
        }
    }

    async fn load<F, Fut>(&self, key: &K, load: &F) -> Result<Entry<V>>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<V>>,
    {
        let epoch = self.stripe(key).load(Ordering::SeqCst);
        let loaded = match &self.0.tier {
            Some(tier) => Box::pin(tier.get_or_load(key, load)).await?,
            None => Loaded::new(load().await?),
        };
        let Freshness { fresh, stale } = self.0.freshness;
        let in_so_long = |span: Duration| self.now().saturating_add(micros(span));
        // What another process loads anew just now is asked for a little later.
        let renew = match fresh.checked_sub(loaded.age) {
            Some(left) if !left.is_zero() || loaded.age.is_zero() => left,
            _ => AGAIN,
        };
        Ok(Entry {
            epoch,
            value: loaded.value,
            times: Arc::new(Times {
                renew: AtomicU64::new(in_so_long(renew)),
                over: in_so_long(stale.saturating_sub(loaded.age)),
            }),
        })
    }

    fn now(&self) -> u64 {
        micros(self.0.born.elapsed())
    }

    fn stripe(&self, key: &K) -> &AtomicU64 {
        let hash = self.0.hasher.hash_one(key);
        &self.0.stripes[(hash % STRIPES as u64) as usize]
    }
}

impl Times {
    /// What a reader does: the first one after the fresh time loads, and no other one
    /// tries before [`AGAIN`] has passed.
    fn use_at(&self, now: u64) -> Use {
        if now >= self.over {
            return Use::Not;
        }
        let renew = self.renew.load(Ordering::Relaxed);
        if now < renew {
            return Use::AsItIs;
        }
        let next = now.saturating_add(micros(AGAIN));
        let (won, lost) = (Ordering::Relaxed, Ordering::Relaxed);
        match self.renew.compare_exchange(renew, next, won, lost) {
            Ok(_) => Use::Renew,
            Err(_) => Use::AsItIs,
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Whether a failure says nothing about the value: somebody was away or too slow.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Aborted
    )
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
