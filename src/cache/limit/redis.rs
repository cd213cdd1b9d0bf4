//! Calls counted in Redis, for all processes together.

use std::time::Duration;

use fred::types::Value;
use fred::types::scripts::Script;

use super::{Limit, Quota, RateLimit, interval, too_many};
use crate::cache::Redis;
use crate::kernel::{Clock, Error, Result};

/// Takes one call in one step. The key holds the instant at which the whole allowance is
/// there again, in microseconds, and lasts until then. The time is Redis's own, the same
/// for all processes; ARGV[3] replaces it where a test holds it still.
///
/// Gives whether the call passes, how many of the allowance are used, and how long to
/// wait for the next one.
const TAKE: &str = "
local interval, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = tonumber(ARGV[3])
local lasts = 3600000
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local whole = tonumber(redis.call('GET', KEYS[1])) or now
whole = math.max(now, math.min(whole, now + interval * count)) + interval
local wait = whole - interval * count - now
if wait > 0 then
  return {0, count, math.ceil(wait)}
end
if not tonumber(ARGV[3]) then
  lasts = math.ceil((whole - now) / 1000) + 1
end
redis.call('SET', KEYS[1], string.format('%.3f', whole), 'PX', lasts)
return {1, math.ceil((whole - now) / interval - 0.000001), 0}
";

/// Counts in Redis. The allowance refills evenly, as in one process.
pub struct RedisRateLimit {
    redis: Redis,
    clock: Clock,
    take: Script,
}

impl RedisRateLimit {
    /// Counts there; `clock` matters only when a test holds it still.
    pub fn new(redis: Redis, clock: Clock) -> Self {
        Self {
            redis,
            clock,
            take: Script::from_lua(TAKE),
        }
    }
}

#[async_trait::async_trait]
impl RateLimit for RedisRateLimit {
    async fn take(&self, limit: &Limit, key: &str) -> Result<Quota> {
        let interval = interval(limit);
        let count = limit.count.get();
        let now = match self.clock.is_manual() {
            true => self.clock.now().micros().to_string(),
            false => String::new(),
        };
        let key = self.redis.key(&format!("rate:{}:{key}", limit.class));
        let micros = interval.as_nanos() as f64 / 1e3;
        let args: Vec<Value> = vec![micros.to_string().into(), count.into(), now.into()];
        let answer: Vec<i64> = self.redis.run(&self.take, vec![key], args).await?;
        match answer.as_slice() {
            [1, used, _] => {
                let used = Ord::min(u32::try_from(*used).unwrap_or(count), count);
                Ok(Quota {
                    limit: count,
                    remaining: count - used,
                    reset: interval * used,
                })
            }
            [0, _, wait] => {
                let wait = Duration::from_micros(u64::try_from(*wait).unwrap_or(0));
                Err(too_many(limit, wait))
            }
            _ => Err(Error::internal("Redis counts in words of its own")),
        }
    }
}

impl std::fmt::Debug for RedisRateLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisRateLimit").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use futures_util::future::join_all;

    use super::*;
    use crate::cache::LocalRateLimit;
    use crate::cache::testing::{with_redis, with_server};
    use crate::kernel::{Reason, Time, random};

    fn limit(count: u32, seconds: u64) -> Limit {
        Limit {
            class: "RATE_TEST",
            count: NonZeroU32::new(count).unwrap(),
            period: Duration::from_secs(seconds),
        }
    }

    fn clock() -> Clock {
        Clock::manual(Time::from_micros(1_800_000_000_000_000))
    }

    /// What a call came to, and how long to wait.
    async fn outcome(limits: &dyn RateLimit, limit: &Limit) -> (String, Duration) {
        match limits.take(limit, "ip 192.0.2.1").await {
            Ok(quota) => (format!("{quota:?}"), Duration::ZERO),
            Err(error) => {
                let told = format!("{:?} {:?}", error.reason(), error.metadata());
                (told, error.retry_delay().unwrap())
            }
        }
    }

    #[tokio::test]
    async fn redis_and_this_process_count_alike() {
        with_redis(async |redis: Redis| {
            for (count, seconds) in [(3, 60), (7, 60), (1, 1), (1200, 60), (1_000_000, 60)] {
                let (clock, limit) = (clock(), limit(count, seconds));
                let local = LocalRateLimit::new(clock.clone());
                let shared = RedisRateLimit::new(redis.clone(), clock.clone());
                let class: &'static str = random::code(8).leak();
                let limit = Limit { class, ..limit };
                for call in 0..40u64 {
                    let (expected, wait) = outcome(&local, &limit).await;
                    let (got, waits) = outcome(&shared, &limit).await;
                    assert_eq!(got, expected, "{count} in {seconds} s, call {call}");
                    // Redis counts in microseconds.
                    assert!(
                        waits.abs_diff(wait) < Duration::from_micros(2),
                        "call {call}"
                    );
                    clock.advance(Duration::from_millis(call * call * 37 % 4000));
                }
            }
        })
        .await;
    }

    #[tokio::test]
    async fn of_many_calls_in_many_processes_exactly_the_limit_passes() {
        with_redis(async |redis: Redis| {
            let counters: Vec<_> = (0..3)
                .map(|_| RedisRateLimit::new(redis.clone(), Clock::system()))
                .collect();
            let limit = limit(25, 3600);
            let calls = (0..100).map(|n| counters[n % 3].take(&limit, "everybody"));
            let outcomes = join_all(calls).await;
            let mut left: Vec<u32> = outcomes
                .iter()
                .filter_map(|outcome| outcome.as_ref().ok())
                .map(|quota| quota.remaining)
                .collect();
            left.sort_unstable();
            assert_eq!(left, (0..25).collect::<Vec<_>>());
            for refusal in outcomes.into_iter().filter_map(Result::err) {
                assert_eq!(refusal.reason(), Reason::RateLimitExceeded);
                assert!(refusal.retry_delay().unwrap() <= Duration::from_secs(144));
            }
        })
        .await;
    }

    #[tokio::test]
    async fn the_script_is_learnt_again_after_redis_forgot_it() {
        with_server(async |server, redis, _tasks| {
            let limits = RedisRateLimit::new(redis, Clock::system());
            let limit = limit(10, 3600);
            for expected in [9, 8] {
                let quota = limits.take(&limit, "a").await.unwrap();
                assert_eq!(quota.remaining, expected);
                server.command(&["SCRIPT", "FLUSH"]).await;
            }
            server.command(&["FLUSHALL"]).await;
            assert_eq!(limits.take(&limit, "a").await.unwrap().remaining, 9);
            // Nothing is kept for ever.
            let kept = server.command(&["KEYS", "*rate*"]).await;
            let lasts = server.command(&["PTTL", kept.trim()]).await;
            assert!(lasts.trim().parse::<i64>().unwrap() > 0, "{kept}: {lasts}");
        })
        .await;
    }
}
