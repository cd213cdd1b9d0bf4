//! Changing products: each function works in the caller's transaction.

use super::state::{Status, Step};
use super::tree::Tree;
use super::{Catalog, Changes, Product, convert, slug, store};
use crate::db::{Conn, NewEvent, Tx};
use crate::kernel::id::{CategoryId, ProductId, StoreId};
use crate::kernel::{Call, Currency, Error, Result};
use crate::services::stores::Needed;

/// A product to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewProduct {
    /// What it is.
    pub content: Changes,
    /// Its slug; made from the name when absent.
    pub slug: Option<String>,
    /// The currency; the marketplace's when absent.
    pub currency: Option<Currency>,
    /// Pieces on hand.
    pub stock: i32,
    /// Whether it may be bought when stock is there.
    pub enabled: bool,
    /// Keep it from sale for now.
    pub draft: bool,
}

/// What is to change of a product and of its stock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Update {
    /// The product.
    pub content: Changes,
    /// New pieces on hand.
    pub stock: Option<i32>,
    /// Whether it may be bought when stock is there.
    pub enabled: Option<bool>,
}

/// How often a slug that another writer took first is made anew.
const SLUG_TRIES: usize = 5;

impl Catalog {
    /// The store in which a new product goes: the named one, or the caller's only one.
    ///
    /// # Errors
    /// NOT_FOUND when the caller is no member of the store; VALIDATION_ERROR when several
    /// or none could be meant.
    pub(super) async fn store_for(&self, call: &Call, named: Option<StoreId>) -> Result<StoreId> {
        let (stores, conn) = (&self.0.stores, self.0.db.read());
        match stores.own_or_named(conn, call, named).await?[..] {
            [only] => Ok(only),
            [] => Err(Error::field("storeId", "names no store: open one first")),
            _ => Err(Error::field("storeId", "must name one of your stores")),
        }
    }

    /// Makes a product.
    pub(super) async fn create(
        &self,
        tx: &Tx,
        call: &Call,
        store: StoreId,
        new: &NewProduct,
    ) -> Result<Product> {
        let now = tx.now();
        let store = self
            .0
            .stores
            .require_member(tx.conn(), call, store, Needed::Staff)
            .await?;
        let currency = new.currency.unwrap_or(self.0.settings.currency);
        let visible = store.is_public();
        let mut product = Product::blank(store.id, store.owner, currency, visible, now);
        product.change(&new.content, "", now)?;
        if !new.draft {
            product.status = Status::Active.as_str().to_owned();
            product.published_at = Some(now.micros());
        }
        if store::sku_is_taken(tx, &product).await? {
            return Err(store::sku_taken());
        }
        insert(tx, &mut product, new.slug.as_deref()).await?;
        self.tell_images(tx, call, &[], &product).await?;
        let (on_hand, enabled) = (Some(new.stock), Some(new.enabled));
        let actor = call.caller.user_id();
        product.in_stock = self
            .0
            .stock
            .set(tx, &product, on_hand, enabled, actor)
            .await?;
        tell(tx, &product, "product.created");
        Ok(product)
    }

    /// Changes a product and what it has in stock.
    pub(super) async fn update(
        &self,
        tx: &Tx,
        call: &Call,
        id: ProductId,
        update: &Update,
        tree: &Tree,
    ) -> Result<Product> {
        let before = self.lock_as_member(tx, call, id).await?;
        let mut after = before.clone();
        let category = before
            .category_id
            .and_then(|id| tree.get(CategoryId::from(id)));
        let name = category.map_or("", |category| category.name.as_str());
        after.change(&update.content, name, tx.now())?;
        self.tell_images(tx, call, &before.images.0, &after).await?;
        let mut after = save(tx, before, after, "product.updated").await?;
        if update.stock.is_some() || update.enabled.is_some() {
            let (actor, stock) = (call.caller.user_id(), &self.0.stock);
            after.in_stock = stock
                .set(tx, &after, update.stock, update.enabled, actor)
                .await?;
        }
        Ok(after)
    }

    /// Takes a step in a product's life.
    pub(super) async fn step(
        &self,
        tx: &Tx,
        call: &Call,
        id: ProductId,
        step: Step,
    ) -> Result<Product> {
        let before = self.lock_as_member(tx, call, id).await?;
        let status = before.status().after(step)?;
        let mut after = before.clone();
        after.status = status.as_str().to_owned();
        match status {
            Status::Active => {
                let first = after.published_at.unwrap_or(tx.now().micros());
                after.published_at = Some(first);
            }
            Status::Deleted => {
                after.deleted_at = Some(tx.now().micros());
                after.category_id = None;
            }
            Status::Draft | Status::Inactive => {}
        }
        let kind = match status {
            Status::Deleted => "product.deleted",
            _ => "product.updated",
        };
        self.tell_images(tx, call, &before.images.0, &after).await?;
        save(tx, before, after, kind).await
    }

    /// Adds a product to the featured ones or takes it out.
    pub(super) async fn feature(&self, tx: &Tx, id: ProductId, featured: bool) -> Result<Product> {
        let before = store::lock(tx, id).await?;
        let after = Product {
            featured,
            ..before.clone()
        };
        save(tx, before, after, "product.updated").await
    }

    /// The product, held until commit, when the caller is a member of its store.
    pub(super) async fn lock_as_member(
        &self,
        tx: &Tx,
        call: &Call,
        id: ProductId,
    ) -> Result<Product> {
        let product = store::lock(tx, id).await?;
        self.check_member(tx.conn(), call, &product).await?;
        Ok(product)
    }

    /// Demands that the caller is a member of the product's store.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND; FORBIDDEN to who sees the product.
    pub(super) async fn check_member(
        &self,
        conn: &impl Conn,
        call: &Call,
        product: &Product,
    ) -> Result<()> {
        let stores = &self.0.stores;
        let member = stores
            .require_member(conn, call, product.store(), Needed::Staff)
            .await;
        match member {
            Ok(_) => Ok(()),
            Err(error) => Err(self.refusal(conn, call, product, error).await),
        }
    }
}

/// Adds the product under its slug: the given one, or one made from its name.
async fn insert(tx: &Tx, product: &mut Product, given: Option<&str>) -> Result<()> {
    if let Some(given) = given {
        given.clone_into(&mut product.slug);
        return match store::insert(tx, product).await? {
            true => Ok(()),
            false => Err(store::slug_taken()),
        };
    }
    let base = slug::make(&product.name, "product");
    let unique = product.id.simple().to_string();
    for _ in 0..SLUG_TRIES {
        let taken = store::taken_slugs(tx, slug::candidates(&base)).await?;
        product.slug = slug::free(&base, &taken, &unique);
        if store::insert(tx, product).await? {
            return Ok(());
        }
    }
    Err(store::slug_taken())
}

/// Writes a change, if it is one, and tells of it.
pub(super) async fn save(
    tx: &Tx,
    before: Product,
    mut after: Product,
    kind: &'static str,
) -> Result<Product> {
    if after == before {
        return Ok(before);
    }
    after.version += 1;
    after.updated_at = tx.now().micros();
    store::save(tx, &after).await?;
    tell(tx, &after, kind);
    Ok(after)
}

fn tell(tx: &Tx, product: &Product, kind: &'static str) {
    tx.emit(NewEvent {
        topic: format!("product/{}", product.id),
        kind,
        aggregate: product.id,
        version: product.version,
        payload: convert::event(product, tx.now()),
    });
}
