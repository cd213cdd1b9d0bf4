//! Files that users bring, and what becomes of them.
//!
//! Holds:
//! - no bytes are shown to anyone before they were checked;
//! - a key is given once, and its bytes never change;
//! - what nothing uses is gone a day later, and so is what never came;
//! - a transaction is never open while the object store is asked.

mod grpc;
mod store;
mod uses;

use std::sync::Arc;

use crate::clients::blob::Blobs;
use crate::db::Db;
use crate::kernel::seal::Sealer;
use crate::services::catalog::Catalog;

pub use uses::{File, Named, Purpose, Watcher, release};

/// The service of files. Clones share it.
#[derive(Clone)]
pub struct Media(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    blobs: Arc<dyn Blobs>,
    catalog: Catalog,
}

impl Media {
    /// The service; `blobs` keeps the bytes.
    pub fn new(db: Db, sealer: Sealer, blobs: Arc<dyn Blobs>, catalog: Catalog) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            blobs,
            catalog,
        }))
    }
}
