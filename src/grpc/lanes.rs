//! How many calls run at once. More wait, as many again at the most; the rest is turned
//! away at once, because a call that waits until its caller is gone costs and helps nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metrics::{Counter, counter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::kernel::{Error, Reason, Result};
use crate::pb::policy::{MethodPolicy, Rate};

/// The lanes of calls. Sign-in has its own, so that a rush of other calls cannot keep
/// people from signing in. Health and open streams are not counted: health must answer
/// under load, and a stream costs nothing while it waits.
#[derive(Debug)]
pub(super) struct Lanes {
    calls: Lane,
    sign_in: Lane,
}

impl Lanes {
    pub(super) fn new(calls: usize) -> Self {
        Self {
            calls: Lane::new("calls", calls),
            sign_in: Lane::new("sign_in", Ord::max(calls / 8, 1)),
        }
    }

    /// A place for the call, held until it is dropped; nothing for calls not counted.
    pub(super) async fn enter(
        &self,
        policy: &MethodPolicy,
    ) -> Result<Option<OwnedSemaphorePermit>> {
        if policy.server_streaming {
            return Ok(None);
        }
        match policy.rate {
            Rate::Unlimited => Ok(None),
            Rate::Otp | Rate::Login => self.sign_in.enter().await.map(Some),
            _ => self.calls.enter().await.map(Some),
        }
    }
}

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// How many may wait.
    bench: usize,
    /// Those who were turned away.
    shed: Counter,
}

impl Lane {
    fn new(name: &'static str, places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            waiting: AtomicUsize::new(0),
            bench: places,
            shed: counter!("souk_shed_calls_total", "lane" => name),
        }
    }

    async fn enter(&self) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = self.places.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _seat = Seat::take(&self.waiting, self.bench).ok_or_else(|| {
            self.shed.increment(1);
            busy()
        })?;
        self.places
            .clone()
            .acquire_owned()
            .await
            .map_err(Error::internal)
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
        let lane = Lane::new("test", 1);
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
}
