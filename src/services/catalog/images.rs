//! The pictures of a product: adding and removing single ones, and telling those who keep
//! the files what is shown.

use super::write::save;
use super::{Catalog, Image, Product};
use crate::db::{Conn, Tx};
use crate::kernel::id::{ImageId, ProductId};
use crate::kernel::{Call, Error, Result};
use crate::services::users::Showing;

/// The most pictures of a product, as the contract has it.
const IMAGES_MAX: usize = 20;

impl Catalog {
    /// The product, when the caller may change it.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND; FORBIDDEN to who sees it.
    pub async fn changeable(
        &self,
        conn: &impl Conn,
        call: &Call,
        id: ProductId,
    ) -> Result<Product> {
        let product = super::find(conn, id).await?;
        self.check_member(conn, call, &product).await?;
        Ok(product)
    }

    /// Adds a picture after the others.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND, FORBIDDEN; VALIDATION_ERROR when the product has all the pictures
    /// that it may have.
    pub async fn add_image(
        &self,
        tx: &Tx,
        call: &Call,
        id: ProductId,
        url: &str,
    ) -> Result<ImageId> {
        let before = self.lock_as_member(tx, call, id).await?;
        if before.images.0.len() >= IMAGES_MAX {
            let message = format!("has {IMAGES_MAX} pictures already");
            return Err(Error::field("productId", message));
        }
        let (mut after, image) = (before.clone(), ImageId::new(tx.now()));
        after.images.0.push(Image {
            id: image.uuid(),
            url: url.to_owned(),
        });
        self.tell_images(tx, call, &before.images.0, &after).await?;
        save(tx, before, after, "product.updated").await?;
        Ok(image)
    }

    /// Removes one picture; the next one then stands for the product.
    pub(super) async fn remove_image(
        &self,
        tx: &Tx,
        call: &Call,
        id: ProductId,
        image: ImageId,
    ) -> Result<Product> {
        let before = self.lock_as_member(tx, call, id).await?;
        let mut after = before.clone();
        after.images.0.retain(|kept| kept.id != image.uuid());
        if after.images == before.images {
            return Err(Error::not_found("image"));
        }
        self.tell_images(tx, call, &before.images.0, &after).await?;
        save(tx, before, after, "product.updated").await
    }

    /// Tells those who keep files which pictures a product shows now. A deleted one shows
    /// none.
    pub(super) async fn tell_images(
        &self,
        tx: &Tx,
        call: &Call,
        before: &[Image],
        after: &Product,
    ) -> Result<()> {
        let shown: &[Image] = match after.deleted_at {
            Some(_) => &[],
            None => &after.images.0,
        };
        let showing = Showing {
            by: call.caller.user_id(),
            owner: Some(after.seller()),
            field: "images",
            before: &urls(before),
            after: &urls(shown),
        };
        self.0.pictures.changed(tx, &showing).await
    }
}

fn urls(images: &[Image]) -> Vec<&str> {
    images.iter().map(|image| image.url.as_str()).collect()
}
