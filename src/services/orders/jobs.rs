//! What happens to orders by itself: those that no store confirms are cancelled.

use std::time::Duration;

use super::{Orders, change, store};
use crate::jobs::Registry;
use crate::kernel::Result;

const CANCEL_UNCONFIRMED: &str = "orders.cancel-unconfirmed";
const PERIOD: Duration = Duration::from_secs(10 * 60);
/// Orders that one look takes in; the next look follows at once while there are more.
const BATCH: usize = 100;

/// Registers the jobs of the orders.
#[must_use]
pub fn register(registry: Registry, orders: &Orders) -> Registry {
    let orders = orders.clone();
    registry
        .register(CANCEL_UNCONFIRMED, move |_run| {
            let orders = orders.clone();
            async move { orders.cancel_unconfirmed().await }
        })
        .every(
            CANCEL_UNCONFIRMED,
            PERIOD,
            "maintenance",
            CANCEL_UNCONFIRMED,
        )
}

impl Orders {
    /// Cancels every order that no store confirmed in time, each in a transaction of its
    /// own. Safe to run twice: an order that moved meanwhile is left alone.
    async fn cancel_unconfirmed(&self) -> Result<()> {
        let db = &self.0.db;
        let placed_before = db.clock().now() - self.0.settings.confirm_within;
        loop {
            let late = store::unconfirmed(db.read(), placed_before, BATCH as u64).await?;
            let mut moved = false;
            for id in &late {
                let expire = |tx| async move { change::expire(&tx, *id, placed_before).await };
                moved |= db.transact(expire).await?;
            }
            // A look that moved nothing would find the same orders again.
            if late.len() < BATCH || !moved {
                return Ok(());
            }
        }
    }
}
