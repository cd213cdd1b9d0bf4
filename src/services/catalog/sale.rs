//! What carts and orders need to know of products.

use super::{Catalog, Product, Status, store};
use crate::db::Conn;
use crate::kernel::id::{ProductId, StoreId, UserId};
use crate::kernel::{Call, Currency, Result};
use crate::services::users::SellerCategory;

/// A product as it is sold now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleItem {
    /// The product.
    pub product: ProductId,
    /// The store that sells it.
    pub store: StoreId,
    /// The owner of that store.
    pub seller: UserId,
    /// The owner's tier.
    pub tier: Option<SellerCategory>,
    /// Its name.
    pub name: String,
    /// Its name as used in links.
    pub slug: String,
    /// The address of its picture; empty when it has none.
    pub image: String,
    /// The seller's article number; may be empty.
    pub sku: String,
    /// What a buyer pays for one piece, in minor units.
    pub price: i64,
    /// The price before a reduction, when there is one.
    pub price_before: Option<i64>,
    /// The currency of the price.
    pub currency: Currency,
    /// The smallest quantity of one order.
    pub min_order_quantity: i32,
    /// Where it is in its life. Only ACTIVE is for sale.
    pub status: Status,
    /// Whether at least one piece can be bought.
    pub in_stock: bool,
}

impl Catalog {
    /// The products among `ids` that the caller sees as far as tiers go, deleted ones too;
    /// all others are absent. One statement where everybody sees them.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sale_items(
        &self,
        conn: &impl Conn,
        call: &Call,
        ids: &[ProductId],
    ) -> Result<Vec<SaleItem>> {
        let mut items = Vec::with_capacity(ids.len());
        for product in store::find_all(conn, ids).await? {
            let item = SaleItem::from(product);
            if self.sees(conn, call, item.store, item.tier).await? {
                items.push(item);
            }
        }
        Ok(items)
    }
}

impl From<Product> for SaleItem {
    fn from(product: Product) -> Self {
        let (price, price_before) = (product.sale_price(), product.price_before());
        let (status, tier) = (product.status(), product.tier());
        let image = product.images.0.into_iter().next();
        Self {
            product: product.id.into(),
            store: product.store_id.into(),
            seller: product.seller_id.into(),
            tier,
            name: product.name,
            slug: product.slug,
            image: image.map(|image| image.url).unwrap_or_default(),
            sku: product.sku,
            price,
            price_before,
            // The table takes nothing but three letters.
            currency: product.currency.parse().unwrap_or(Currency::DZD),
            min_order_quantity: product.min_order_quantity,
            status,
            in_stock: product.in_stock,
        }
    }
}
