//! What binds traders and their stores to the marketplace, and what is forgotten of those
//! who leave it.

use async_trait::async_trait;

use super::store;
use crate::db::Tx;
use crate::kernel::Result;
use crate::kernel::id::{StoreId, UserId};
use crate::services::users::{Farewell, OpenOffers};

/// Says whether offers are under way. It stands apart from [`super::B2b`], which needs the
/// stores, which need this.
#[derive(Debug, Clone, Copy, Default)]
pub struct OffersUnderWay;

#[async_trait]
impl OpenOffers for OffersUnderWay {
    async fn user_has_open_offers(&self, tx: &Tx, user: UserId) -> Result<bool> {
        store::leave::open_of_user(tx, user).await
    }

    async fn store_has_open_offers(&self, tx: &Tx, store: StoreId) -> Result<bool> {
        store::leave::open_of_store(tx, store).await
    }
}

/// Takes the words and addresses of closed accounts off their negotiations. What was
/// offered, bid and agreed stays for the other side's books, the texts of offers among it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForgetTraders;

#[async_trait]
impl Farewell for ForgetTraders {
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()> {
        store::leave::forget(tx, user).await
    }
}
