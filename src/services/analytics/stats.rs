//! The numbers of stores, counted anew every few minutes at the most.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Analytics, store};
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::{Call, Result};
use crate::services::reels::Received;

/// The span of what is told as monthly.
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Whose numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Those of all stores whose member the user is.
    Member(UserId),
    /// Those of one store.
    Store(StoreId),
}

/// The numbers, and of which stores they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The stores, in ascending order.
    pub stores: Vec<uuid::Uuid>,
    /// The numbers.
    pub stats: Stats,
}

/// What stores have and did. Amounts are in minor units of the marketplace's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Their products.
    pub products: Products,
    /// Their orders.
    pub orders: Orders,
    /// Their reels.
    pub reels: Reels,
    /// What the reels sold.
    pub sold: Sold,
}

/// Products that are not deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Products {
    /// All of them.
    pub total: i64,
    /// Those on sale.
    pub active: i64,
    /// Those on sale of which nothing is left.
    pub out_of_stock: i64,
}

/// Orders and what they brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// All of them.
    pub total: i64,
    /// Those that nobody confirmed yet.
    pub pending: i64,
    /// The paid ones.
    pub paid: i64,
    /// What the paid ones brought.
    pub revenue: i64,
    /// The same of those placed in the last 30 days.
    pub monthly: i64,
}

impl Orders {
    /// What a paid order brought on average, rounded down; 0 without one.
    pub fn average(&self) -> i64 {
        self.revenue.checked_div(self.paid).unwrap_or_default()
    }
}

/// Reels that are not deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reels {
    /// All of them.
    pub total: i64,
    /// How often they were viewed.
    pub views: i64,
    /// How many like them.
    pub likes: i64,
}

impl From<Received> for Reels {
    fn from(received: Received) -> Self {
        let Received {
            reels,
            views,
            likes,
        } = received;
        Self {
            total: reels,
            views,
            likes,
        }
    }
}

/// What reels sold, deleted ones too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    /// Paid orders with a line that came from a reel.
    pub orders: i64,
    /// What those lines brought.
    pub revenue: i64,
}

impl Analytics {
    /// The numbers of a store, or of all stores whose member the caller is. One statement
    /// when they are cached.
    ///
    /// # Errors
    /// NOT_FOUND when the caller is no member of the store.
    pub(super) async fn stats(&self, call: &Call, named: Option<StoreId>) -> Result<Stats> {
        let (stores, conn) = (&self.0.stores, self.0.db.read());
        let mut stores = stores.own_or_named(conn, call, named).await?;
        stores.sort_unstable();
        let whose = match named {
            Some(store) => Whose::Store(store),
            None => Whose::Member(call.user()?),
        };
        let load = || self.count(&stores);
        let counted = self.0.counted.get_or_load(&whose, load).await?;
        // Who left a store does not see its numbers any more.
        if counted
            .stores
            .iter()
            .copied()
            .eq(stores.iter().map(|store| store.uuid()))
        {
            return Ok(counted.stats);
        }
        self.0.counted.invalidate(&whose);
        let counted = self.0.counted.get_or_load(&whose, load).await?;
        Ok(counted.stats)
    }

    async fn count(&self, stores: &[StoreId]) -> Result<Counted> {
        let (db, currency) = (&self.0.db, self.0.currency);
        let since = db.clock().now() - MONTH;
        let stats = match stores {
            [] => Stats::default(),
            _ => store::stats(db.read(), db.dialect(), stores, currency, since).await?,
        };
        Ok(Counted {
            stores: stores.iter().map(|store| store.uuid()).collect(),
            stats,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_over_paid_orders_and_rounded_down() {
        for (revenue, paid, expected) in [(0, 0, 0), (100, 3, 33), (99, 1, 99)] {
            let orders = Orders {
                total: 50,
                paid,
                revenue,
                ..Orders::default()
            };
            assert_eq!(orders.average(), expected);
        }
    }
}
