//! Categories, brands and products, and finding them.
//!
//! Holds:
//! - a product belongs to one store, and only members of that store write it;
//! - its status moves only by the steps of `state`;
//! - its slug, and in its store its article number, are its own until it is deleted;
//! - its version counts its changes without a gap, and each has an event on the topic
//!   `product/<uuid>`;
//! - who is to see it is decided by the tier of its seller, in `sight`;
//! - what a buyer pays is [`Product::sale_price`], here and nowhere else.
//!
//! Stock belongs to the inventory, which shows here as `in_stock` and as the store's own
//! price. What a new product has in stock goes there through [`ProductStock`]. Which files
//! its pictures are, [`Pictures`] knows.

mod categories;
mod convert;
mod entity;
mod featured;
mod grpc;
mod images;
mod list;
mod product;
mod sale;
mod shared;
mod sight;
mod slug;
mod state;
mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::cache::{Cache, Freshness, SharedCache};
use crate::db::{Conn, Db, Observer, Seen, Tx};
use crate::kernel::id::{ProductId, UserId};
use crate::kernel::seal::Sealer;
use crate::kernel::{Call, Code, Currency, Error, Reason, Result};
use crate::services::stores::{Needed, Stores};
use crate::services::users::{self, Pictures};

pub use entity::category::Model as Category;
pub use entity::product::Model as Product;
use featured::Featured;
pub use product::{Changes, Image};
pub use sale::SaleItem;
use sight::SellerTiers;
pub use sight::Sight;
pub use state::Status;
use tree::Tree;

/// How long products, slugs and categories are believed when no event comes.
const CACHED: Freshness = Freshness::lasting(Duration::from_secs(60));
/// Cached products at the most.
const CACHED_MAX: u64 = 50_000;

/// How the marketplace shows products.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The marketplace's currency.
    pub currency: Currency,
    /// Whether who buys in the supply chain sees the products of the next tier alone.
    pub strict_tiers: bool,
}

/// What the catalog asks of the inventory.
#[async_trait]
pub trait ProductStock: Send + Sync {
    /// Sets what a product has in stock, and opens its record when it has none; answers
    /// whether it can be bought now.
    async fn set(
        &self,
        tx: &Tx,
        product: &Product,
        on_hand: Option<i32>,
        enabled: Option<bool>,
        actor: Option<UserId>,
    ) -> Result<bool>;

    /// The product whose price or presence on sale an event changed; `None` for every
    /// other event.
    fn offer_changed(&self, kind: &str, payload: &[u8]) -> Option<ProductId>;
}

/// The service of the catalog. Clones share it.
#[derive(Clone)]
pub struct Catalog(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    stores: Stores,
    stock: Arc<dyn ProductStock>,
    pictures: Arc<dyn Pictures>,
    settings: Settings,
    tiers: SellerTiers,
    products: Cache<ProductId, Arc<Product>>,
    slugs: Cache<String, ProductId>,
    tree: Cache<(), Arc<Tree>>,
    featured: Featured,
}

impl Catalog {
    /// The service; `sealer` makes its page tokens, and `shared` is the cache of all
    /// processes, if there is one.
    pub fn new(
        db: Db,
        sealer: Sealer,
        stores: Stores,
        stock: Arc<dyn ProductStock>,
        pictures: Arc<dyn Pictures>,
        settings: Settings,
        shared: Option<&SharedCache>,
    ) -> Self {
        let products = shared.map(shared::products);
        Self(Arc::new(Parts {
            db,
            sealer,
            stores,
            stock,
            pictures,
            tiers: SellerTiers::new(settings.strict_tiers),
            settings,
            products: Cache::tiered("products", CACHED_MAX, CACHED, products),
            slugs: Cache::tiered("product_slugs", CACHED_MAX, CACHED, None),
            tree: Cache::tiered("categories", 1, CACHED, None),
            featured: Featured::new(shared),
        }))
    }

    /// A product that is not deleted. Costs no statement when it is cached.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND.
    pub async fn get(&self, id: ProductId) -> Result<Arc<Product>> {
        let load = || async {
            let found = store::find(self.0.db.read(), id).await?;
            found.map(Arc::new).ok_or_else(not_found)
        };
        self.0.products.get_or_load(&id, load).await
    }

    /// A product that the caller may see: on sale and of a tier that the caller sees, or of
    /// a store whose member the caller is. Costs no statement when it is cached.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND.
    pub async fn visible(&self, call: &Call, id: ProductId) -> Result<Arc<Product>> {
        let product = self.get(id).await?;
        self.check_sight(call, &product).await?;
        Ok(product)
    }

    async fn check_sight(&self, call: &Call, product: &Product) -> Result<()> {
        let (stores, conn) = (&self.0.stores, self.0.db.read());
        if product.status() != Status::Active {
            let needed = Needed::Staff;
            let member = stores.require_member(conn, call, product.store(), needed);
            return member.await.map(drop).map_err(hidden);
        }
        let store = stores.visible(conn, call, product.store());
        store.await.map_err(hidden)?;
        match self.sees_cached(call, product).await? {
            true => Ok(()),
            false => Err(not_found()),
        }
    }

    /// Whether a product is on sale, to those who see the products of its seller. Costs no
    /// statement when it is cached.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn is_on_sale(&self, id: ProductId) -> Result<bool> {
        let on_sale: Result<bool> = async {
            let product = self.get(id).await?;
            // The store, not what the product says of it: that may have been cached before.
            let store = self.0.stores.get(self.0.db.read(), product.store()).await?;
            Ok(product.status() == Status::Active && store.is_public())
        }
        .await;
        match on_sale {
            Err(error) if error.code() == Code::NotFound => Ok(false),
            found => found,
        }
    }

    /// The product of a slug, if any. Costs no statement when it is cached.
    async fn by_slug(&self, slug: &str) -> Result<Arc<Product>> {
        let key = slug.to_owned();
        let load = || async {
            let found = store::find_by_slug(self.0.db.read(), slug).await?;
            found.ok_or_else(not_found)
        };
        // The slug may have gone to another product since it was cached: then look again.
        for _ in 0..2 {
            let id = self.0.slugs.get_or_load(&key, load).await?;
            match self.get(id).await {
                Ok(product) if product.slug == slug => return Ok(product),
                Err(error) if error.reason() != Reason::ProductNotFound => return Err(error),
                Ok(_) | Err(_) => self.0.slugs.invalidate(&key),
            }
        }
        Err(not_found())
    }

    /// All categories. Costs no statement when they are cached.
    async fn tree(&self) -> Result<Arc<Tree>> {
        let load = || async {
            let all = store::categories::all(self.0.db.read()).await?;
            Ok(Arc::new(Tree::new(all)))
        };
        self.0.tree.get_or_load(&(), load).await
    }

    /// Sees the events, so that a caller reads what it wrote, and every other process soon.
    pub fn observer(&self) -> Observer {
        // Weak: the database keeps its observers, and must not keep itself through them.
        let catalog = Arc::downgrade(&self.0);
        Box::new(move |event| {
            if let Some(catalog) = catalog.upgrade().map(Catalog) {
                catalog.changed(event);
            }
        })
    }

    /// Forgets what an event made stale.
    fn changed(&self, event: Seen<'_>) {
        let topic = event.topic;
        let (room, uuid) = topic.split_once('/').unwrap_or((topic, ""));
        match room {
            "product" => {
                if let Ok(uuid) = uuid.parse::<uuid::Uuid>() {
                    self.0.products.invalidate(&uuid.into());
                    self.0.featured.forget();
                }
            }
            "category" => self.0.tree.invalidate(&()),
            "store" => self.0.featured.forget(),
            "user" => {
                self.0.tiers.forget(event.aggregate.into());
                if users::is_change_of_tier(event) {
                    self.0.featured.forget();
                }
            }
            _ => {
                let offer = self.0.stock.offer_changed(event.kind, event.payload);
                if let Some(product) = offer {
                    self.0.products.invalidate(&product);
                    self.0.featured.forget();
                }
            }
        }
    }
}

/// A product that is not deleted, as it is inside a transaction.
///
/// # Errors
/// PRODUCT_NOT_FOUND.
pub async fn find(conn: &impl Conn, id: ProductId) -> Result<Product> {
    store::find(conn, id).await?.ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::new(Reason::ProductNotFound, "product not found")
}

/// What the caller may not see does not exist.
fn hidden(error: Error) -> Error {
    match error.reason() {
        Reason::NotFound | Reason::Forbidden => not_found(),
        _ => error,
    }
}
