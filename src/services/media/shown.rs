//! Files, as the services that show them know them.

use super::{File, Media, Purpose, Status, store, upload_not_found};
use crate::db::Tx;
use crate::kernel::id::{MediaId, UserId};
use crate::kernel::{Error, Result};

/// How a request names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By its id.
    Id(MediaId),
    /// By its key in the object store.
    Key(String),
}

/// A checked file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub id: MediaId,
    /// What it is for.
    pub purpose: Option<Purpose>,
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

impl Media {
    /// How a request names a file by where it can be read.
    ///
    /// # Errors
    /// VALIDATION_ERROR that names `field` when that is not in this object store.
    pub fn named_by_url(&self, field: &str, url: &str) -> Result<Named> {
        let key = self.key_of(url);
        key.map(Named::Key)
            .ok_or_else(|| Error::field(field, "must be in this object store"))
    }

    /// Takes a checked file of a user into use, once more where it is used already.
    ///
    /// # Errors
    /// UPLOAD_NOT_FOUND when there is none, and VALIDATION_ERROR when it is for something
    /// else; both name `field`.
    pub async fn take(
        &self,
        tx: &Tx,
        owner: UserId,
        purpose: Purpose,
        file: &Named,
        field: &str,
    ) -> Result<Shown> {
        // Held before it is looked at: whoever measures it meanwhile then either has
        // finished, or finds what shows it.
        let found = store::lock(tx, file).await?;
        let is_theirs = |file: &File| file.owner() == owner && file.status().is_shown();
        let found = found
            .filter(is_theirs)
            .ok_or_else(|| upload_not_found().at(field))?;
        if found.purpose() != Some(purpose) {
            let message = format!("must name a file with the purpose {}", purpose.as_str());
            return Err(Error::field(field, message));
        }
        match store::attach(tx, &[found.media_id()]).await? {
            1 => Ok(self.shown(&found)),
            _ => Err(upload_not_found().at(field)),
        }
    }

    pub(super) fn shown(&self, file: &File) -> Shown {
        let thumbnail = Some(&file.thumbnail_key).filter(|key| !key.is_empty());
        Shown {
            id: file.media_id(),
            purpose: file.purpose(),
            is_ready: file.status() == Status::Ready,
            url: self.url(&file.key),
            thumbnail_url: thumbnail.map_or_else(String::new, |key| self.url(key)),
            size: file.size,
            width: file.width,
            height: file.height,
            duration_ms: file.duration_ms,
        }
    }
}
