//! What happens to offers by itself.

use std::time::Duration;

use serde::Deserialize;

use super::{B2b, store};
use crate::db::Tx;
use crate::jobs::{Registry, Run};
use crate::kernel::id::OfferId;
use crate::kernel::{Error, Result};

/// Does what is due for one offer.
pub(super) const TURN: &str = "b2b.turn-offer";
/// Finds offers whose own job was lost or is dead.
const SWEEP: &str = "b2b.turn-overdue";
const PERIOD: Duration = Duration::from_secs(5);
/// The queue of both.
pub(super) const QUEUE: &str = "b2b";
/// How long a job waits whose worker has died, which an auction that ends must not do for
/// long. Longer than a transaction waits for SQLite's one writer, so that it can be renewed.
const LEASE: Duration = Duration::from_secs(5);
/// Offers that one sweep takes in.
const BATCH: u64 = 100;

/// What a job of one offer carries.
#[derive(Debug, Deserialize)]
struct OfOffer {
    offer: String,
}

/// The payload of [`TURN`].
pub(super) fn payload(offer: OfferId) -> String {
    serde_json::json!({ "offer": offer.to_string() }).to_string()
}

/// Registers the jobs of the trade between businesses.
#[must_use]
pub fn register(registry: Registry, b2b: &B2b) -> Registry {
    let (turning, sweeping) = (b2b.clone(), b2b.clone());
    registry
        .register(TURN, move |run| {
            let b2b = turning.clone();
            async move { b2b.turn_one(&run).await }
        })
        .register(SWEEP, move |_run| {
            let b2b = sweeping.clone();
            async move { b2b.sweep().await }
        })
        .every(SWEEP, PERIOD, QUEUE, SWEEP)
        .leased(QUEUE, LEASE)
}

impl B2b {
    /// The turn and the end of its job are one change. An offer that was turned meanwhile
    /// is left alone.
    async fn turn_one(&self, run: &Run) -> Result<()> {
        let due: OfOffer = serde_json::from_str(&run.payload).map_err(Error::internal)?;
        let id: OfferId = due.offer.parse().map_err(Error::internal)?;
        self.0
            .db
            .transact(|tx| async move {
                self.turn(&tx, id).await?;
                run.complete(&tx).await
            })
            .await
    }

    /// An offer that cannot be turned does not hold up the others.
    async fn sweep(&self) -> Result<()> {
        let db = &self.0.db;
        let mut failed = None;
        for id in store::overdue(db, db.clock().now(), BATCH).await? {
            let turn = |tx: Tx| async move { self.turn(&tx, id).await };
            if let Err(error) = db.transact(turn).await {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }
}
