//! Tells everyone who watches an order: those of the order itself, of its buyer and of
//! its store.

use super::convert;
use super::model::{Entry, Order};
use crate::db::{NewEvent, Tx};
use crate::kernel::id::{OrderId, StoreId, UserId};

/// What happened to an order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change<'a> {
    /// It was placed.
    Created(&'a Entry),
    /// Its status changed.
    Moved(&'a Entry),
    /// Something else of it changed.
    Updated,
}

impl<'a> Change<'a> {
    const fn kind(self) -> &'static str {
        match self {
            Self::Created(_) => "order.created",
            Self::Moved(_) => "order.status_changed",
            Self::Updated => "order.updated",
        }
    }

    /// The entry of the history, where there is one.
    pub(super) const fn entry(self) -> Option<&'a Entry> {
        match self {
            Self::Created(entry) | Self::Moved(entry) => Some(entry),
            Self::Updated => None,
        }
    }
}

/// The topic of one order.
pub(super) fn order_topic(id: OrderId) -> String {
    format!("order/{}", id.uuid())
}

/// The topic of a buyer's orders.
pub(super) fn buyer_topic(id: UserId) -> String {
    format!("user-orders/{}", id.uuid())
}

/// The topic of a store's orders.
pub(super) fn store_topic(id: StoreId) -> String {
    format!("store-orders/{}", id.uuid())
}

/// Appends the change to every topic that it concerns.
pub(super) fn tell(tx: &Tx, order: &Order, change: Change<'_>) {
    let payload = convert::event(order, change);
    let topics = [
        Some(order_topic(order.id)),
        order.user.map(buyer_topic),
        order
            .seller
            .as_ref()
            .map(|seller| store_topic(seller.store)),
    ];
    for topic in topics.into_iter().flatten() {
        tx.emit(NewEvent {
            topic,
            kind: change.kind(),
            aggregate: order.id.uuid(),
            version: order.version(),
            payload: payload.clone(),
        });
    }
}
