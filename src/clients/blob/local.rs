//! A folder of this host.

mod folder;
mod permit;
mod receive;
mod sweep;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Lock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{Error as StoreError, GetOptions, ObjectStore, ObjectStoreExt, PutMode};
use tokio::sync::{Mutex, OnceCell};

use super::key::{self, bare};
use super::{Arrival, Blobs, Head, NewBlob, Part, SentPart, Ticket};
use crate::kernel::seal::Sealer;
use crate::kernel::{Clock, Error, Reason, Result};
use folder::{Folder, PUBLIC};
use permit::PartOf;
pub use permit::Permit;
pub use receive::Receiving;
use sweep::Swept;

/// Files in a folder, served by souk itself.
#[derive(Debug)]
pub struct LocalBlobs {
    root: PathBuf,
    base_url: String,
    sealer: Sealer,
    clock: Clock,
    /// Made when it is needed first: a server that keeps no files needs no folder.
    folder: OnceCell<Folder>,
    swept: Swept,
    /// What comes in now.
    coming: Arc<Lock<HashSet<Path>>>,
    /// Parts are put together one file after the other.
    joining: Mutex<()>,
}

impl LocalBlobs {
    /// Files in the folder `root`, which are read and sent below `base_url`, an address
    /// without a slash at its end.
    pub fn new(root: PathBuf, base_url: String, sealer: Sealer, clock: Clock) -> Self {
        Self {
            root,
            base_url,
            sealer,
            clock,
            folder: OnceCell::new(),
            swept: Swept::default(),
            coming: Arc::default(),
            joining: Mutex::default(),
        }
    }

    /// The path of a published file; nothing for what is no key. The file need not be there.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        key::is_key(key).then(|| self.root.join(PUBLIC).join(key))
    }

    async fn folder(&self) -> Result<Folder> {
        let open = || Folder::open(&self.root);
        let folder = self.folder.get_or_try_init(open).await?;
        self.swept.keep(&self.root, self.clock.now());
        Ok(folder.clone())
    }

    fn ends(&self, lasts: Duration) -> i64 {
        (self.clock.now() + lasts).micros()
    }
}

#[async_trait]
impl Blobs for LocalBlobs {
    fn ticket(&self, blob: &NewBlob, lasts: Duration) -> Result<Ticket> {
        let url = self.sealed(&Permit {
            key: key::check(&blob.key)?.to_owned(),
            size: blob.size,
            content_type: Some(blob.content_type.clone()),
            part: None,
            until: self.ends(lasts),
        })?;
        let headers = vec![("content-type".to_owned(), blob.content_type.clone())];
        Ok(Ticket { url, headers })
    }

    fn part_ticket(&self, blob: &NewBlob, part: &Part<'_>, lasts: Duration) -> Result<Ticket> {
        let url = self.sealed(&Permit {
            key: key::check(&blob.key)?.to_owned(),
            size: part.size,
            content_type: None,
            part: Some(PartOf {
                upload_id: part.upload_id.to_owned(),
                number: part.number,
            }),
            until: self.ends(lasts),
        })?;
        let headers = Vec::new();
        Ok(Ticket { url, headers })
    }

    async fn begin_parts(&self, blob: &NewBlob) -> Result<String> {
        let key = key::check(&blob.key)?;
        self.folder().await?.open_upload(key).await
    }

    async fn finish_parts(&self, key: &str, upload_id: &str, parts: &[SentPart]) -> Result<()> {
        let (folder, etags) = (self.folder().await?, key::etags(parts)?);
        let _turn = self.joining.lock().await;
        folder.is_open(upload_id, key::check(key)?).await?;
        let (mut found, mut size) = (Vec::new(), 0);
        for (number, etag) in (1..).zip(etags) {
            let path = folder.part(upload_id, number);
            let part = folder.head(&path).await?;
            let part = part.filter(|part| part.e_tag.as_deref().map(bare) == Some(etag));
            size += part.ok_or_else(|| Error::not_found("part"))?.size;
            found.push(path);
        }
        let target = folder.incoming(key);
        let mut whole = Receiving::begin(folder.clone(), target, false, size).await?;
        for path in &found {
            let part = folder.store.get(path).await.map_err(away)?;
            let mut bytes = part.into_stream();
            while let Some(bytes) = bytes.try_next().await.map_err(away)? {
                whole.write(bytes).await?;
            }
        }
        match whole.finish().await {
            Ok(_) => {}
            // Put together before, by a call that did not come to its end.
            Err(error) if error.reason() == Reason::Conflict => {}
            Err(error) => return Err(error),
        }
        folder.close_upload(upload_id).await
    }

    async fn abort_parts(&self, key: &str, upload_id: &str) -> Result<()> {
        let folder = self.folder().await?;
        // One that is closed may have parts all the same: closing broke off, or they came
        // in behind it.
        match folder.owner(upload_id).await? {
            Some(owner) if owner != key::check(key)? => Ok(()),
            _ => folder.close_upload(upload_id).await,
        }
    }

    async fn arrived(&self, key: &str) -> Result<Option<Arrival>> {
        let folder = self.folder().await?;
        let meta = folder.head(&folder.incoming(key::check(key)?)).await?;
        Ok(meta.map(|meta| Arrival {
            key: key.to_owned(),
            size: meta.size,
            etag: meta.e_tag.unwrap_or_default(),
        }))
    }

    async fn read_arrived(&self, arrival: &Arrival, range: Range<u64>) -> Result<Bytes> {
        let folder = self.folder().await?;
        let path = folder.incoming(key::check(&arrival.key)?);
        let options = GetOptions {
            if_match: Some(arrival.etag.clone()),
            ..some(&range, arrival.size)
        };
        match range.start >= range.end.min(arrival.size) {
            true => Ok(Bytes::new()),
            false => folder.read(&path, options).await,
        }
    }

    async fn publish(&self, arrival: &Arrival, _content_type: &str) -> Result<()> {
        // Its type is read off the end of its key when it is served.
        let folder = self.folder().await?;
        let key = key::check(&arrival.key)?;
        let (from, to) = (folder.incoming(key), folder.public(key));
        let there = folder.head(&from).await?;
        if there.is_some_and(|meta| meta.e_tag.as_deref() != Some(arrival.etag.as_str())) {
            return Err(Error::not_found("file"));
        }
        match folder.store.rename_if_not_exists(&from, &to).await {
            Ok(()) => Ok(()),
            Err(StoreError::AlreadyExists { .. }) => folder.remove(&from).await,
            // Published before, or by a twin meanwhile.
            Err(StoreError::NotFound { .. }) if folder.head(&to).await?.is_some() => Ok(()),
            Err(StoreError::NotFound { .. }) => Err(Error::not_found("file")),
            Err(error) => Err(away(error)),
        }
    }

    async fn put(&self, blob: &NewBlob, bytes: Bytes) -> Result<()> {
        let folder = self.folder().await?;
        let path = folder.public(key::check(&blob.key)?);
        let options = PutMode::Create.into();
        match folder.store.put_opts(&path, bytes.into(), options).await {
            Ok(_) | Err(StoreError::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        let folder = self.folder().await?;
        let meta = folder.head(&folder.public(key::check(key)?)).await?;
        Ok(meta.map(|meta| Head { size: meta.size }))
    }

    async fn read(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        let folder = self.folder().await?;
        let path = folder.public(key::check(key)?);
        let meta = folder.head(&path).await?;
        let size = meta.ok_or_else(|| Error::not_found("file"))?.size;
        match range.start >= range.end.min(size) {
            true => Ok(Bytes::new()),
            false => folder.read(&path, some(&range, size)).await,
        }
    }

    async fn delete(&self, key: &str) -> Result<()> {
        let folder = self.folder().await?;
        let key = key::check(key)?;
        folder.remove(&folder.public(key)).await?;
        folder.remove(&folder.incoming(key)).await
    }

    fn url(&self, key: &str) -> String {
        format!("{}/files/{key}", self.base_url)
    }

    fn key_of(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(&self.base_url)?;
        key::of(rest.strip_prefix("/files")?)
    }

    fn source(&self, key: &str, _lasts: Duration) -> Result<String> {
        let path = self.root.join(PUBLIC).join(key::check(key)?);
        Ok(path.to_string_lossy().into_owned())
    }
}

/// To read a range of a file that has so many bytes.
fn some(range: &Range<u64>, size: u64) -> GetOptions {
    let range = range.start..range.end.min(size);
    GetOptions {
        range: Some(range.into()),
        ..GetOptions::default()
    }
}

/// The words of the library name paths, which are for the log.
fn away(error: StoreError) -> Error {
    Error::unavailable("the folder of files does not answer", error)
}
