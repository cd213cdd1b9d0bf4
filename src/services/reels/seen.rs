//! Who sees a reel.

use std::sync::Arc;

use super::{Reels, store};
use crate::kernel::id::{ProductId, ReelId, StoreId, UserId};
use crate::kernel::{Call, Error, Reason, Result};
use crate::services::stores::Needed;

/// What decides who sees a reel that is not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// The product that it shows.
    pub(super) product: ProductId,
    /// The store that sells it.
    pub(super) store: StoreId,
    /// The owner of that store.
    pub(super) seller: UserId,
    /// Whether it is READY and not hidden; otherwise only its store sees it.
    pub(super) is_shown: bool,
}

impl Reels {
    /// A shown reel that the caller may see. Costs no statement when it is cached.
    ///
    /// # Errors
    /// REEL_NOT_READY for the store of a reel that is not shown, NOT_FOUND otherwise.
    pub(super) async fn open(&self, call: &Call, id: ReelId) -> Result<Arc<Seen>> {
        let reel = self.visible(call, id).await?;
        if reel.is_shown {
            return Ok(reel);
        }
        Err(Error::new(
            Reason::ReelNotReady,
            "the reel is not shown to others yet",
        ))
    }

    /// A reel that the caller may see, shown or not. Costs no statement when it is cached.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn visible(&self, call: &Call, id: ReelId) -> Result<Arc<Seen>> {
        let load = || async {
            let found = store::seen::find(&self.0.db, id).await?;
            found.map(Arc::new).ok_or_else(not_found)
        };
        let reel = self.0.seen.get_or_load(&id, load).await?;
        let allowed = if reel.is_shown {
            let product = self.0.catalog.visible(call, reel.product).await;
            product.map(drop)
        } else {
            let (stores, conn) = (&self.0.stores, self.0.db.read());
            let needed = Needed::Staff;
            let store = stores.require_member(conn, call, reel.store, needed).await;
            store.map(drop)
        };
        allowed.map_err(hidden)?;
        Ok(reel)
    }
}

/// What the caller may not know of does not exist.
fn hidden(error: Error) -> Error {
    match error.reason() {
        Reason::NotFound | Reason::Forbidden | Reason::ProductNotFound => not_found(),
        _ => error,
    }
}

pub(super) fn not_found() -> Error {
    Error::not_found("reel")
}
