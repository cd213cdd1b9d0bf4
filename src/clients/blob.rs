//! Where the bytes of files are kept: a folder of this host, or a bucket of any provider
//! that speaks S3.
//!
//! Clients send bytes straight there, by addresses that are good for one file, of one
//! type and size, for some minutes.

mod local;

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::kernel::Result;

pub use local::LocalBlobs;

/// A file to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlob {
    /// Its name: segments of letters, digits, `.`, `-` and `_`, with `/` between them.
    pub key: String,
    /// Its type.
    pub content_type: String,
    /// Its exact size in bytes.
    pub size: u64,
}

/// One part of a file that is sent in several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// What [`Blobs::begin_parts`] answered.
    pub upload_id: &'a str,
    /// From 1.
    pub number: u32,
    /// Its exact size in bytes.
    pub size: u64,
}

/// A part that has been sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPart {
    /// Its number.
    pub number: u32,
    /// The `ETag` of the answer to its PUT.
    pub etag: String,
}

/// Where and how a client sends bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Where to PUT them.
    pub url: String,
    /// Headers that must be sent along, exactly so.
    pub headers: Vec<(String, String)>,
}

/// What is known of a file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its size in bytes.
    pub size: u64,
}

/// Keeps bytes by key.
///
/// Every method fails with UNAVAILABLE when the store does not answer, and that may be
/// tried again.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// A ticket for all bytes of a file, good for `lasts`.
    fn ticket(&self, blob: &NewBlob, lasts: Duration) -> Result<Ticket>;

    /// A ticket for one part of a file, good for `lasts`.
    fn part_ticket(&self, blob: &NewBlob, part: &Part<'_>, lasts: Duration) -> Result<Ticket>;

    /// Begins a file that is sent in parts; answers the id of the upload.
    async fn begin_parts(&self, blob: &NewBlob) -> Result<String>;

    /// Puts the parts together. NOT_FOUND when they are not all there.
    async fn finish_parts(&self, key: &str, upload_id: &str, parts: &[SentPart]) -> Result<()>;

    /// Forgets the parts; without any it is no error.
    async fn abort_parts(&self, key: &str, upload_id: &str) -> Result<()>;

    /// Keeps a file that is at hand.
    async fn put(&self, blob: &NewBlob, bytes: Bytes) -> Result<()>;

    /// Whether the file is there.
    async fn head(&self, key: &str) -> Result<Option<Head>>;

    /// Some bytes of a file. NOT_FOUND when it is not there.
    async fn read(&self, key: &str, range: Range<u64>) -> Result<Bytes>;

    /// Deletes a file; without one it is no error.
    async fn delete(&self, key: &str) -> Result<()>;

    /// Where everybody can read a file.
    fn url(&self, key: &str) -> String;

    /// The key of a file that is read there; nothing for addresses of others.
    fn key_of(&self, url: &str) -> Option<String>;

    /// An address from which a program on this host can read the file for a while: for
    /// tools that take no bytes. A path for a local file.
    fn source(&self, key: &str, lasts: Duration) -> Result<String>;
}
