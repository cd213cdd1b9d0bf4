//! What sellers do with their offers: make, change, end and delete them.

use super::access::{self, Trader};
use super::announce::Type;
use super::offer::{Offer, PriceTier};
use super::state::{OfferStatus, OfferType, Outcome, Refusal, target};
use super::{B2b, announce, finish, store};
use crate::db::{JsonText, Tx};
use crate::kernel::id::{OfferId, ProductId, StoreId, UserId};
use crate::kernel::{Call, Currency, Error, Reason, Result, Time, Violation};
use crate::services::catalog;
use crate::services::stores::Needed;
use crate::services::users::{self, SellerCategory};

/// An offer to be made.
#[derive(Debug, Clone)]
pub(super) struct NewOffer {
    pub store: Option<StoreId>,
    pub product: Option<ProductId>,
    pub kind: OfferType,
    pub target: Option<SellerCategory>,
    pub currency: Option<Currency>,
    pub title: String,
    pub description: String,
    pub images: Vec<String>,
    pub tags: Vec<String>,
    pub base_price: i64,
    pub min_quantity: i32,
    pub available_quantity: i32,
    pub price_tiers: Vec<PriceTier>,
    pub starts_at: Option<Time>,
    pub ends_at: Option<Time>,
    pub bid_increment: Option<i64>,
    pub reserve_price: Option<i64>,
    pub anti_sniping: Option<bool>,
}

/// What is to change; absent parts stay.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    pub target: Option<SellerCategory>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub images: Option<Vec<String>>,
    pub tags: Option<Vec<String>>,
    pub base_price: Option<i64>,
    pub min_quantity: Option<i32>,
    pub available_quantity: Option<i32>,
    pub price_tiers: Option<Vec<PriceTier>>,
    pub starts_at: Option<Time>,
    pub ends_at: Option<Time>,
    pub bid_increment: Option<i64>,
    /// 0 for none.
    pub reserve_price: Option<i64>,
    pub anti_sniping: Option<bool>,
}

impl Changes {
    /// Whether they concern what buyers answer to.
    const fn touch_terms(&self) -> bool {
        self.target.is_some()
            || self.base_price.is_some()
            || self.min_quantity.is_some()
            || self.available_quantity.is_some()
            || self.price_tiers.is_some()
            || self.starts_at.is_some()
            || self.ends_at.is_some()
            || self.of_auctions()
    }

    /// Whether they make sense only for an auction.
    const fn of_auctions(&self) -> bool {
        self.bid_increment.is_some() || self.reserve_price.is_some() || self.anti_sniping.is_some()
    }
}

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
        let tier = trader.tier.ok_or_else(no_trade)?;
        let target = target(tier, new.target, trader.is_strict)?;
        let (product, currency) = self.product_of(tx, new).await?;
        let named = new.store.or(product.map(|(_, store)| store));
        let store = self.store_of(tx, call, trader.user, named).await?;
        let store = self.0.stores.get(tx.conn(), store).await?;
        store.require_active()?;
        if product.is_some_and(|(_, of)| of != store.id) {
            return Err(Error::field("productId", "is not sold by this store"));
        }
        let seller = users::find(tx.conn(), trader.user).await?;
        let offer = Offer {
            store_name: store.name.clone(),
            seller_verified: seller.is_some_and(|seller| seller.is_verified),
            product_id: product.map(|(id, _)| id.uuid()),
            currency: currency.as_str().to_owned(),
            ..blank(tx.now(), store.id, trader.user, (tier, target), new)
        };
        if !offer.is_auction() {
            refuse_auction_fields(
                new.bid_increment.is_some(),
                new.reserve_price.is_some(),
                new.anti_sniping.is_some(),
            )?;
        }
        self.check(&offer, tx.now(), new.starts_at.is_some())?;
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
        new: &NewOffer,
    ) -> Result<(Option<(ProductId, StoreId)>, Currency)> {
        let Some(id) = new.product else {
            let currency = new.currency.unwrap_or(self.0.settings.currency);
            return Ok((None, currency));
        };
        let product = catalog::find(tx.conn(), id).await;
        let product = product.map_err(|refused| refused.at("productId"))?;
        let own: Currency = product.currency.parse().map_err(Error::internal)?;
        if new.currency.is_some_and(|named| named != own) {
            return Err(Error::field("currency", "is not the product's"));
        }
        Ok((Some((id, product.store())), own))
    }

    /// The store that sells: the named one, or the only one of the seller.
    async fn store_of(
        &self,
        tx: &Tx,
        call: &Call,
        seller: UserId,
        named: Option<StoreId>,
    ) -> Result<StoreId> {
        let (stores, conn) = (&self.0.stores, tx.conn());
        if let Some(id) = named {
            let store = stores.require_member(conn, call, id, Needed::Owner).await?;
            return Ok(store.id);
        }
        let mut own = Vec::new();
        for id in stores.stores_of_user(conn, seller).await? {
            if stores.get(conn, id).await?.owner == seller {
                own.push(id);
            }
        }
        match own.as_slice() {
            [only] => Ok(*only),
            [] => Err(Error::field(
                "storeId",
                "needs a store of your own: open one first",
            )),
            _ => Err(Error::field("storeId", "is required with several stores")),
        }
    }

    /// Whether an offer makes sense.
    ///
    /// # Errors
    /// VALIDATION_ERROR that names every field at fault.
    fn check(&self, offer: &Offer, now: Time, has_start: bool) -> Result<()> {
        let mut broken = Vec::new();
        let mut wrong = |field: &str, message: &str| {
            broken.push(Violation {
                field: field.to_owned(),
                message: message.to_owned(),
            });
        };
        if offer.available_quantity < offer.min_quantity {
            wrong("availableQuantity", "must not be below minQuantity");
        }
        if offer.ends_at.is_some_and(|end| end <= offer.starts_at) {
            wrong("endsAt", "must be after the start");
        }
        if offer.ends_at.is_some_and(|end| end <= now.micros()) {
            wrong("endsAt", "must be in the future");
        }
        if offer.is_auction() {
            let begins = Ord::max(offer.starts_at, now.micros());
            let shortest = self.0.settings.auction_min;
            let shortest = i64::try_from(shortest.as_micros()).unwrap_or(i64::MAX);
            match offer.ends_at {
                None => wrong("endsAt", "is required for an auction"),
                Some(end) if end - begins < shortest => {
                    wrong("endsAt", "leaves the auction too little time");
                }
                Some(_) => {}
            }
            if !has_start {
                wrong("startsAt", "is required for an auction");
            }
            if !offer.price_tiers.0.is_empty() {
                wrong("priceTiers", "are not for an auction");
            }
            if offer
                .reserve_price
                .is_some_and(|price| price < offer.base_price)
            {
                wrong("reservePrice", "must not be below basePrice");
            }
        } else if let Some((field, message)) = tiers_at_fault(offer) {
            wrong(&field, message);
        }
        match broken.is_empty() {
            true => Ok(()),
            false => Err(Error::fields(broken)),
        }
    }

    /// Changes an offer of the trader's own.
    ///
    /// # Errors
    /// See the contract.
    pub(super) async fn update(
        &self,
        tx: &Tx,
        call: &Call,
        trader: &Trader,
        id: OfferId,
        changes: &Changes,
    ) -> Result<Offer> {
        let before = access::lock_own(tx, trader, id).await?;
        if !before.status().is_open() {
            return Err(over(&before));
        }
        if changes.touch_terms() && before.responses_count > 0 {
            return Err(locked("somebody has responded to the offer"));
        }
        if changes.starts_at.is_some() && before.status() == OfferStatus::Active {
            return Err(locked("the offer has begun").at("startsAt"));
        }
        if !before.is_auction() {
            refuse_auction_fields(
                changes.bid_increment.is_some(),
                changes.reserve_price.is_some(),
                changes.anti_sniping.is_some(),
            )?;
        }
        let mut after = changed(&before, changes);
        if let Some(named) = changes.target {
            let tier = trader.tier.ok_or_else(no_trade)?;
            let target = target(tier, Some(named), trader.is_strict)?;
            after.target = target.as_str().to_owned();
        }
        if changes.touch_terms() {
            self.check(&after, tx.now(), true)?;
        }
        if after == before {
            return Ok(before);
        }
        let owner = call.user()?;
        let (shown, shows) = (&before.images.0, &after.images.0);
        self.0.media.show(tx, owner, "images", shown, shows).await?;
        after.touch(tx.now());
        store::save(tx, &after).await?;
        announce::offer(tx, &after, Type::OfferUpdated, None);
        finish::schedule(tx, &after);
        Ok(after)
    }

    /// Ends an offer of the trader's own.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, OFFER_LOCKED, OFFER_NOT_ACTIVE.
    pub(super) async fn close(&self, tx: &Tx, trader: &Trader, id: OfferId) -> Result<Offer> {
        let mut offer = access::lock_own(tx, trader, id).await?;
        match offer.status() {
            OfferStatus::Closed => return Ok(offer),
            OfferStatus::Scheduled | OfferStatus::Active => {}
            OfferStatus::Sold | OfferStatus::Expired => return Err(over(&offer)),
        }
        if offer.bids_count > 0 {
            return Err(locked("bids bind both sides"));
        }
        finish::reject_open(tx, &offer, Refusal::OfferClosed, Type::NegotiationRejected).await?;
        offer.end(OfferStatus::Closed, Outcome::ClosedBySeller, tx.now());
        offer.touch(tx.now());
        store::save(tx, &offer).await?;
        announce::offer(tx, &offer, Type::OfferClosed, None);
        Ok(offer)
    }

    /// Deletes an offer of the trader's own to which nobody has responded.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, OFFER_LOCKED.
    pub(super) async fn delete(
        &self,
        tx: &Tx,
        call: &Call,
        trader: &Trader,
        id: OfferId,
    ) -> Result<()> {
        let mut offer = access::lock_own(tx, trader, id).await?;
        if offer.responses_count > 0 {
            return Err(locked("somebody has responded to the offer"));
        }
        let (owner, shown) = (call.user()?, &offer.images.0);
        self.0.media.show(tx, owner, "images", shown, &[]).await?;
        if offer.status().is_open() {
            offer.end(OfferStatus::Closed, Outcome::ClosedBySeller, tx.now());
        }
        offer.deleted_at = Some(tx.now().micros());
        offer.touch(tx.now());
        store::save(tx, &offer).await?;
        announce::offer(tx, &offer, Type::OfferClosed, None);
        Ok(())
    }
}

/// Administrators look on.
pub(super) fn no_trade() -> Error {
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
/// VALIDATION_ERROR that names what an offer without bids cannot have.
fn refuse_auction_fields(increment: bool, reserve: bool, sniping: bool) -> Result<()> {
    let named = [
        ("bidIncrement", increment),
        ("reservePrice", reserve),
        ("antiSniping", sniping),
    ];
    let broken = named.into_iter().filter(|(_, is_there)| *is_there);
    let broken: Vec<Violation> = broken
        .map(|(field, _)| Violation {
            field: field.to_owned(),
            message: "is for an auction alone".to_owned(),
        })
        .collect();
    match broken.is_empty() {
        true => Ok(()),
        false => Err(Error::fields(broken)),
    }
}

/// Quantities rise from tier to tier and prices fall, below the base price.
fn tiers_at_fault(offer: &Offer) -> Option<(String, &'static str)> {
    let (mut quantity, mut price) = (offer.min_quantity, offer.base_price);
    for (place, tier) in offer.price_tiers.0.iter().enumerate() {
        if tier.min_quantity <= quantity || tier.min_quantity > offer.available_quantity {
            let field = format!("priceTiers[{place}].minQuantity");
            return Some((field, "must rise, up to availableQuantity"));
        }
        if tier.unit_price < 1 || tier.unit_price >= price {
            let field = format!("priceTiers[{place}].unitPrice");
            return Some((field, "must fall, below basePrice"));
        }
        (quantity, price) = (tier.min_quantity, tier.unit_price);
    }
    None
}

/// A new offer, before what the database knows of its seller is added.
fn blank(
    now: Time,
    store: StoreId,
    seller: UserId,
    (tier, target): (SellerCategory, SellerCategory),
    new: &NewOffer,
) -> Offer {
    let is_auction = new.kind == OfferType::Auction;
    let starts_at = new.starts_at.unwrap_or(now).micros();
    let status = match starts_at > now.micros() {
        true => OfferStatus::Scheduled,
        false => OfferStatus::Active,
    };
    let ends_at = new.ends_at.map(Time::micros);
    Offer {
        id: OfferId::new(now).uuid(),
        store_id: store.uuid(),
        store_name: String::new(),
        seller_id: seller.uuid(),
        seller_category: tier.as_str().to_owned(),
        seller_verified: false,
        product_id: None,
        title: new.title.clone(),
        description: new.description.clone(),
        images: JsonText(new.images.clone()),
        tags: JsonText(new.tags.clone()),
        kind: new.kind.as_str().to_owned(),
        target: target.as_str().to_owned(),
        base_price: new.base_price,
        currency: String::new(),
        min_quantity: new.min_quantity,
        available_quantity: new.available_quantity,
        initial_quantity: new.available_quantity,
        price_tiers: JsonText(new.price_tiers.clone()),
        status: status.as_str().to_owned(),
        outcome: String::new(),
        starts_at,
        ends_at,
        responses_count: 0,
        bid_increment: new.bid_increment.unwrap_or(1),
        reserve_price: new.reserve_price,
        anti_sniping: is_auction && new.anti_sniping.unwrap_or(true),
        extensions: 0,
        first_ends_at: ends_at.filter(|_| is_auction),
        bids_count: 0,
        current_bid: None,
        leader_id: None,
        leader_number: None,
        ending_told: !finish::is_long(starts_at, ends_at),
        version: 1,
        created_at: now.micros(),
        updated_at: now.micros(),
        ended_at: None,
        deleted_at: None,
    }
}

/// The offer with the changes, as a row of the same version.
fn changed(before: &Offer, changes: &Changes) -> Offer {
    let mut after = before.clone();
    let texts = [
        (&changes.title, &mut after.title),
        (&changes.description, &mut after.description),
    ];
    for (wanted, text) in texts {
        if let Some(wanted) = wanted {
            text.clone_from(wanted);
        }
    }
    if let Some(images) = &changes.images {
        after.images = JsonText(images.clone());
    }
    if let Some(tags) = &changes.tags {
        after.tags = JsonText(tags.clone());
    }
    if let Some(tiers) = &changes.price_tiers {
        after.price_tiers = JsonText(tiers.clone());
    }
    after.base_price = changes.base_price.unwrap_or(before.base_price);
    after.min_quantity = changes.min_quantity.unwrap_or(before.min_quantity);
    if let Some(quantity) = changes.available_quantity {
        (after.available_quantity, after.initial_quantity) = (quantity, quantity);
    }
    if let Some(starts_at) = changes.starts_at {
        after.starts_at = starts_at.micros();
    }
    if let Some(ends_at) = changes.ends_at {
        after.ends_at = Some(ends_at.micros());
        after.first_ends_at = after.ends_at.filter(|_| before.is_auction());
    }
    after.ending_told = !finish::is_long(after.starts_at, after.ends_at);
    after.bid_increment = changes.bid_increment.unwrap_or(before.bid_increment);
    if let Some(reserve) = changes.reserve_price {
        after.reserve_price = Some(reserve).filter(|price| *price > 0);
    }
    after.anti_sniping = changes.anti_sniping.unwrap_or(before.anti_sniping);
    after
}
