//! What sellers do with their offers: make, change, end and delete them.

use super::access::{self, Trader};
use super::announce::Type;
use super::offer::Offer;
use super::state::{OfferStatus, Outcome, Refusal, target};
use super::terms::{self, Changes, NewOffer, Origin};
use super::{B2b, announce, finish, store};
use crate::db::Tx;
use crate::kernel::id::{OfferId, ProductId, StoreId, UserId};
use crate::kernel::{Call, Currency, Error, Reason, Result, Time};
use crate::services::stores::{Needed, Store};

impl B2b {
    /// Makes an offer.
    ///
    /// # Errors
    /// See the contract.
    pub(super) async fn create(
        &self,
        tx: &Tx,
        call: &Call,
        trader: &Trader,
        new: &NewOffer,
    ) -> Result<Offer> {
        let held = access::hold(tx, trader).await?;
        let (seller, tier) = held.ok_or_else(no_trade)?;
        let target = target(tier, new.target, trader.is_strict)?;
        let (product, currency) = self.product_of(tx, call, new).await?;
        let store = self.store_of(tx, call, new, product).await?;
        let origin = Origin {
            store: &store,
            tier,
            target,
            is_verified: seller.is_verified,
            product: product.map(|(id, _)| id),
            currency,
        };
        let offer = terms::new(tx.now(), &origin, new);
        let mut faults = match offer.is_auction() {
            true => Vec::new(),
            false => terms::auction_faults(new.bid_increment, new.reserve_price, new.anti_sniping),
        };
        faults.extend(terms::faults(&offer));
        faults.extend(terms::start_fault(new));
        let shortest = self.0.settings.auction_min;
        faults.extend(terms::date_faults(&offer, tx.now(), shortest));
        terms::refuse(faults)?;
        let media = &self.0.media;
        media
            .show(tx, trader.user, "images", &[], &new.images)
            .await?;
        store::insert(tx, &offer).await?;
        announce::offer(tx, &offer, Type::NewOffer, None);
        finish::schedule(tx, &offer);
        Ok(offer)
    }

    /// The product that an offer names, with its store, and the currency of the offer.
    async fn product_of(
        &self,
        tx: &Tx,
        call: &Call,
        new: &NewOffer,
    ) -> Result<(Option<(ProductId, StoreId)>, Currency)> {
        let Some(id) = new.product else {
            let currency = new.currency.unwrap_or(self.0.settings.currency);
            return Ok((None, currency));
        };
        let product = self.0.catalog.changeable(tx.conn(), call, id).await;
        let product = product.map_err(|refused| refused.at("productId"))?;
        let own: Currency = product.currency.parse().map_err(Error::internal)?;
        if new.currency.is_some_and(|named| named != own) {
            return Err(Error::field("currency", "is not the product's"));
        }
        Ok((Some((id, product.store())), own))
    }

    /// The store that sells, held until commit: the named one, the product's, or the only
    /// one of the seller.
    async fn store_of(
        &self,
        tx: &Tx,
        call: &Call,
        new: &NewOffer,
        product: Option<(ProductId, StoreId)>,
    ) -> Result<Store> {
        let id = match new.store.or(product.map(|(_, store)| store)) {
            Some(named) => named,
            None => self.only_store(tx, call.user()?).await?,
        };
        let store = self.0.stores.hold(tx, call, id, Needed::Owner).await?;
        store.require_active()?;
        match product {
            Some((_, of)) if of != id => {
                Err(Error::field("productId", "is not sold by this store"))
            }
            _ => Ok(store),
        }
    }

    async fn only_store(&self, tx: &Tx, seller: UserId) -> Result<StoreId> {
        let (stores, conn) = (&self.0.stores, tx.conn());
        let mut own = Vec::new();
        for id in stores.stores_of_user(conn, seller).await? {
            if stores.get(conn, id).await?.owner == seller {
                own.push(id);
            }
        }
        let message = match own.as_slice() {
            [only] => return Ok(*only),
            [] => "needs a store of your own: open one first",
            _ => "is required with several stores",
        };
        Err(Error::field("storeId", message))
    }

    /// Changes an offer of the trader's own.
    ///
    /// # Errors
    /// See the contract.
    pub(super) async fn update(
        &self,
        tx: &Tx,
        trader: &Trader,
        id: OfferId,
        changes: &Changes,
    ) -> Result<Offer> {
        let before = access::lock_own(tx, trader, id).await?;
        let now = self.now(&before);
        require_open(&before, now)?;
        if !before.is_auction() {
            let Changes {
                bid_increment,
                reserve_price,
                anti_sniping,
                ..
            } = *changes;
            let foreign = terms::auction_faults(bid_increment, reserve_price, anti_sniping);
            terms::refuse(foreign)?;
        }
        let mut after = terms::changed(&before, changes);
        if let Some(named) = changes.target {
            let tier = before.seller_category().ok_or_else(no_trade)?;
            let target = target(tier, Some(named), trader.is_strict)?;
            after.target = target.as_str().to_owned();
        }
        if after == before {
            return Ok(before);
        }
        if terms::terms_differ(&before, &after) {
            self.may_change_terms(&before, &after, now)?;
        }
        let (shown, shows) = (&before.images.0, &after.images.0);
        let media = &self.0.media;
        media.show(tx, trader.user, "images", shown, shows).await?;
        after.touch(now);
        store::save(tx, &after).await?;
        announce::offer(tx, &after, Type::OfferUpdated, None);
        if after.status() == OfferStatus::Active && after.target != before.target {
            announce::to_tier(tx, &after);
        }
        if terms::dates_differ(&before, &after) {
            finish::schedule(tx, &after);
        }
        Ok(after)
    }

    /// # Errors
    /// OFFER_LOCKED, VALIDATION_ERROR.
    fn may_change_terms(&self, before: &Offer, after: &Offer, now: Time) -> Result<()> {
        if before.responses_count > 0 {
            return Err(locked("somebody has responded to the offer"));
        }
        if before.status() == OfferStatus::Active && before.starts_at != after.starts_at {
            return Err(locked("the offer has begun").at("startsAt"));
        }
        let mut faults = terms::faults(after);
        if terms::dates_differ(before, after) {
            let shortest = self.0.settings.auction_min;
            faults.extend(terms::date_faults(after, now, shortest));
        }
        terms::refuse(faults)
    }

    /// Ends an offer of the trader's own; an administrator ends any, bids or not.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, OFFER_LOCKED, OFFER_NOT_ACTIVE.
    pub(super) async fn close(&self, tx: &Tx, trader: &Trader, id: OfferId) -> Result<Offer> {
        let mut offer = access::lock_to_close(tx, trader, id).await?;
        match offer.status() {
            OfferStatus::Closed => return Ok(offer),
            OfferStatus::Scheduled | OfferStatus::Active => {}
            OfferStatus::Sold | OfferStatus::Expired => return Err(over(&offer)),
        }
        if offer.bids_count > 0 && !trader.is_admin {
            return Err(locked("bids bind both sides"));
        }
        let now = self.now(&offer);
        let outcome = match trader.is_admin {
            true => Outcome::ClosedByAdministrator,
            false => Outcome::ClosedBySeller,
        };
        offer.end(OfferStatus::Closed, outcome, now);
        offer.touch(now);
        store::save(tx, &offer).await?;
        let told = match offer.is_auction() {
            true => Type::AuctionLost,
            false => Type::NegotiationRejected,
        };
        finish::reject_open(tx, &offer, Refusal::OfferClosed, told).await?;
        announce::offer(tx, &offer, Type::OfferClosed, None);
        Ok(offer)
    }

    /// Deletes an offer of the trader's own to which nobody has responded.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, OFFER_LOCKED.
    pub(super) async fn delete(&self, tx: &Tx, trader: &Trader, id: OfferId) -> Result<()> {
        let mut offer = access::lock_own(tx, trader, id).await?;
        if offer.responses_count > 0 {
            return Err(locked("somebody has responded to the offer"));
        }
        let (media, shown) = (&self.0.media, &offer.images.0);
        media.show(tx, trader.user, "images", shown, &[]).await?;
        let now = self.now(&offer);
        let what = match offer.status().is_open() {
            true => Type::OfferClosed,
            false => Type::OfferUpdated,
        };
        if offer.status().is_open() {
            offer.end(OfferStatus::Closed, Outcome::ClosedBySeller, now);
        }
        offer.deleted_at = Some(now.micros());
        offer.touch(now);
        store::save(tx, &offer).await?;
        announce::offer(tx, &offer, what, None);
        Ok(())
    }
}

fn no_trade() -> Error {
    Error::forbidden("administrators do not trade")
}

fn locked(message: &'static str) -> Error {
    Error::new(Reason::OfferLocked, message)
}

fn over(offer: &Offer) -> Error {
    let status = offer.status().as_str();
    Error::new(Reason::OfferNotActive, "the offer is over").with("status", status)
}

/// # Errors
/// OFFER_NOT_ACTIVE, also when its time is over and nobody has ended it yet.
fn require_open(offer: &Offer, now: Time) -> Result<()> {
    let is_late = offer.ends_at.is_some_and(|end| end <= now.micros());
    match offer.status().is_open() && !is_late {
        true => Ok(()),
        false => Err(over(offer)),
    }
}
