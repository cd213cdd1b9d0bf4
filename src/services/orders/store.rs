//! Every query of orders: writing and reading single ones here, lists in `lists`.

mod lists;

use std::collections::HashMap;

use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Set,
};
use uuid::Uuid;

use super::entity::{history, item, order};
use super::model::{Draft, Entry, Item, Life, Order, Receiver, Seller, Source, Totals};
use super::state::{Actor, DeliveryType, PaymentMethod, PaymentStatus, Status};
use crate::db::{Conn, Tx, unique_violation};
use crate::kernel::geo::GeoPoint;
use crate::kernel::id::{CheckoutGroupId, OrderId};
use crate::kernel::{Error, Reason, Result, Time};

pub(super) use lists::{
    Filter, Scope, Summary, history_page, list, open_of_store, open_of_user, summary, unconfirmed,
};

/// Inserts new orders with their lines and their first history entries: three statements,
/// however many orders.
///
/// # Errors
/// CONFLICT when an order number was taken; the call may be repeated.
pub(super) async fn insert(tx: &Tx, orders: &[(Order, Entry)]) -> Result<()> {
    let rows = orders
        .iter()
        .map(|(order, _)| row_of(order).into_active_model());
    let inserted = order::Entity::insert_many(rows)
        .exec_without_returning(tx.conn())
        .await;
    inserted.map_err(|error| match unique_violation(&error) {
        Some(_) => Error::new(
            Reason::Conflict,
            "the order number was just taken, try again",
        )
        .retry_after(std::time::Duration::ZERO)
        .caused_by(error),
        None => error.into(),
    })?;
    let items = orders.iter().flat_map(|(order, _)| {
        let id = order.id.uuid();
        (0..)
            .zip(&order.items)
            .map(move |(position, item)| item_row(id, position, item))
    });
    item::Entity::insert_many(items.map(IntoActiveModel::into_active_model))
        .exec_without_returning(tx.conn())
        .await?;
    let entries = orders
        .iter()
        .map(|(order, entry)| entry_row(order.id, entry));
    history::Entity::insert_many(entries.map(IntoActiveModel::into_active_model))
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// The order of an id.
pub(super) async fn find(conn: &impl Conn, id: OrderId) -> Result<Option<Order>> {
    let row = order::Entity::find_by_id(id.uuid()).one(conn).await?;
    with_items(conn, row).await
}

/// The order of a number, in any case.
pub(super) async fn find_by_number(conn: &impl Conn, number: &str) -> Result<Option<Order>> {
    let row = order::Entity::find()
        .filter(
            order::COLUMN
                .order_number
                .eq(number.trim().to_ascii_uppercase()),
        )
        .one(conn)
        .await?;
    with_items(conn, row).await
}

/// The order of an id, locked until the commit.
pub(super) async fn lock(tx: &Tx, id: OrderId) -> Result<Option<Order>> {
    let row = order::Entity::find_by_id(id.uuid())
        .lock(LockType::Update)
        .one(tx.conn())
        .await?;
    with_items(tx.conn(), row).await
}

/// Writes what may change of an order, if it still has the version before this change.
///
/// # Errors
/// CONFLICT when somebody else changed it meanwhile.
pub(super) async fn save(tx: &Tx, changed: &Order) -> Result<()> {
    let life = changed.life();
    let row = order::ActiveModel {
        status: Set(life.status.as_str().to_owned()),
        payment_status: Set(changed.payment_status.as_str().to_owned()),
        tracking_number: Set(changed.tracking_number.clone()),
        delivered_at: Set(life.delivered_at.map(Time::micros)),
        cancelled_at: Set(life.cancelled.as_ref().map(|(at, _)| at.micros())),
        cancel_reason: Set(reason_of(life.cancelled.as_ref())),
        return_requested_at: Set(changed.return_requested.as_ref().map(|(at, _)| at.micros())),
        return_reason: Set(reason_of(changed.return_requested.as_ref())),
        version: Set(life.version),
        updated_at: Set(life.updated_at.micros()),
        ..Default::default()
    };
    let done = order::Entity::update_many()
        .set(row)
        .filter(order::COLUMN.id.eq(changed.id.uuid()))
        .filter(order::COLUMN.version.eq(life.version - 1))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 {
        return Ok(());
    }
    Err(Error::new(
        Reason::Conflict,
        "the order has changed meanwhile, try again",
    )
    .retry_after(std::time::Duration::ZERO))
}

/// Appends an entry to an order's history.
pub(super) async fn append(tx: &Tx, id: OrderId, entry: &Entry) -> Result<()> {
    entry_row(id, entry)
        .into_active_model()
        .insert(tx.conn())
        .await?;
    Ok(())
}

/// An order's whole history, oldest first. An order has few entries: its life has an end.
pub(super) async fn history(conn: &impl Conn, id: OrderId) -> Result<Vec<Entry>> {
    let rows = history::Entity::find()
        .filter(history::COLUMN.order_id.eq(id.uuid()))
        .order_by_asc(history::COLUMN.version)
        .all(conn)
        .await?;
    rows.into_iter().map(entry).collect()
}

async fn with_items(conn: &impl Conn, row: Option<order::Model>) -> Result<Option<Order>> {
    match row {
        Some(row) => Ok(all_with_items(conn, vec![row]).await?.pop()),
        None => Ok(None),
    }
}

/// Orders with their lines: one statement for the lines of all.
async fn all_with_items(conn: &impl Conn, rows: Vec<order::Model>) -> Result<Vec<Order>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let found = item::Entity::find()
        .filter(item::COLUMN.order_id.is_in(rows.iter().map(|row| row.id)))
        .order_by_asc(item::COLUMN.position)
        .all(conn)
        .await?;
    let mut items: HashMap<Uuid, Vec<Item>> = HashMap::with_capacity(rows.len());
    for row in found {
        items.entry(row.order_id).or_default().push(line(row));
    }
    rows.into_iter()
        .map(|row| {
            let items = items.remove(&row.id).unwrap_or_default();
            model(row, items)
        })
        .collect()
}

fn reason_of(told: Option<&(Time, String)>) -> String {
    told.map(|(_, reason)| reason.clone()).unwrap_or_default()
}

fn row_of(order: &Order) -> order::Model {
    let (life, receiver, totals) = (order.life(), &order.receiver, &order.totals);
    order::Model {
        id: order.id.uuid(),
        order_number: order.number.clone(),
        checkout_group: order.group.uuid(),
        user_id: order.user.map(Into::into),
        store_id: order.seller.as_ref().map(|seller| seller.store.uuid()),
        store_name: order.store_name.clone(),
        seller_id: order.seller.as_ref().map(|seller| seller.owner.uuid()),
        buyer_kind: "B2C".to_owned(),
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
    }
}

fn item_row(order: Uuid, position: i32, item: &Item) -> item::Model {
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
    }
}

fn entry_row(order: OrderId, entry: &Entry) -> history::Model {
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

fn model(row: order::Model, items: Vec<Item>) -> Result<Order> {
    let at = Time::from_micros;
    let id = row.id;
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
        receiver: Receiver {
            name: row.customer_name,
            phone: row.customer_phone,
            email: row.customer_email,
            wilaya_code: row.wilaya_code,
            commune: row.commune,
            address: row.address,
            postal_code: row.postal_code,
            country: row.country,
            location: row
                .latitude
                .zip(row.longitude)
                .map(|(latitude, longitude)| GeoPoint {
                    latitude,
                    longitude,
                }),
        },
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

fn line(row: item::Model) -> Item {
    Item {
        id: row.id.into(),
        product: row.product_id.map(Into::into),
        name: row.name,
        image: row.image,
        sku: row.sku,
        unit_price: row.unit_price,
        quantity: row.quantity,
        subtotal: row.subtotal,
    }
}

fn entry(row: history::Model) -> Result<Entry> {
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
fn word<T>(order: Uuid, column: &str, word: &str, of: impl Fn(&str) -> Option<T>) -> Result<T> {
    of(word).ok_or_else(|| Error::internal(format!("order {order}: {column} is {word:?}")))
}
