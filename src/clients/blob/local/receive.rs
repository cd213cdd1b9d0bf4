//! Bytes that come in, written as they come. Nothing is seen of them before they are all
//! there.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStoreExt, WriteMultipart};

use super::permit::Permit;
use super::{Folder, LocalBlobs, away};
use crate::kernel::{Error, Reason, Result};

/// So much is written at once.
const CHUNK: usize = 256 * 1024;

/// A file that comes in. Dropped before its end, it leaves nothing behind.
pub struct Receiving {
    folder: Folder,
    writer: WriteMultipart,
    /// How many bytes are still to come.
    left: u64,
    /// Where they are written, and where they go when they are whole.
    aside: Path,
    target: Path,
    replaces: bool,
    /// Of what a client sends.
    _turn: Option<Turn>,
}

/// Whoever has it is the only one who sends this file or part now. A ticket is good for as
/// many tries as its owner wants, but what is written at once takes room at once.
struct Turn {
    coming: Arc<Mutex<HashSet<Path>>>,
    path: Path,
}

impl Turn {
    /// # Errors
    /// CONFLICT while somebody else has it.
    fn take(coming: &Arc<Mutex<HashSet<Path>>>, path: &Path) -> Result<Self> {
        match lock(coming).insert(path.clone()) {
            true => Ok(Self {
                coming: coming.clone(),
                path: path.clone(),
            }),
            false => Err(Error::new(
                Reason::Conflict,
                "these bytes are being sent already",
            )),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.coming).remove(&self.path);
    }
}

fn lock(coming: &Mutex<HashSet<Path>>) -> MutexGuard<'_, HashSet<Path>> {
    coming.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LocalBlobs {
    /// Begins to take what a permit allows.
    ///
    /// # Errors
    /// CONFLICT when the file is there already, or somebody sends it now; NOT_FOUND for a
    /// part of no upload; UNAVAILABLE when the folder does not answer.
    pub async fn receive(&self, permit: &Permit) -> Result<Receiving> {
        let folder = self.folder().await?;
        let target = match &permit.part {
            None => folder.incoming(&permit.key),
            Some(part) => folder.part(&part.upload_id, part.number),
        };
        // First the turn: who had it before may have brought the file meanwhile.
        let turn = Turn::take(&self.coming, &target)?;
        match &permit.part {
            None => folder.absent(&permit.key).await?,
            Some(part) => folder.is_open(&part.upload_id, &permit.key).await?,
        }
        let replaces = permit.part.is_some();
        let receiving = Receiving::begin(folder, target, replaces, permit.size).await?;
        Ok(Receiving {
            _turn: Some(turn),
            ..receiving
        })
    }
}

impl Receiving {
    pub(super) async fn begin(
        folder: Folder,
        target: Path,
        replaces: bool,
        size: u64,
    ) -> Result<Self> {
        let aside = folder.aside();
        let upload = folder.store.put_multipart(&aside).await.map_err(away)?;
        Ok(Self {
            folder,
            writer: WriteMultipart::new_with_chunk_size(upload, CHUNK),
            left: size,
            aside,
            target,
            replaces,
            _turn: None,
        })
    }

    /// Takes the next bytes, and waits while too many are not written.
    ///
    /// # Errors
    /// FILE_TOO_LARGE beyond what was to come; UNAVAILABLE when the folder does not take
    /// them.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| {
            Error::new(Reason::FileTooLarge, "these are more bytes than announced")
        })?;
        self.writer.put(bytes);
        // Two chunks: one is filled while the other is written.
        self.writer.wait_for_capacity(1).await.map_err(away)
    }

    /// Puts the whole file in its place; answers its etag.
    ///
    /// # Errors
    /// VALIDATION_ERROR when bytes are missing; CONFLICT when the file is there already;
    /// UNAVAILABLE when the folder does not take it.
    pub async fn finish(self) -> Result<String> {
        if self.left > 0 {
            self.writer.abort().await.map_err(away)?;
            let message = "the body ended before all bytes were there";
            return Err(Error::new(Reason::ValidationError, message));
        }
        let written = self.writer.finish().await.map_err(away)?;
        let store = &self.folder.store;
        let moved = match self.replaces {
            true => store.rename(&self.aside, &self.target).await,
            false => store.rename_if_not_exists(&self.aside, &self.target).await,
        };
        match moved {
            Ok(()) => Ok(written.e_tag.unwrap_or_default()),
            Err(StoreError::AlreadyExists { .. }) => {
                self.folder.remove(&self.aside).await?;
                Err(there_already())
            }
            Err(error) => Err(away(error)),
        }
    }
}

pub(super) fn there_already() -> Error {
    Error::new(
        Reason::Conflict,
        "the file is there already, and its bytes never change",
    )
}
