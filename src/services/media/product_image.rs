//! A picture of a product in one call: taken, looked at, shown, and added to the product.

use std::time::Instant;

use bytes::Bytes;
use tracing::Instrument;

use super::check::{self, Size};
use super::complete::{Found, taken_in};
use super::form::{self, Sent};
use super::upload::{NewUpload, blob};
use super::{File, Media, Purpose, Status, jobs, store};
use crate::db::Tx;
use crate::kernel::id::{ImageId, ProductId};
use crate::kernel::task::to_the_end;
use crate::kernel::{Call, Error, Reason, Result};

/// A picture as it comes.
#[derive(Debug)]
pub struct NewImage {
    /// The product that is to show it.
    pub product: ProductId,
    /// The bytes, or a form that has them as its one file.
    pub bytes: Bytes,
    /// Their type, or that of the form.
    pub content_type: String,
}

/// A picture that is in the store and not yet of the product.
#[derive(Debug)]
pub struct Stored {
    /// The file, announced.
    pub file: File,
    size: Size,
}

/// A picture of a product.
#[derive(Debug)]
pub struct Added {
    /// The file.
    pub file: File,
    /// The picture among those of the product.
    pub image: ImageId,
}

impl Media {
    /// Looks at a picture and puts it into the store. The file is announced before: should
    /// nothing more follow, it goes as every upload that never came.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND, FORBIDDEN, UNSUPPORTED_MEDIA, FILE_TOO_LARGE,
    /// RATE_LIMIT_EXCEEDED, VALIDATION_ERROR; those of the store.
    pub(super) async fn store_image(&self, call: &Call, new: NewImage) -> Result<Stored> {
        let product = new.product;
        // Who may not is told before anything else is looked at.
        let conn = self.0.db.read();
        self.0.catalog.changeable(conn, call, product).await?;
        let sent = form::sent(new.bytes, &new.content_type).await?;
        let (kind, size) = check::picture(&sent.bytes).map_err(|error| error.at("file"))?;
        sent.check_type(kind).map_err(|error| error.at("file"))?;
        let Sent { bytes, name, .. } = sent;
        let bytes = check::plain(kind, &bytes)?.map_or(bytes, Bytes::from);
        let new = NewUpload {
            purpose: Purpose::ProductImage,
            product: Some(product),
            name,
            kind,
            size: bytes.len() as u64,
        };
        let file = self.announced(call, &new).await?;
        let db = &self.0.db;
        db.transact(|tx| {
            let file = &file;
            async move { self.announce(&tx, file).await }
        })
        .await?;
        // To its end also when the caller goes away: a file that stays announced counts as
        // open, and a store that hangs is known by calls that came to nothing.
        let put = self.clone().put(file, size, bytes, call.deadline);
        to_the_end(put.in_current_span()).await?
    }

    /// Puts an announced picture into the store, or gives it up: when that fails, and when it
    /// took longer than its caller waits.
    async fn put(
        self,
        file: File,
        size: Size,
        bytes: Bytes,
        deadline: Option<Instant>,
    ) -> Result<Stored> {
        let put = self.0.blobs.put(&blob(&file), bytes).await;
        let in_time = match deadline {
            Some(deadline) if deadline <= Instant::now() => Err(Error::new(
                Reason::DeadlineExceeded,
                "the call took too long",
            )),
            _ => Ok(Stored {
                file: file.clone(),
                size,
            }),
        };
        let stored = put.and(in_time);
        if stored.is_err() {
            self.discard(&file).await;
        }
        stored
    }

    /// Adds a stored picture to its product.
    ///
    /// # Errors
    /// PRODUCT_NOT_FOUND, FORBIDDEN; VALIDATION_ERROR when the product has all the pictures
    /// that it may have.
    pub(super) async fn add_image(&self, tx: &Tx, call: &Call, stored: &Stored) -> Result<Added> {
        let Stored { file, size } = stored;
        let product = file.product_id.map(ProductId::from);
        let product = product.ok_or_else(|| Error::internal("a picture of no product"))?;
        let found = Found {
            bytes: file.bytes(),
            size: Some(*size),
        };
        taken_in(tx, file.media_id(), found).await?;
        let (catalog, url) = (&self.0.catalog, self.url(&file.key));
        let image = catalog.add_image(tx, call, product, &url).await?;
        let file = store::find(tx.conn(), file.media_id()).await?;
        let file = file.ok_or_else(|| Error::internal("a file is gone"))?;
        Ok(Added { file, image })
    }

    /// Gives up a picture that did not become one of its product. When this does not work,
    /// the sweep does it.
    pub(super) async fn discard(&self, file: &File) {
        let discard = |tx| async move {
            if store::end(&tx, file.media_id(), &[Status::Pending], Status::Deleted).await? {
                jobs::erase(&tx, file);
            }
            Ok(())
        };
        if let Err(error) = self.0.db.transact(discard).await {
            tracing::warn!(file = %file.media_id(), error = ?error, "a picture waits for the sweep");
        }
    }
}
