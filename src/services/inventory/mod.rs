//! What the stores have: stock, its movements, and reservations.
//!
//! Holds:
//! - `0 <= reserved <= on_hand`, whoever changes what, in whatever order;
//! - every change of the pieces on hand leaves an immutable movement, and their sum is
//!   the pieces on hand;
//! - what is reserved is the sum of the active reservations, and a reservation ends once;
//! - a record's version grows by one with every change, and each change is told on the
//!   topic of its store.
//!
//! The first three are kept by the database itself (constraints and triggers). A stock
//! record belongs to one product, in the store that sells it.
//!
//! It does not know orders: they call [`take`], [`restock`] and [`release_for_order`] in
//! their own transaction.

mod access;
mod change;
mod convert;
mod entity;
mod grpc;
mod jobs;
mod opening;
mod reserve;
mod set;
mod state;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::db::{Conn, Db, Tx};
use crate::events::Events;
use crate::kernel::Result;
use crate::kernel::id::{OrderId, ProductId, StoreId, UserId};
use crate::kernel::seal::Sealer;
use crate::services::catalog::Catalog;
use crate::services::stores::Stores;

use change::{Cause, Shift};
pub use entity::movement::Model as Movement;
pub use entity::reservation::Model as Reservation;
pub use entity::stock::Model as Stock;
pub use jobs::register;
pub use opening::StockOfProducts;
pub use state::{Reason, Status};

/// A record changed in its numbers only.
pub const CHANGED: &str = "stock.changed";
/// A record came to be, or changed in what a buyer sees: the price, or whether it can be
/// bought at all.
pub const OFFER_CHANGED: &str = "stock.offer_changed";

/// How long pieces are held when nobody says otherwise.
pub const DEFAULT_HOLD: Duration = Duration::from_secs(15 * 60);

/// The service of the inventory. Clones share it.
#[derive(Clone)]
pub struct Inventory(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    events: Events,
    stores: Stores,
    catalog: Catalog,
}

impl Inventory {
    /// The service; `sealer` makes its page tokens.
    pub fn new(db: Db, sealer: Sealer, events: Events, stores: Stores, catalog: Catalog) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            events,
            stores,
            catalog,
        }))
    }
}

/// Pieces of one product in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The store.
    pub store: StoreId,
    /// The product.
    pub product: ProductId,
    /// How many pieces, at least 1.
    pub quantity: i32,
}

/// What can be bought of one product in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Availability {
    /// Pieces that a buyer can have now; 0 when the store does not offer them.
    pub available: i32,
}

impl Stock {
    /// Whose record this is.
    pub fn key(&self) -> (StoreId, ProductId) {
        (self.store_id.into(), self.product_id.into())
    }

    /// Pieces that no order holds.
    pub const fn available(&self) -> i32 {
        self.on_hand - self.reserved
    }

    /// Whether a buyer can have at least one piece.
    pub const fn in_stock(&self) -> bool {
        self.enabled && self.available() > 0
    }

    /// Whether the record is at or below its reorder level.
    pub const fn is_low(&self) -> bool {
        self.reorder_level > 0 && self.available() <= self.reorder_level
    }

    /// What a buyer sees of the record: whether it can be bought, and its own price.
    const fn offer(&self) -> (bool, Option<i64>) {
        (self.in_stock(), self.price_override)
    }
}

/// The topic of a store's stock.
pub fn topic(store: StoreId) -> String {
    format!("inventory/{}", store.uuid())
}

/// What can be bought of each pair. Pairs without a record are absent. One statement.
///
/// # Errors
/// Those of the database.
pub async fn availability(
    conn: &impl Conn,
    pairs: &[(StoreId, ProductId)],
) -> Result<HashMap<(StoreId, ProductId), Availability>> {
    let found = store::of_products(conn, pairs.iter().map(|(_, product)| *product)).await?;
    Ok(found
        .iter()
        .filter(|stock| pairs.contains(&stock.key()))
        .map(|stock| {
            let available = if stock.enabled { stock.available() } else { 0 };
            (stock.key(), Availability { available })
        })
        .collect())
}

/// Takes the pieces of an order out of the stock: all lines or none, in one statement.
///
/// # Errors
/// OUT_OF_STOCK that names `items[i].quantity` of each line that cannot be met, with what
/// is available.
pub async fn take(tx: &Tx, lines: &[Line], order: OrderId, actor: Option<UserId>) -> Result<()> {
    let cause = Cause::of_order(Reason::Sale, order, actor);
    let shifts = shifts(lines, |pieces| (-pieces, 0))?;
    change::purchase(tx, "items", lines, &shifts, &cause)
        .await
        .map(drop)
}

/// Puts the pieces of an order back: [`Reason::Cancellation`] or [`Reason::Return`]. The
/// caller sees to it that this happens once.
///
/// # Errors
/// Those of the database.
pub async fn restock(
    tx: &Tx,
    lines: &[Line],
    order: OrderId,
    reason: Reason,
    actor: Option<UserId>,
) -> Result<()> {
    let cause = Cause::of_order(reason, order, actor);
    let shifts = shifts(lines, |pieces| (pieces, 0))?;
    change::settle(tx, &shifts, &cause).await.map(drop)
}

/// Gives back what is still held for an order, which ends in `end`: [`Status::Released`]
/// or [`Status::Cancelled`]. Holding nothing is no error.
///
/// # Errors
/// Those of the database.
pub async fn release_for_order(tx: &Tx, order: OrderId, end: Status) -> Result<()> {
    reserve::release(tx, reserve::Which::Order(order), end)
        .await
        .map(drop)
}

/// One shift per record, from the pieces asked of it: what it gains on hand and reserved.
fn shifts(lines: &[Line], gain: impl Fn(i32) -> (i32, i32)) -> Result<Vec<Shift>> {
    let pieces = change::per_record(lines)?;
    Ok(pieces
        .into_iter()
        .map(|((store, product), pieces)| {
            let (on_hand, reserved) = gain(pieces);
            Shift {
                store,
                product,
                on_hand,
                reserved,
            }
        })
        .collect())
}
