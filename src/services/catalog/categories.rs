//! Changing the tree of categories: each function works in the caller's transaction.

use super::tree::Tree;
use super::{Category, convert, slug, store};
use crate::db::{NewEvent, Tx};
use crate::kernel::id::{CategoryId, UserId};
use crate::kernel::text::fold;
use crate::kernel::{Error, Result};
use crate::services::users::{Pictures, Showing};

/// What is to change of a category; absent parts stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The name, unique among its siblings.
    pub name: Option<String>,
    /// The category above; an inner `None` for the top level.
    pub parent: Option<Option<CategoryId>>,
    /// The slug.
    pub slug: Option<String>,
    /// What belongs there.
    pub description: Option<String>,
    /// The address of its picture.
    pub image_url: Option<String>,
    /// The place among the siblings.
    pub position: Option<i32>,
}

/// Makes a category; without a slug, one is made from its name.
///
/// # Errors
/// VALIDATION_ERROR, SLUG_TAKEN, UPLOAD_NOT_FOUND.
pub async fn create(
    tx: &Tx,
    pictures: &dyn Pictures,
    by: UserId,
    changes: &Changes,
) -> Result<Category> {
    let mut category = Category {
        id: CategoryId::new(tx.now()).uuid(),
        parent_id: None,
        name: String::new(),
        name_key: String::new(),
        slug: String::new(),
        description: String::new(),
        image_url: String::new(),
        position: 0,
        version: 1,
        created_at: tx.now().micros(),
        updated_at: tx.now().micros(),
    };
    apply(&mut category, changes)?;
    if changes.slug.is_none() {
        let base = slug::make(&category.name, "category");
        let taken = store::categories::taken_slugs(tx, slug::candidates(&base)).await?;
        category.slug = slug::free(&base, &taken, &category.id.simple().to_string());
    }
    store::categories::insert(tx, &category).await?;
    tell_picture(tx, pictures, by, "", &category.image_url).await?;
    tell(tx, &category, category.version, "category.created");
    Ok(category)
}

/// Changes a category.
///
/// # Errors
/// NOT_FOUND, VALIDATION_ERROR, SLUG_TAKEN, UPLOAD_NOT_FOUND.
pub async fn update(
    tx: &Tx,
    pictures: &dyn Pictures,
    by: UserId,
    id: CategoryId,
    changes: &Changes,
) -> Result<Category> {
    let tree = Tree::new(store::categories::lock_all(tx).await?);
    let before = tree.get(id).ok_or_else(not_found)?;
    if let Some(Some(parent)) = changes.parent {
        tree.check_parent(id, parent)?;
    }
    let mut after = before.clone();
    apply(&mut after, changes)?;
    if after == *before {
        return Ok(after);
    }
    after.version += 1;
    after.updated_at = tx.now().micros();
    store::categories::save(tx, &after).await?;
    tell_picture(tx, pictures, by, &before.image_url, &after.image_url).await?;
    tell(tx, &after, after.version, "category.updated");
    Ok(after)
}

/// Deletes a category in which nothing stands.
///
/// # Errors
/// NOT_FOUND, CATEGORY_NOT_EMPTY.
pub async fn delete(tx: &Tx, pictures: &dyn Pictures, by: UserId, id: CategoryId) -> Result<()> {
    let tree = Tree::new(store::categories::lock_all(tx).await?);
    let category = tree.get(id).ok_or_else(not_found)?;
    store::categories::delete(tx, id).await?;
    tell_picture(tx, pictures, by, &category.image_url, "").await?;
    tell(tx, category, category.version + 1, "category.deleted");
    Ok(())
}

fn apply(category: &mut Category, changes: &Changes) -> Result<()> {
    if let Some(name) = &changes.name {
        name.trim().clone_into(&mut category.name);
        category.name_key = fold(name);
    }
    if category.name.is_empty() {
        return Err(Error::field("name", "must not be blank"));
    }
    if let Some(parent) = changes.parent {
        category.parent_id = parent.map(CategoryId::uuid);
    }
    set(&mut category.slug, &changes.slug);
    set(&mut category.description, &changes.description);
    set(&mut category.image_url, &changes.image_url);
    category.position = changes.position.unwrap_or(category.position);
    Ok(())
}

fn set(text: &mut String, new: &Option<String>) {
    if let Some(new) = new {
        text.clone_from(new);
    }
}

/// Tells those who keep files which picture a category shows now, in place of another one;
/// empty is none.
async fn tell_picture(
    tx: &Tx,
    pictures: &dyn Pictures,
    by: UserId,
    before: &str,
    after: &str,
) -> Result<()> {
    let showing = Showing {
        by: Some(by),
        owner: None,
        field: "imageUrl",
        before: &[before],
        after: &[after],
    };
    pictures.changed(tx, &showing).await
}

fn tell(tx: &Tx, category: &Category, version: i64, kind: &'static str) {
    tx.emit(NewEvent {
        topic: format!("category/{}", category.id),
        kind,
        aggregate: category.id,
        version,
        payload: convert::category_event(category),
    });
}

pub fn not_found() -> Error {
    Error::not_found("category")
}
