//! What the catalog asks of the stock of its products.

use async_trait::async_trait;

use super::set::{self, Named, Settings};
use super::{OFFER_CHANGED, convert, store};
use crate::db::Tx;
use crate::kernel::Result;
use crate::kernel::id::{ProductId, UserId};
use crate::services::catalog::{Product, ProductStock};

/// The inventory, as the catalog sees it.
#[derive(Debug, Clone, Copy, Default)]
pub struct StockOfProducts;

#[async_trait]
impl ProductStock for StockOfProducts {
    async fn set(
        &self,
        tx: &Tx,
        product: &Product,
        on_hand: Option<i32>,
        enabled: Option<bool>,
        actor: Option<UserId>,
    ) -> Result<bool> {
        let settings = Settings {
            on_hand,
            enabled,
            ..Settings::default()
        };
        let stock = match store::lock_of_product(tx, product.product_id()).await? {
            Some(stock) => set::change(tx, stock, &settings, actor).await?,
            None => set::open(tx, &named(product), &settings, actor).await?,
        };
        Ok(stock.in_stock())
    }

    fn offer_changed(&self, kind: &str, payload: &[u8]) -> Option<ProductId> {
        (kind == OFFER_CHANGED).then(|| convert::product_of_event(payload))?
    }
}

/// A product, as a new record names it.
pub fn named(product: &Product) -> Named {
    Named {
        store: product.store(),
        product: product.product_id(),
        name: product.name.clone(),
        sku: product.sku.clone(),
    }
}
