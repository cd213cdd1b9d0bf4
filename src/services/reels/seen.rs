//! Who sees a reel.

use std::sync::Arc;

use super::{Reels, store};
use crate::kernel::id::{ProductId, ReelId, StoreId, UserId};
use crate::kernel::{Call, Error, Reason, Result};

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
        let is_seen = (reel.is_shown && self.knows_product(call, reel.product).await?)
            || self.is_member(self.0.db.read(), call, reel.store).await?;
        match is_seen {
            true => Ok(reel),
            false => Err(not_found()),
        }
    }
}

pub(super) fn not_found() -> Error {
    Error::not_found("reel")
}
