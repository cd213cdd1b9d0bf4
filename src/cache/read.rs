//! A bounded cache of loaded values.

use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::shared::Tier;
use crate::kernel::{Code, Error, Result};

/// Invalidations are counted per stripe of keys: memory stays bounded, and a rare
/// neighbour is loaded once more than needed.
const STRIPES: usize = 256;
/// When a value that could not be loaded anew, or that another process loads anew, is
/// asked for again.
const AGAIN: Duration = Duration::from_secs(1);

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
    /// A cache of `capacity` values, each kept for `ttl` at the most.
    pub fn new(capacity: u64, ttl: Duration) -> Self {
        Self::tiered(capacity, Freshness::only(ttl), None)
    }

    /// A cache of `capacity` values in front of a shared one, if there is one.
    pub fn tiered(capacity: u64, freshness: Freshness, tier: Option<Tier<K, V>>) -> Self {
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
        loop {
            if let Some(entry) = kept.get(key).await
                && entry.epoch == stripe.load(Ordering::SeqCst)
            {
                match entry.times.use_at(self.now()) {
                    Use::AsItIs => return Ok(entry.value),
                    // Boxed, as is what follows a miss: callers carry a hit only.
                    Use::Renew => match Box::pin(self.renew(key, entry, &load)).await {
                        Some(outcome) => return outcome,
                        None => continue,
                    },
                    Use::Not => kept.invalidate(key).await,
                }
            }
            let loading = self.load(key, &load);
            let entry = kept.try_get_with_by_ref(key, loading).await;
            let entry = entry.map_err(shared_error)?;
            if entry.epoch == stripe.load(Ordering::SeqCst) {
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
        let outcome = self.load(key, load).await;
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
        Cache::new(10, Duration::from_secs(60))
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

    /// A value that is never fresh, and stale for a minute.
    fn stale() -> Cache<u32, u32> {
        let freshness = Freshness {
            fresh: Duration::ZERO,
            stale: Duration::from_secs(60),
        };
        Cache::tiered(10, freshness, None)
    }

    #[tokio::test]
    async fn one_reader_loads_a_stale_value_anew_and_the_others_go_on_with_it() {
        let (cache, loads, go_on) = (stale(), AtomicU32::new(0), Notify::new());
        let load = || async {
            let load = loads.fetch_add(1, Ordering::SeqCst);
            if load == 1 {
                go_on.notified().await;
            }
            Ok(load)
        };
        assert_eq!(cache.get_or_load(&1, load).await.unwrap(), 0);
        let renewing = cache.get_or_load(&1, load);
        let reading = async {
            for _ in 0..3 {
                assert_eq!(cache.get_or_load(&1, load).await.unwrap(), 0);
            }
            go_on.notify_one();
        };
        let (renewed, ()) = tokio::join!(biased; renewing, reading);
        assert_eq!(renewed.unwrap(), 1);
        assert_eq!(loads.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_stale_value_is_used_when_loading_fails_but_not_when_it_is_gone() {
        let cache = stale();
        let good = cache.get_or_load(&1, || async { Ok(7) }).await;
        assert_eq!(good.unwrap(), 7);
        let fails = || async { Err(Error::unavailable("away", "no answer")) };
        assert_eq!(cache.get_or_load(&1, fails).await.unwrap(), 7);
        // Not tried again at once, so that those who read do not wait each in turn.
        let never = || async { panic!("loaded again") };
        assert_eq!(cache.get_or_load(&1, never).await.unwrap(), 7);

        let gone = || async { Err(Error::not_found("store")) };
        let cache = stale();
        cache.get_or_load(&1, || async { Ok(7) }).await.unwrap();
        let refused = cache.get_or_load(&1, gone).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::NotFound);
        let refused = cache.get_or_load(&1, gone).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::NotFound);
    }

    #[tokio::test]
    async fn a_value_invalidated_while_it_is_loaded_anew_is_not_given() {
        let (cache, source, go_on) = (stale(), AtomicU32::new(1), Notify::new());
        let read = |waits: bool| {
            let (source, go_on) = (&source, &go_on);
            cache.get_or_load(&1, move || async move {
                let value = source.load(Ordering::SeqCst);
                if waits && value == 1 {
                    go_on.notified().await;
                }
                Ok(value)
            })
        };
        assert_eq!(read(false).await.unwrap(), 1);
        let writing = async {
            source.store(2, Ordering::SeqCst);
            cache.invalidate(&1);
            assert_eq!(read(false).await.unwrap(), 2);
            go_on.notify_one();
        };
        let (read, ()) = tokio::join!(biased; read(true), writing);
        assert_eq!(read.unwrap(), 2);
    }

    #[tokio::test]
    async fn past_its_stale_time_a_value_is_loaded() {
        let cache = Cache::new(10, Duration::ZERO);
        for expected in 0..3 {
            let read = cache.get_or_load(&1, || async move { Ok(expected) });
            assert_eq!(read.await.unwrap(), expected);
        }
    }
}
