//! Queries on categories.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::super::Category;
use super::super::entity::category;
use super::slug_taken;
use crate::db::{Conn, Tx, is_foreign_key_violation, unique_violation};
use crate::kernel::id::CategoryId;
use crate::kernel::{Error, Reason, Result};

/// All categories.
pub async fn all(conn: &impl Conn) -> Result<Vec<Category>> {
    Ok(category::Entity::find().all(conn).await?)
}

/// All categories, held until commit, so that no two moves make a circle together.
pub async fn lock_all(tx: &Tx) -> Result<Vec<Category>> {
    let query = category::Entity::find().order_by_asc(category::Column::Id);
    Ok(query.lock_exclusive().all(tx.conn()).await?)
}

/// Those of the slugs that categories have.
pub async fn taken_slugs(tx: &Tx, slugs: Vec<String>) -> Result<Vec<String>> {
    Ok(category::Entity::find()
        .filter(category::Column::Slug.is_in(slugs))
        .select_only()
        .column(category::Column::Slug)
        .into_tuple()
        .all(tx.conn())
        .await?)
}

/// Adds a category.
///
/// # Errors
/// SLUG_TAKEN; CONFLICT when a sibling has the name; NOT_FOUND for an unknown parent.
pub async fn insert(tx: &Tx, new: &Category) -> Result<()> {
    let row = new.clone().into_active_model().reset_all();
    let added = category::Entity::insert(row);
    added
        .exec_without_returning(tx.conn())
        .await
        .map_err(broken)?;
    Ok(())
}

/// Writes a changed category, which the caller has locked.
///
/// # Errors
/// As [`insert`].
pub async fn save(tx: &Tx, changed: &Category) -> Result<()> {
    let row = changed.clone().into_active_model().reset_all();
    row.update(tx.conn()).await.map_err(broken)?;
    Ok(())
}

/// Removes a category; says whether there was one.
///
/// # Errors
/// CATEGORY_NOT_EMPTY while categories or products stand in it.
pub async fn delete(tx: &Tx, id: CategoryId) -> Result<bool> {
    match category::Entity::delete_by_id(id.uuid())
        .exec(tx.conn())
        .await
    {
        Ok(done) => Ok(done.rows_affected == 1),
        Err(error) if is_foreign_key_violation(&error) => Err(Error::new(
            Reason::CategoryNotEmpty,
            "the category still has products or sub-categories",
        )
        .caused_by(error)),
        Err(error) => Err(error.into()),
    }
}

fn broken(error: DbErr) -> Error {
    match unique_violation(&error) {
        Some(index) if index.contains("slug") => slug_taken().caused_by(error),
        Some(_) => Error::new(Reason::Conflict, "a sibling has this name")
            .at("name")
            .caused_by(error),
        None if is_foreign_key_violation(&error) => Error::not_found("category").caused_by(error),
        None => error.into(),
    }
}
