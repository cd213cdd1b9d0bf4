//! Keeping counts: taking over what changes have left, and proving the sums.

use std::collections::HashMap;
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Reels;
use super::store::proof::{self, Wrong};
use super::store::stats::{self, Deltas, Stats};
use crate::db::{Conn, Db, Dialect, Tx};
use crate::kernel::Result;
use crate::kernel::id::{ReelId, StoreId};

/// How often a process takes over what changes have left.
const PERIOD: Duration = Duration::from_secs(3);
/// Changes that one transaction takes over, so that none is long.
const BATCH: usize = 5_000;
/// Reels that one transaction proves.
const PROVEN: usize = 100;

/// Counts what keeping counts does.
pub(super) struct FoldMeter {
    seconds: Histogram,
    repaired: Counter,
}

impl Default for FoldMeter {
    fn default() -> Self {
        Self {
            seconds: histogram!("souk_reel_fold_seconds"),
            repaired: counter!("souk_reel_counts_repaired_total"),
        }
    }
}

impl Reels {
    /// Takes over what changes have left, again and again until the process stops. All
    /// processes do; at any time one of them.
    pub(super) async fn keep_counts(self, stopping: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
            let began = Instant::now();
            match fold(&self.0.db).await {
                Ok(0) => {}
                Ok(_) => self.0.fold_meter.seconds.record(began.elapsed()),
                Err(error) => {
                    tracing::warn!(error = ?error, "counts of reels are not taken over for now");
                }
            }
        }
    }

    /// Compares the counts of likes and comments with their rows and sets right what
    /// differs. Nothing should.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn prove_counts(&self) -> Result<()> {
        let mut after = None;
        loop {
            let (wrong, last) = self
                .0
                .db
                .transact(|tx| async move { repair(&tx, after).await })
                .await?;
            for wrong in &wrong {
                self.0.fold_meter.repaired.increment(1);
                tracing::warn!(
                    reel = %wrong.reel,
                    likes_missing = wrong.likes,
                    comments_missing = wrong.comments,
                    "counts of a reel were wrong and are right again"
                );
            }
            match last {
                Some(_) => after = last,
                None => return Ok(()),
            }
        }
    }
}

/// How the reels of a seller are received together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// The reels, those that are not shown too.
    pub reels: i64,
    /// How often they were viewed.
    pub views: i64,
    /// How many like them.
    pub likes: i64,
}

/// How the reels of some stores are received together. One statement.
///
/// # Errors
/// Those of the database.
pub async fn received(conn: &impl Conn, dialect: Dialect, stores: &[StoreId]) -> Result<Received> {
    let (reels, stats) = stats::of_stores(conn, dialect, stores).await?;
    Ok(Received {
        reels,
        views: stats.views(),
        likes: stats.likes(),
    })
}

/// How often each of these reels was viewed. One statement, and none for no reel.
///
/// # Errors
/// Those of the database.
pub async fn views_of(
    conn: &impl Conn,
    dialect: Dialect,
    reels: &[ReelId],
) -> Result<HashMap<ReelId, i64>> {
    let stats = stats::of(conn, dialect, reels).await?;
    let views = stats.iter().map(|(reel, stats)| (*reel, stats.views()));
    Ok(views.collect())
}

/// Takes over all that is left; says how many changes it was.
pub(super) async fn fold(db: &Db) -> Result<usize> {
    let mut total = 0;
    while stats::waits(db.read(), db.dialect()).await? {
        let taken = db
            .transact(|tx| async move { fold_some(&tx).await })
            .await?;
        total += taken;
        if taken < BATCH {
            break;
        }
    }
    Ok(total)
}

/// The changes of one moment and their sums are in one transaction, so whatever stops in
/// between, each is counted once.
async fn fold_some(tx: &Tx) -> Result<usize> {
    // One process at a time.
    if !tx.try_turn("reels.fold").await? {
        return Ok(0);
    }
    let (taken, deltas) = stats::take(tx, BATCH).await?;
    stats::add(tx, &deltas).await?;
    Ok(taken)
}

/// Rows and counts are compared in one snapshot, in which each change is there with its
/// row or not at all. What differs is set right by one more change.
async fn repair(tx: &Tx, after: Option<ReelId>) -> Result<(Vec<Wrong>, Option<ReelId>)> {
    tx.take_turns("reels.prove").await?;
    let (wrong, last) = proof::compare(tx, after, PROVEN).await?;
    let deltas: Deltas = wrong.iter().map(|it| (it.reel, it.missing())).collect();
    stats::count(tx, &deltas).await?;
    Ok((wrong, last))
}

impl Wrong {
    /// What must have happened for the counts to be right.
    fn missing(&self) -> Stats {
        Stats {
            liked: Ord::max(self.likes, 0),
            unliked: Ord::max(-self.likes, 0),
            commented: Ord::max(self.comments, 0),
            uncommented: Ord::max(-self.comments, 0),
            viewed: 0,
        }
    }
}
