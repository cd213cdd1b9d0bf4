//! Who may see a reel and who may change it: for everyone else it does not exist. Reads, and
//! what thousands do at once, decide from caches; a change decides in its own transaction.

use std::sync::Arc;

use super::reel::Listed;
use super::{Reels, store};
use crate::db::{Conn, Tx};
use crate::kernel::id::{ProductId, ReelId, StoreId, UserId};
use crate::kernel::{Call, Code, Error, Reason, Result};

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
    /// A reel that others see too, which the caller may see. Costs no statement when it is
    /// cached.
    ///
    /// # Errors
    /// NOT_FOUND; REEL_NOT_READY while only its store sees it.
    pub(super) async fn open(&self, call: &Call, id: ReelId) -> Result<Arc<Seen>> {
        let reel = self.visible(call, id).await?;
        let is_out = reel.is_shown && self.0.catalog.is_on_sale(reel.product).await?;
        match is_out {
            true => Ok(reel),
            false => Err(not_ready()),
        }
    }

    /// A reel that the caller may see, shown or not. Costs no statement when it is cached.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn visible(&self, call: &Call, id: ReelId) -> Result<Arc<Seen>> {
        let load = || async {
            let found = store::seen(&self.0.db, id).await?;
            found.map(Arc::new).ok_or_else(not_found)
        };
        let reel = self.0.seen.get_or_load(&id, load).await?;
        let is_seen = (reel.is_shown && self.knows_product(call, reel.product).await?)
            || self
                .0
                .stores
                .is_member(self.0.db.read(), call, reel.store)
                .await?;
        match is_seen {
            true => Ok(reel),
            false => Err(not_found()),
        }
    }

    /// A reel that the caller may see: one that is out, whose product the caller sees, or
    /// one of a store whose member the caller is.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn listed(&self, call: &Call, id: ReelId) -> Result<Listed> {
        let found = store::find(&self.0.db, id).await?;
        self.seen(self.0.db.read(), call, found).await
    }

    /// Like [`Self::listed`], inside a transaction.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(super) async fn listed_in(&self, tx: &Tx, call: &Call, id: ReelId) -> Result<Listed> {
        let found = store::find_in(tx, id).await?;
        self.seen(tx.conn(), call, found).await
    }

    async fn seen(&self, conn: &impl Conn, call: &Call, found: Option<Listed>) -> Result<Listed> {
        let listed = found.ok_or_else(not_found)?;
        let (stores, store) = (&self.0.stores, listed.reel.store());
        if self.is_shown_to(conn, call, &listed).await?
            || stores.is_member(conn, call, store).await?
        {
            return Ok(listed);
        }
        Err(not_found())
    }

    /// Whether a reel is out, and the caller sees the products of its seller.
    pub(super) async fn is_shown_to(
        &self,
        conn: &impl Conn,
        call: &Call,
        listed: &Listed,
    ) -> Result<bool> {
        let (catalog, store) = (&self.0.catalog, listed.reel.store());
        Ok(listed.is_out() && catalog.sees(conn, call, store, listed.tier()).await?)
    }

    /// Like [`Self::open`], inside a transaction.
    ///
    /// # Errors
    /// NOT_FOUND; REEL_NOT_READY while only its store sees it.
    pub(super) async fn out(&self, tx: &Tx, call: &Call, id: ReelId) -> Result<Listed> {
        let listed = self.listed_in(tx, call, id).await?;
        if listed.is_out() {
            return Ok(listed);
        }
        Err(not_ready())
    }

    /// The reel, held until commit, when the caller is a member of its store.
    ///
    /// # Errors
    /// NOT_FOUND, or FORBIDDEN for who sees it.
    pub(super) async fn lock_as_member(&self, tx: &Tx, call: &Call, id: ReelId) -> Result<Listed> {
        let listed = store::lock(tx, id).await?.ok_or_else(not_found)?;
        let (stores, conn) = (&self.0.stores, tx.conn());
        if stores.is_member(conn, call, listed.reel.store()).await? {
            return Ok(listed);
        }
        Err(match self.is_shown_to(conn, call, &listed).await? {
            true => Error::forbidden("only members of the store may do this"),
            false => not_found(),
        })
    }

    /// Whether the caller may know of a product. Costs no statement when it is cached.
    async fn knows_product(&self, call: &Call, id: ProductId) -> Result<bool> {
        match self.0.catalog.visible(call, id).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Code::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

pub(super) fn not_found() -> Error {
    Error::not_found("reel")
}

fn not_ready() -> Error {
    let message = "the reel is not shown to anyone yet";
    Error::new(Reason::ReelNotReady, message)
}
