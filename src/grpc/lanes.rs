//! How many calls run at once. More wait, as many again at the most and a moment at the
//! longest; the rest is turned away, because a call that waits until its caller is gone
//! costs and helps nobody.
//!
//! How many is right depends on the machine, the database and the work, so each lane learns
//! it between two bounds: narrower by a quarter when its calls get slow, wider by one with
//! every quick call while it is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metrics::{Histogram, histogram};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::kernel::id::UserId;
use crate::kernel::seats::{Seat, Seats};
use crate::kernel::{Error, Result};
use crate::pb::policy::{Idempotency, MethodPolicy, Rate};

/// How long a call may wait for its place. One that got none so soon will hardly get one
/// in time, and its caller knows better what to do with a quick refusal.
const PATIENCE: Duration = Duration::from_millis(10);
/// Calls that take longer, in a lane that is well used, wait for each other: fewer at once
/// then do as much, and none waits for a database connection until it is given up.
const SLOW: Duration = Duration::from_millis(500);
/// Places that a lane keeps however slow its calls are, if it ever had as many.
const LEAST: usize = 64;
/// Requests as large as files that are in memory at once, in all and of one user.
const LARGE: usize = 8;
const LARGE_OF_USER: usize = 2;

/// The lanes of calls. Changes have their own, because they queue for the database and
/// would otherwise take every place from reads that are answered at once; and so have likes
/// and bids, which are taken together and hardly cost more while they wait, so that a rush
/// of them leaves orders their places, with likes the views, which touch memory alone; and
/// sign-in, so that a rush of other calls cannot keep people out. Health is not counted,
/// since it must answer under load; a stream is while it opens, which reads, and not while
/// it waits, which costs nothing.
#[derive(Debug)]
pub(super) struct Lanes {
    reads: Arc<Lane>,
    changes: Arc<Lane>,
    likes: Arc<Lane>,
    bids: Arc<Lane>,
    sign_in: Arc<Lane>,
    large: Arc<Lane>,
    large_of_user: Seats<UserId>,
}

impl Lanes {
    pub(super) fn new(calls: usize) -> Self {
        Self {
            reads: Lane::new("reads", calls),
            changes: Lane::new("changes", calls / 4),
            likes: Lane::new("likes", calls),
            bids: Lane::new("bids", calls),
            sign_in: Lane::new("sign_in", calls / 4),
            large: Lane::new("large", LARGE),
            large_of_user: Seats::new(usize::MAX, LARGE_OF_USER),
        }
    }

    /// A place for the call, held until it is dropped; nothing for calls not counted.
    pub(super) async fn enter(&self, policy: &MethodPolicy) -> Result<Option<Place>> {
        match policy.rate {
            Rate::Unlimited => Ok(None),
            Rate::Otp | Rate::Login => self.sign_in.enter().await.map(Some),
            // A view is only noted, and written with others later: where a reel is watched
            // by thousands, it must not stand among changes.
            Rate::Like | Rate::View => self.likes.enter().await.map(Some),
            Rate::Bid => self.bids.enter().await.map(Some),
            _ if policy.idempotency == Idempotency::Safe => self.reads.enter().await.map(Some),
            _ => self.changes.enter().await.map(Some),
        }
    }

    /// A place for a call whose request is as large as a file: it takes long to come, so it
    /// must not stand among calls that are quick. Nobody has all of these places.
    pub(super) async fn enter_large(&self, user: Option<UserId>) -> Result<Place> {
        let share = self.large_of_user.take(user);
        let share = share.map_err(|_full| Error::busy())?;
        let mut place = self.large.enter().await?;
        place.share = Some(share);
        Ok(place)
    }

    /// How many calls run.
    pub(super) fn running(&self) -> usize {
        let lanes = [
            &self.reads,
            &self.changes,
            &self.likes,
            &self.bids,
            &self.sign_in,
            &self.large,
        ];
        lanes.iter().map(|lane| lane.running()).sum()
    }
}

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    /// How many places there are now, between the two bounds.
    limit: AtomicUsize,
    most: usize,
    least: usize,
    /// Places that are gone as soon as their calls end.
    owed: AtomicUsize,
    /// When places were taken away last, in milliseconds since `began`.
    narrowed: AtomicU64,
    began: Instant,
    waiting: AtomicUsize,
    /// How long those waited who were turned away.
    shed: Histogram,
}

/// The place of a call, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    lane: Arc<Lane>,
    since: Instant,
    /// One of the places that its caller may have in this lane.
    share: Option<Seat<UserId>>,
}

impl Lane {
    fn new(name: &'static str, places: usize) -> Arc<Self> {
        let most = Ord::max(places, 1);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(most)),
            limit: AtomicUsize::new(most),
            most,
            least: Ord::min(most, LEAST),
            owed: AtomicUsize::new(0),
            narrowed: AtomicU64::new(0),
            began: Instant::now(),
            waiting: AtomicUsize::new(0),
            shed: histogram!("souk_shed_seconds", "lane" => name),
        })
    }

    async fn enter(self: &Arc<Self>) -> Result<Place> {
        if let Ok(permit) = self.places.clone().try_acquire_owned() {
            return Ok(self.place(permit));
        }
        let since = Instant::now();
        let bench = self.limit.load(Ordering::Relaxed);
        let _wait = Wait::take(&self.waiting, bench).ok_or_else(|| self.busy(since))?;
        let permit = self.places.clone().acquire_owned();
        match tokio::time::timeout(PATIENCE, permit).await {
            Ok(permit) => Ok(self.place(permit.map_err(Error::internal)?)),
            Err(_elapsed) => Err(self.busy(since)),
        }
    }

    /// Turns a call away that came at `since`.
    fn busy(&self, since: Instant) -> Error {
        self.shed.record(since.elapsed());
        Error::busy()
    }

    fn place(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Place {
        Place {
            permit: Some(permit),
            lane: self.clone(),
            since: Instant::now(),
            share: None,
        }
    }

    fn running(&self) -> usize {
        let places = self.limit.load(Ordering::Relaxed) + self.owed.load(Ordering::Relaxed);
        places.saturating_sub(self.places.available_permits())
    }

    /// Learns from a call that has ended. In a lane that is well used, slow calls mean
    /// that they stand in each other's way, and quick ones that more would do.
    fn learn(&self, took: Duration) {
        let limit = self.limit.load(Ordering::Relaxed);
        if took > SLOW && limit > self.least && self.running() * 2 >= limit {
            self.narrow(limit);
        } else if took * 2 < SLOW && limit < self.most && self.places.available_permits() == 0 {
            self.limit.fetch_add(1, Ordering::Relaxed);
            if !self.forgive() {
                self.places.add_permits(1);
            }
        }
    }

    /// Takes a quarter of the places away, once for all calls that were slow together.
    fn narrow(&self, limit: usize) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = self.narrowed.load(Ordering::Relaxed);
        let is_first = now >= last + SLOW.as_millis() as u64
            && self
                .narrowed
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !is_first {
            return;
        }
        let fewer = Ord::min(limit / 4, limit - self.least);
        self.limit.fetch_sub(fewer, Ordering::Relaxed);
        let gone = self.places.forget_permits(fewer);
        self.owed.fetch_add(fewer - gone, Ordering::Relaxed);
        tracing::debug!(places = limit - fewer, "calls are slow, fewer run at once");
    }

    /// Whether a place was owed; then it is one less.
    fn forgive(&self) -> bool {
        let less = |owed: usize| owed.checked_sub(1);
        self.owed
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lane.learn(self.since.elapsed());
        if let Some(permit) = self.permit.take()
            && self.lane.forgive()
        {
            permit.forget();
        }
    }
}

/// A seat on the bench; given back also when the waiting call is dropped.
struct Wait<'a>(&'a AtomicUsize);

impl<'a> Wait<'a> {
    fn take(waiting: &'a AtomicUsize, bench: usize) -> Option<Self> {
        let wait = Self(waiting);
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        (before < bench).then_some(wait)
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Reason;
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

    #[tokio::test]
    async fn who_waits_is_turned_away_soon() {
        let lane = Lane::new("test", 1);
        let _first = lane.enter().await.unwrap();
        let began = std::time::Instant::now();
        let refused = lane.enter().await.unwrap_err();
        assert_eq!(refused.reason(), Reason::RateLimitExceeded);
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(lane.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(lane.running(), 1);
    }

    /// Places of calls that are neither slow nor quick when they end.
    fn take(lane: &Arc<Lane>, count: usize) -> Vec<Place> {
        let enter = || {
            let mut place = lane.enter().now_or_never().unwrap().unwrap();
            place.since -= SLOW * 3 / 4;
            place
        };
        (0..count).map(|_| enter()).collect()
    }

    #[tokio::test]
    async fn nobody_has_all_places_of_large_requests() {
        let lanes = Lanes::new(400);
        let user = |number: u128| Some(uuid::Uuid::from_u128(number).into());
        let first = lanes.enter_large(user(1)).await.unwrap();
        let _second = lanes.enter_large(user(1)).await.unwrap();
        let refused = lanes.enter_large(user(1)).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::RateLimitExceeded);
        let mut others = Vec::new();
        for number in 2..8 {
            others.push(lanes.enter_large(user(number)).await.unwrap());
        }
        assert!(lanes.enter_large(user(8)).await.is_err());
        drop(first);
        lanes.enter_large(user(1)).await.unwrap();
    }

    #[tokio::test]
    async fn views_and_likes_do_not_stand_among_changes() {
        let lanes = Lanes::new(4);
        let method = |name: &str| {
            let mut all = crate::pb::policy::ALL.iter();
            all.find(|policy| policy.path.ends_with(name)).unwrap()
        };
        let _change = lanes.enter(method("/AddComment")).await.unwrap();
        assert!(lanes.enter(method("/AddComment")).await.is_err());
        for name in ["/RecordView", "/LikeReel", "/UnlikeReel"] {
            assert!(lanes.enter(method(name)).await.is_ok(), "{name}");
        }
    }

    #[tokio::test]
    async fn slow_calls_make_a_lane_narrower_and_quick_ones_wider() {
        let mut lane = Lane::new("test", 400);
        Arc::get_mut(&mut lane).unwrap().began -= SLOW * 2;
        let limit = || lane.limit.load(Ordering::Relaxed);
        lane.learn(SLOW * 2);
        assert_eq!(limit(), 400, "one slow call alone is nobody's fault");

        let mut places = take(&lane, 400);
        lane.learn(SLOW * 2);
        lane.learn(SLOW * 2);
        assert_eq!(limit(), 300, "calls that were slow together count once");
        assert_eq!(lane.running(), 400);
        places.truncate(300);
        assert!(lane.enter().now_or_never().is_none());
        for _ in 0..9 {
            lane.narrowed.store(0, Ordering::Relaxed);
            lane.learn(SLOW * 2);
        }
        assert_eq!(limit(), LEAST);
        places.truncate(LEAST);
        assert_eq!(lane.running(), LEAST);
        assert!(lane.enter().now_or_never().is_none());

        for _ in LEAST..400 {
            lane.learn(SLOW / 10);
            places.extend(take(&lane, 1));
        }
        lane.learn(SLOW / 10);
        assert_eq!(limit(), 400, "no wider than it was made");
        drop(places);
        assert_eq!(lane.running(), 0);
    }
}
