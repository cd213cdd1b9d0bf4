//! Stores: places that sell, their owners, staff and opening hours, and finding them by
//! name, by city and by distance.
//!
//! Holds:
//! - a store has one owner, who is no member of its staff;
//! - its status moves only by the steps of `state`;
//! - its version counts its changes without a gap, those of its staff included, and each
//!   has an event on the topic `store/<uuid>`;
//! - a deleted store stays for the orders of the past and is found by nobody.
//!
//! It knows neither products nor orders nor offers nor files: whether any are open it
//! asks [`users::Open`], and which picture it shows it tells [`users::Pictures`].

mod address;
mod cells;
mod change;
mod convert;
mod entity;
mod find;
mod grpc;
mod hours;
mod model;
mod policy;
mod staff;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::cache::{Cache, Freshness};
use crate::db::{Conn, Db, NewEvent, Observer, Tx};
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::seal::Sealer;
use crate::kernel::{Call, Code, Currency, Error, Reason, Result};
use crate::services::users::{self, Open, Pictures};

pub use address::StoreAddress;
pub use model::{Availability, Store};
pub use policy::{Member, Needed, StaffRole};
pub use state::Status;
pub use store::is_of_member;

use store::Staffed;

/// How long a cached store is believed when no event comes.
const CACHED: Freshness = Freshness::lasting(Duration::from_secs(60));
/// Cached stores at the most.
const CACHED_MAX: u64 = 10_000;

/// How stores behave where they do not say.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The marketplace's currency.
    pub currency: Currency,
    /// The calling code of phone numbers without one, such as `91`.
    pub default_phone_country: Option<String>,
}

/// The service of stores. Clones share it.
#[derive(Clone)]
pub struct Stores(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    open: Open,
    pictures: Arc<dyn Pictures>,
    settings: Settings,
    known: Cache<StoreId, Arc<Staffed>>,
}

impl Stores {
    /// The service; `sealer` makes its page tokens, `open` and `pictures` are those that it
    /// asks and tells.
    pub fn new(
        db: Db,
        sealer: Sealer,
        open: Open,
        pictures: Arc<dyn Pictures>,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            open,
            pictures,
            settings,
            known: Cache::tiered("stores", CACHED_MAX, CACHED, None),
        }))
    }

    /// The store in any status but deleted. Costs no statement when it is cached.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub async fn get(&self, conn: &impl Conn, id: StoreId) -> Result<Arc<Store>> {
        Ok(self.staffed(conn, id).await?.store.clone())
    }

    /// The store, when the caller may act on it in the needed standing. Costs no statement
    /// when it is cached.
    ///
    /// # Errors
    /// NOT_FOUND when the caller may not know of the store, FORBIDDEN otherwise.
    pub async fn require_member(
        &self,
        conn: &impl Conn,
        call: &Call,
        id: StoreId,
        needed: Needed,
    ) -> Result<Arc<Store>> {
        let staffed = self.staffed(conn, id).await?;
        policy::require(&staffed.store, &staffed.members, &call.caller, needed)?;
        Ok(staffed.store.clone())
    }

    /// Like [`Stores::require_member`], but as the store is now, and held until commit: who
    /// changes it waits.
    ///
    /// # Errors
    /// Those of [`Stores::require_member`].
    pub async fn hold(&self, tx: &Tx, call: &Call, id: StoreId, needed: Needed) -> Result<Store> {
        let locked = self.lock(tx, call, id, needed).await?;
        Ok(Store::clone(&locked.store))
    }

    /// The store, when the caller may know of it. Costs no statement when it is cached.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub async fn visible(&self, conn: &impl Conn, call: &Call, id: StoreId) -> Result<Arc<Store>> {
        let staffed = self.staffed(conn, id).await?;
        policy::require_sight(&staffed.store, &staffed.members, &call.caller)?;
        Ok(staffed.store.clone())
    }

    /// Whether the caller owns the store or works for it; administrators stand where its
    /// owner does. Costs no statement when it is cached.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn is_member(&self, conn: &impl Conn, call: &Call, id: StoreId) -> Result<bool> {
        if call.caller.is_admin() || call.caller.user_id().is_none() {
            return Ok(call.caller.is_admin());
        }
        match self.require_member(conn, call, id, Needed::Staff).await {
            Ok(_) => Ok(true),
            Err(refused) => match refused.code() {
                Code::NotFound | Code::PermissionDenied => Ok(false),
                _ => Err(refused),
            },
        }
    }

    /// The stores that the caller asks for: the named one, or all that the caller owns or
    /// works for.
    ///
    /// # Errors
    /// NOT_FOUND when the caller is no member of the named store.
    pub async fn own_or_named(
        &self,
        conn: &impl Conn,
        call: &Call,
        named: Option<StoreId>,
    ) -> Result<Vec<StoreId>> {
        let Some(id) = named else {
            return self.stores_of_user(conn, call.user()?).await;
        };
        self.check_member(conn, call, id).await?;
        Ok(vec![id])
    }

    /// Demands that the caller is a member of the store. Who is none learns nothing of it.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub async fn check_member(&self, conn: &impl Conn, call: &Call, id: StoreId) -> Result<()> {
        match self.require_member(conn, call, id, Needed::Staff).await {
            Ok(_) => Ok(()),
            Err(refused) if refused.reason() == Reason::Forbidden => Err(Error::not_found("store")),
            Err(error) => Err(error),
        }
    }

    /// The stores that a user owns or works for.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stores_of_user(&self, conn: &impl Conn, user: UserId) -> Result<Vec<StoreId>> {
        store::of_user(conn, self.0.db.dialect(), user).await
    }

    /// Sees the events, so that a changed store is forgotten before the change is answered, and
    /// soon in every other process.
    pub fn observer(&self) -> Observer {
        // Weak: the database keeps its observers, and must not keep itself through them.
        let stores = Arc::downgrade(&self.0);
        Box::new(move |event| {
            if let Some(stores) = stores.upgrade().map(Stores) {
                stores.forget(event.topic);
            }
        })
    }

    /// Forgets what is cached of the store that an event on `topic` is about; other topics
    /// are ignored.
    fn forget(&self, topic: &str) {
        let id = topic
            .strip_prefix(TOPIC)
            .and_then(|uuid| uuid.parse::<uuid::Uuid>().ok());
        if let Some(id) = id {
            self.0.known.invalidate(&id.into());
        }
    }

    async fn staffed(&self, conn: &impl Conn, id: StoreId) -> Result<Arc<Staffed>> {
        let load = || async { store::find(conn, id).await.map(Arc::new) };
        self.0.known.get_or_load(&id, load).await
    }
}

#[async_trait]
impl users::KnownStores for Stores {
    async fn store_is_known(&self, tx: &Tx, store: StoreId) -> Result<bool> {
        store::is_public(tx.conn(), store).await
    }
}

#[async_trait]
impl users::Farewell for Stores {
    async fn user_leaves(&self, tx: &Tx, user: UserId) -> Result<()> {
        self.close_stores_of(tx, user).await?;
        store::remove_memberships(tx, user).await
    }
}

const TOPIC: &str = "store/";

/// The topic of what changes a store.
pub fn topic(id: StoreId) -> String {
    format!("{TOPIC}{}", id.uuid())
}

/// Tells those who watch what the store has become.
fn changed(tx: &Tx, store: &Store) {
    tx.emit(NewEvent {
        topic: topic(store.id),
        kind: match store.status() {
            Status::Deleted => "store.deleted",
            _ => "store.changed",
        },
        aggregate: store.id.uuid(),
        version: store.version(),
        payload: convert::payload(store),
    });
}
