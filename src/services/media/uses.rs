//! What shows files: accounts, stores, products and categories here, reels elsewhere. A file
//! that is shown stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;

use super::upload::products_folder;
use super::{File, Purpose, store, upload_not_found};
use crate::clients::blob::Blobs;
use crate::db::Tx;
use crate::kernel::Result;
use crate::kernel::id::MediaId;
use crate::services::users::{Pictures, Showing};

/// What showed a file shows it no longer; a day later it is gone, unless something else
/// does.
///
/// # Errors
/// Those of the database.
pub async fn release(tx: &Tx, id: MediaId) -> Result<()> {
    store::release(tx, id).await
}

/// The files, as those see them who show pictures by their addresses.
pub struct KeptPictures(Arc<dyn Blobs>);

impl KeptPictures {
    /// Of the files that `blobs` keeps.
    pub fn new(blobs: Arc<dyn Blobs>) -> Self {
        Self(blobs)
    }

    fn keys(&self, urls: &[&str]) -> BTreeSet<String> {
        urls.iter().filter_map(|url| self.0.key_of(url)).collect()
    }
}

#[async_trait]
impl Pictures for KeptPictures {
    async fn changed(&self, tx: &Tx, showing: &Showing<'_>) -> Result<()> {
        let (before, after) = (self.keys(showing.before), self.keys(showing.after));
        let entered: Vec<String> = after.difference(&before).cloned().collect();
        if !entered.is_empty() {
            let files = store::find_by_keys(tx.conn(), &entered).await?;
            let may_show = |file: &&File| may_show(showing, file);
            let ids: Vec<MediaId> = files.iter().filter(may_show).map(File::media_id).collect();
            let is_whole = ids.len() == entered.len();
            if !is_whole || store::attach(tx, &ids).await? < ids.len() as u64 {
                return Err(upload_not_found().at(showing.field));
            }
        }
        let left: Vec<String> = before.difference(&after).cloned().collect();
        if !left.is_empty() {
            store::release_keys(tx, &left).await?;
        }
        Ok(())
    }
}

/// Whether something may show a picture: one of its owner's, of a product of its owner's, or
/// of whoever puts it there.
fn may_show(showing: &Showing<'_>, file: &File) -> bool {
    let is_picture = file.purpose() != Some(Purpose::ReelVideo);
    let is_theirs = [showing.by, showing.owner].contains(&Some(file.owner()));
    let of_product = |owner| {
        file.key
            .starts_with(&format!("{}/", products_folder(owner)))
    };
    is_picture && (is_theirs || showing.owner.is_some_and(of_product))
}
