//! Files in use: what the services that show them ask for, and what they are told.

use async_trait::async_trait;

use super::{Media, store};
use crate::db::Tx;
use crate::kernel::id::{MediaId, UserId};
use crate::kernel::{Error, Reason, Result};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Picture of a product.
    ProductImage,
    /// Video of a reel.
    ReelVideo,
    /// Picture that stands for a reel.
    ReelThumbnail,
    /// Picture of a person or store.
    Avatar,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [
        Self::ProductImage,
        Self::ReelVideo,
        Self::ReelThumbnail,
        Self::Avatar,
    ];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProductImage => "PRODUCT_IMAGE",
            Self::ReelVideo => "REEL_VIDEO",
            Self::ReelThumbnail => "REEL_THUMBNAIL",
            Self::Avatar => "AVATAR",
        }
    }

    /// The purpose of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }
}

/// How a request names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By its id.
    Id(MediaId),
    /// By its key in the object store.
    Key(String),
}

/// A checked file, as those who show it know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub id: MediaId,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether it is measured; else that is still to come.
    pub is_ready: bool,
    /// Where it can be read.
    pub url: String,
    /// The picture that stands for it; empty when there is none.
    pub thumbnail_url: String,
    /// Its size in bytes.
    pub size: i64,
    /// Width in pixels, where it is known.
    pub width: Option<i32>,
    /// Height in pixels, where it is known.
    pub height: Option<i32>,
    /// Length of a video in milliseconds, where it is known.
    pub duration_ms: Option<i32>,
}

/// Who shows files, and hears in the transaction of the change what became of them. It
/// may be told twice.
#[async_trait]
pub trait Watcher: Send + Sync {
    /// The file is measured.
    async fn media_ready(&self, tx: &Tx, file: &File) -> Result<()>;

    /// The file cannot be used after all, for a reason that its owner is told.
    async fn media_failed(&self, tx: &Tx, file: MediaId, failure: &str) -> Result<()>;
}

impl Media {
    /// How a request names a file by where it can be read.
    ///
    /// # Errors
    /// VALIDATION_ERROR that names `field` when that is not in this object store.
    pub fn named_by_url(&self, field: &str, url: &str) -> Result<Named> {
        let key = self.0.blobs.key_of(url);
        key.map(Named::Key)
            .ok_or_else(|| Error::field(field, "must be in this object store"))
    }

    /// Takes a checked file of a user into use, once more where it is used already.
    ///
    /// # Errors
    /// UPLOAD_NOT_FOUND when there is none, and VALIDATION_ERROR when it is for something
    /// else; both name `field`.
    pub async fn attach(
        &self,
        tx: &Tx,
        owner: UserId,
        purpose: Purpose,
        file: &Named,
        field: &str,
    ) -> Result<File> {
        let found = store::attach(tx, owner, file)
            .await?
            .ok_or_else(|| Error::new(Reason::UploadNotFound, "there is no such file").at(field))?;
        if found.purpose != purpose.as_str() {
            let message = format!("must name a file with the purpose {}", purpose.as_str());
            return Err(Error::field(field, message));
        }
        let thumbnail = Some(&found.thumbnail_key).filter(|key| !key.is_empty());
        Ok(File {
            id: found.id.into(),
            purpose,
            is_ready: found.status == "READY",
            url: self.0.blobs.url(&found.key),
            thumbnail_url: thumbnail.map_or_else(String::new, |key| self.0.blobs.url(key)),
            size: found.size,
            width: found.width,
            height: found.height,
            duration_ms: found.duration_ms,
        })
    }
}

/// Gives a file back that was taken into use. What nothing uses goes a day later.
///
/// # Errors
/// Those of the database.
pub async fn release(tx: &Tx, file: MediaId) -> Result<()> {
    store::release(tx, file).await
}
