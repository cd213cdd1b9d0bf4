//! What watchers of this process are told: how their reels are received now.
//!
//! One task reads all reels that are watched: those that this process changed soon, all of
//! them once a second, because other processes change them too.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::gauge;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::seen::not_found;
use super::store::newest;
use super::store::stats::{self, Stats};
use crate::db::Db;
use crate::events::{Latest, Watcher};
use crate::kernel::id::{ReelCommentId, ReelId, UserId};
use crate::kernel::{Result, Time};
use crate::services::users::{self, User};

/// The shortest pause between two looks.
const SOON: Duration = Duration::from_millis(100);
/// How often every watched reel is read.
const PERIOD: Duration = Duration::from_secs(1);
/// Reels that one statement reads.
const BATCH: usize = 500;
/// New comments that one message tells at the most.
const SHOWN: usize = 5;
/// A comment that was written so long before the last look is not new: it moved up when a
/// newer one was deleted.
const LATE: Duration = Duration::from_secs(10);

/// A comment that everyone sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    pub(super) id: ReelCommentId,
    pub(super) reel: ReelId,
    pub(super) user: UserId,
    pub(super) content: String,
    pub(super) edited: bool,
    pub(super) created_at: Time,
    pub(super) updated_at: Time,
}

/// A comment that came while the reel was watched.
#[derive(Debug, Clone)]
pub(super) struct NewComment {
    pub(super) comment: Comment,
    /// The account that wrote it; none when it is closed.
    pub(super) author: Option<User>,
    /// How many comments had ever been written when it was first seen: it is new to whoever
    /// was told of fewer.
    pub(super) number: i64,
}

/// How a reel is received now.
#[derive(Debug, Clone)]
pub(super) struct Now {
    pub(super) stats: Stats,
    /// The last comments that came while it was watched, oldest first.
    pub(super) comments: Vec<NewComment>,
    /// When this was so.
    pub(super) at: Time,
}

impl Now {
    fn first(stats: Stats, at: Time) -> Self {
        Self {
            stats,
            comments: Vec::new(),
            at,
        }
    }

    /// What it has become, now that these are the newest comments.
    fn next(&self, stats: Stats, newest: Vec<(Comment, Option<User>)>, at: Time) -> Self {
        let mut comments = self.comments.clone();
        for (comment, author) in newest {
            let is_known = comments.iter().any(|it| it.comment.id == comment.id);
            if is_known || comment.created_at < self.at - LATE {
                continue;
            }
            comments.push(NewComment {
                comment,
                author,
                number: stats.commented,
            });
        }
        comments.drain(..comments.len().saturating_sub(SHOWN));
        Self {
            stats,
            comments,
            at,
        }
    }
}

/// The reels that somebody watches in this process. Clones share them.
#[derive(Clone)]
pub(super) struct Watched(Arc<Shared>);

struct Shared {
    db: Db,
    latest: Latest<ReelId, Now>,
    /// Those that this process has changed since the last look.
    changed: Mutex<HashSet<ReelId>>,
    woken: Notify,
}

impl Watched {
    pub(super) fn new(db: Db) -> Self {
        Self(Arc::new(Shared {
            db,
            latest: Latest::new("reel"),
            changed: Mutex::default(),
            woken: Notify::new(),
        }))
    }

    /// A place among the watchers of a reel.
    ///
    /// # Errors
    /// NOT_FOUND when it is not shown.
    pub(super) async fn join(&self, reel: ReelId) -> Result<Watcher<ReelId, Now>> {
        let load = async {
            let db = &self.0.db;
            let found = stats::of_shown(db.read(), db.dialect(), &[reel]).await?;
            let stats = found.get(&reel).copied().ok_or_else(not_found)?;
            Ok(Now::first(stats, db.clock().now()))
        };
        self.0.latest.join(reel, load).await
    }

    /// This process has changed reels: those that are watched are looked at soon.
    pub(super) fn changed(&self, reels: &[ReelId]) {
        let watched = reels.iter().filter(|reel| self.0.latest.is_watched(**reel));
        let before = {
            let changed = &self.0.changed;
            let mut changed = changed.lock().unwrap_or_else(PoisonError::into_inner);
            changed.extend(watched);
            changed.len()
        };
        if before > 0 {
            self.0.woken.notify_one();
        }
    }

    /// Looks at what is watched until the process stops.
    pub(super) async fn follow(self, stopping: CancellationToken) {
        let watched = gauge!("souk_reels_watched");
        let mut all_at = Instant::now();
        while stopping
            .run_until_cancelled(self.rest(all_at))
            .await
            .is_some()
        {
            let changed = self.take_changed();
            let reels = if Instant::now() < all_at {
                changed
            } else {
                all_at = Instant::now() + PERIOD;
                self.0.latest.keys()
            };
            watched.set(self.0.latest.keys().len() as f64);
            for reels in reels.chunks(BATCH) {
                if let Err(error) = self.look(reels).await {
                    tracing::warn!(error = ?error, "watched reels cannot be read for now");
                }
            }
        }
    }

    /// Until there is something to look at.
    async fn rest(&self, all_at: Instant) {
        self.0.latest.any().await;
        tokio::time::sleep(SOON).await;
        tokio::select! {
            () = tokio::time::sleep_until(all_at) => {}
            () = self.0.woken.notified() => {}
        }
    }

    fn take_changed(&self) -> Vec<ReelId> {
        let changed = &self.0.changed;
        let mut changed = changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.drain().collect()
    }

    /// Reads reels and tells what has changed.
    async fn look(&self, reels: &[ReelId]) -> Result<()> {
        let db = &self.0.db;
        let at = db.clock().now();
        let found = stats::of_shown(db.read(), db.dialect(), reels).await?;
        let mut changed = Vec::new();
        for reel in reels.iter().copied() {
            match (found.get(&reel), self.0.latest.get(reel)) {
                (None, _) => self.0.latest.end(reel),
                (Some(stats), Some(before)) if before.stats != *stats => {
                    changed.push((reel, *stats, before));
                }
                (Some(_), _) => {}
            }
        }
        let grown = changed
            .iter()
            .filter(|(_, stats, before)| stats.commented > before.stats.commented);
        let grown: Vec<ReelId> = grown.map(|(reel, ..)| *reel).collect();
        let mut newest = self.newest_comments(&grown).await?;
        for (reel, stats, before) in changed {
            let newest = newest.remove(&reel).unwrap_or_default();
            self.0.latest.set(reel, before.next(stats, newest, at));
        }
        Ok(())
    }

    /// The newest comments of reels, oldest first, with their authors.
    async fn newest_comments(
        &self,
        reels: &[ReelId],
    ) -> Result<HashMap<ReelId, Vec<(Comment, Option<User>)>>> {
        let mut by_reel: HashMap<_, Vec<_>> = HashMap::new();
        if reels.is_empty() {
            return Ok(by_reel);
        }
        let (conn, dialect) = (self.0.db.read(), self.0.db.dialect());
        let newest = newest::newest(conn, dialect, reels, SHOWN).await?;
        let authors: HashSet<UserId> = newest.iter().map(|comment| comment.user).collect();
        let authors: Vec<UserId> = authors.into_iter().collect();
        let authors = users::find_all(conn, &authors).await?;
        for comment in newest {
            let author = authors.iter().find(|it| it.user_id() == comment.user);
            let told = by_reel.entry(comment.reel).or_default();
            told.push((comment, author.cloned()));
        }
        Ok(by_reel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(number: u128, at: i64) -> (Comment, Option<User>) {
        let id = uuid::Uuid::from_u128(number);
        let comment = Comment {
            id: id.into(),
            reel: uuid::Uuid::nil().into(),
            user: uuid::Uuid::nil().into(),
            content: number.to_string(),
            edited: false,
            created_at: Time::from_micros(at),
            updated_at: Time::from_micros(at),
        };
        (comment, None)
    }

    fn commented(commented: i64) -> Stats {
        Stats {
            commented,
            ..Stats::default()
        }
    }

    fn told(now: &Now) -> Vec<(String, i64)> {
        let told = now.comments.iter();
        told.map(|it| (it.comment.content.clone(), it.number))
            .collect()
    }

    #[test]
    fn comments_are_new_once_and_the_last_ones_are_kept() {
        let start = Time::from_micros(60_000_000);
        let first = Now::first(commented(3), start);
        let second = first.next(
            commented(5),
            vec![
                comment(1, 0),
                comment(4, 61_000_000),
                comment(5, 62_000_000),
            ],
            start,
        );
        let told_second = [("4".to_owned(), 5), ("5".to_owned(), 5)];
        assert_eq!(told(&second), told_second, "one was there before");
        let newest = (5..10).map(|number| comment(number, 70_000_000)).collect();
        let third = second.next(commented(9), newest, start);
        let numbers: Vec<i64> = third.comments.iter().map(|it| it.number).collect();
        assert_eq!(numbers, [5, 9, 9, 9, 9]);
    }
}
