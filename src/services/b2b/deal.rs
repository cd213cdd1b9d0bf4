//! Deals: a response that is accepted, or wins, becomes an order.

use std::sync::Arc;

use super::announce::Type;
use super::offer::{Offer, OfferResponse, store_closed};
use super::state::{OfferStatus, Outcome, Refusal, ResponseStatus};
use super::{B2b, announce, finish, store};
use crate::db::Tx;
use crate::kernel::id::AddressId;
use crate::kernel::{Reason, Result};
use crate::services::orders;
use crate::services::stores::Store;

/// How a deal came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// One side accepted the other's terms.
    Agreed,
    /// The buyer's bid was the highest.
    Won,
}

impl B2b {
    /// Makes a deal of an open response to an offer that the caller holds: the order, with
    /// its goods, and what follows for the offer and the other responses.
    ///
    /// # Errors
    /// OUT_OF_STOCK and STORE_NOT_ACTIVE, of which nothing is left behind.
    pub(super) async fn strike(
        &self,
        tx: &Tx,
        offer: &mut Offer,
        response: &mut OfferResponse,
        how: How,
    ) -> Result<()> {
        let store = self.selling_store(tx, offer, how).await?;
        let deal = orders::Deal {
            offer: offer.offer_id(),
            store: &store,
            buyer: response.buyer(),
            address: response.address_id.map(AddressId::from),
            product: offer.product(),
            name: &offer.title,
            image: offer.images.0.first().map_or("", String::as_str),
            unit_price: response.amount,
            quantity: response.quantity,
            currency: &offer.currency,
            payment_method: &response.payment_method,
        };
        let order = orders::place_deal(tx, &deal).await?;
        let now = self.now(offer);
        response.order_id = Some(order.uuid());
        response.settle(ResponseStatus::Accepted, None);
        response.touch(now);
        store::save_response(tx, response).await?;
        let (told, outcome, lost, losers) = match how {
            How::Agreed => (
                Type::NegotiationAccepted,
                Outcome::Agreed,
                Refusal::SoldOut,
                Type::NegotiationRejected,
            ),
            How::Won => (
                Type::AuctionWon,
                Outcome::Won,
                Refusal::Lost,
                Type::AuctionLost,
            ),
        };
        offer.available_quantity -= response.quantity;
        let is_over = how == How::Won || offer.available_quantity < offer.min_quantity;
        if is_over {
            offer.end(OfferStatus::Sold, outcome, now);
        }
        offer.touch(now);
        store::save(tx, offer).await?;
        announce::response(tx, offer, response, told);
        if is_over {
            finish::reject_open(tx, offer, lost, losers).await?;
        }
        let what = match (is_over, how) {
            (true, How::Won) => Type::AuctionWon,
            (true, How::Agreed) => Type::OfferSold,
            (false, _) => Type::OfferPartlySold,
        };
        announce::offer(tx, offer, what, None);
        Ok(())
    }

    /// The store of an offer, where it may sell. A pause keeps it from new agreements, and
    /// not from what its auctions have promised: nobody pauses out of a low price.
    ///
    /// # Errors
    /// STORE_NOT_ACTIVE, also when it was deleted.
    async fn selling_store(&self, tx: &Tx, offer: &Offer, how: How) -> Result<Arc<Store>> {
        offer.require_store()?;
        let store = self.0.stores.get(tx.conn(), offer.store()).await;
        let store = store.map_err(|refused| match refused.reason() {
            Reason::NotFound => store_closed(),
            _ => refused,
        })?;
        if how == How::Agreed {
            store.require_active()?;
        }
        Ok(store)
    }
}
