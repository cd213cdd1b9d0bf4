//! Numbers for sellers, from what the other services keep.

mod grpc;

use std::sync::Arc;

use crate::db::Db;
use crate::kernel::Currency;
use crate::kernel::seal::Sealer;
use crate::services::stores::Stores;

/// The service of numbers. Clones share it.
#[derive(Clone)]
pub struct Analytics(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    stores: Stores,
    currency: Currency,
}

impl Analytics {
    /// The service; revenue is told in `currency`.
    pub fn new(db: Db, sealer: Sealer, stores: Stores, currency: Currency) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            stores,
            currency,
        }))
    }
}
