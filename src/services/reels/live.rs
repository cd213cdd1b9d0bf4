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

use super::Comment;
use super::access::not_found;
use super::comments::{self, Signed};
use super::store::comments as rows;
use super::store::stats::{self, Stats};
use crate::db::Db;
use crate::events::{Latest, Watcher};
use crate::kernel::id::ReelId;
use crate::kernel::{Result, Time};

/// The shortest pause between two looks.
const SOON: Duration = Duration::from_millis(100);
/// How often every watched reel is read.
const PERIOD: Duration = Duration::from_secs(1);
/// Reels that one statement reads.
const BATCH: usize = 500;
/// New comments that one message tells at the most.
const SHOWN: usize = 5;

/// One of the last comments to a watched reel.
#[derive(Debug, Clone)]
pub(super) struct LastComment {
    /// The comment; unsigned when it was there before anybody watched.
    pub(super) signed: Signed,
    /// How many comments had ever been counted when it was first seen: it is new to whoever
    /// was told of fewer.
    pub(super) number: i64,
}

/// How a reel is received now.
#[derive(Debug, Clone)]
pub(super) struct Now {
    pub(super) stats: Stats,
    /// Its last comments, oldest first.
    pub(super) comments: Vec<LastComment>,
    /// When this was so.
    pub(super) at: Time,
}

impl Now {
    /// What the first watcher finds; nobody is told of comments that are there already.
    fn first(stats: Stats, comments: Vec<Comment>, at: Time) -> Self {
        let known = |comment| LastComment {
            signed: Signed {
                comment,
                author: None,
            },
            number: stats.commented,
        };
        Self {
            stats,
            comments: comments.into_iter().map(known).collect(),
            at,
        }
    }

    /// What it has become, now that these are the newest comments. They were read after the
    /// counts and may be ahead of them: what is not counted yet is told the next time. What
    /// is not among them any more is told to nobody.
    fn next(&self, stats: Stats, newest: Vec<Signed>, at: Time) -> Self {
        let counted = usize::try_from(stats.commented - self.stats.commented).unwrap_or(0);
        let mut comments = self.comments.clone();
        if stats.uncommented > self.stats.uncommented {
            let is_there = |it: &LastComment| {
                newest
                    .iter()
                    .any(|new| new.comment.id == it.signed.comment.id)
            };
            comments.retain(is_there);
        }
        let mut new = newest;
        let is_known = |new: &Signed| {
            comments
                .iter()
                .any(|it| it.signed.comment.id == new.comment.id)
        };
        new.retain(|new| !is_known(new));
        new.drain(..new.len().saturating_sub(counted));
        comments.extend(new.into_iter().map(|signed| LastComment {
            signed,
            number: stats.commented,
        }));
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
            let (conn, dialect, at) = (db.read(), db.dialect(), db.clock().now());
            // Before the counts: a comment that comes in between is then counted already.
            let comments = rows::newest(conn, dialect, &[reel], SHOWN).await?;
            let found = stats::of_shown(conn, dialect, &[reel]).await?;
            let stats = found.get(&reel).copied().ok_or_else(not_found)?;
            Ok(Now::first(stats, comments, at))
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

    /// Tells watchers in their turns until the process stops.
    pub(super) async fn tell(self, stopping: CancellationToken) {
        self.0.latest.clone().tell(stopping).await;
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
        let talked = changed
            .iter()
            .filter(|(_, stats, before)| comments_of(stats) != comments_of(&before.stats));
        let talked: Vec<ReelId> = talked.map(|(reel, ..)| *reel).collect();
        let mut newest = self.newest_comments(&talked).await?;
        for (reel, stats, before) in changed {
            let newest = newest.remove(&reel).unwrap_or_default();
            self.0.latest.set(reel, before.next(stats, newest, at));
        }
        Ok(())
    }

    /// The newest comments of reels, oldest first, with their authors.
    async fn newest_comments(&self, reels: &[ReelId]) -> Result<HashMap<ReelId, Vec<Signed>>> {
        let mut by_reel: HashMap<ReelId, Vec<Signed>> = HashMap::new();
        if reels.is_empty() {
            return Ok(by_reel);
        }
        let (conn, dialect) = (self.0.db.read(), self.0.db.dialect());
        let newest = rows::newest(conn, dialect, reels, SHOWN).await?;
        for signed in comments::sign_all(conn, newest).await? {
            let reel = signed.comment.reel_id.into();
            by_reel.entry(reel).or_default().push(signed);
        }
        Ok(by_reel)
    }
}

/// What changes when comments come or go.
const fn comments_of(stats: &Stats) -> (i64, i64) {
    (stats.commented, stats.uncommented)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(number: u8) -> Comment {
        Comment {
            id: uuid::Uuid::from_u128(number.into()),
            reel_id: uuid::Uuid::nil(),
            user_id: uuid::Uuid::nil(),
            content: number.to_string(),
            edited: false,
            hidden: false,
            version: 1,
            created_at: 0,
            updated_at: 0,
            deleted_at: None,
        }
    }

    fn stats(commented: i64) -> Stats {
        Stats {
            commented,
            ..Stats::default()
        }
    }

    impl Now {
        fn after(&self, commented: i64, newest: impl IntoIterator<Item = u8>) -> Self {
            let newest = newest.into_iter().map(|number| Signed {
                comment: comment(number),
                author: None,
            });
            self.next(stats(commented), newest.collect(), self.at)
        }

        /// What is told to a watcher that was told of so many comments.
        fn new_to(&self, commented: i64) -> Vec<&str> {
            let new = self.comments.iter().filter(|it| it.number > commented);
            new.map(|it| it.signed.comment.content.as_str()).collect()
        }
    }

    fn watched(commented: i64, there: impl IntoIterator<Item = u8>) -> Now {
        let there = there.into_iter().map(comment).collect();
        Now::first(stats(commented), there, Time::from_micros(0))
    }

    #[test]
    fn comments_are_new_once_and_only_to_whoever_was_not_told() {
        let now = watched(2, [1, 2]).after(4, [1, 2, 3, 4]);
        assert_eq!(now.new_to(2), ["3", "4"]);
        let now = now.after(5, 1..=5);
        assert_eq!(now.new_to(4), ["5"]);
        assert_eq!(now.new_to(2), ["3", "4", "5"], "to one that slept");
        let now = now.after(12, 8..=12);
        assert_eq!(now.new_to(2), ["8", "9", "10", "11", "12"]);
        assert_eq!(now.new_to(12).len(), 0);
    }

    #[test]
    fn a_comment_that_is_gone_is_told_to_nobody() {
        let now = watched(1, [1]).after(3, [1, 2, 3]);
        let gone = Stats {
            uncommented: 1,
            ..stats(3)
        };
        let left = [1, 3].map(|number| Signed {
            comment: comment(number),
            author: None,
        });
        let now = now.next(gone, left.into(), now.at);
        assert_eq!(now.new_to(1), ["3"]);
    }

    #[test]
    fn a_comment_that_is_ahead_of_the_counts_waits_for_its_turn() {
        let now = watched(1, [1]).after(2, [1, 2, 3]);
        assert_eq!(now.new_to(1), ["3"]);
        let now = now.after(3, [1, 2, 3]);
        assert_eq!(now.new_to(2), ["2"]);
    }
}
