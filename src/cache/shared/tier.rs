//! The shared cache as one kind of values sees it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::{Found, SharedCache};
use crate::cache::read::{Freshness, Loaded, is_passing};
use crate::kernel::Result;

/// How long to wait for a value that another process loads, in steps; then this process
/// loads it too.
const STEPS: [Duration; 4] = [
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(40),
];

/// What can lie in the shared cache between processes of several versions.
pub trait Portable: Sized {
    /// Changes with every change of the form.
    const FORM: u8;

    /// The value as bytes; nothing when it has no such form.
    fn to_bytes(&self) -> Option<Vec<u8>>;

    /// The value of bytes of this form; nothing when they are none.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Values of one kind in the shared cache. Clones are the same.
pub struct Tier<K, V>(Arc<Parts<K, V>>);

struct Parts<K, V> {
    cache: SharedCache,
    freshness: Freshness,
    key: fn(&K) -> String,
    group: fn(&K) -> String,
    encode: fn(&V) -> Option<Vec<u8>>,
    decode: fn(&[u8]) -> Option<V>,
}

impl<K, V: Portable> Tier<K, V> {
    /// Values that lie under `key`; those of one `group` become stale together.
    pub fn new(
        cache: &SharedCache,
        freshness: Freshness,
        key: fn(&K) -> String,
        group: fn(&K) -> String,
    ) -> Self {
        Self(Arc::new(Parts {
            cache: cache.clone(),
            freshness,
            key,
            group,
            encode,
            decode,
        }))
    }
}

impl<K, V> Tier<K, V> {
    /// The group of a key becomes stale.
    pub(in crate::cache) fn forget(&self, key: &K) {
        self.0.cache.forget((self.0.group)(key));
    }

    /// A group becomes stale.
    pub fn forget_group(&self, group: &str) {
        self.0.cache.forget(group.to_owned());
    }

    /// The value of a key, from the shared cache or else loaded and kept there.
    pub(in crate::cache) async fn get_or_load<F, Fut>(&self, key: &K, load: &F) -> Result<Loaded<V>>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<V>>,
    {
        let (key, group) = ((self.0.key)(key), (self.0.group)(key));
        for step in STEPS.into_iter().map(Some).chain([None]) {
            if !self.0.cache.is_right_about(&group) {
                break;
            }
            let fresh = self.0.freshness.fresh;
            let Ok(found) = self.0.cache.look(&group, &key, fresh).await else {
                break;
            };
            let value = found.value.as_deref().and_then(|it| (self.0.decode)(it));
            match (value, step) {
                // One of all processes loads anew; the others go on with the old value.
                (Some(value), _) if found.is_turn => {
                    return match self.load(&group, &key, found, load).await {
                        Err(error) if is_passing(&error) => Ok(Loaded::aged(value, fresh)),
                        outcome => outcome,
                    };
                }
                (Some(value), _) => return Ok(Loaded::aged(value, found.age)),
                // What this version cannot read is as good as missing.
                (None, _) if found.is_turn || found.value.is_some() => {
                    return self.load(&group, &key, found, load).await;
                }
                (None, Some(step)) => tokio::time::sleep(step).await,
                (None, None) => {}
            }
        }
        load().await.map(Loaded::new)
    }

    async fn load<F, Fut>(
        &self,
        group: &str,
        key: &str,
        found: Found,
        load: &F,
    ) -> Result<Loaded<V>>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<V>>,
    {
        let outcome = load().await;
        let keep = self.0.freshness.stale;
        // Without a value only the turn is given up.
        let (mark, bytes) = match outcome.as_ref().ok().and_then(self.0.encode) {
            Some(bytes) => (found.mark, bytes),
            None => Default::default(),
        };
        self.0.cache.keep(group, key, mark, bytes, keep);
        outcome.map(Loaded::new)
    }
}

impl<K, V> Clone for Tier<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> std::fmt::Debug for Tier<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tier").finish_non_exhaustive()
    }
}

fn encode<V: Portable>(value: &V) -> Option<Vec<u8>> {
    let mut bytes = value.to_bytes()?;
    bytes.push(V::FORM);
    Some(bytes)
}

fn decode<V: Portable>(bytes: &[u8]) -> Option<V> {
    let (form, bytes) = bytes.split_last()?;
    (*form == V::FORM).then(|| V::from_bytes(bytes)).flatten()
}
