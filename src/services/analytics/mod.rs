//! Numbers for sellers, made of what the services to the left keep: it reads their tables
//! and writes nothing.
//!
//! Holds:
//! - the numbers of a store are for its members; for others there is no such store;
//! - revenue is what paid orders brought, and an average is over those alone.

mod convert;
mod grpc;
mod shared;
mod stats;
mod store;
mod trade;

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Freshness, SharedCache};
use crate::db::Db;
use crate::kernel::id::{StoreId, UserId};
use crate::kernel::seal::Sealer;
use crate::kernel::{Call, Currency, Error, Reason, Result};
use crate::services::catalog::Catalog;
use crate::services::stores::{Needed, Stores};

use stats::{Counted, Whose};
use trade::Trade;

/// How old numbers may be.
const CACHED: Freshness = Freshness::only(Duration::from_secs(5 * 60));
/// Cached numbers at the most.
const CACHED_MAX: u64 = 10_000;

/// The service of numbers. Clones share it.
#[derive(Clone)]
pub struct Analytics(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    stores: Stores,
    catalog: Catalog,
    currency: Currency,
    counted: Cache<Whose, Counted>,
    traded: Cache<UserId, Trade>,
}

impl Analytics {
    /// The service; revenue is told in `currency`, and `shared` is the cache of all
    /// processes, if there is one.
    pub fn new(
        db: Db,
        sealer: Sealer,
        stores: Stores,
        catalog: Catalog,
        currency: Currency,
        shared: Option<&SharedCache>,
    ) -> Self {
        let counted = shared.map(shared::counted);
        let traded = shared.map(shared::traded);
        Self(Arc::new(Parts {
            db,
            sealer,
            stores,
            catalog,
            currency,
            counted: Cache::tiered("seller_stats", CACHED_MAX, CACHED, counted),
            traded: Cache::tiered("b2b_stats", CACHED_MAX, CACHED, traded),
        }))
    }

    /// The stores that the caller asks for: the named one, or all whose member the caller
    /// is.
    ///
    /// # Errors
    /// NOT_FOUND when the caller is no member of the named store.
    async fn stores_of(&self, call: &Call, named: Option<StoreId>) -> Result<Vec<StoreId>> {
        let (stores, conn) = (&self.0.stores, self.0.db.read());
        let Some(store) = named else {
            return stores.stores_of_user(conn, call.user()?).await;
        };
        let member = stores.require_member(conn, call, store, Needed::Staff);
        match member.await {
            Ok(_) => Ok(vec![store]),
            Err(refused) if refused.reason() == Reason::Forbidden => Err(Error::not_found("store")),
            Err(error) => Err(error),
        }
    }
}
