//! Lists of products: what is asked for, in which order, and where a page ends.

use super::store::lists::{self, Listed};
use super::{Catalog, Product, Sight, Status};
use crate::kernel::id::{CategoryId, StoreId, UserId};
use crate::kernel::page::{Page, PageRequest, cursor};
use crate::kernel::{Call, Caller, Result};

/// Among which products to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Among {
    /// Those on sale.
    OnSale {
        /// To whom.
        sight: Sight,
        /// Only those that the marketplace features.
        featured: bool,
    },
    /// Those of some stores, as their members see them.
    OfStores {
        /// The stores.
        stores: Vec<StoreId>,
        /// Only those of this status.
        status: Option<Status>,
    },
}

/// Which products to list. Every given part must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Among which.
    pub among: Among,
    /// Folded words that must occur; without any word nothing is found.
    pub words: Option<String>,
    /// In one of these categories.
    pub categories: Option<Vec<CategoryId>>,
    /// Of this brand, folded.
    pub brand: Option<String>,
    /// Of this seller.
    pub seller: Option<UserId>,
    /// Of this store.
    pub store: Option<StoreId>,
    /// Not cheaper, in minor units.
    pub min_price: Option<i64>,
    /// Not dearer, in minor units.
    pub max_price: Option<i64>,
    /// That can be bought now, or cannot.
    pub in_stock: Option<bool>,
}

impl Filter {
    /// Everything of these.
    pub const fn all(among: Among) -> Self {
        Self {
            among,
            words: None,
            categories: None,
            brand: None,
            seller: None,
            store: None,
            min_price: None,
            max_price: None,
            in_stock: None,
        }
    }
}

/// The order of a list. What is equal stands newest first, or oldest first where the list
/// ascends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Newest first.
    Newest,
    /// Cheapest first.
    PriceUp,
    /// Dearest first.
    PriceDown,
    /// By name.
    Name,
    /// Those with all search words in the name first, then newest first. It depends on
    /// the product alone, not on what else there is, so that pages stay whole while
    /// products come and go.
    Relevance,
}

/// A brand as the products name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// The folded name, by which brands sort.
    pub key: String,
    /// The name.
    pub name: String,
    /// How many products on sale carry it.
    pub products: i64,
}

impl Catalog {
    /// A page of products; guests may get it a little late.
    pub(super) async fn list(
        &self,
        caller: &Caller,
        filter: &Filter,
        sort: Sort,
        page: &PageRequest,
    ) -> Result<Page<Product>> {
        let db = &self.0.db;
        let read =
            |conn| async move { lists::products(&conn, db.dialect(), filter, sort, page).await };
        let (rows, total) = db.read_stale(caller, read).await?;
        let page = page.finish(rows, total, |listed| {
            cursor(listed.product.id, &key(sort, listed))
        });
        Ok(page.map(|listed| listed.product))
    }

    /// A page of the brands whose folded name begins with `prefix`; guests may get it a
    /// little late.
    pub(super) async fn brands(
        &self,
        call: &Call,
        prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<Brand>> {
        let (db, sight) = (&self.0.db, &self.sight(call).await?);
        let read =
            |conn| async move { lists::brands(&conn, db.dialect(), sight, prefix, page).await };
        let (rows, total) = db.read_stale(&call.caller, read).await?;
        Ok(page.finish(rows, total, |brand| brand.key.as_bytes().to_vec()))
    }
}

/// Where a product stands in the order, for the cursor after it.
fn key(sort: Sort, listed: &Listed) -> Vec<u8> {
    match sort {
        Sort::Newest => Vec::new(),
        Sort::PriceUp | Sort::PriceDown => listed.product.sale_price().to_be_bytes().to_vec(),
        Sort::Name => listed.product.name_key.clone().into_bytes(),
        Sort::Relevance => vec![u8::from(listed.rank > 0)],
    }
}
