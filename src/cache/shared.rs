//! The cache that all processes share: the second place to look, behind each process's
//! own.
//!
//! A value is kept with the mark under which it was loaded: the cache's generation and the
//! epoch of the value's group. Whoever sees an event that makes a group stale gives it a
//! new epoch, and from then on every value with another mark is not there. Marks are
//! compared in the script that reads and in the script that writes, so that a slow loader
//! cannot leave an old value behind. Epochs are made of Redis's clock, so that a Redis
//! that forgot everything never gives the same one twice.
//!
//! Until a new epoch has arrived in Redis, the process that must send it reads past the
//! shared cache. When it could not be sent, or Redis may be another past than it was, the
//! process begins a new generation before it looks there again.

mod forget;
mod tier;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fred::types::Value;
use fred::types::scripts::Script;
use tokio::sync::Notify;

use super::Redis;
use crate::kernel::task::Tasks;
use crate::kernel::{Error, Result};
pub use tier::{Portable, Tier};

/// How long an epoch is kept after its last use. A value whose epoch is forgotten is not
/// there, so it matters only that this is longer than values are kept.
const EPOCH_KEPT: Duration = Duration::from_secs(60 * 60);
/// How long one process may take to load before another one tries.
const LOADING: Duration = Duration::from_secs(3);

/// Redis's clock in microseconds, as text. A number of that size loses its end when Lua
/// writes it by itself.
const CLOCK: &str = "
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function text(number) return string.format('%.0f', number) end
";

/// KEYS: generation, epoch, value, turn. ARGV: how long an epoch and a turn last.
/// Gives the mark, the value if there is one, its age in microseconds, and whether the
/// caller is the one to load: the value is missing or ARGV[3] microseconds old, and nobody
/// else loads it.
const LOOK: &str = "
local now = clock()
local generation = redis.call('GET', KEYS[1])
if not generation then
  generation = text(now)
  redis.call('SET', KEYS[1], generation)
end
local epoch = redis.call('GET', KEYS[2])
if not epoch then
  epoch = text(now)
  redis.call('SET', KEYS[2], epoch, 'PX', ARGV[1])
end
local mark = generation .. ' ' .. epoch
local kept = redis.call('HMGET', KEYS[3], 'mark', 'loaded', 'value')
local value, age = false, 0
if kept[1] == mark then
  value, age = kept[3], math.max(0, now - tonumber(kept[2]))
end
local turn = 0
if not value or age >= tonumber(ARGV[3]) then
  if redis.call('SET', KEYS[4], 1, 'NX', 'PX', ARGV[2]) then turn = 1 end
end
return {mark, value, age, turn}
";

/// KEYS as above. ARGV: the mark at the time of the look, the value, how long it is kept.
const KEEP: &str = "
redis.call('DEL', KEYS[4])
local generation, epoch = redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2])
if not generation or not epoch or generation .. ' ' .. epoch ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[3], 'mark', ARGV[1], 'loaded', text(clock()), 'value', ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return 1
";

/// KEYS: epochs or the generation. ARGV: how long they last, nothing for the generation.
const RENEW: &str = "
local now = clock()
for _, key in ipairs(KEYS) do
  local next = text(math.max(now, (tonumber(redis.call('GET', key)) or 0) + 1))
  redis.call('SET', key, next)
  if ARGV[1] ~= '' then redis.call('PEXPIRE', key, ARGV[1]) end
end
return #KEYS
";

/// The shared cache of this process's installation. Clones are the same.
#[derive(Clone)]
pub struct SharedCache(Arc<Inner>);

struct Inner {
    redis: Redis,
    tasks: Tasks,
    look: Script,
    keep: Script,
    renew: Script,
    /// Groups whose new epoch has not arrived yet, each with the number of its last event.
    unsent: Mutex<HashMap<String, u64>>,
    /// Numbers events.
    events: AtomicU64,
    wake: Notify,
    /// The find of Redis for which this process began a generation.
    trusted: AtomicU64,
}

/// What was found, and under which mark a value may be kept.
struct Found {
    mark: String,
    value: Option<Vec<u8>>,
    age: Duration,
    is_turn: bool,
}

impl SharedCache {
    /// A shared cache in Redis; tasks of `tasks` keep it in step.
    pub fn start(redis: Redis, tasks: &Tasks) -> Self {
        let script = |body: &str| Script::from_lua(format!("{CLOCK}{body}"));
        let cache = Self(Arc::new(Inner {
            redis,
            tasks: tasks.clone(),
            look: script(LOOK),
            keep: script(KEEP),
            renew: script(RENEW),
            unsent: Mutex::default(),
            events: AtomicU64::new(0),
            wake: Notify::new(),
            trusted: AtomicU64::new(0),
        }));
        let (forgetting, stopping) = (cache.clone(), tasks.stopping());
        tasks.spawn(async move { forgetting.send_epochs(&stopping).await });
        cache
    }

    /// Whether values of a group found there are right.
    fn is_right_about(&self, group: &str) -> bool {
        let inner = &self.0;
        !inner.redis.is_away()
            && inner.trusted.load(Ordering::SeqCst) == inner.redis.finds()
            && !self.with_unsent(|unsent| {
                unsent.contains_key(group) || unsent.contains_key(forget::EVERYTHING)
            })
    }

    async fn look(&self, group: &str, key: &str, fresh: Duration) -> Result<Found> {
        let args: Vec<Value> = vec![
            millis(EPOCH_KEPT),
            millis(LOADING),
            fresh.as_micros().to_string().into(),
        ];
        let keys = self.keys(group, key);
        let answer: Vec<Value> = self.0.redis.run(&self.0.look, keys, args).await?;
        let [mark, value, age, turn]: [Value; 4] = answer.try_into().map_err(|_| odd())?;
        Ok(Found {
            mark: mark.as_string().ok_or_else(odd)?,
            value: value.into_owned_bytes(),
            age: Duration::from_micros(age.as_u64().unwrap_or(0)),
            is_turn: turn.as_i64() == Some(1),
        })
    }

    /// Keeps a value unless it was made stale since the look, and gives up the turn,
    /// without anybody waiting. An empty mark fits nothing.
    fn keep(&self, group: &str, key: &str, mark: String, value: Vec<u8>, keep: Duration) {
        let (cache, keys) = (self.clone(), self.keys(group, key));
        let value = Value::Bytes(value.into());
        self.0.tasks.spawn(async move {
            let args: Vec<Value> = vec![mark.into(), value, millis(keep)];
            // Nobody misses a value that was not kept.
            drop(cache.0.redis.run::<i64>(&cache.0.keep, keys, args).await);
        });
    }

    fn keys(&self, group: &str, key: &str) -> Vec<String> {
        let name = |name: &str| self.0.redis.tagged("cache", name);
        vec![
            self.generation(),
            self.epoch(group),
            name(key),
            name(&format!("turn:{key}")),
        ]
    }

    fn generation(&self) -> String {
        self.0.redis.tagged("cache", "generation")
    }

    fn epoch(&self, group: &str) -> String {
        self.0.redis.tagged("cache", &format!("epoch:{group}"))
    }

    fn with_unsent<T>(&self, work: impl FnOnce(&mut HashMap<String, u64>) -> T) -> T {
        let unsent = self.0.unsent.lock();
        work(&mut unsent.unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for SharedCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedCache").finish_non_exhaustive()
    }
}

fn millis(span: Duration) -> Value {
    span.as_millis().to_string().into()
}

fn odd() -> Error {
    Error::internal("Redis answers in words of its own")
}
