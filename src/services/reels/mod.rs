//! Reels: short videos of products, who likes and comments them, and how often they are
//! viewed.
//!
//! Holds:
//! - whoever may not see a product may not see its reels;
//! - a reel is shown once its video is measured, and not while moderators hide it;
//! - rows are the truth for likes and comments: a count is their number at any time, and
//!   no change waits for a row that another one holds;
//! - a viewer counts once an hour.

mod attribution;
mod grpc;
mod store;

use std::sync::Arc;

use crate::db::Db;
use crate::events::Events;
use crate::kernel::seal::Sealer;
use crate::services::catalog::Catalog;
use crate::services::media::Media;
use crate::services::stores::Stores;

pub use attribution::products_of;

/// The service of reels. Clones share it.
#[derive(Clone)]
pub struct Reels(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    events: Events,
    stores: Stores,
    catalog: Catalog,
    media: Media,
}

impl Reels {
    /// The service; `sealer` makes its page tokens.
    pub fn new(
        db: Db,
        sealer: Sealer,
        events: Events,
        stores: Stores,
        catalog: Catalog,
        media: Media,
    ) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            events,
            stores,
            catalog,
            media,
        }))
    }
}
