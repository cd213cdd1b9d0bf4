//! Offers and responses as the rules see them: their rows, read in typed words. Pure.

use serde::{Deserialize, Serialize};

use super::entity::{offer, response};
use super::state::{OfferStatus, OfferType, Outcome, Party, Refusal, ResponseStatus, ResponseType};
use crate::kernel::id::{OfferId, OfferResponseId, ProductId, StoreId, UserId};
use crate::kernel::{Error, Reason, Result, Time};
use crate::services::users::SellerCategory;

/// An offer.
pub type Offer = offer::Model;
/// A response.
pub type OfferResponse = response::Model;

/// A price for larger quantities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceTier {
    /// From this quantity on.
    pub min_quantity: i32,
    /// Price of one piece in minor units.
    pub unit_price: i64,
}

impl Offer {
    /// The typed id.
    pub fn offer_id(&self) -> OfferId {
        self.id.into()
    }

    /// Whose offer it is.
    pub fn seller(&self) -> UserId {
        self.seller_id.into()
    }

    /// The store that sells.
    pub fn store(&self) -> StoreId {
        self.store_id.into()
    }

    /// The product that is sold, where there is one.
    pub fn product(&self) -> Option<ProductId> {
        self.product_id.map(ProductId::from)
    }

    /// How buyers come to terms. The table knows no other words, here and below.
    pub fn kind(&self) -> OfferType {
        OfferType::from_word(&self.kind).unwrap_or(OfferType::Negotiable)
    }

    /// Where it is in its life.
    pub fn status(&self) -> OfferStatus {
        OfferStatus::from_word(&self.status).unwrap_or(OfferStatus::Closed)
    }

    /// How it ended; none while it has not.
    pub fn outcome(&self) -> Option<Outcome> {
        Outcome::from_word(&self.outcome)
    }

    /// The seller's tier when it was made.
    pub fn seller_category(&self) -> Option<SellerCategory> {
        SellerCategory::from_word(&self.seller_category)
    }

    /// Whose tier may respond.
    pub fn target(&self) -> Option<SellerCategory> {
        SellerCategory::from_word(&self.target)
    }

    /// Whether it is an auction.
    pub fn is_auction(&self) -> bool {
        self.kind() == OfferType::Auction
    }

    /// Whether the highest bid reaches the reserve price; true where there is none.
    pub fn reserve_met(&self) -> bool {
        self.reserve_price
            .is_none_or(|reserve| self.current_bid.is_some_and(|bid| bid >= reserve))
    }

    /// The smallest amount that the next bid may have.
    pub fn next_bid(&self) -> i64 {
        self.current_bid.map_or(self.base_price, |bid| {
            bid.saturating_add(self.bid_increment)
        })
    }

    /// Refuses what an offer takes only while it is ACTIVE and its time is not over.
    ///
    /// # Errors
    /// AUCTION_NOT_STARTED, AUCTION_ENDED, OFFER_NOT_ACTIVE.
    pub fn require_active(&self, now: Time) -> Result<()> {
        let is_over = self.ends_at.is_some_and(|end| now.micros() >= end);
        let reason = match (self.status(), self.is_auction()) {
            (OfferStatus::Active, _) if !is_over => return Ok(()),
            (OfferStatus::Scheduled, true) => Reason::AuctionNotStarted,
            (_, true) => Reason::AuctionEnded,
            (_, false) => Reason::OfferNotActive,
        };
        let message = match reason {
            Reason::AuctionNotStarted => "the auction has not started",
            Reason::AuctionEnded => "the auction has ended",
            _ => "the offer takes no responses",
        };
        Err(Error::new(reason, message).with("status", self.status().as_str()))
    }

    /// Refuses to trade while the store is suspended.
    ///
    /// # Errors
    /// STORE_NOT_ACTIVE.
    pub fn require_store(&self) -> Result<()> {
        match self.store_visible {
            true => Ok(()),
            false => Err(store_closed()),
        }
    }

    /// Refuses a quantity that cannot be had.
    ///
    /// # Errors
    /// QUANTITY_OUT_OF_RANGE.
    pub fn require_quantity(&self, quantity: i32) -> Result<()> {
        if (self.min_quantity..=self.available_quantity).contains(&quantity) {
            return Ok(());
        }
        let (least, most) = (self.min_quantity, self.available_quantity);
        let message = format!("must be between {least} and {most}");
        Err(
            Error::new(Reason::QuantityOutOfRange, "the quantity cannot be had")
                .because("quantity", message)
                .with("minQuantity", least)
                .with("availableQuantity", most),
        )
    }

    /// Ends the offer.
    pub fn end(&mut self, status: OfferStatus, outcome: Outcome, now: Time) {
        self.status = status.as_str().to_owned();
        self.outcome = outcome.as_str().to_owned();
        self.ended_at = Some(now.micros());
    }

    /// Grows the version by one, for one change that is told.
    pub fn touch(&mut self, now: Time) {
        self.version += 1;
        self.updated_at = now.micros();
    }
}

/// The refusal of a store that does no business.
pub fn store_closed() -> Error {
    Error::new(Reason::StoreNotActive, "the store is closed")
}

impl OfferResponse {
    /// The typed id.
    pub fn response_id(&self) -> OfferResponseId {
        self.id.into()
    }

    /// The offer.
    pub fn offer(&self) -> OfferId {
        self.offer_id.into()
    }

    /// Who responded.
    pub fn buyer(&self) -> UserId {
        self.buyer_id.into()
    }

    /// Whose offer it is.
    pub fn seller(&self) -> UserId {
        self.seller_id.into()
    }

    /// How the buyer responds. The table knows no other words, here and below.
    pub fn kind(&self) -> ResponseType {
        ResponseType::from_word(&self.kind).unwrap_or(ResponseType::Negotiation)
    }

    /// Where it is in its life.
    pub fn status(&self) -> ResponseStatus {
        ResponseStatus::from_word(&self.status).unwrap_or(ResponseStatus::Rejected)
    }

    /// Why it came to nothing, or could not be accepted.
    pub fn refusal(&self) -> Option<Refusal> {
        Refusal::from_word(&self.refusal)
    }

    /// Who proposed the last round; none for a bid.
    pub fn proposed_by(&self) -> Option<Party> {
        Party::from_word(&self.proposed_by)
    }

    /// In which quality a user takes part.
    pub fn party(&self, user: UserId) -> Option<Party> {
        match user {
            user if user == self.buyer() => Some(Party::Buyer),
            user if user == self.seller() => Some(Party::Seller),
            _ => None,
        }
    }

    /// Puts it in another status, and says why where it came to nothing.
    pub fn settle(&mut self, status: ResponseStatus, refusal: Option<Refusal>) {
        self.status = status.as_str().to_owned();
        self.refusal = refusal.map_or("", Refusal::as_str).to_owned();
    }

    /// Grows the version by one, for one change that is told.
    pub fn touch(&mut self, now: Time) {
        self.version += 1;
        self.updated_at = now.micros();
    }
}
