//! Offers, responses and bids on the wire: answers here, requests in `requests`.

mod requests;

use prost::Message;

use super::access::Trader;
use super::announce::Type;
use super::entity::{bid, round};
use super::offer::{Offer, OfferResponse};
use super::state::{OfferStatus, Outcome, Party, Refusal, ResponseStatus};
use crate::grpc::convert::time_to_pb;
use crate::kernel::Time;
use crate::kernel::id::OrderId;
use crate::pb::Timestamp;
use crate::pb::souk::b2b::v1 as pb;
use crate::pb::souk::orders::v1 as orders;
use crate::pb::souk::users::v1 as users;
use crate::services::users::SellerCategory;

pub(super) use requests::{
    changes_from_pb, counter_from_pb, kind, new_offer, offer_status, offers_filter,
    responses_status, wish_from_pb,
};

/// The number of a word in an enum of the contract. The words of the model are those of
/// the contract, which a test compares.
macro_rules! number_of {
    ($wire:ty, $word:expr) => {
        <$wire>::from_str_name($word).unwrap_or_default() as i32
    };
}

/// To whom an offer is shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Viewer<'a> {
    /// Everybody who sees it.
    Anyone,
    /// Its seller, and administrators.
    Insider,
    /// Who responded to it.
    Buyer(&'a OfferResponse),
}

/// An offer as a trader is shown it, whose own response may be `own`.
pub(super) fn shown(trader: &Trader, offer: &Offer, own: Option<&OfferResponse>) -> pb::Offer {
    let viewer = match own {
        _ if trader.is_admin || offer.seller() == trader.user => Viewer::Insider,
        Some(own) => Viewer::Buyer(own),
        None => Viewer::Anyone,
    };
    offer_to_pb(offer, viewer)
}

/// An offer as a viewer is shown it.
pub(super) fn offer_to_pb(offer: &Offer, viewer: Viewer<'_>) -> pb::Offer {
    pb::Offer {
        id: offer.offer_id().to_string(),
        store_id: offer.store().to_string(),
        store_name: offer.store_name.clone(),
        seller_id: offer.seller().to_string(),
        seller_category: category(offer.seller_category()),
        seller_verified: offer.seller_verified,
        product_id: offer.product().map(|id| id.to_string()).unwrap_or_default(),
        title: offer.title.clone(),
        description: offer.description.clone(),
        images: offer.images.0.clone(),
        tags: offer.tags.0.clone(),
        offer_type: number_of!(pb::offer::Type, offer.kind().as_str()),
        target_category: category(offer.target()),
        base_price: offer.base_price,
        currency: offer.currency.clone(),
        min_quantity: offer.min_quantity,
        available_quantity: offer.available_quantity,
        initial_quantity: offer.initial_quantity,
        price_tiers: offer.price_tiers.0.iter().map(tier_to_pb).collect(),
        status: status_to_pb(offer.status()),
        outcome: offer.outcome().map_or(0, outcome_to_pb),
        starts_at: Some(instant(offer.starts_at)),
        ends_at: offer.ends_at.map(instant),
        responses_count: offer.responses_count,
        auction: offer.is_auction().then(|| auction_to_pb(offer, viewer)),
        my_response_id: match viewer {
            Viewer::Buyer(own) => own.response_id().to_string(),
            Viewer::Anyone | Viewer::Insider => String::new(),
        },
        version: version(offer.version),
        created_at: Some(instant(offer.created_at)),
        updated_at: Some(instant(offer.updated_at)),
    }
}

fn auction_to_pb(offer: &Offer, viewer: Viewer<'_>) -> pb::Auction {
    pb::Auction {
        current_bid: offer.current_bid,
        next_bid: offer.next_bid(),
        bid_increment: offer.bid_increment,
        bids_count: offer.bids_count,
        bidders_count: offer.responses_count,
        leader: offer.leader_number,
        leading: match viewer {
            Viewer::Buyer(own) => offer.leader_id == Some(own.id),
            Viewer::Anyone | Viewer::Insider => false,
        },
        has_reserve: offer.reserve_price.is_some(),
        reserve_met: offer.reserve_met(),
        reserve_price: match viewer {
            Viewer::Insider => offer.reserve_price,
            Viewer::Anyone | Viewer::Buyer(_) => None,
        },
        anti_sniping: offer.anti_sniping,
        extensions_count: offer.extensions,
        first_ends_at: offer.first_ends_at.map(instant),
    }
}

fn tier_to_pb(tier: &super::offer::PriceTier) -> pb::PriceTier {
    pb::PriceTier {
        min_quantity: tier.min_quantity,
        unit_price: tier.unit_price,
    }
}

/// A response as it is shown to its buyer, or to the seller and administrators, who do not
/// learn up to what the buyer would go.
pub(super) fn response_to_pb(
    response: &OfferResponse,
    offer: &Offer,
    buyer_name: &str,
    to_buyer: bool,
) -> pb::OfferResponse {
    pb::OfferResponse {
        id: response.response_id().to_string(),
        offer_id: response.offer().to_string(),
        offer_title: offer.title.clone(),
        buyer_id: response.buyer().to_string(),
        buyer_name: buyer_name.to_owned(),
        number: response.number,
        response_type: number_of!(pb::offer_response::Type, response.kind().as_str()),
        status: response_status_to_pb(response.status()),
        refusal: response.refusal().map_or(0, refusal_to_pb),
        amount: response.amount,
        quantity: response.quantity,
        currency: offer.currency.clone(),
        max_amount: response.max_amount.filter(|_| to_buyer),
        message: response.message.clone(),
        payment_method: number_of!(orders::order_payment::Method, &response.payment_method),
        rounds: Vec::new(),
        round: response.round,
        proposed_by: response.proposed_by().map_or(0, party_to_pb),
        order_id: response
            .order_id
            .map(|id| OrderId::from(id).to_string())
            .unwrap_or_default(),
        version: version(response.version),
        created_at: Some(instant(response.created_at)),
        updated_at: Some(instant(response.updated_at)),
    }
}

/// One round of a negotiation.
pub(super) fn round_to_pb(round: &round::Model) -> pb::offer_response::Round {
    pb::offer_response::Round {
        number: round.number,
        party: Party::from_word(&round.party).map_or(0, party_to_pb),
        amount: round.amount,
        quantity: round.quantity,
        message: round.message.clone(),
        created_at: Some(instant(round.created_at)),
    }
}

/// One bid of the bidder with a number.
pub(super) fn bid_to_pb(bid: &bid::Model, bidder: i32, mine: bool) -> pb::Bid {
    pb::Bid {
        number: bid.number,
        bidder,
        mine,
        amount: bid.amount,
        quantity: bid.quantity,
        automatic: bid.automatic,
        created_at: Some(instant(bid.created_at)),
    }
}

/// What those who watch an offer receive of a change.
pub(super) fn offer_event(offer: &Offer, what: Type, bid: Option<(&bid::Model, i32)>) -> Vec<u8> {
    let is_about_goods = matches!(
        what,
        Type::NewOffer | Type::OfferOpened | Type::OfferUpdated
    );
    let shown = match is_about_goods {
        true => offer_to_pb(offer, Viewer::Anyone),
        false => in_short(offer),
    };
    let event = pb::B2bEvent {
        r#type: what_to_pb(what).into(),
        offer: Some(shown),
        bid: bid.map(|(bid, bidder)| bid_to_pb(bid, bidder, false)),
        response: None,
    };
    event.encode_to_vec()
}

/// What a response's buyer, or its seller, receives of a change. The log must not outlive
/// what a closed account forgets, so it holds no name.
pub(super) fn response_event(
    offer: &Offer,
    response: &OfferResponse,
    what: Type,
    to_buyer: bool,
) -> Vec<u8> {
    let event = pb::B2bEvent {
        r#type: what_to_pb(what).into(),
        offer: Some(in_short(offer)),
        bid: None,
        response: Some(response_to_pb(response, offer, "", to_buyer)),
    };
    event.encode_to_vec()
}

/// An offer without what only its seller changes and may be long: bids come by the hundred,
/// each to everybody who watches.
fn in_short(offer: &Offer) -> pb::Offer {
    pb::Offer {
        description: String::new(),
        images: Vec::new(),
        tags: Vec::new(),
        ..offer_to_pb(offer, Viewer::Anyone)
    }
}

const fn what_to_pb(what: Type) -> pb::b2b_event::Type {
    use pb::b2b_event::Type as Told;
    match what {
        Type::NewOffer => Told::NewOffer,
        Type::OfferOpened => Told::OfferOpened,
        Type::OfferUpdated => Told::OfferUpdated,
        Type::NewBid => Told::NewBid,
        Type::Outbid => Told::Outbid,
        Type::AuctionExtended => Told::AuctionExtended,
        Type::AuctionEndingSoon => Told::AuctionEndingSoon,
        Type::AuctionWon => Told::AuctionWon,
        Type::AuctionLost => Told::AuctionLost,
        Type::NegotiationSubmitted => Told::NegotiationSubmitted,
        Type::NegotiationCountered => Told::NegotiationCountered,
        Type::NegotiationAccepted => Told::NegotiationAccepted,
        Type::NegotiationRejected => Told::NegotiationRejected,
        Type::ResponseWithdrawn => Told::ResponseWithdrawn,
        Type::OutOfStock => Told::OutOfStock,
        Type::OfferPartlySold => Told::OfferPartlySold,
        Type::OfferSold => Told::OfferSold,
        Type::OfferExpired => Told::OfferExpired,
        Type::OfferClosed => Told::OfferClosed,
    }
}

fn status_to_pb(status: OfferStatus) -> i32 {
    number_of!(pb::offer::Status, status.as_str())
}

fn outcome_to_pb(outcome: Outcome) -> i32 {
    number_of!(pb::offer::Outcome, outcome.as_str())
}

fn response_status_to_pb(status: ResponseStatus) -> i32 {
    number_of!(pb::offer_response::Status, status.as_str())
}

fn refusal_to_pb(refusal: Refusal) -> i32 {
    number_of!(pb::offer_response::Refusal, refusal.as_str())
}

fn party_to_pb(party: Party) -> i32 {
    number_of!(pb::offer_response::Party, party.as_str())
}

fn category(category: Option<SellerCategory>) -> i32 {
    category.map_or(0, |category| {
        number_of!(users::user::SellerCategory, category.as_str())
    })
}

fn version(version: i64) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

fn instant(micros: i64) -> Timestamp {
    time_to_pb(Time::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::b2b::state::{OfferType, ResponseType};

    #[test]
    fn every_word_is_one_of_the_contract() {
        for word in OfferType::ALL {
            assert_ne!(number_of!(pb::offer::Type, word.as_str()), 0);
        }
        for word in ResponseType::ALL {
            assert_ne!(number_of!(pb::offer_response::Type, word.as_str()), 0);
        }
        let statuses = OfferStatus::ALL.iter().map(|word| status_to_pb(*word));
        let outcomes = Outcome::ALL.iter().map(|word| outcome_to_pb(*word));
        let responses = ResponseStatus::ALL
            .iter()
            .map(|word| response_status_to_pb(*word));
        let refusals = Refusal::ALL.iter().map(|word| refusal_to_pb(*word));
        let parties = Party::ALL.iter().map(|word| party_to_pb(*word));
        let numbers = statuses.chain(outcomes).chain(responses);
        let mut numbers = numbers.chain(refusals).chain(parties);
        assert!(numbers.all(|number| number != 0));
        let methods = ["COD", "CCP", "CARD", "BANK_TRANSFER"];
        let known = methods.map(|word| number_of!(orders::order_payment::Method, word));
        assert!(!known.contains(&0));
    }
}
