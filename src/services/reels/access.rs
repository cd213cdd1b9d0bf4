//! Who may see a reel and who may change it: for everyone else it does not exist.

use super::reel::Listed;
use super::seen::not_found;
use super::sight::Sight;
use super::{Reels, store};
use crate::db::{Conn, Tx};
use crate::kernel::id::{ProductId, ReelId, StoreId};
use crate::kernel::{Call, Code, Error, Reason, Result};
use crate::services::stores::Needed;

impl Reels {
    /// A reel that the caller may see: shown to everyone of the caller's tier, or of a
    /// store whose member the caller is.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn listed(&self, call: &Call, id: ReelId) -> Result<Listed> {
        let found = store::find(&self.0.db, id).await?;
        self.seen(self.0.db.read(), call, &self.sight(call).await?, found)
            .await
    }

    /// Like [`Self::listed`], inside a transaction.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn listed_in(
        &self,
        tx: &Tx,
        call: &Call,
        sight: &Sight,
        id: ReelId,
    ) -> Result<Listed> {
        let found = store::find_in(tx, id).await?;
        self.seen(tx.conn(), call, sight, found).await
    }

    async fn seen(
        &self,
        conn: &impl Conn,
        call: &Call,
        sight: &Sight,
        found: Option<Listed>,
    ) -> Result<Listed> {
        let listed = found.ok_or_else(not_found)?;
        if listed.is_shown_to(sight) || self.is_member(conn, call, listed.reel.store()).await? {
            return Ok(listed);
        }
        Err(not_found())
    }

    /// A reel that others see too, which the caller may see.
    ///
    /// # Errors
    /// NOT_FOUND; REEL_NOT_READY while only its store sees it.
    pub(super) async fn out(
        &self,
        tx: &Tx,
        call: &Call,
        sight: &Sight,
        id: ReelId,
    ) -> Result<Listed> {
        let listed = self.listed_in(tx, call, sight, id).await?;
        if listed.is_out() {
            return Ok(listed);
        }
        let message = "the reel is not shown to anyone yet";
        Err(Error::new(Reason::ReelNotReady, message))
    }

    /// The reel, held until commit, when the caller is a member of its store.
    ///
    /// # Errors
    /// NOT_FOUND, or FORBIDDEN for who sees it.
    pub(super) async fn lock_as_member(
        &self,
        tx: &Tx,
        call: &Call,
        sight: &Sight,
        id: ReelId,
    ) -> Result<Listed> {
        let listed = store::lock(tx, id).await?.ok_or_else(not_found)?;
        if self.is_member(tx.conn(), call, listed.reel.store()).await? {
            return Ok(listed);
        }
        Err(match listed.is_shown_to(sight) {
            true => Error::forbidden("only members of the store may do this"),
            false => not_found(),
        })
    }

    /// Whether the caller may know of a product. Costs no statement when it is cached.
    pub(super) async fn knows_product(&self, call: &Call, id: ProductId) -> Result<bool> {
        match self.0.catalog.visible(call, id).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Code::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the caller is a member of the store, or runs the marketplace.
    pub(super) async fn is_member(
        &self,
        conn: &impl Conn,
        call: &Call,
        store: StoreId,
    ) -> Result<bool> {
        if call.caller.is_admin() || call.caller.user_id().is_none() {
            return Ok(call.caller.is_admin());
        }
        let stores = &self.0.stores;
        let member = stores
            .require_member(conn, call, store, Needed::Staff)
            .await;
        match member {
            Ok(_) => Ok(true),
            Err(error) => match error.code() {
                Code::NotFound | Code::PermissionDenied => Ok(false),
                _ => Err(error),
            },
        }
    }
}
