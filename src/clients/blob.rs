//! Where the bytes of files are kept: a folder of this host, or a bucket of any provider
//! that speaks S3.
//!
//! Clients send bytes straight there, by addresses that are good for one file, of one
//! type and size, for some minutes. What comes in so is shown to nobody: it lies apart,
//! until somebody has looked at it and publishes it.

mod fake;
mod key;
mod local;
mod s3;

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::kernel::Result;

pub use fake::FakeBlobs;
pub use key::is_key;
pub use local::{LocalBlobs, Permit, Receiving};
pub use s3::{S3Blobs, S3Bucket, limits};

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

/// A file that has come in and is not published. It names the very bytes that came: what
/// is read and published by it is nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The key of the file to be.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// What changes with its bytes.
    pub etag: String,
}

/// What is known of a published file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its size in bytes.
    pub size: u64,
}

/// Keeps bytes by key.
///
/// A file that a client sends goes this way: a ticket, its PUT, then
/// [`arrived`](Self::arrived), a look at it with [`read_arrived`](Self::read_arrived), and
/// [`publish`](Self::publish). Only then [`head`](Self::head), [`read`](Self::read),
/// [`source`](Self::source) and its [`url`](Self::url) know it. What [`put`](Self::put)
/// takes is published at once. The bytes of a published file never change.
///
/// Ranges are read into memory, so none is longer than 16 MiB.
///
/// Every method fails with UNAVAILABLE when the store does not answer, and that may be
/// tried again; and with INTERNAL for keys that are none.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// A ticket for all bytes of a file, good for `lasts`, and for one PUT that succeeds.
    fn ticket(&self, blob: &NewBlob, lasts: Duration) -> Result<Ticket>;

    /// A ticket for one part of a file, good for `lasts`. Its headers are the same for
    /// every part.
    fn part_ticket(&self, blob: &NewBlob, part: &Part<'_>, lasts: Duration) -> Result<Ticket>;

    /// Begins a file that is sent in parts; answers the id of the upload.
    async fn begin_parts(&self, blob: &NewBlob) -> Result<String>;

    /// Puts the parts together; then the file has arrived. NOT_FOUND when they are not all
    /// there, and when the upload is finished or aborted.
    async fn finish_parts(&self, key: &str, upload_id: &str, parts: &[SentPart]) -> Result<()>;

    /// Forgets the parts; without any it is no error.
    async fn abort_parts(&self, key: &str, upload_id: &str) -> Result<()>;

    /// What came in under a key; nothing when nothing has, or when it is published.
    async fn arrived(&self, key: &str) -> Result<Option<Arrival>>;

    /// Some bytes of what came in. NOT_FOUND when it is not there as it was.
    async fn read_arrived(&self, arrival: &Arrival, range: Range<u64>) -> Result<Bytes>;

    /// Shows to everybody what came in, as a file of this type, and takes it away from
    /// where it came in. Once more does no harm. NOT_FOUND when it is not there as it was.
    ///
    /// A caller that is interrupted after this finds nothing [`arrived`](Self::arrived), and
    /// by [`head`](Self::head) the file, which was looked at then.
    async fn publish(&self, arrival: &Arrival, content_type: &str) -> Result<()>;

    /// Publishes a file that is at hand. Once more with the same bytes does no harm.
    async fn put(&self, blob: &NewBlob, bytes: Bytes) -> Result<()>;

    /// Whether a published file is there.
    async fn head(&self, key: &str) -> Result<Option<Head>>;

    /// Some bytes of a published file, fewer when it ends before. NOT_FOUND when it is not
    /// there.
    async fn read(&self, key: &str, range: Range<u64>) -> Result<Bytes>;

    /// Deletes a file, published or only arrived; without one it is no error.
    async fn delete(&self, key: &str) -> Result<()>;

    /// Where everybody can read a published file.
    fn url(&self, key: &str) -> String;

    /// The key of a file that is read there; nothing for addresses of others.
    fn key_of(&self, url: &str) -> Option<String>;

    /// An address from which a program on this host can read a published file for a while:
    /// for tools that take no bytes. A path for a local file.
    fn source(&self, key: &str, lasts: Duration) -> Result<String>;
}
