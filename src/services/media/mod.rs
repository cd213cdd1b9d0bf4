//! Files that users bring, and what becomes of them.
//!
//! Holds:
//! - no bytes are shown to anyone before they were checked;
//! - a key is given once, and its bytes never change;
//! - what nothing uses is gone a day later, and so is what never came;
//! - a transaction is never open while the object store is asked.
//!
//! Whoever shows a file counts as a use of it: by its id with [`Media::take`] and
//! [`release`], by its address through [`KeptPictures`], in its own transaction. What must
//! not stay in the store is erased by a job that is enqueued with the change that decides
//! so: whatever stops, nothing is left behind.

mod check;
mod complete;
mod convert;
mod delete;
mod entity;
mod file;
mod form;
mod grpc;
mod jobs;
mod key;
mod pictures;
mod poster;
mod process;
mod product_image;
mod shown;
mod store;
#[cfg(test)]
mod tests;
mod thumbnail;
mod upload;
mod uses;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::clients::blob::Blobs;
use crate::db::{Db, NewEvent, Tx};
use crate::kernel::id::MediaId;
use crate::kernel::{Error, Reason, Result};
use crate::services::catalog::Catalog;
use crate::services::stores::Stores;

pub use entity::media::Model as File;
pub use file::{Purpose, Status};
pub use jobs::register;
pub use shown::{Named, Shown};
pub use uses::{KeptPictures, release};

use poster::Posters;

/// Pictures that are looked at or measured at once, each as a whole.
const LOOKING_MAX: usize = 4;

/// How much clients may bring, and how long it may take them.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long a client may send the bytes of a file.
    pub upload_lasts: Duration,
    /// The most bytes of all files of one user.
    pub owner_bytes_max: i64,
}

/// Who shows files, and hears in the transaction of the change what became of them.
#[async_trait]
pub trait MediaReady: Send + Sync {
    /// Holds, until commit, what shows the file, before the file itself is held: whoever
    /// changes what shows files holds them in this order.
    async fn hold(&self, tx: &Tx, file: MediaId) -> Result<()>;

    /// The file is measured.
    async fn media_ready(&self, tx: &Tx, file: &Shown) -> Result<()>;

    /// The file cannot be used after all, for a reason that its owner is told.
    async fn media_failed(&self, tx: &Tx, file: MediaId, failure: &str) -> Result<()>;
}

/// The service of files. Clones share it.
#[derive(Clone)]
pub struct Media(Arc<Parts>);

struct Parts {
    db: Db,
    blobs: Arc<dyn Blobs>,
    stores: Stores,
    catalog: Catalog,
    listeners: Vec<Arc<dyn MediaReady>>,
    bounds: Bounds,
    posters: Posters,
    /// Whole pictures that are in memory at once.
    looking: Semaphore,
    /// A picture in pixels is larger still: one at a time.
    drawing: Arc<Semaphore>,
}

impl Media {
    /// The service; `blobs` keeps the bytes, and `listeners` hear of what is ready.
    pub fn new(
        db: Db,
        blobs: Arc<dyn Blobs>,
        stores: Stores,
        catalog: Catalog,
        listeners: Vec<Arc<dyn MediaReady>>,
        bounds: Bounds,
    ) -> Self {
        Self(Arc::new(Parts {
            db,
            blobs,
            stores,
            catalog,
            listeners,
            bounds,
            posters: Posters::default(),
            looking: Semaphore::new(LOOKING_MAX),
            drawing: Arc::new(Semaphore::new(1)),
        }))
    }

    /// Where everybody can read a file.
    pub fn url(&self, key: &str) -> String {
        self.0.blobs.url(key)
    }

    /// The key of a file of ours that is read there; nothing for addresses of others.
    pub fn key_of(&self, url: &str) -> Option<String> {
        self.0.blobs.key_of(url)
    }

    /// Holds what shows a file that is about to be settled.
    async fn hold(&self, tx: &Tx, id: MediaId) -> Result<()> {
        for listener in &self.0.listeners {
            listener.hold(tx, id).await?;
        }
        Ok(())
    }

    /// Tells those who watch, and those who wait, that a file is ready or failed. It is
    /// one or the other once.
    async fn settled(&self, tx: &Tx, id: MediaId) -> Result<()> {
        let file = store::find(tx.conn(), id).await?;
        let file = file.ok_or_else(|| Error::internal("a file is gone"))?;
        for listener in &self.0.listeners {
            match file.status() {
                Status::Failed => listener.media_failed(tx, id, &file.failure).await?,
                _ => listener.media_ready(tx, &self.shown(&file)).await?,
            }
        }
        tx.emit(NewEvent {
            topic: format!("media/{}", file.id),
            kind: match file.status() {
                Status::Failed => "media.failed",
                _ => "media.ready",
            },
            aggregate: file.id,
            version: file.version,
            payload: convert::event(&file, self),
        });
        Ok(())
    }
}

fn upload_not_found() -> Error {
    Error::new(Reason::UploadNotFound, "upload not found")
}

fn not_found() -> Error {
    Error::not_found("file")
}
