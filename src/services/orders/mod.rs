//! Orders, from placing to delivery: what was bought, of whom, where it goes, and how its
//! status moved.
//!
//! Holds:
//! - an order belongs to one store (or, with free items, to none) and has one currency;
//!   what was bought at several stores at once shares a checkout group;
//! - what an order shows of products, stores and people is a copy from its placing;
//! - its status moves only by the moves of `state`, each with one row of history, one
//!   version and one event per topic;
//! - its pieces leave the stock when it is placed and come back once, when it comes to
//!   nothing;
//! - whoever may not see it is told that there is none.
//!
//! It does not take money: orders are paid in cash or by hand, and what payments will do
//! to an order goes through the same moves.

mod access;
mod announce;
mod basket;
mod change;
mod convert;
mod deal;
mod entity;
mod grpc;
mod jobs;
mod model;
mod number;
mod place;
mod pricing;
mod quote;
mod read;
mod receiver;
mod reels;
mod state;
mod store;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::db::{Db, Tx};
use crate::events::Events;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::seal::Sealer;
use crate::kernel::{Currency, Result};
use crate::services::catalog::Catalog;
use crate::services::shipping::Shipping;
use crate::services::stores::Stores;
use crate::services::users::{Farewell, OpenOrders};

pub use deal::{Deal, place_deal};
pub use jobs::register;
pub use state::{DeliveryType, PaymentMethod, Status, movers};

/// How orders behave where a request does not say.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether clients may order free items with their own titles and prices.
    pub allow_adhoc_items: bool,
    /// The marketplace's currency.
    pub currency: Currency,
    /// The calling code of phone numbers without one, such as `91`.
    pub default_phone_country: Option<String>,
    /// How long a store has to confirm an order before it is cancelled.
    pub confirm_within: Duration,
}

/// The service of orders. Clones share it.
#[derive(Clone)]
pub struct Orders(Arc<Parts>);

struct Parts {
    db: Db,
    events: Events,
    /// Makes page tokens and the tokens of guests.
    sealer: Sealer,
    stores: Stores,
    catalog: Catalog,
    shipping: Shipping,
    settings: Settings,
}

impl Orders {
    /// The service; `sealer` makes its page tokens and the tokens of guests.
    pub fn new(
        db: Db,
        events: Events,
        sealer: Sealer,
        stores: Stores,
        catalog: Catalog,
        shipping: Shipping,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Parts {
            db,
            events,
            sealer,
            stores,
            catalog,
            shipping,
            settings,
        }))
    }
}

/// Takes the buyer off the past orders of accounts that are closed.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForgetBuyers;

#[async_trait]
impl Farewell for ForgetBuyers {
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()> {
        store::forget_buyer(tx, user).await
    }
}

/// Says whether orders are under way, for those who close accounts and stores. It stands
/// apart from [`Orders`], which needs the stores, which need this.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrdersUnderWay;

#[async_trait]
impl OpenOrders for OrdersUnderWay {
    async fn user_has_open_orders(&self, tx: &Tx, user: UserId) -> Result<bool> {
        store::open_of_user(tx, user).await
    }

    async fn store_has_open_orders(&self, tx: &Tx, store: StoreId) -> Result<bool> {
        store::open_of_store(tx, store).await
    }
}
