//! Every query on products; those on categories are in `categories`, lists in `lists`,
//! what they leave out in `sight`.

pub mod categories;
pub mod lists;
mod sight;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect, Select,
};

use super::entity::product;
use super::state::Status;
use super::{Product, not_found};
use crate::db::{Conn, Tx, is_foreign_key_violation, unique_violation};
use crate::kernel::id::ProductId;
use crate::kernel::{Error, Reason, Result};

/// The product, unless it is deleted.
pub async fn find(conn: &impl Conn, id: ProductId) -> Result<Option<Product>> {
    Ok(kept()
        .filter(product::Column::Id.eq(id.uuid()))
        .one(conn)
        .await?)
}

/// The products, deleted ones too.
pub async fn find_all(conn: &impl Conn, ids: &[ProductId]) -> Result<Vec<Product>> {
    let ids = ids.iter().map(|id| id.uuid());
    let query = product::Entity::find().filter(product::Column::Id.is_in(ids));
    Ok(query.all(conn).await?)
}

/// Which product has this slug now.
pub async fn find_by_slug(conn: &impl Conn, slug: &str) -> Result<Option<ProductId>> {
    let query = kept().filter(product::Column::Slug.eq(slug));
    let found: Option<uuid::Uuid> = query
        .select_only()
        .column(product::Column::Id)
        .into_tuple()
        .one(conn)
        .await?;
    Ok(found.map(ProductId::from))
}

/// Like [`find`], and holds the row until commit.
///
/// # Errors
/// PRODUCT_NOT_FOUND.
pub async fn lock(tx: &Tx, id: ProductId) -> Result<Product> {
    let query = kept().filter(product::Column::Id.eq(id.uuid()));
    let found = query.lock_exclusive().one(tx.conn()).await?;
    found.ok_or_else(not_found)
}

/// Those of the slugs that products have.
pub async fn taken_slugs(tx: &Tx, slugs: Vec<String>) -> Result<Vec<String>> {
    let query = kept().filter(product::Column::Slug.is_in(slugs));
    Ok(query
        .select_only()
        .column(product::Column::Slug)
        .into_tuple()
        .all(tx.conn())
        .await?)
}

/// Adds a product; says whether its slug and its article number were free.
///
/// # Errors
/// NOT_FOUND when its category is gone meanwhile.
pub async fn insert(tx: &Tx, new: &Product) -> Result<bool> {
    let row = new.clone().into_active_model().reset_all();
    let added = product::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await
        .map_err(broken)?;
    Ok(added == 1)
}

/// Whether another product of the store has this article number.
pub async fn sku_is_taken(tx: &Tx, new: &Product) -> Result<bool> {
    let query = kept()
        .filter(product::Column::StoreId.eq(new.store_id))
        .filter(product::Column::Sku.eq(new.sku.as_str()))
        .filter(product::Column::Id.ne(new.id));
    Ok(!new.sku.is_empty() && query.one(tx.conn()).await?.is_some())
}

/// Writes a changed product, which the caller has locked.
///
/// # Errors
/// SKU_TAKEN, and NOT_FOUND when its category is gone meanwhile.
pub async fn save(tx: &Tx, changed: &Product) -> Result<()> {
    let mut row = changed.clone().into_active_model().reset_all();
    // These follow the stock, the store and the seller, by trigger.
    row.in_stock = ActiveValue::Unchanged(changed.in_stock);
    row.price_override = ActiveValue::Unchanged(changed.price_override);
    row.store_visible = ActiveValue::Unchanged(changed.store_visible);
    row.tier = ActiveValue::Unchanged(changed.tier.clone());
    match row.update(tx.conn()).await {
        Ok(_) => Ok(()),
        Err(error) => Err(broken(error)),
    }
}

fn kept() -> Select<product::Entity> {
    product::Entity::find().filter(product::Column::Status.ne(Status::Deleted.as_str()))
}

fn broken(error: DbErr) -> Error {
    match unique_violation(&error) {
        Some(index) if index.contains("sku") => sku_taken().caused_by(error),
        Some(index) if index.contains("slug") => slug_taken().caused_by(error),
        _ if is_foreign_key_violation(&error) => Error::not_found("category").caused_by(error),
        _ => error.into(),
    }
}

/// Another product of the store has the article number.
pub fn sku_taken() -> Error {
    let message = "another product of the store has this article number";
    Error::new(Reason::SkuTaken, message).at("sku")
}

/// Another record has the slug.
pub fn slug_taken() -> Error {
    Error::new(Reason::SlugTaken, "this slug is in use").at("slug")
}
