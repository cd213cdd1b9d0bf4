//! Delivery: the destinations, and the prices that `shipping` works out.
//!
//! It keeps nothing of its own.

mod convert;
mod grpc;

use crate::db::Db;
use crate::kernel::seal::Sealer;
use crate::services::shipping::Shipping;
use crate::services::stores::Stores;

/// The service of deliveries. Clones share it.
#[derive(Clone)]
pub struct Delivery {
    db: Db,
    sealer: Sealer,
    stores: Stores,
    shipping: Shipping,
}

impl Delivery {
    /// The service; `sealer` makes its page tokens.
    pub fn new(db: Db, sealer: Sealer, stores: Stores, shipping: Shipping) -> Self {
        Self {
            db,
            sealer,
            stores,
            shipping,
        }
    }
}
