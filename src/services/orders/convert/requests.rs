//! What requests ask for.

use super::super::basket::{self, Line};
use super::super::change::Step;
use super::super::place;
use super::super::quote::Checkout;
use super::super::receiver::{Parts, Wish};
use super::super::state::{DeliveryType, PaymentMethod, Status};
use super::super::store::{Filter, Scope};
use crate::grpc;
use crate::grpc::convert::time_from_pb;
use crate::kernel::id::StoreId;
use crate::kernel::{Currency, Error, Result, Time};
use crate::pb::Timestamp;
use crate::pb::souk::orders::v1 as pb;

pub(in super::super) fn place_from_pb(request: pb::PlaceOrderRequest) -> Result<place::Wish> {
    let notes = match (request.notes, request.special_instructions) {
        (Some(_), Some(_)) => {
            return Err(Error::field(
                "specialInstructions",
                "cannot stand beside notes",
            ));
        }
        (notes, instructions) => notes.or(instructions).unwrap_or_default(),
    };
    let wish = Wish {
        name: request.customer_name,
        phone: request.customer_phone,
        email: request.customer_email,
        wilaya: request.customer_wilaya,
        commune: request.commune,
        address: request.shipping_address,
        other_address: request.customer_address,
        parts: request.delivery_address.map(parts),
    };
    Ok(place::Wish {
        checkout: Checkout {
            basket: basket::read(lines(request.items)?, store(&request.store_id)?)?,
            delivery: delivery(request.delivery_type),
            wish,
            currency: currency(request.currency.as_deref())?,
        },
        payment_method: method(request.payment_method),
        notes,
        expected_total: request.expected_total,
    })
}

pub(in super::super) fn quote_from_pb(request: pb::QuoteOrderRequest) -> Result<Checkout> {
    Ok(Checkout {
        basket: basket::read(lines(request.items)?, store(&request.store_id)?)?,
        delivery: delivery(request.delivery_type),
        wish: Wish {
            wilaya: request.customer_wilaya,
            parts: request.delivery_address.map(parts),
            ..Wish::default()
        },
        currency: currency(request.currency.as_deref())?,
    })
}

fn lines(items: Vec<pb::OrderLine>) -> Result<Vec<Line>> {
    let line = |(place, item): (usize, pb::OrderLine)| {
        let field = || format!("items[{place}].productId");
        let (product, reel) = (item.product_id.as_deref(), item.reel_id.as_deref());
        let of_reel = || format!("items[{place}].reelId");
        Ok(Line {
            product: product.map(|id| grpc::id(&field(), id)).transpose()?,
            quantity: item.quantity,
            title: item.title,
            price: item.price,
            reel: reel.map(|id| grpc::id(&of_reel(), id)).transpose()?,
        })
    };
    items.into_iter().enumerate().map(line).collect()
}

fn parts(address: pb::DeliveryAddress) -> Parts {
    Parts {
        line1: address.address_line1,
        line2: address.address_line2,
        city: address.city,
        state: address.state,
        postal_code: address.zip_code,
        country: address.country,
        latitude: address.latitude,
        longitude: address.longitude,
    }
}

/// An id in a field that may be empty.
fn store(id: &str) -> Result<Option<StoreId>> {
    if id.is_empty() {
        Ok(None)
    } else {
        grpc::id("storeId", id).map(Some)
    }
}

fn currency(code: Option<&str>) -> Result<Option<Currency>> {
    let parse = |code: &str| {
        let parsed = code.parse::<Currency>();
        parsed.map_err(|refused| Error::field("currency", refused.to_string()))
    };
    code.map(parse).transpose()
}

/// An unspecified way of delivery is to the door.
fn delivery(number: i32) -> DeliveryType {
    let named = pb::order::DeliveryType::try_from(number).ok();
    named
        .and_then(|word| DeliveryType::from_word(word.as_str_name()))
        .unwrap_or(DeliveryType::Home)
}

/// An unspecified method is cash on delivery.
fn method(number: i32) -> PaymentMethod {
    let named = pb::order_payment::Method::try_from(number).ok();
    named
        .and_then(|word| PaymentMethod::from_word(word.as_str_name()))
        .unwrap_or(PaymentMethod::Cod)
}

/// Nothing for an unspecified status: any.
pub(in super::super) fn status_filter(number: i32) -> Option<Status> {
    let named = pb::order::Status::try_from(number).ok();
    named.and_then(|word| Status::from_word(word.as_str_name()))
}

pub(in super::super) fn step_from_pb(request: pb::UpdateOrderStatusRequest) -> Result<Step> {
    let to = status_filter(request.status).ok_or_else(|| Error::field("status", "is required"))?;
    Ok(Step {
        to,
        note: request.note.unwrap_or_default(),
        tracking_number: request.tracking_number,
    })
}

fn time(field: &str, time: Option<&Timestamp>) -> Result<Option<Time>> {
    let read = |time| time_from_pb(time).ok_or_else(|| Error::field(field, "is not a time"));
    time.map(read).transpose()
}

/// The filter of a seller's list.
pub(in super::super) fn seller_filter(
    request: &pb::ListSellerOrdersRequest,
    scope: Scope,
) -> Result<Filter> {
    Ok(Filter {
        scope,
        status: status_filter(request.status),
        from: time("createdAfter", request.created_after.as_ref())?,
        before: time("createdBefore", request.created_before.as_ref())?,
    })
}

pub(in super::super) fn summary_filter(
    request: &pb::GetOrderSummaryRequest,
    scope: Scope,
) -> Result<Filter> {
    Ok(Filter {
        scope,
        status: None,
        from: time("createdAfter", request.created_after.as_ref())?,
        before: time("createdBefore", request.created_before.as_ref())?,
    })
}

/// The store that a request names, if it does.
pub(in super::super) fn store_filter(id: &str) -> Result<Option<StoreId>> {
    store(id)
}
