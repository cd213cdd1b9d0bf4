//! Where things lie in the folder: `public/` is shown to everybody, `incoming/` has come in
//! and waits to be published, `parts/` waits to be put together, `aside/` is being written.

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode,
};

use super::away;
use super::receive::there_already;
use crate::clients::blob::key::INCOMING;
use crate::kernel::{Error, Result, random};

/// What everybody may read.
pub(super) const PUBLIC: &str = "public";
pub(super) const PARTS: &str = "parts";
pub(super) const ASIDE: &str = "aside";
/// Tells, beside the parts of an upload, that it is open and whose it is. No number.
const OPEN: &str = "open";

/// The folder, made and ready. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) store: Arc<LocalFileSystem>,
}

impl Folder {
    /// Makes what is missing.
    pub(super) async fn open(root: &FilePath) -> Result<Self> {
        let unusable =
            |error| Error::unavailable("the folder of files cannot be made", Box::new(error));
        tokio::fs::create_dir_all(root).await.map_err(unusable)?;
        // A file that was promised to be there outlives a loss of power, and folders that
        // are empty do not pile up.
        let store = LocalFileSystem::new_with_prefix(root)
            .map_err(away)?
            .with_fsync(true)
            .with_automatic_cleanup(true);
        Ok(Self {
            store: Arc::new(store),
        })
    }

    pub(super) fn public(&self, key: &str) -> Path {
        Path::from_iter([PUBLIC].into_iter().chain(key.split('/')))
    }

    pub(super) fn incoming(&self, key: &str) -> Path {
        Path::from_iter([INCOMING].into_iter().chain(key.split('/')))
    }

    pub(super) fn part(&self, upload_id: &str, number: u32) -> Path {
        Path::from_iter([PARTS, upload_id, &number.to_string()])
    }

    /// A name of its own for something that is being written.
    pub(super) fn aside(&self) -> Path {
        Path::from_iter([ASIDE, &new_name()])
    }

    pub(super) async fn head(&self, path: &Path) -> Result<Option<ObjectMeta>> {
        match self.store.head(path).await {
            Ok(meta) => Ok(Some(meta)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    /// NOT_FOUND when there is no such file, or not as it was by `options`.
    pub(super) async fn read(&self, path: &Path, options: GetOptions) -> Result<Bytes> {
        let result = match self.store.get_opts(path, options).await {
            Ok(result) => result,
            Err(StoreError::NotFound { .. } | StoreError::Precondition { .. }) => {
                return Err(Error::not_found("file"));
            }
            Err(error) => return Err(away(error)),
        };
        result.bytes().await.map_err(away)
    }

    /// Without such a file it is no error.
    pub(super) async fn remove(&self, path: &Path) -> Result<()> {
        match self.store.delete(path).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }

    /// CONFLICT when the key has come in, or is published.
    pub(super) async fn absent(&self, key: &str) -> Result<()> {
        for path in [self.incoming(key), self.public(key)] {
            if self.head(&path).await?.is_some() {
                return Err(there_already());
            }
        }
        Ok(())
    }

    /// Opens an upload in parts; answers its id.
    pub(super) async fn open_upload(&self, key: &str) -> Result<String> {
        let upload_id = new_name();
        let path = Path::from_iter([PARTS, &upload_id, OPEN]);
        let whose = Bytes::copy_from_slice(key.as_bytes()).into();
        let options = PutMode::Create.into();
        let put = self.store.put_opts(&path, whose, options).await;
        put.map_err(away)?;
        Ok(upload_id)
    }

    /// NOT_FOUND unless the upload of this key is open.
    pub(super) async fn is_open(&self, upload_id: &str, key: &str) -> Result<()> {
        match self.owner(upload_id).await? {
            Some(owner) if owner == key => Ok(()),
            _ => Err(Error::not_found("upload")),
        }
    }

    /// The key of an upload that is open.
    pub(super) async fn owner(&self, upload_id: &str) -> Result<Option<Bytes>> {
        if !is_name(upload_id) {
            return Ok(None);
        }
        let path = Path::from_iter([PARTS, upload_id, OPEN]);
        match self.store.get(&path).await {
            Ok(found) => found.bytes().await.map(Some).map_err(away),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    /// Closes an upload and removes its parts.
    pub(super) async fn close_upload(&self, upload_id: &str) -> Result<()> {
        if !is_name(upload_id) {
            return Ok(());
        }
        // First what says that it is open, so that no part comes in behind.
        self.remove(&Path::from_iter([PARTS, upload_id, OPEN]))
            .await?;
        let prefix = Path::from_iter([PARTS, upload_id]);
        let parts = self.store.list(Some(&prefix));
        let parts = parts.map_ok(|meta| meta.location).boxed();
        let mut gone = self.store.delete_stream(parts);
        while let Some(outcome) = gone.next().await {
            match outcome {
                Ok(_) | Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(away(error)),
            }
        }
        Ok(())
    }
}

fn new_name() -> String {
    format!("{:032x}", u128::from_be_bytes(random::bytes()))
}

/// Whether a text is a name that was made here; another one could lead elsewhere.
fn is_name(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
