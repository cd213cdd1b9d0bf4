//! Likes: what thousands wish at once goes into the database together.
//!
//! Wishes queue up, and one task of the process takes what has gathered into one
//! transaction; while its commit takes its time, and a moment more, the next ones gather.
//! Nobody is answered before the commit, and who does not wait for the answer changes
//! nothing.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use metrics::{Counter, Histogram, counter, histogram};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Reels;
use super::access::not_found;
use super::live::Watched;
use super::store::stats::{self, Deltas};
use super::store::{self, likes};
use crate::db::{Db, Tx};
use crate::kernel::id::{ReelId, UserId};
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::{Call, Error, Reason, Result, Time};
use crate::services::users;

/// Wishes that one transaction fulfils.
const BATCH: usize = 500;
/// The shortest time from one transaction to the next. It costs as much for one wish as for
/// many, and orders wait for it: where likes come fast, none is in a hurry.
const PACE: Duration = Duration::from_millis(20);
/// Wishes that wait in one process at the most.
const WAITING: usize = 20_000;
/// When a caller may ask again for whom there was no room.
const AGAIN: Duration = Duration::from_secs(1);

/// Who likes what.
pub(super) type Pair = (ReelId, UserId);

/// Somebody who likes a reel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Like {
    pub(super) user: UserId,
    /// Since when.
    pub(super) at: Time,
}

/// A user's wish to like a reel, or no longer to like it.
struct Wish {
    pair: Pair,
    likes: bool,
    /// The call of an administrator, for the audit log.
    audited: Option<Call>,
    answer: oneshot::Sender<Result<i64>>,
}

/// The wishes of this process on their way to the database.
pub(super) struct Likes {
    db: Db,
    watched: Watched,
    queue: mpsc::Sender<Wish>,
    meter: LikeMeter,
}

struct LikeMeter {
    liked: Counter,
    unliked: Counter,
    batch: Histogram,
}

impl Likes {
    /// The queue, and what [`Likes::fulfil`] reads.
    pub(super) fn new(db: Db, watched: Watched) -> (Self, Waiting) {
        let (queue, waiting) = mpsc::channel(WAITING);
        let meter = LikeMeter {
            liked: counter!("souk_reel_likes_total"),
            unliked: counter!("souk_reel_unlikes_total"),
            batch: histogram!("souk_reel_likes_batch_size"),
        };
        let likes = Self {
            db,
            watched,
            queue,
            meter,
        };
        (likes, Waiting(waiting))
    }

    /// Makes a user like a reel, or no longer like it; gives the number of its likes after
    /// the commit.
    ///
    /// # Errors
    /// NOT_FOUND when the reel is no longer shown, UNAVAILABLE when too many wishes wait.
    pub(super) async fn wish(&self, call: &Call, pair: Pair, likes: bool) -> Result<i64> {
        let (answer, answered) = oneshot::channel();
        let wish = Wish {
            pair,
            likes,
            audited: call.audit.is_some().then(|| call.clone()),
            answer,
        };
        match self.queue.try_send(wish) {
            Ok(()) => {}
            // The process stops, and nobody gathers any more.
            Err(TrySendError::Closed(wish)) => self.fulfil_together(vec![wish]).await,
            Err(TrySendError::Full(_)) => {
                return Err(Error::new(
                    Reason::Unavailable,
                    "too many likes at once, try again in a moment",
                )
                .retry_after(AGAIN));
            }
        }
        answered.await.map_err(Error::internal)?
    }

    /// Fulfils what waits until the process stops, and then the rest.
    pub(super) async fn fulfil(self: Arc<Self>, waiting: Waiting, stopping: CancellationToken) {
        let Waiting(mut queue) = waiting;
        let mut gathered = Vec::with_capacity(BATCH);
        let mut next_at = Instant::now();
        loop {
            // With wishes left over from before, what has gathered is taken and no more
            // waited for.
            if gathered.is_empty() {
                tokio::select! {
                    biased;
                    () = stopping.cancelled(), if !queue.is_closed() => queue.close(),
                    taken = queue.recv_many(&mut gathered, BATCH) => {
                        if taken == 0 {
                            return;
                        }
                    }
                }
                stopping.run_until_cancelled(sleep_until(next_at)).await;
            }
            while gathered.len() < BATCH
                && let Ok(wish) = queue.try_recv()
            {
                gathered.push(wish);
            }
            next_at = Instant::now() + PACE;
            let rest = gathered.split_off(together(&gathered));
            if !gathered.is_empty() {
                self.fulfil_together(std::mem::replace(&mut gathered, rest))
                    .await;
            }
        }
    }

    /// Fulfils wishes that do not contradict each other, and answers all of them. Where they
    /// cannot be fulfilled together, each is tried alone: nobody pays for what the wish of
    /// another runs into, such as an account that somebody holds.
    async fn fulfil_together(&self, wishes: Vec<Wish>) {
        self.meter.batch.record(wishes.len() as f64);
        let batch = Batch::of(&wishes);
        match self.commit(&batch).await {
            Ok(done) => self.answer(wishes, &batch, &done).await,
            Err(error) if wishes.len() == 1 || is_away(&error) => refuse(wishes, error),
            Err(error) => {
                tracing::debug!(error = ?error, "likes are taken one by one");
                self.fulfil_alone(wishes).await;
            }
        }
    }

    /// Fulfils wishes one after the other, but those whose callers have left: each may wait
    /// as long as a lock may be waited for.
    async fn fulfil_alone(&self, wishes: Vec<Wish>) {
        let mut left = wishes.into_iter().filter(|wish| !wish.answer.is_closed());
        while let Some(wish) = left.next() {
            let wishes = vec![wish];
            let batch = Batch::of(&wishes);
            match self.commit(&batch).await {
                Ok(done) => self.answer(wishes, &batch, &done).await,
                Err(error) if is_away(&error) => {
                    return refuse(wishes.into_iter().chain(left).collect(), error);
                }
                Err(error) => refuse(wishes, error),
            }
        }
    }

    async fn commit(&self, batch: &Batch) -> Result<Done> {
        let done = self
            .db
            .transact(|tx| async move { batch.commit(&tx).await });
        let done = done.await?;
        self.meter.liked.increment(done.liked);
        self.meter.unliked.increment(done.unliked);
        self.watched.changed(&batch.reels);
        Ok(done)
    }

    /// Answers wishes that are fulfilled.
    async fn answer(&self, wishes: Vec<Wish>, batch: &Batch, done: &Done) {
        // Read after the commit: with it go those of other processes before it.
        let (conn, dialect) = (self.db.read(), self.db.dialect());
        let counts = match stats::of(conn, dialect, &batch.reels).await {
            Ok(counts) => counts,
            Err(error) => return refuse(wishes, error),
        };
        for wish in wishes {
            let (reel, _) = wish.pair;
            let count = counts.get(&reel).map(stats::Stats::likes);
            let answer = match wish.likes && done.gone.contains(&reel) {
                true => Err(not_found()),
                false => Ok(count.unwrap_or_default()),
            };
            // Who has left needs no answer.
            drop(wish.answer.send(answer));
        }
    }
}

/// Answers wishes that are not fulfilled, all for one reason.
fn refuse(wishes: Vec<Wish>, error: Error) {
    let error = Arc::new(error);
    for wish in wishes {
        drop(wish.answer.send(Err(Error::shared(error.clone()))));
    }
}

/// Whether the database does not answer, to whatever wish.
fn is_away(error: &Error) -> bool {
    error.reason() == Reason::Unavailable
}

/// The wishes that wait.
pub(super) struct Waiting(mpsc::Receiver<Wish>);

/// How many wishes, from the first, one transaction can fulfil: until somebody wishes the
/// opposite of what the same wished before.
fn together(wishes: &[Wish]) -> usize {
    let mut wished = HashMap::with_capacity(wishes.len());
    let contradicts = |wish: &Wish| *wished.entry(wish.pair).or_insert(wish.likes) != wish.likes;
    let end = wishes.iter().position(contradicts);
    end.unwrap_or(wishes.len())
}

/// What one transaction does.
struct Batch {
    reels: Vec<ReelId>,
    likes: Vec<Pair>,
    unlikes: Vec<Pair>,
    audited: Vec<Call>,
}

/// What it has come to.
struct Done {
    liked: u64,
    unliked: u64,
    /// Reels that are not shown any more.
    gone: HashSet<ReelId>,
}

impl Batch {
    fn of(wishes: &[Wish]) -> Self {
        let pairs = |likes| {
            let wished = wishes.iter().filter(|wish| wish.likes == likes);
            let mut pairs: Vec<Pair> = wished.map(|wish| wish.pair).collect();
            pairs.sort_unstable_by_key(|(reel, user)| (reel.uuid(), user.uuid()));
            pairs.dedup();
            pairs
        };
        let mut reels: Vec<ReelId> = wishes.iter().map(|wish| wish.pair.0).collect();
        reels.sort_unstable_by_key(|reel| reel.uuid());
        reels.dedup();
        let audited = wishes.iter().filter_map(|wish| wish.audited.clone());
        Self {
            reels,
            likes: pairs(true),
            unlikes: pairs(false),
            audited: audited.collect(),
        }
    }

    async fn commit(&self, tx: &Tx) -> Result<Done> {
        let removed = likes::remove(tx, &self.unlikes).await?;
        let added = likes::add(tx, &self.likes).await?;
        let mut deltas = Deltas::new();
        for (reel, _) in &removed {
            deltas.entry(*reel).or_default().unliked += 1;
        }
        for (reel, _) in &added {
            deltas.entry(*reel).or_default().liked += 1;
        }
        stats::count(tx, &deltas).await?;
        for call in &self.audited {
            tx.audit(call).await?;
        }
        Ok(Done {
            liked: added.len() as u64,
            unliked: removed.len() as u64,
            gone: self.gone(tx, &added).await?,
        })
    }

    /// Likes that were not added are there already, or their reel is gone.
    async fn gone(&self, tx: &Tx, added: &HashSet<Pair>) -> Result<HashSet<ReelId>> {
        let left_out = self.likes.iter().filter(|pair| !added.contains(*pair));
        let doubtful: HashSet<ReelId> = left_out.map(|(reel, _)| *reel).collect();
        if doubtful.is_empty() {
            return Ok(doubtful);
        }
        let reels: Vec<ReelId> = doubtful.iter().copied().collect();
        let shown = likes::shown_among(tx, &reels).await?;
        Ok(doubtful.difference(&shown).copied().collect())
    }
}

impl Reels {
    /// Whether the caller may take a like back: one that is there always, also that of a
    /// reel that is no longer shown.
    ///
    /// # Errors
    /// NOT_FOUND; REEL_NOT_READY while only its store sees it.
    pub(super) async fn unlikable(&self, call: &Call, pair: Pair) -> Result<()> {
        let Err(refused) = self.open(call, pair.0).await else {
            return Ok(());
        };
        let is_gone = matches!(refused.reason(), Reason::NotFound | Reason::ReelNotReady);
        match is_gone && likes::is_there(&self.0.db, pair).await? {
            true => Ok(()),
            false => Err(refused),
        }
    }

    /// A page of those who like a reel, newest first, with the accounts that are open.
    ///
    /// # Errors
    /// NOT_FOUND when the caller may not see the reel.
    pub(super) async fn likes(
        &self,
        call: &Call,
        reel: ReelId,
        page: &PageRequest,
    ) -> Result<(Page<Like>, Vec<users::User>)> {
        self.visible(call, reel).await?;
        let found = store::likes::list(&self.0.db, reel, page).await?;
        let ids: Vec<UserId> = found.items.iter().map(|like| like.user).collect();
        let people = users::find_all(self.0.db.read(), &ids).await?;
        Ok((found, people))
    }
}

/// Takes the likes back of accounts that are closed.
#[derive(Debug, Clone, Copy, Default)]
pub struct TakeLikesBack;

#[async_trait]
impl users::Farewell for TakeLikesBack {
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()> {
        let reels = likes::remove_all_of(tx, user).await?;
        let mut deltas = Deltas::new();
        for reel in reels {
            deltas.entry(reel).or_default().unliked += 1;
        }
        stats::count(tx, &deltas).await
    }
}
