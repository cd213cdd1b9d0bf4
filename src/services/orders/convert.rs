//! Orders on the wire: answers here, requests in `requests`.

mod requests;

use prost::Message;

use super::announce::Change;
use super::change::Told;
use super::model::{Entry, Item, Order, Source};
use super::place::Placed;
use super::pricing::{Priced, Problem};
use super::quote::Quoted;
use super::state::{Actor, DeliveryType, PaymentMethod, PaymentStatus, Status};
use super::store::Summary;
use crate::events::{Event, Step, Update};
use crate::grpc::convert::time_to_pb;
use crate::kernel::wilaya::Wilaya;
use crate::kernel::{Error, Result};
use crate::pb::souk::common::v1 as common;
use crate::pb::souk::orders::v1 as pb;

pub(super) use requests::{
    place_from_pb, quote_from_pb, seller_filter, status_filter, step_from_pb, store_filter,
    summary_filter,
};

/// The number of a word in an enum of the contract. The words of the model are those of
/// the contract, which a test compares.
macro_rules! number_of {
    ($wire:ty, $word:expr) => {
        <$wire>::from_str_name($word.as_str()).unwrap_or_default() as i32
    };
}

pub(super) fn status_to_pb(status: Status) -> i32 {
    number_of!(pb::order::Status, status)
}

fn payment_status_to_pb(status: PaymentStatus) -> i32 {
    number_of!(pb::order_payment::Status, status)
}

fn method_to_pb(method: PaymentMethod) -> i32 {
    number_of!(pb::order_payment::Method, method)
}

fn delivery_to_pb(delivery: DeliveryType) -> i32 {
    number_of!(pb::order::DeliveryType, delivery)
}

fn source_to_pb(source: Source) -> i32 {
    number_of!(pb::order::Source, source)
}

fn actor_to_pb(actor: Actor) -> i32 {
    number_of!(pb::order_history_entry::Actor, actor)
}

/// An order without its history.
pub(super) fn order_to_pb(order: &Order) -> pb::Order {
    let (life, receiver, totals) = (order.life(), &order.receiver, &order.totals);
    let wilaya = Wilaya::find(&receiver.wilaya_code).map(|wilaya| wilaya.name.to_owned());
    let (cancelled_at, cancel_reason) = life.cancelled.clone().unzip();
    let (return_requested_at, return_reason) = order.return_requested.clone().unzip();
    let seller = order.seller.as_ref();
    pb::Order {
        id: order.id.to_string(),
        order_number: order.number.clone(),
        checkout_group: order.group.to_string(),
        user_id: order.user.map(|user| user.to_string()).unwrap_or_default(),
        store_id: seller
            .map(|seller| seller.store.to_string())
            .unwrap_or_default(),
        store_name: order.store_name.clone(),
        seller_id: seller
            .map(|seller| seller.owner.to_string())
            .unwrap_or_default(),
        buyer_kind: match order.offer {
            Some(_) => pb::order::BuyerKind::B2b,
            None => pb::order::BuyerKind::B2c,
        }
        .into(),
        source: source_to_pb(order.source),
        status: status_to_pb(life.status),
        payment_method: method_to_pb(order.payment_method),
        payment_status: payment_status_to_pb(order.payment_status),
        delivery_type: delivery_to_pb(order.delivery_type),
        customer_name: receiver.name.clone(),
        customer_phone: receiver.phone.clone(),
        customer_email: receiver.email.clone(),
        wilaya: wilaya.unwrap_or_default(),
        wilaya_code: receiver.wilaya_code.clone(),
        commune: receiver.commune.clone(),
        address: receiver.address.clone(),
        postal_code: receiver.postal_code.clone(),
        country: receiver.country.clone(),
        location: receiver.location.map(|point| common::GeoPoint {
            latitude: point.latitude,
            longitude: point.longitude,
        }),
        items: order.items.iter().map(item_to_pb).collect(),
        subtotal: totals.subtotal,
        shipping: totals.shipping,
        tax: totals.tax,
        discount: totals.discount,
        total: totals.total,
        currency: totals.currency.to_string(),
        notes: order.notes.clone(),
        tracking_number: order.tracking_number.clone(),
        estimated_delivery_at: order.estimated_delivery_at.map(time_to_pb),
        delivered_at: life.delivered_at.map(time_to_pb),
        cancelled_at: cancelled_at.map(time_to_pb),
        cancel_reason: cancel_reason.unwrap_or_default(),
        return_requested_at: return_requested_at.map(time_to_pb),
        return_reason: return_reason.unwrap_or_default(),
        history: Vec::new(),
        version: version_to_pb(life.version),
        created_at: Some(time_to_pb(order.created_at)),
        updated_at: Some(time_to_pb(life.updated_at)),
        offer_id: order.offer.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// Versions count a handful of changes; none comes near the bound.
fn version_to_pb(version: i64) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

fn item_to_pb(item: &Item) -> pb::OrderItem {
    pb::OrderItem {
        reel_id: item.reel.map(|reel| reel.to_string()),
        id: item.id.to_string(),
        product_id: item
            .product
            .map(|product| product.to_string())
            .unwrap_or_default(),
        name: item.name.clone(),
        image: item.image.clone(),
        sku: item.sku.clone(),
        unit_price: item.unit_price,
        quantity: item.quantity,
        subtotal: item.subtotal,
    }
}

pub(super) fn entry_to_pb(entry: &Entry) -> pb::OrderHistoryEntry {
    pb::OrderHistoryEntry {
        from_status: entry.from.map(status_to_pb).unwrap_or_default(),
        status: status_to_pb(entry.status),
        actor: actor_to_pb(entry.actor),
        actor_id: entry
            .actor_id
            .map(|user| user.to_string())
            .unwrap_or_default(),
        note: entry.note.clone(),
        version: version_to_pb(entry.version),
        created_at: Some(time_to_pb(entry.at)),
    }
}

/// An order with its history.
pub(super) fn told_to_pb((order, history): &Told) -> pb::Order {
    pb::Order {
        history: history.iter().map(entry_to_pb).collect(),
        ..order_to_pb(order)
    }
}

/// The answer of PlaceOrder, without the guest's token: it is made anew for every answer,
/// so that no record of an answer holds it.
pub(super) fn placed_to_pb(placed: &Placed) -> Result<pb::PlaceOrderResponse> {
    let with_history =
        |(order, entry): &(Order, Entry)| told_to_pb(&(order.clone(), vec![entry.clone()]));
    let orders: Vec<pb::Order> = placed.orders.iter().map(with_history).collect();
    let first = orders.first().cloned();
    Ok(pb::PlaceOrderResponse {
        message: "Order placed successfully".to_owned(),
        order: Some(first.ok_or_else(|| Error::internal("a checkout without orders"))?),
        orders,
        checkout_group: placed.group.to_string(),
        guest_token: None,
    })
}

pub(super) fn quoted_to_pb(quoted: &Quoted) -> pb::QuoteOrderResponse {
    pb::QuoteOrderResponse {
        quotes: quoted.orders.iter().map(priced_to_pb).collect(),
        total: quoted.total,
        currency: quoted.currency.to_string(),
        problems: quoted.problems.iter().map(problem_to_pb).collect(),
    }
}

fn priced_to_pb(priced: &Priced) -> pb::OrderQuote {
    let (store, totals) = (priced.store.as_deref(), &priced.totals);
    // Only an order that was placed has lines with an id.
    let unnamed = |item: &Item| pb::OrderItem {
        id: String::new(),
        ..item_to_pb(item)
    };
    pb::OrderQuote {
        store_id: store.map(|store| store.id.to_string()).unwrap_or_default(),
        store_name: store.map(|store| store.name.clone()).unwrap_or_default(),
        items: priced.items.iter().map(unnamed).collect(),
        subtotal: totals.subtotal,
        shipping: priced.shipping_known.then_some(totals.shipping),
        tax: totals.tax,
        discount: totals.discount,
        total: totals.total,
    }
}

fn problem_to_pb(problem: &Problem) -> pb::OrderProblem {
    pb::OrderProblem {
        code: number_of!(common::ErrorReason, problem.reason),
        message: problem.message.clone(),
        store_id: problem
            .store
            .map(|store| store.to_string())
            .unwrap_or_default(),
        product_id: problem
            .product
            .map(|product| product.to_string())
            .unwrap_or_default(),
        available: problem.available,
    }
}

/// How many orders, of which statuses, worth what.
pub(super) fn summary_to_pb(rows: &[Summary]) -> pb::GetOrderSummaryResponse {
    let count = |orders: i64| i32::try_from(orders).unwrap_or(i32::MAX);
    let mut answer = pb::GetOrderSummaryResponse {
        total_orders: count(rows.iter().map(|row| row.orders).sum()),
        ..Default::default()
    };
    for status in Status::ALL {
        let orders = rows
            .iter()
            .filter(|row| row.status == *status)
            .map(|row| row.orders)
            .sum();
        if orders > 0 {
            let (status, count) = (status_to_pb(*status), count(orders));
            answer.statuses.push(pb::OrderStatusCount { status, count });
        }
    }
    for row in rows {
        let currency = row.currency.to_string();
        let place = answer
            .revenue
            .iter()
            .position(|one| one.currency == currency);
        let place = place.unwrap_or_else(|| {
            answer.revenue.push(pb::OrderRevenue {
                currency,
                ..Default::default()
            });
            answer.revenue.len() - 1
        });
        let sums = &mut answer.revenue[place];
        if !row.status.is_final() {
            sums.total += row.total;
            sums.delivered += if row.status == Status::Delivered {
                row.total
            } else {
                0
            };
            sums.paid += if row.payment_status == PaymentStatus::Paid {
                row.total
            } else {
                0
            };
        }
    }
    answer
        .revenue
        .sort_by(|one, other| one.currency.cmp(&other.currency));
    answer
}

/// What watchers receive of a change.
pub(super) fn event(order: &Order, change: Change<'_>) -> Vec<u8> {
    use pb::order_event::Type;
    let kind = match change {
        Change::Created(_) => Type::Created,
        Change::Moved(_) => Type::StatusChanged,
        Change::Updated => Type::Updated,
    };
    pb::OrderEvent {
        r#type: kind as i32,
        order: Some(order_to_pb(order)),
        change: change.entry().map(entry_to_pb),
    }
    .encode_to_vec()
}

/// What one message of a stream tells, whatever the stream: its event, the orders of a
/// snapshot, and the token.
pub(super) struct Heard<S> {
    pub event: pb::OrderEvent,
    pub snapshot: Option<S>,
    pub resume_token: String,
}

pub(super) fn heard<S>(step: Step<S>) -> Result<Heard<S>> {
    use pb::order_event::Type;
    let bare = |kind: Type| pb::OrderEvent {
        r#type: kind as i32,
        order: None,
        change: None,
    };
    let (event, snapshot) = match step.update {
        Update::Snapshot(shown) => (bare(Type::Snapshot), Some(shown)),
        Update::Event(event) => (decoded(&event)?, None),
        Update::Heartbeat => (bare(Type::Heartbeat), None),
    };
    Ok(Heard {
        event,
        snapshot,
        resume_token: step.resume_token,
    })
}

fn decoded(event: &Event) -> Result<pb::OrderEvent> {
    pb::OrderEvent::decode(event.payload.clone()).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_model_are_those_of_the_contract() {
        assert!(Status::ALL.iter().all(|word| status_to_pb(*word) != 0));
        assert!(Actor::ALL.iter().all(|word| actor_to_pb(*word) != 0));
        assert!(
            DeliveryType::ALL
                .iter()
                .all(|word| delivery_to_pb(*word) != 0)
        );
        assert!(
            PaymentMethod::ALL
                .iter()
                .all(|word| method_to_pb(*word) != 0)
        );
        assert!(
            PaymentStatus::ALL
                .iter()
                .all(|word| payment_status_to_pb(*word) != 0)
        );
        let sources = [Source::Direct, Source::Cart, Source::AdHoc];
        assert!(sources.iter().all(|word| source_to_pb(*word) != 0));
    }
}
