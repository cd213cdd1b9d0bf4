//! How many calls run at once. More wait, as many again at the most and a moment at the
//! longest; the rest is turned away, because a call that waits until its caller is gone
//! costs and helps nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::kernel::{Error, Reason, Result};
use crate::pb::policy::{Idempotency, MethodPolicy, Rate};

/// How long a call may wait for its place. One that got none so soon will hardly get one
/// in time, and its caller knows better what to do with a quick refusal.
const PATIENCE: Duration = Duration::from_millis(30);

/// The lanes of calls. Changes have their own, because they queue for the database and
/// would otherwise take every place from reads that are answered at once; and so has
/// sign-in, so that a rush of other calls cannot keep people out. Health is not counted, since it must answer under load; a
/// stream is while it opens, which reads, and not while it waits, which costs nothing.
#[derive(Debug)]
pub(super) struct Lanes {
    reads: Lane,
    changes: Lane,
    sign_in: Lane,
}

impl Lanes {
    pub(super) fn new(calls: usize) -> Self {
        Self {
            reads: Lane::new(calls),
            changes: Lane::new(Ord::max(calls / 4, 1)),
            sign_in: Lane::new(Ord::max(calls / 4, 1)),
        }
    }

    /// A place for the call, held until it is dropped; nothing for calls not counted.
    pub(super) async fn enter(
        &self,
        policy: &MethodPolicy,
    ) -> Result<Option<OwnedSemaphorePermit>> {
        match policy.rate {
            Rate::Unlimited => Ok(None),
            Rate::Otp | Rate::Login => self.sign_in.enter().await.map(Some),
            _ if policy.idempotency == Idempotency::Safe => self.reads.enter().await.map(Some),
            _ => self.changes.enter().await.map(Some),
        }
    }

    /// How many calls run.
    pub(super) fn running(&self) -> usize {
        self.reads.running() + self.changes.running() + self.sign_in.running()
    }
}

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many may wait.
    bench: usize,
}

impl Lane {
    fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            waiting: AtomicUsize::new(0),
            bench: places,
        }
    }

    async fn enter(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = self.places.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _seat = Seat::take(&self.waiting, self.bench).ok_or_else(busy)?;
        let place = self.places.clone().acquire_owned();
        match tokio::time::timeout(PATIENCE, place).await {
            Ok(place) => place.map_err(Error::internal),
            Err(_elapsed) => Err(busy()),
        }
    }

    fn running(&self) -> usize {
        self.bench.saturating_sub(self.places.available_permits())
    }
}

/// A seat on the bench; given back also when the waiting call is dropped.
struct Seat<'a>(&'a AtomicUsize);

impl<'a> Seat<'a> {
    fn take(waiting: &'a AtomicUsize, bench: usize) -> Option<Self> {
        let seat = Self(waiting);
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        (before < bench).then_some(seat)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn busy() -> Error {
    Error::new(
        Reason::RateLimitExceeded,
        "the server is busy, try again in a moment",
    )
    .retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn as_many_wait_as_run_and_the_rest_is_turned_away() {
        let lane = Lane::new(1);
        let first = lane.enter().await.unwrap();
        let mut second = Box::pin(lane.enter());
        assert!(second.as_mut().now_or_never().is_none());
        let third = lane.enter().await.unwrap_err();
        assert_eq!(third.reason(), Reason::RateLimitExceeded);
        assert!(third.retry_delay().is_some());
        drop(first);
        drop(second.await.unwrap());
        // Those who were turned away left no trace.
        assert_eq!(lane.waiting.load(Ordering::Relaxed), 0);
        drop(lane.enter().await.unwrap());
    }

    #[tokio::test]
    async fn who_waits_is_turned_away_soon() {
        let lane = Lane::new(1);
        let _first = lane.enter().await.unwrap();
        let began = std::time::Instant::now();
        let refused = lane.enter().await.unwrap_err();
        assert_eq!(refused.reason(), Reason::RateLimitExceeded);
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(lane.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(lane.running(), 1);
    }
}
