//! A folder of this host.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Blobs, Head, NewBlob, Part, SentPart, Ticket};
use crate::kernel::seal::Sealer;
use crate::kernel::{Clock, Error, Result};

/// Files in a folder, served by souk itself.
#[derive(Debug)]
pub struct LocalBlobs {
    folder: PathBuf,
    base_url: String,
    sealer: Sealer,
    clock: Clock,
}

impl LocalBlobs {
    /// Files in `folder`, which are read and sent below `base_url`.
    pub fn new(folder: PathBuf, base_url: String, sealer: Sealer, clock: Clock) -> Self {
        Self {
            folder,
            base_url,
            sealer,
            clock,
        }
    }
}

#[async_trait]
impl Blobs for LocalBlobs {
    fn ticket(&self, blob: &NewBlob, lasts: Duration) -> Result<Ticket> {
        Err(Error::internal("not built"))
    }

    fn part_ticket(&self, blob: &NewBlob, part: &Part<'_>, lasts: Duration) -> Result<Ticket> {
        Err(Error::internal("not built"))
    }

    async fn begin_parts(&self, blob: &NewBlob) -> Result<String> {
        Err(Error::internal("not built"))
    }

    async fn finish_parts(&self, key: &str, upload_id: &str, parts: &[SentPart]) -> Result<()> {
        Err(Error::internal("not built"))
    }

    async fn abort_parts(&self, key: &str, upload_id: &str) -> Result<()> {
        Err(Error::internal("not built"))
    }

    async fn put(&self, blob: &NewBlob, bytes: Bytes) -> Result<()> {
        Err(Error::internal("not built"))
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        Err(Error::internal("not built"))
    }

    async fn read(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        Err(Error::internal("not built"))
    }

    async fn delete(&self, key: &str) -> Result<()> {
        Err(Error::internal("not built"))
    }

    fn url(&self, key: &str) -> String {
        format!("{}/files/{key}", self.base_url)
    }

    fn key_of(&self, url: &str) -> Option<String> {
        let key = url.strip_prefix(&self.base_url)?.strip_prefix("/files/")?;
        Some(key.to_owned())
    }

    fn source(&self, key: &str, lasts: Duration) -> Result<String> {
        Err(Error::internal("not built"))
    }
}
