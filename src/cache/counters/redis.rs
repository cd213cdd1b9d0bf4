//! Counts in Redis, of all processes together.

use std::time::Duration;

use fred::types::Value;
use fred::types::scripts::Script;

use super::Counters;
use crate::cache::Redis;
use crate::kernel::Result;

/// Adds, and sets how long the count is kept.
const ADD: &str = "
local value = redis.call('INCRBY', KEYS[1], ARGV[1])
if ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return value
";

/// Reads, and begins again where ARGV[1] says so.
const READ: &str = "
local values = {}
for place, key in ipairs(KEYS) do
  values[place] = tonumber(redis.call('GET', key)) or 0
end
if ARGV[1] == 'take' then redis.call('DEL', unpack(KEYS)) end
return values
";

/// Counts in Redis.
pub struct RedisCounters {
    redis: Redis,
    add: Script,
    read: Script,
}

impl RedisCounters {
    /// Counts there.
    pub fn new(redis: Redis) -> Self {
        Self {
            redis,
            add: Script::from_lua(ADD),
            read: Script::from_lua(READ),
        }
    }

    /// All lie together in a cluster, so that one script sees them in one step.
    fn key(&self, name: &str) -> String {
        self.redis.tagged("count", name)
    }

    async fn values(&self, names: &[&str], then: &str) -> Result<Vec<i64>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let keys = names.iter().map(|name| self.key(name)).collect();
        let args: Vec<Value> = vec![then.into()];
        self.redis.run(&self.read, keys, args).await
    }
}

#[async_trait::async_trait]
impl Counters for RedisCounters {
    async fn add(&self, name: &str, by: i64, keep: Option<Duration>) -> Result<()> {
        let keep = keep.map_or_else(String::new, |keep| keep.as_millis().to_string());
        let args: Vec<Value> = vec![by.into(), keep.into()];
        let _: i64 = self
            .redis
            .run(&self.add, vec![self.key(name)], args)
            .await?;
        Ok(())
    }

    async fn read(&self, names: &[&str]) -> Result<Vec<i64>> {
        self.values(names, "").await
    }

    async fn take(&self, names: &[&str]) -> Result<Vec<i64>> {
        self.values(names, "take").await
    }
}

impl std::fmt::Debug for RedisCounters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisCounters").finish_non_exhaustive()
    }
}
