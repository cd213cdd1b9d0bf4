//! Rows to orders and back.

use std::mem::take;

use uuid::Uuid;

use super::super::entity::{history, item, order};
use super::super::model::{Draft, Entry, Item, Life, Order, Receiver, Seller, Source, Totals};
use super::super::state::{Actor, DeliveryType, PaymentMethod, PaymentStatus, Status};
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::{CheckoutGroupId, OrderId};
use crate::kernel::{Error, Result, Time};

pub(super) fn reason_of(told: Option<&(Time, String)>) -> String {
    told.map(|(_, reason)| reason.clone()).unwrap_or_default()
}

pub(super) fn row_of(order: &Order) -> order::Model {
    let (life, receiver, totals) = (order.life(), &order.receiver, &order.totals);
    order::Model {
        id: order.id.uuid(),
        order_number: order.number.clone(),
        checkout_group: order.group.uuid(),
        user_id: order.user.map(Into::into),
        store_id: order.seller.as_ref().map(|seller| seller.store.uuid()),
        store_name: order.store_name.clone(),
        seller_id: order.seller.as_ref().map(|seller| seller.owner.uuid()),
        buyer_kind: match order.offer {
            Some(_) => "B2B",
            None => "B2C",
        }
        .to_owned(),
        source: order.source.as_str().to_owned(),
        status: life.status.as_str().to_owned(),
        payment_method: order.payment_method.as_str().to_owned(),
        payment_status: order.payment_status.as_str().to_owned(),
        delivery_type: order.delivery_type.as_str().to_owned(),
        customer_name: receiver.name.clone(),
        customer_phone: receiver.phone.clone(),
        customer_email: receiver.email.clone(),
        wilaya_code: receiver.wilaya_code.clone(),
        commune: receiver.commune.clone(),
        address: receiver.address.clone(),
        postal_code: receiver.postal_code.clone(),
        country: receiver.country.clone(),
        latitude: receiver.location.map(|point| point.latitude),
        longitude: receiver.location.map(|point| point.longitude),
        subtotal: totals.subtotal,
        shipping: totals.shipping,
        tax: totals.tax,
        discount: totals.discount,
        total: totals.total,
        currency: totals.currency.as_str().to_owned(),
        notes: order.notes.clone(),
        tracking_number: order.tracking_number.clone(),
        estimated_delivery_at: order.estimated_delivery_at.map(Time::micros),
        delivered_at: life.delivered_at.map(Time::micros),
        cancelled_at: life.cancelled.as_ref().map(|(at, _)| at.micros()),
        cancel_reason: reason_of(life.cancelled.as_ref()),
        return_requested_at: order.return_requested.as_ref().map(|(at, _)| at.micros()),
        return_reason: reason_of(order.return_requested.as_ref()),
        version: life.version,
        created_at: order.created_at.micros(),
        updated_at: life.updated_at.micros(),
        offer_id: order.offer.map(Into::into),
    }
}

pub(super) fn item_row(order: Uuid, position: i32, item: &Item) -> item::Model {
    item::Model {
        id: item.id.uuid(),
        order_id: order,
        position,
        product_id: item.product.map(Into::into),
        name: item.name.clone(),
        image: item.image.clone(),
        sku: item.sku.clone(),
        unit_price: item.unit_price,
        quantity: item.quantity,
        subtotal: item.subtotal,
        reel_id: item.reel.map(Into::into),
    }
}

pub(super) fn entry_row(order: OrderId, entry: &Entry) -> history::Model {
    history::Model {
        order_id: order.uuid(),
        version: entry.version,
        from_status: entry.from.map(|status| status.as_str().to_owned()),
        status: entry.status.as_str().to_owned(),
        actor: entry.actor.as_str().to_owned(),
        actor_id: entry.actor_id.map(Into::into),
        note: entry.note.clone(),
        created_at: entry.at.micros(),
    }
}

pub(super) fn model(mut row: order::Model, items: Vec<Item>) -> Result<Order> {
    let at = Time::from_micros;
    let id = row.id;
    let receiver = receiver(&mut row);
    let life = Life {
        status: word(id, "status", &row.status, Status::from_word)?,
        version: row.version,
        updated_at: at(row.updated_at),
        delivered_at: row.delivered_at.map(at),
        cancelled: row.cancelled_at.map(|time| (at(time), row.cancel_reason)),
    };
    let draft = Draft {
        number: row.order_number,
        group: CheckoutGroupId::from(row.checkout_group),
        user: row.user_id.map(Into::into),
        seller: row
            .store_id
            .zip(row.seller_id)
            .map(|(store, owner)| Seller {
                store: store.into(),
                owner: owner.into(),
            }),
        store_name: row.store_name,
        source: word(id, "source", &row.source, Source::from_word)?,
        offer: row.offer_id.map(Into::into),
        payment_method: word(
            id,
            "payment_method",
            &row.payment_method,
            PaymentMethod::from_word,
        )?,
        delivery_type: word(
            id,
            "delivery_type",
            &row.delivery_type,
            DeliveryType::from_word,
        )?,
        receiver,
        items,
        totals: Totals {
            subtotal: row.subtotal,
            shipping: row.shipping,
            tax: row.tax,
            discount: row.discount,
            total: row.total,
            currency: word(id, "currency", &row.currency, |word| word.parse().ok())?,
        },
        notes: row.notes,
        estimated_delivery_at: row.estimated_delivery_at.map(at),
    };
    let mut order = Order::stored(draft, OrderId::from(id), at(row.created_at), life);
    order.payment_status = word(
        id,
        "payment_status",
        &row.payment_status,
        PaymentStatus::from_word,
    )?;
    order.tracking_number = row.tracking_number;
    order.return_requested = row
        .return_requested_at
        .map(|time| (at(time), row.return_reason));
    Ok(order)
}

fn receiver(row: &mut order::Model) -> Receiver {
    let location = row.latitude.zip(row.longitude);
    Receiver {
        name: take(&mut row.customer_name),
        phone: take(&mut row.customer_phone),
        email: take(&mut row.customer_email),
        wilaya_code: take(&mut row.wilaya_code),
        commune: take(&mut row.commune),
        address: take(&mut row.address),
        postal_code: take(&mut row.postal_code),
        country: take(&mut row.country),
        location: location.map(|(latitude, longitude)| GeoPoint {
            latitude,
            longitude,
        }),
    }
}

pub(super) fn line(row: item::Model) -> Item {
    Item {
        id: row.id.into(),
        product: row.product_id.map(Into::into),
        name: row.name,
        image: row.image,
        sku: row.sku,
        unit_price: row.unit_price,
        quantity: row.quantity,
        subtotal: row.subtotal,
        reel: row.reel_id.map(Into::into),
    }
}

pub(super) fn entry(row: history::Model) -> Result<Entry> {
    let id = row.order_id;
    let from = row.from_status.as_deref();
    Ok(Entry {
        from: from
            .map(|from| word(id, "from_status", from, Status::from_word))
            .transpose()?,
        status: word(id, "status", &row.status, Status::from_word)?,
        actor: word(id, "actor", &row.actor, Actor::from_word)?,
        actor_id: row.actor_id.map(Into::into),
        note: row.note,
        version: row.version,
        at: Time::from_micros(row.created_at),
    })
}

/// A stored word; the database's own checks make another one impossible.
pub(super) fn word<T>(
    order: Uuid,
    column: &str,
    word: &str,
    of: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    of(word).ok_or_else(|| Error::internal(format!("order {order}: {column} is {word:?}")))
}
