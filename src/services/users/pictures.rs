//! Pictures that accounts, stores, products and categories show by their addresses.

use async_trait::async_trait;

use super::User;
use crate::db::Tx;
use crate::kernel::Result;
use crate::kernel::id::UserId;

/// What something shows before a change, and after it.
#[derive(Debug, Clone, Copy)]
pub struct Showing<'a> {
    /// Who changes it.
    pub by: Option<UserId>,
    /// Whose it is; nobody's where the marketplace shows it.
    pub owner: Option<UserId>,
    /// The field of the request that names the pictures.
    pub field: &'static str,
    /// Where the pictures were until now.
    pub before: &'a [&'a str],
    /// Where they are from now on.
    pub after: &'a [&'a str],
}

/// Those who keep files.
#[async_trait]
pub trait Pictures: Send + Sync {
    /// Something shows other pictures than before, in the transaction of that change.
    /// Addresses of others are none of theirs.
    ///
    /// # Errors
    /// UPLOAD_NOT_FOUND, which names the field, when a picture that was not shown before is
    /// of a file of ours that cannot be shown there.
    async fn changed(&self, tx: &Tx, showing: &Showing<'_>) -> Result<()>;
}

/// Tells which picture an account shows now, which showed another one, or none, before.
pub(super) async fn tell_avatar(
    tx: &Tx,
    pictures: &dyn Pictures,
    by: UserId,
    before: Option<&str>,
    after: &User,
) -> Result<()> {
    let shown = after.avatar_url.as_deref();
    let showing = Showing {
        by: Some(by),
        owner: Some(after.user_id()),
        field: "avatarUrl",
        before: before.as_slice(),
        after: shown.as_slice(),
    };
    pictures.changed(tx, &showing).await
}

/// Those who keep no files.
#[cfg(test)]
pub struct NoPictures;

#[cfg(test)]
#[async_trait]
impl Pictures for NoPictures {
    async fn changed(&self, _: &Tx, _: &Showing<'_>) -> Result<()> {
        Ok(())
    }
}
