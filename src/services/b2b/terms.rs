//! What an offer says: how it is made, changed and judged. Pure.

use std::time::Duration;

use super::finish;
use super::offer::{Offer, PriceTier};
use super::state::{OfferStatus, OfferType};
use crate::db::JsonText;
use crate::kernel::id::{OfferId, ProductId, StoreId};
use crate::kernel::{Currency, Error, Result, Time, Violation};
use crate::services::stores::Store;
use crate::services::users::SellerCategory;

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

/// Who makes an offer, and of what.
#[derive(Debug)]
pub(super) struct Origin<'a> {
    pub store: &'a Store,
    pub tier: SellerCategory,
    pub target: SellerCategory,
    /// Whether the seller is verified for the tier.
    pub is_verified: bool,
    pub product: Option<ProductId>,
    pub currency: Currency,
}

/// A new offer.
pub(super) fn new(now: Time, origin: &Origin<'_>, new: &NewOffer) -> Offer {
    let is_auction = new.kind == OfferType::Auction;
    let starts_at = new.starts_at.unwrap_or(now).micros();
    let status = match starts_at > now.micros() {
        true => OfferStatus::Scheduled,
        false => OfferStatus::Active,
    };
    let ends_at = new.ends_at.map(Time::micros);
    Offer {
        id: OfferId::new(now).uuid(),
        store_id: origin.store.id.uuid(),
        store_name: origin.store.name.clone(),
        seller_id: origin.store.owner.uuid(),
        seller_category: origin.tier.as_str().to_owned(),
        seller_verified: origin.is_verified,
        store_visible: true,
        product_id: origin.product.map(ProductId::uuid),
        title: new.title.clone(),
        description: new.description.clone(),
        images: JsonText(new.images.clone()),
        tags: JsonText(new.tags.clone()),
        kind: new.kind.as_str().to_owned(),
        target: origin.target.as_str().to_owned(),
        base_price: new.base_price,
        currency: origin.currency.as_str().to_owned(),
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

/// The offer with the changes but for the target, as a row of the same version.
pub(super) fn changed(before: &Offer, changes: &Changes) -> Offer {
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
    let quantity = changes.available_quantity;
    if let Some(quantity) = quantity.filter(|wanted| *wanted != before.available_quantity) {
        (after.available_quantity, after.initial_quantity) = (quantity, quantity);
    }
    after.bid_increment = changes.bid_increment.unwrap_or(before.bid_increment);
    if let Some(reserve) = changes.reserve_price {
        after.reserve_price = Some(reserve).filter(|price| *price > 0);
    }
    after.anti_sniping = changes.anti_sniping.unwrap_or(before.anti_sniping);
    if let Some(starts_at) = changes.starts_at {
        after.starts_at = starts_at.micros();
    }
    if let Some(ends_at) = changes.ends_at {
        after.ends_at = Some(ends_at.micros());
    }
    if dates_differ(before, &after) {
        after.first_ends_at = after.ends_at.filter(|_| before.is_auction());
        after.ending_told = !finish::is_long(after.starts_at, after.ends_at);
    }
    after
}

/// Whether an offer begins or ends at another time.
pub(super) fn dates_differ(before: &Offer, after: &Offer) -> bool {
    (before.starts_at, before.ends_at) != (after.starts_at, after.ends_at)
}

/// Whether more differs than words and pictures: what buyers respond to.
pub(super) fn terms_differ(before: &Offer, after: &Offer) -> bool {
    let reworded = Offer {
        title: after.title.clone(),
        description: after.description.clone(),
        images: after.images.clone(),
        tags: after.tags.clone(),
        ..before.clone()
    };
    reworded != *after
}

/// Refuses what is at fault.
///
/// # Errors
/// VALIDATION_ERROR that names every fault.
pub(super) fn refuse(faults: Vec<Violation>) -> Result<()> {
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::fields(faults)),
    }
}

fn fault(field: impl Into<String>, message: &str) -> Violation {
    Violation {
        field: field.into(),
        message: message.to_owned(),
    }
}

/// What was named of an auction for an offer that is none.
pub(super) fn auction_faults(
    increment: Option<i64>,
    reserve: Option<i64>,
    anti_sniping: Option<bool>,
) -> Vec<Violation> {
    let named = [
        ("bidIncrement", increment.is_some()),
        ("reservePrice", reserve.is_some()),
        ("antiSniping", anti_sniping.is_some()),
    ];
    let named = named.into_iter().filter(|(_, is_named)| *is_named);
    named
        .map(|(field, _)| fault(field, "is for an auction alone"))
        .collect()
}

/// What is at fault with quantities and prices.
pub(super) fn faults(offer: &Offer) -> Vec<Violation> {
    let mut faults = Vec::new();
    if offer.available_quantity < offer.min_quantity {
        faults.push(fault("availableQuantity", "must not be below minQuantity"));
    }
    if !offer.is_auction() {
        faults.extend(tier_fault(offer));
        return faults;
    }
    if !offer.price_tiers.0.is_empty() {
        faults.push(fault("priceTiers", "are not for an auction"));
    }
    let is_low = |reserve| reserve < offer.base_price;
    if offer.reserve_price.is_some_and(is_low) {
        faults.push(fault("reservePrice", "must not be below basePrice"));
    }
    faults
}

/// Quantities rise from tier to tier and prices fall, below the base price.
fn tier_fault(offer: &Offer) -> Option<Violation> {
    let (mut quantity, mut price) = (offer.min_quantity, offer.base_price);
    for (place, tier) in offer.price_tiers.0.iter().enumerate() {
        if tier.min_quantity <= quantity || tier.min_quantity > offer.available_quantity {
            let field = format!("priceTiers[{place}].minQuantity");
            return Some(fault(field, "must rise, up to availableQuantity"));
        }
        if tier.unit_price < 1 || tier.unit_price >= price {
            let field = format!("priceTiers[{place}].unitPrice");
            return Some(fault(field, "must fall, below basePrice"));
        }
        (quantity, price) = (tier.min_quantity, tier.unit_price);
    }
    None
}

/// What is at fault with dates that are new; an auction lasts at least `shortest` from now.
pub(super) fn date_faults(offer: &Offer, now: Time, shortest: Duration) -> Option<Violation> {
    let is_auction = offer.is_auction();
    let Some(end) = offer.ends_at else {
        return is_auction.then(|| fault("endsAt", "is required for an auction"));
    };
    let begins = Ord::max(offer.starts_at, now.micros());
    let shortest = i64::try_from(shortest.as_micros()).unwrap_or(i64::MAX);
    let message = match end {
        end if end <= offer.starts_at => "must be after the start",
        end if end <= now.micros() => "must be in the future",
        end if is_auction && end.saturating_sub(begins) < shortest => {
            "leaves the auction too little time"
        }
        _ => return None,
    };
    Some(fault("endsAt", message))
}

/// An auction says when it begins.
pub(super) fn start_fault(new: &NewOffer) -> Option<Violation> {
    let is_missing = new.kind == OfferType::Auction && new.starts_at.is_none();
    is_missing.then(|| fault("startsAt", "is required for an auction"))
}
