//! Opening, changing and closing stores.

use super::hours::Hours;
use super::model::{NewStore, Store, StoreChange};
use super::policy::{self, Needed};
use super::state::Step;
use super::store::{self, Staffed};
use super::{Stores, changed};
use crate::db::Tx;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::{Call, Error, Reason, Result};
use crate::services::users::{self, Showing};

impl Stores {
    /// Opens a store, which the caller owns. The first one makes a customer a store owner.
    ///
    /// # Errors
    /// UNAUTHENTICATED, NOT_FOUND when the caller's account is closed, UPLOAD_NOT_FOUND.
    pub(super) async fn open(&self, tx: &Tx, call: &Call, new: &NewStore) -> Result<Store> {
        let owner = call.user()?;
        users::promote_to_store_owner(tx, owner).await?;
        let store = Store::open(owner, new.clone(), tx.now());
        store::insert(tx, &store).await?;
        self.tell_picture(tx, Some(owner), None, &store).await?;
        changed(tx, &store);
        Ok(store)
    }

    /// Changes what is present in `change`.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, UNKNOWN_WILAYA, VALIDATION_ERROR, UPLOAD_NOT_FOUND.
    pub(super) async fn update(
        &self,
        tx: &Tx,
        call: &Call,
        id: StoreId,
        change: &StoreChange,
    ) -> Result<Store> {
        let alter = |store: Store| store.changed(change);
        self.alter(tx, call, id, Needed::Manager, alter).await
    }

    /// Replaces the opening hours.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN.
    pub(super) async fn set_hours(
        &self,
        tx: &Tx,
        call: &Call,
        id: StoreId,
        hours: &Hours,
    ) -> Result<Store> {
        let hours = Some(hours.clone());
        let alter = |store: Store| Ok(Store { hours, ..store });
        self.alter(tx, call, id, Needed::Manager, alter).await
    }

    /// Pauses or resumes.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, INVALID_STATUS_TRANSITION.
    pub(super) async fn step(
        &self,
        tx: &Tx,
        call: &Call,
        id: StoreId,
        step: Step,
    ) -> Result<Store> {
        let by_admin = call.caller.is_admin();
        let alter = |store: Store| store.step(step, by_admin, tx.now());
        self.alter(tx, call, id, Needed::Manager, alter).await
    }

    /// Takes a store off the marketplace; for administrators.
    ///
    /// # Errors
    /// NOT_FOUND, INVALID_STATUS_TRANSITION.
    pub(super) async fn suspend(
        &self,
        tx: &Tx,
        call: &Call,
        id: StoreId,
        reason: &str,
    ) -> Result<Store> {
        let alter = |store: Store| {
            let mut store = store.step(Step::Suspend, call.caller.is_admin(), tx.now())?;
            store.life.suspended_reason = Some(reason.to_owned());
            Ok(store)
        };
        self.alter(tx, call, id, Needed::Owner, alter).await
    }

    /// Closes a store for good.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, STORE_HAS_OPEN_ORDERS, USER_HAS_OPEN_OFFERS.
    pub(super) async fn delete(&self, tx: &Tx, call: &Call, id: StoreId) -> Result<()> {
        let locked = self.lock(tx, call, id, Needed::Owner).await?;
        let open = &self.0.open;
        if open.orders.store_has_open_orders(tx, id).await? {
            return Err(Error::new(
                Reason::StoreHasOpenOrders,
                "the store has orders that are not finished",
            ));
        }
        if open.offers.store_has_open_offers(tx, id).await? {
            return Err(Error::new(
                Reason::UserHasOpenOffers,
                "the store has offers that are not over",
            ));
        }
        let store = Store::clone(&locked.store);
        let closed = store.step(Step::Delete, call.caller.is_admin(), tx.now())?;
        let by = call.caller.user_id();
        self.tell_picture(tx, by, Some(&locked.store), &closed)
            .await?;
        self.save(tx, closed).await.map(drop)
    }

    /// Closes every store of a user whose account closes. None has open orders or offers:
    /// the account could not be closed then.
    pub(super) async fn close_stores_of(&self, tx: &Tx, owner: UserId) -> Result<()> {
        for id in store::owned_by(tx, owner).await? {
            let store = store::lock(tx, id).await?.store;
            let closed = Store::clone(&store).step(Step::Delete, true, tx.now())?;
            self.tell_picture(tx, Some(owner), Some(&store), &closed)
                .await?;
            self.save(tx, closed).await?;
        }
        Ok(())
    }

    /// The store, its row held until commit, when the caller may act on it.
    pub(super) async fn lock(
        &self,
        tx: &Tx,
        call: &Call,
        id: StoreId,
        needed: Needed,
    ) -> Result<Staffed> {
        let locked = store::lock(tx, id).await?;
        policy::require(&locked.store, &locked.members, &call.caller, needed)?;
        Ok(locked)
    }

    async fn alter(
        &self,
        tx: &Tx,
        call: &Call,
        id: StoreId,
        needed: Needed,
        how: impl FnOnce(Store) -> Result<Store>,
    ) -> Result<Store> {
        let locked = self.lock(tx, call, id, needed).await?;
        let altered = how(Store::clone(&locked.store))?;
        if altered == *locked.store {
            return Ok(altered);
        }
        let (by, before) = (call.caller.user_id(), Some(&*locked.store));
        self.tell_picture(tx, by, before, &altered).await?;
        self.save(tx, altered).await
    }

    /// Tells those who keep files which picture a store shows now.
    async fn tell_picture(
        &self,
        tx: &Tx,
        by: Option<UserId>,
        before: Option<&Store>,
        after: &Store,
    ) -> Result<()> {
        let (left, shown) = (before.and_then(Store::picture), after.picture());
        let showing = Showing {
            by,
            owner: Some(after.owner),
            field: "imageUrl",
            before: left.as_slice(),
            after: shown.as_slice(),
        };
        self.0.pictures.changed(tx, &showing).await
    }

    /// Writes the next version of a locked store, and tells it.
    pub(super) async fn save(&self, tx: &Tx, store: Store) -> Result<Store> {
        let mut next = store;
        next.life.version += 1;
        next.life.updated_at = tx.now();
        store::save(tx, &next).await?;
        changed(tx, &next);
        Ok(next)
    }
}
