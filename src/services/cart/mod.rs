//! Carts: what people mean to buy. A cart holds nothing back; what it shows of prices and
//! stock is that of now.
//!
//! Holds:
//! - a user has one cart, with at most one line per product, of 1 to 100 pieces;
//! - the changes of one cart follow one another;
//! - a line belongs to its owner; for everyone else it does not exist.
//!
//! Ordering is not done here: the orders ask for [`lines_for_checkout`] and, in the same
//! transaction, [`remove_lines`].

mod change;
mod convert;
mod entity;
mod grpc;
mod model;
mod store;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::db::{Conn, Db, Tx};
use crate::kernel::id::{CartLineId, ProductId, StoreId, UserId};
use crate::kernel::{Call, Code, Currency, Result, Time};
use crate::services::catalog::{self, Catalog};
use crate::services::inventory;
use crate::services::stores::Stores;
use crate::services::users;

pub use model::Line;
use model::{Offer, View};

/// The service of carts. Clones share it.
#[derive(Clone)]
pub struct Carts(Arc<Parts>);

struct Parts {
    db: Db,
    stores: Stores,
    catalog: Catalog,
    /// The marketplace's, for carts without a line.
    currency: Currency,
}

impl Carts {
    /// The service; `currency` is that of an empty cart.
    pub fn new(db: Db, stores: Stores, catalog: Catalog, currency: Currency) -> Self {
        Self(Arc::new(Parts {
            db,
            stores,
            catalog,
            currency,
        }))
    }
}

impl Parts {
    /// What the cart shows now; only the lines of a store when it is named.
    async fn read(&self, call: &Call, of: Option<StoreId>) -> Result<View> {
        let conn = self.db.read();
        let (updated_at, lines) = store::read(conn, call.user()?, of).await?;
        let offers = self.offers(conn, call, &lines, None).await?;
        self.view(conn, lines, offers, updated_at).await
    }

    /// The products of the lines, and of one more, as they are offered now to the caller;
    /// those that the caller may not see are absent.
    async fn offers(
        &self,
        conn: &impl Conn,
        call: &Call,
        lines: &[Line],
        more: Option<ProductId>,
    ) -> Result<HashMap<ProductId, Offer>> {
        let ids: Vec<ProductId> = lines.iter().map(|line| line.product).chain(more).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let items = self.catalog.sale_items(conn, call, &ids).await?;
        let pairs: Vec<_> = items
            .iter()
            .map(|item| (item.store, item.product))
            .collect();
        let stock = inventory::availability(conn, &pairs).await?;
        let offer = |item: catalog::SaleItem| {
            let found = stock.get(&(item.store, item.product));
            (
                item.product,
                Offer {
                    available: found.map_or(0, |found| found.available),
                    item,
                },
            )
        };
        Ok(items.into_iter().map(offer).collect())
    }

    async fn view(
        &self,
        conn: &impl Conn,
        lines: Vec<Line>,
        offers: HashMap<ProductId, Offer>,
        updated_at: Option<Time>,
    ) -> Result<View> {
        let mut stores = HashMap::new();
        for line in &lines {
            if stores.contains_key(&line.store) {
                continue;
            }
            match self.stores.get(conn, line.store).await {
                Ok(store) => drop(stores.insert(line.store, store)),
                // A store that was closed takes no orders; the line says so.
                Err(refused) if refused.code() == Code::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        model::view(lines, offers, &stores, updated_at, self.currency)
    }
}

/// The lines of a user's cart at a store, oldest first. One statement.
///
/// # Errors
/// Those of the database.
pub async fn lines_for_checkout(
    conn: &impl Conn,
    user: UserId,
    store: StoreId,
) -> Result<Vec<Line>> {
    Ok(store::read(conn, user, Some(store)).await?.1)
}

/// Empties the carts of accounts that are closed.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmptyCarts;

#[async_trait]
impl users::Farewell for EmptyCarts {
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()> {
        store::clear(tx, user, None).await
    }
}

/// Removes lines that were ordered. All of them must still be there, so that one cart is
/// never ordered twice.
///
/// # Errors
/// CONFLICT when one is gone.
pub async fn remove_lines(tx: &Tx, user: UserId, lines: &[CartLineId]) -> Result<()> {
    store::touch(tx, user).await?;
    store::remove(tx, user, lines).await
}
