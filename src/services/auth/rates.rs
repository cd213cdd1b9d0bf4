//! Calls counted in the database, for when the cache that usually counts is away: sign-in
//! must never be unlimited.

use async_trait::async_trait;

use super::store::{self, Window};
use crate::cache::{Limit, Quota, RateLimit};
use crate::db::{Db, Tx};
use crate::kernel::{Error, Reason, Result, Time};

/// Counts calls in fixed periods, for all processes together.
#[derive(Debug, Clone)]
pub struct RateWindows {
    db: Db,
}

impl RateWindows {
    /// Counts in this database.
    pub const fn new(db: Db) -> Self {
        Self { db }
    }
}

#[async_trait]
impl RateLimit for RateWindows {
    async fn take(&self, limit: &Limit, key: &str) -> Result<Quota> {
        let now = self.db.clock().now();
        let (window, max) = (&window(limit, key, now), limit.count.get());
        let count = |tx: Tx| async move { store::count_call(&tx, window, max).await };
        let reset = window.ends_at.since(now);
        match self.db.transact(count).await? {
            Some(taken) => Ok(Quota {
                limit: max,
                remaining: max.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX)),
                reset,
            }),
            None => Err(
                Error::new(Reason::RateLimitExceeded, "too many calls, try again later")
                    .with("limit", limit.count)
                    .with("class", limit.class)
                    .retry_after(reset),
            ),
        }
    }
}

/// The period that an instant lies in; all processes cut time alike.
fn window<'a>(limit: &Limit, key: &'a str, now: Time) -> Window<'a> {
    let length = i64::try_from(limit.period.as_micros()).unwrap_or(i64::MAX);
    let length = Ord::max(length, 1);
    let starts_at = Time::from_micros(now.micros().div_euclid(length) * length);
    Window {
        class: limit.class,
        key,
        starts_at,
        ends_at: starts_at + limit.period,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;
    use crate::db::testing::on_each;
    use crate::kernel::Clock;

    const TEN_A_MINUTE: Limit = Limit {
        class: "RATE_OTP",
        count: NonZeroU32::new(10).unwrap(),
        period: Duration::from_secs(60),
    };

    fn clock() -> Clock {
        Clock::manual(Time::from_micros(1_800_000_000_000_000))
    }

    #[tokio::test]
    async fn of_many_calls_at_once_exactly_the_limit_passes() {
        on_each(clock(), async |db: Db| {
            // Two processes on one database.
            let counters = [RateWindows::new(db.clone()), RateWindows::new(db.clone())];
            let calls = (0..40).map(|n| counters[n % 2].take(&TEN_A_MINUTE, "ip 192.0.2.1"));
            let outcomes = join_all(calls).await;
            let mut left: Vec<u32> = Vec::new();
            for outcome in outcomes {
                match outcome {
                    Ok(quota) => left.push(quota.remaining),
                    Err(refusal) => {
                        assert_eq!(refusal.reason(), Reason::RateLimitExceeded);
                        assert_eq!(refusal.retry_delay(), Some(Duration::from_secs(60)));
                        assert_eq!(refusal.metadata()["limit"], "10");
                    }
                }
            }
            left.sort_unstable();
            assert_eq!(left, (0..10).collect::<Vec<_>>());
            // Somebody else has an allowance of their own.
            let other = counters[0].take(&TEN_A_MINUTE, "ip 192.0.2.2").await;
            assert_eq!(other.unwrap().remaining, 9);
        })
        .await;
    }

    #[tokio::test]
    async fn a_new_period_brings_a_new_allowance() {
        let clock = clock();
        on_each(clock.clone(), async |db: Db| {
            let counter = RateWindows::new(db);
            for _ in 0..10 {
                counter.take(&TEN_A_MINUTE, "a").await.unwrap();
            }
            clock.advance(Duration::from_secs(59));
            let refused = counter.take(&TEN_A_MINUTE, "a").await.unwrap_err();
            assert_eq!(refused.retry_delay(), Some(Duration::from_secs(1)));
            clock.advance(Duration::from_secs(1));
            let quota = counter.take(&TEN_A_MINUTE, "a").await.unwrap();
            assert_eq!((quota.remaining, quota.reset.as_secs()), (9, 60));
        })
        .await;
    }

    #[tokio::test]
    async fn a_clock_that_is_behind_wins_nothing() {
        on_each(clock(), async |db: Db| {
            let now = db.clock().now();
            let taken = async |at: Time| {
                let window = &window(&TEN_A_MINUTE, "a", at);
                let count = |tx: Tx| async move { store::count_call(&tx, window, 10).await };
                db.transact(count).await.unwrap()
            };
            assert_eq!(taken(now).await, Some(1));
            assert_eq!(taken(now - Duration::from_secs(60)).await, Some(2));
            assert_eq!(taken(now).await, Some(3));
        })
        .await;
    }
}
