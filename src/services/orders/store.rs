//! Every query of orders: writing and reading single ones here, lists in `lists`.

mod lists;
mod rows;

use std::collections::HashMap;

use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Set,
};
use uuid::Uuid;

use super::entity::{history, item, order};
use super::model::{Entry, Item, Order};
use crate::db::{Conn, Tx, unique_violation};
use crate::kernel::id::OrderId;
use crate::kernel::{Error, Reason, Result, Time};

use rows::{entry, entry_row, item_row, line, model, reason_of, row_of};

pub(super) use lists::{
    Filter, Scope, Summary, forget_buyer, history_page, list, open_of_store, open_of_user, summary,
    unconfirmed,
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
