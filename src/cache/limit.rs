//! How often somebody may do something.

mod redis;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, RateLimiter};
use moka::policy::EvictionPolicy;

use crate::kernel::{Clock, Error, Reason, Result, Time};
pub use redis::RedisRateLimit;

/// Callers that are remembered at once; the one who was quiet for longest goes first.
const REMEMBERED: u64 = 100_000;

/// "`count` per `period`", with a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    /// What is limited; each name counts by itself.
    pub class: &'static str,
    /// How often; at least once.
    pub count: NonZeroU32,
    /// Within how long.
    pub period: Duration,
}

/// What is left of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How often in a period.
    pub limit: u32,
    /// How often from now, at once.
    pub remaining: u32,
    /// When the whole allowance is there again.
    pub reset: Duration,
}

/// Counts what callers do.
#[async_trait::async_trait]
pub trait RateLimit: Send + Sync {
    /// Takes one from the allowance of `key`.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED when nothing is left, with the time after which a retry makes
    /// sense, and the metadata `limit` and `class`.
    async fn take(&self, limit: &Limit, key: &str) -> Result<Quota>;
}

/// Counts in this process. The allowance refills evenly, so there is no edge between
/// two periods at which twice the limit passes.
#[derive(Debug)]
pub struct LocalRateLimit {
    clock: SteadyClock,
    callers: moka::sync::Cache<(Limit, Box<str>), Arc<Limiter>>,
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, SteadyClock, StateInformationMiddleware>;

impl LocalRateLimit {
    /// Everybody's allowances are full.
    pub fn new(clock: Clock) -> Self {
        let callers = moka::sync::Cache::builder()
            .max_capacity(REMEMBERED)
            // The default policy would rather forget newcomers, who then were unlimited.
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self {
            clock: SteadyClock::new(clock),
            callers,
        }
    }

    fn limiter(&self, limit: &Limit, key: &str) -> Arc<Limiter> {
        self.callers.get_with((*limit, key.into()), || {
            let limiter = RateLimiter::direct_with_clock(rule(limit), self.clock.clone());
            Arc::new(limiter.with_middleware())
        })
    }
}

#[async_trait::async_trait]
impl RateLimit for LocalRateLimit {
    async fn take(&self, limit: &Limit, key: &str) -> Result<Quota> {
        let limiter = self.limiter(limit, key);
        match limiter.check() {
            Ok(state) => {
                let remaining = Ord::min(state.remaining_burst_capacity(), limit.count.get());
                let used = limit.count.get() - remaining;
                Ok(Quota {
                    limit: limit.count.get(),
                    remaining,
                    reset: interval(limit) * used,
                })
            }
            Err(refusal) => {
                let wait = refusal.wait_time_from(self.clock.now());
                Err(too_many(limit, wait))
            }
        }
    }
}

/// Nothing is left of an allowance.
fn too_many(limit: &Limit, wait: Duration) -> Error {
    Error::new(Reason::RateLimitExceeded, "too many calls, try again later")
        .with("limit", limit.count)
        .with("class", limit.class)
        .retry_after(wait)
}

/// The time in which one call of the allowance comes back.
fn interval(limit: &Limit) -> Duration {
    Ord::max(limit.period / limit.count.get(), Duration::from_nanos(1))
}

fn rule(limit: &Limit) -> governor::Quota {
    // The interval is never zero; a rule of one per second would be the safe side.
    governor::Quota::with_period(interval(limit))
        .unwrap_or(governor::Quota::per_second(NonZeroU32::MIN))
        .allow_burst(limit.count)
}

/// souk's clock for the limiter: it never runs backwards, so that a correction of the
/// system's clock locks nobody out.
#[derive(Debug, Clone)]
struct SteadyClock {
    clock: Clock,
    steady: Arc<Mutex<Steady>>,
}

#[derive(Debug)]
struct Steady {
    seen: Time,
    passed: Duration,
}

impl SteadyClock {
    fn new(clock: Clock) -> Self {
        let seen = clock.now();
        let passed = Duration::ZERO;
        Self {
            clock,
            steady: Arc::new(Mutex::new(Steady { seen, passed })),
        }
    }
}

impl GovernorClock for SteadyClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let mut steady = self.steady.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let passed = now.since(steady.seen);
        steady.passed += passed;
        steady.seen = now;
        Nanos::from(steady.passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Code;

    const THREE_A_MINUTE: Limit = Limit {
        class: "test",
        count: NonZeroU32::new(3).unwrap(),
        period: Duration::from_secs(60),
    };

    #[tokio::test]
    async fn an_allowance_runs_out_and_refills_evenly() {
        let clock = Clock::manual(Time::from_micros(0));
        let limits = LocalRateLimit::new(clock.clone());
        for remaining in [2, 1, 0] {
            let quota = limits.take(&THREE_A_MINUTE, "a").await.unwrap();
            assert_eq!((quota.limit, quota.remaining), (3, remaining));
            assert_eq!(quota.reset.as_secs(), u64::from(3 - remaining) * 20);
        }
        let error = limits.take(&THREE_A_MINUTE, "a").await.unwrap_err();
        assert_eq!(error.reason(), Reason::RateLimitExceeded);
        assert_eq!(error.code(), Code::ResourceExhausted);
        assert_eq!(error.retry_delay(), Some(Duration::from_secs(20)));
        clock.advance(Duration::from_secs(20));
        assert_eq!(
            limits.take(&THREE_A_MINUTE, "a").await.unwrap().remaining,
            0
        );
        assert!(limits.take(&THREE_A_MINUTE, "a").await.is_err());
    }

    #[tokio::test]
    async fn callers_and_classes_count_by_themselves() {
        let limits = LocalRateLimit::new(Clock::manual(Time::from_micros(0)));
        let once = Limit {
            count: NonZeroU32::MIN,
            ..THREE_A_MINUTE
        };
        let other = Limit {
            class: "other",
            ..once
        };
        for (limit, key) in [(once, "a"), (once, "b"), (other, "a")] {
            assert!(limits.take(&limit, key).await.is_ok());
            assert!(limits.take(&limit, key).await.is_err());
        }
    }

    #[test]
    fn the_limiter_s_clock_never_runs_backwards() {
        let steady = SteadyClock::new(Clock::manual(Time::from_micros(0)));
        steady.clock.advance(Duration::from_secs(9));
        let before = steady.now();
        steady.steady.lock().unwrap().seen = Time::from_micros(1_000_000_000);
        assert_eq!(steady.now(), before);
    }
}
