//! What a user has begun elsewhere and must end before the account changes or closes.

use std::sync::Arc;

use async_trait::async_trait;

use crate::db::Tx;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::{Error, Reason, Result};

/// Orders that forbid closing an account or a store.
#[async_trait]
pub trait OpenOrders: Send + Sync {
    /// Whether the user has open orders, as buyer or in an own store.
    async fn user_has_open_orders(&self, tx: &Tx, user: UserId) -> Result<bool>;
    /// Whether the store has open orders.
    async fn store_has_open_orders(&self, tx: &Tx, store: StoreId) -> Result<bool>;
}

/// Offers that forbid leaving the trade between businesses.
#[async_trait]
pub trait OpenOffers: Send + Sync {
    /// Whether the user has offers that are not over, or responses that bind.
    async fn user_has_open_offers(&self, tx: &Tx, user: UserId) -> Result<bool>;
    /// Whether the store has offers that are not over.
    async fn store_has_open_offers(&self, tx: &Tx, store: StoreId) -> Result<bool>;
}

/// Who knows what is open.
#[derive(Clone)]
pub struct Open {
    /// Kept by the orders.
    pub orders: Arc<dyn OpenOrders>,
    /// Kept by the trade between businesses.
    pub offers: Arc<dyn OpenOffers>,
}

impl Open {
    /// # Errors
    /// USER_HAS_OPEN_ORDERS, which says what has to wait for them.
    pub(super) async fn require_no_orders(&self, tx: &Tx, user: UserId, waits: &str) -> Result<()> {
        if !self.orders.user_has_open_orders(tx, user).await? {
            return Ok(());
        }
        let message = format!("there are open orders; {waits} when they are done");
        Err(Error::new(Reason::UserHasOpenOrders, message))
    }

    /// # Errors
    /// USER_HAS_OPEN_OFFERS, which says what has to wait for them.
    pub(super) async fn require_no_offers(&self, tx: &Tx, user: UserId, waits: &str) -> Result<()> {
        if !self.offers.user_has_open_offers(tx, user).await? {
            return Ok(());
        }
        let message = format!("there are open offers or responses; {waits} when they are over");
        Err(Error::new(Reason::UserHasOpenOffers, message))
    }
}
