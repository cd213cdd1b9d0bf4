//! What requests ask for.

use super::super::list::{Among, OfferFilter};
use super::super::negotiate::Terms;
use super::super::offer::PriceTier;
use super::super::respond::Wish;
use super::super::state::{OfferStatus, OfferType, ResponseStatus, ResponseType};
use super::super::terms::{Changes, NewOffer};
use crate::grpc;
use crate::grpc::convert::time_from_pb;
use crate::kernel::{Currency, Error, Result, Time};
use crate::pb::Timestamp;
use crate::pb::souk::b2b::v1 as pb;
use crate::pb::souk::orders::v1::order_payment::Method;
use crate::pb::souk::users::v1::user;
use crate::services::users::SellerCategory;

/// An offer to be made.
pub(in super::super) fn new_offer(request: pb::CreateOfferRequest) -> Result<NewOffer> {
    let kind = kind(request.offer_type()).unwrap_or(OfferType::Negotiable);
    let target = category(request.target_category());
    Ok(NewOffer {
        store: grpc::optional_id("storeId", &request.store_id)?,
        product: grpc::optional_id("productId", &request.product_id)?,
        kind,
        target,
        currency: currency(request.currency.as_deref())?,
        title: title(&request.title)?,
        description: request.description.trim().to_owned(),
        images: request.images,
        tags: request.tags,
        base_price: request.base_price,
        min_quantity: request.min_quantity.unwrap_or(1),
        available_quantity: request.available_quantity,
        price_tiers: tiers(&request.price_tiers),
        starts_at: time("startsAt", request.starts_at.as_ref())?,
        ends_at: time("endsAt", request.ends_at.as_ref())?,
        bid_increment: request.bid_increment,
        reserve_price: request.reserve_price,
        anti_sniping: request.anti_sniping,
    })
}

/// What is to change of an offer.
pub(in super::super) fn changes_from_pb(request: pb::UpdateOfferRequest) -> Result<Changes> {
    Ok(Changes {
        target: category(request.target_category()),
        title: request.title.as_deref().map(title).transpose()?,
        description: request.description.map(|text| text.trim().to_owned()),
        images: Some(request.images).filter(|images| !images.is_empty()),
        tags: Some(request.tags).filter(|tags| !tags.is_empty()),
        base_price: request.base_price,
        min_quantity: request.min_quantity,
        available_quantity: request.available_quantity,
        price_tiers: Some(tiers(&request.price_tiers)).filter(|tiers| !tiers.is_empty()),
        starts_at: time("startsAt", request.starts_at.as_ref())?,
        ends_at: time("endsAt", request.ends_at.as_ref())?,
        bid_increment: request.bid_increment,
        reserve_price: request.reserve_price,
        anti_sniping: request.anti_sniping,
    })
}

/// A response to be made.
pub(in super::super) fn wish_from_pb(request: pb::SubmitResponseRequest) -> Result<Wish> {
    let kind = match request.response_type() {
        pb::offer_response::Type::Unspecified => None,
        pb::offer_response::Type::Bid => Some(ResponseType::Bid),
        pb::offer_response::Type::Negotiation => Some(ResponseType::Negotiation),
    };
    let payment_method = match request.payment_method() {
        Method::Unspecified => None,
        Method::Stripe | Method::Paypal => {
            return Err(Error::field(
                "paymentMethod",
                "must be COD, CCP, CARD or BANK_TRANSFER between businesses",
            ));
        }
        method => Some(method.as_str_name()),
    };
    if request.max_amount.is_some_and(|most| most < request.amount) {
        return Err(Error::field("maxAmount", "must not be below amount"));
    }
    Ok(Wish {
        offer: grpc::id("offerId", &request.offer_id)?,
        kind,
        amount: request.amount,
        quantity: request.quantity,
        max_amount: request.max_amount,
        address: grpc::optional_id("addressId", &request.address_id)?,
        payment_method,
        message: request.message.trim().to_owned(),
    })
}

/// Terms to be proposed.
pub(in super::super) fn counter_from_pb(request: &pb::CounterResponseRequest) -> Terms {
    Terms {
        round: request.round,
        amount: request.amount,
        quantity: request.quantity,
        message: request.message.trim().to_owned(),
    }
}

/// Which offers to list.
pub(in super::super) fn offers_filter(
    request: &pb::ListOffersRequest,
    among: Among,
) -> Result<OfferFilter> {
    Ok(OfferFilter {
        among,
        kind: kind(request.offer_type()),
        status: offer_status(request.status()),
        target: category(request.target_category()),
        seller: grpc::optional_id("sellerId", &request.seller_id)?,
    })
}

/// The status in a filter of offers.
pub(in super::super) fn offer_status(status: pb::offer::Status) -> Option<OfferStatus> {
    OfferStatus::from_word(status.as_str_name())
}

/// The type in a filter of offers.
pub(in super::super) fn kind(kind: pb::offer::Type) -> Option<OfferType> {
    OfferType::from_word(kind.as_str_name())
}

/// The status in a filter of responses.
pub(in super::super) fn responses_status(
    status: pb::offer_response::Status,
) -> Option<ResponseStatus> {
    ResponseStatus::from_word(status.as_str_name())
}

/// A title is as long as it looks.
fn title(text: &str) -> Result<String> {
    let title = text.trim();
    match title.chars().count() {
        0..3 => Err(Error::field("title", "must be at least 3 characters")),
        _ => Ok(title.to_owned()),
    }
}

fn category(category: user::SellerCategory) -> Option<SellerCategory> {
    SellerCategory::from_word(category.as_str_name())
}

fn tiers(tiers: &[pb::PriceTier]) -> Vec<PriceTier> {
    let tier = |tier: &pb::PriceTier| PriceTier {
        min_quantity: tier.min_quantity,
        unit_price: tier.unit_price,
    };
    tiers.iter().map(tier).collect()
}

fn currency(code: Option<&str>) -> Result<Option<Currency>> {
    let parse = |code: &str| {
        let parsed = code.parse::<Currency>();
        parsed.map_err(|refused| Error::field("currency", refused.to_string()))
    };
    code.map(parse).transpose()
}

fn time(field: &'static str, time: Option<&Timestamp>) -> Result<Option<Time>> {
    let read = |time| {
        let read = time_from_pb(time);
        read.ok_or_else(|| Error::field(field, "is not a time"))
    };
    time.map(read).transpose()
}
