//! Who may see and change stock: for everyone but the members of its store, a record does
//! not exist.

use super::set::{self, Settings};
use super::{Inventory, Stock, opening, store};
use crate::db::{Conn, Tx};
use crate::kernel::id::{ProductId, StockId, StoreId};
use crate::kernel::{Call, Error, Reason, Result};
use crate::services::catalog;

/// How a request names a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// By its id.
    Id(StockId),
    /// By store and product; made when missing.
    Of(StoreId, ProductId),
}

impl Inventory {
    /// The store that sells a product, and the pieces that a buyer can have now.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND when the product is not on sale, or not in that store.
    pub(super) async fn available(
        &self,
        call: &Call,
        product: ProductId,
        store: Option<StoreId>,
    ) -> Result<(StoreId, i32)> {
        let found = self.0.catalog.visible(call, product).await?;
        let home = found.store();
        if !found.is_on_sale() || store.is_some_and(|store| store != home) {
            return Err(Error::new(Reason::ProductNotFound, "product not found"));
        }
        let pair = (home, product);
        let all = super::availability(self.0.db.read(), &[pair]).await?;
        Ok((home, all.get(&pair).map_or(0, |found| found.available)))
    }

    /// The record, when there is one and the caller is a member of its store.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn of_member(
        &self,
        conn: &impl Conn,
        call: &Call,
        found: Option<Stock>,
    ) -> Result<Stock> {
        let stock = found.ok_or_else(not_found)?;
        let (stores, home) = (&self.0.stores, stock.store_id.into());
        match stores.check_member(conn, call, home).await {
            Ok(()) => Ok(stock),
            Err(error) if error.reason() == Reason::NotFound => Err(not_found()),
            Err(error) => Err(error),
        }
    }

    /// Sets a record that a member names.
    pub(super) async fn set(
        &self,
        tx: &Tx,
        call: &Call,
        target: &Target,
        settings: &Settings,
    ) -> Result<Stock> {
        let actor = call.caller.user_id();
        match *target {
            Target::Id(id) => {
                let found = store::lock(tx, id).await?;
                let stock = self.of_member(tx.conn(), call, found).await?;
                set::change(tx, stock, settings, actor).await
            }
            Target::Of(home, product) => {
                let stores = &self.0.stores;
                stores.check_member(tx.conn(), call, home).await?;
                if let Some(stock) = store::lock_of_product(tx, product).await? {
                    let stock = Some(stock).filter(|stock| stock.store_id == home.uuid());
                    let stock = stock.ok_or_else(not_found)?;
                    return set::change(tx, stock, settings, actor).await;
                }
                let product = catalog::find(tx.conn(), product).await?;
                if product.store() != home {
                    return Err(not_found());
                }
                set::open(tx, &opening::named(&product), settings, actor).await
            }
        }
    }
}

fn not_found() -> Error {
    Error::not_found("stock record")
}
