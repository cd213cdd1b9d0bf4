//! What shows files: products here, reels elsewhere. A file that is shown stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::{File, Purpose, store, upload_not_found};
use crate::clients::blob::Blobs;
use crate::db::Tx;
use crate::kernel::id::{MediaId, UserId};
use crate::kernel::{Call, Result};
use crate::services::catalog::{Product, ProductImages};

/// Something more shows a file. The caller has seen to it that it may be shown there.
///
/// # Errors
/// UPLOAD_NOT_FOUND when the file cannot be shown, or not any more.
pub async fn attach(tx: &Tx, id: MediaId) -> Result<()> {
    attach_all(tx, &[id]).await
}

/// What showed a file shows it no longer; a day later it is gone, unless something else
/// does.
///
/// # Errors
/// Those of the database.
pub async fn release(tx: &Tx, id: MediaId) -> Result<()> {
    store::release(tx, id).await
}

async fn attach_all(tx: &Tx, ids: &[MediaId]) -> Result<()> {
    match store::attach(tx, ids).await? == ids.len() as u64 {
        true => Ok(()),
        false => Err(upload_not_found()),
    }
}

/// The files, as the catalog sees them.
pub struct ImagesOfProducts(Arc<dyn Blobs>);

impl ImagesOfProducts {
    /// Of the files that `blobs` keeps.
    pub fn new(blobs: Arc<dyn Blobs>) -> Self {
        Self(blobs)
    }

    fn keys(&self, urls: &[&str]) -> Vec<String> {
        let keys: BTreeSet<String> = urls.iter().filter_map(|url| self.0.key_of(url)).collect();
        keys.into_iter().collect()
    }
}

#[async_trait]
impl ProductImages for ImagesOfProducts {
    async fn changed(
        &self,
        tx: &Tx,
        call: &Call,
        product: &Product,
        entered: &[&str],
        left: &[&str],
    ) -> Result<()> {
        let (entered, left) = (self.keys(entered), self.keys(left));
        if !entered.is_empty() {
            let files = store::find_by_keys(tx.conn(), &entered).await?;
            let may_show = |file: &&File| shows(product, call.caller.user_id(), file);
            let ids: Vec<MediaId> = files.iter().filter(may_show).map(File::media_id).collect();
            if ids.len() < entered.len() {
                return Err(upload_not_found().at("images"));
            }
            attach_all(tx, &ids).await?;
        }
        if !left.is_empty() {
            store::release_keys(tx, &left).await?;
        }
        Ok(())
    }
}

/// Whether a product may show a picture: one of the same seller's products, or one that
/// the caller brought.
fn shows(product: &Product, caller: Option<UserId>, file: &File) -> bool {
    let seller = format!(
        "{}/",
        super::upload::products_folder(product.seller_id.into())
    );
    let is_picture = file.purpose() != Some(Purpose::ReelVideo);
    is_picture && (caller == Some(file.owner()) || file.key.starts_with(&seller))
}
