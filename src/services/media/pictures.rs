//! Pictures of whatever names them by where they can be read.

use std::collections::BTreeSet;

use super::{Media, Named, Purpose, store};
use crate::db::Tx;
use crate::kernel::Result;
use crate::kernel::id::UserId;

impl Media {
    /// Takes the files of a user into use that are shown now and were not before, and lets
    /// go of those that are shown no longer. Pictures elsewhere are nobody's concern.
    ///
    /// # Errors
    /// As [`Media::take`]; all name `field`.
    pub async fn show(
        &self,
        tx: &Tx,
        owner: UserId,
        field: &str,
        before: &[String],
        after: &[String],
    ) -> Result<()> {
        let keys = |urls: &[String]| -> BTreeSet<String> {
            urls.iter().filter_map(|url| self.key_of(url)).collect()
        };
        let (before, after) = (keys(before), keys(after));
        for key in after.difference(&before) {
            let file = Named::Key(key.clone());
            self.take(tx, owner, Purpose::ProductImage, &file, field)
                .await?;
        }
        let left: Vec<String> = before.difference(&after).cloned().collect();
        if !left.is_empty() {
            store::release_keys(tx, &left).await?;
        }
        Ok(())
    }
}
