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
use crate::kernel::Currency;
use crate::kernel::id::UserId;
use crate::kernel::seal::Sealer;
use crate::services::catalog::Catalog;
use crate::services::stores::Stores;

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
}
