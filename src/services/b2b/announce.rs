//! Tells those who watch: everyone who sees an offer, its seller, and a response's buyer.

use super::convert;
use super::entity::bid;
use super::offer::{Offer, OfferResponse};
use super::state::{OfferStatus, ResponseType};
use crate::db::{NewEvent, Tx};
use crate::kernel::id::{OfferId, UserId};

/// What happened to an offer or a response to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// There is a new offer.
    NewOffer,
    /// The offer began.
    OfferOpened,
    /// Its seller changed the offer, or deleted it.
    OfferUpdated,
    /// There is a new highest bid.
    NewBid,
    /// Somebody bid more than the caller.
    Outbid,
    /// A late bid moved the end of the auction.
    AuctionExtended,
    /// The auction ends within the hour.
    AuctionEndingSoon,
    /// The caller won the auction, or the caller's auction was won.
    AuctionWon,
    /// Somebody else won the auction, or nobody.
    AuctionLost,
    /// A buyer proposed terms.
    NegotiationSubmitted,
    /// The other side proposed other terms.
    NegotiationCountered,
    /// The terms are agreed: there is an order.
    NegotiationAccepted,
    /// The negotiation came to nothing.
    NegotiationRejected,
    /// The buyer took the response back.
    ResponseWithdrawn,
    /// A response was accepted, but the goods were gone.
    OutOfStock,
    /// Part of the offer was sold; the rest can still be had.
    OfferPartlySold,
    /// The offer is sold.
    OfferSold,
    /// The offer's time is over.
    OfferExpired,
    /// Its seller ended the offer.
    OfferClosed,
}

/// The topic of one offer.
pub(super) fn offer_topic(id: OfferId) -> String {
    format!("offer/{}", id.uuid())
}

/// The topic of a seller's offers and what is answered to them.
pub(super) fn seller_topic(id: UserId) -> String {
    format!("my-offers/{}", id.uuid())
}

/// The topic of a buyer's responses.
pub(super) fn buyer_topic(id: UserId) -> String {
    format!("my-responses/{}", id.uuid())
}

/// The topic of new offers to a tier.
fn tier_topic(target: &str) -> String {
    format!("offers/{target}")
}

/// Tells that an offer has a new version. The tier that it targets is told when it begins:
/// before that nobody but its seller knows of it.
pub(super) fn offer(tx: &Tx, offer: &Offer, what: Type, bid: Option<(&bid::Model, i32)>) {
    let payload = convert::offer_event(offer, what, bid);
    let is_new = matches!(what, Type::NewOffer | Type::OfferOpened);
    if is_new && offer.status() == OfferStatus::Active {
        to_tier(tx, offer);
    }
    for topic in [offer_topic(offer.offer_id()), seller_topic(offer.seller())] {
        tx.emit(NewEvent {
            topic,
            kind: kind(what),
            aggregate: offer.id,
            version: offer.version,
            payload: payload.clone(),
        });
    }
}

/// Tells the tier that an offer targets that there is one for it.
pub(super) fn to_tier(tx: &Tx, offer: &Offer) {
    tx.emit(NewEvent {
        topic: tier_topic(&offer.target),
        kind: kind(Type::NewOffer),
        aggregate: offer.id,
        version: offer.version,
        payload: convert::offer_event(offer, Type::NewOffer, None),
    });
}

/// Tells a response's buyer that it has a new version, and the seller where it is a
/// negotiation: of bids the seller hears by the offer.
pub(super) fn response(tx: &Tx, offer: &Offer, response: &OfferResponse, what: Type) {
    let mut topics = vec![buyer_topic(response.buyer())];
    if response.kind() == ResponseType::Negotiation {
        topics.push(seller_topic(response.seller()));
    }
    for (topic, to_buyer) in topics.into_iter().zip([true, false]) {
        tx.emit(NewEvent {
            topic,
            kind: kind(what),
            aggregate: response.id,
            version: response.version,
            payload: convert::response_event(offer, response, what, to_buyer),
        });
    }
}

/// The words by which whoever notifies people knows what happened.
const fn kind(what: Type) -> &'static str {
    match what {
        Type::NewOffer => "b2b.new_offer",
        Type::OfferOpened => "b2b.offer_opened",
        Type::OfferUpdated => "b2b.offer_updated",
        Type::NewBid => "b2b.new_bid",
        Type::Outbid => "b2b.outbid",
        Type::AuctionExtended => "b2b.auction_extended",
        Type::AuctionEndingSoon => "b2b.auction_ending_soon",
        Type::AuctionWon => "b2b.auction_won",
        Type::AuctionLost => "b2b.auction_lost",
        Type::NegotiationSubmitted => "b2b.negotiation_submitted",
        Type::NegotiationCountered => "b2b.negotiation_countered",
        Type::NegotiationAccepted => "b2b.negotiation_accepted",
        Type::NegotiationRejected => "b2b.negotiation_rejected",
        Type::ResponseWithdrawn => "b2b.response_withdrawn",
        Type::OutOfStock => "b2b.out_of_stock",
        Type::OfferPartlySold => "b2b.offer_partly_sold",
        Type::OfferSold => "b2b.offer_sold",
        Type::OfferExpired => "b2b.offer_expired",
        Type::OfferClosed => "b2b.offer_closed",
    }
}
