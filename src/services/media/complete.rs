//! Taking a file in: its bytes are looked at where they came in, and only then shown.
//!
//! The store is asked between two transactions. Whatever happens there can happen again: a
//! repeat goes on where the call before stopped, and of two at once one decides.

use super::check::{self, Size, Source, refused};
use super::file::part_count;
use super::upload::is_of;
use super::{File, Media, Purpose, Status, jobs, store, upload_not_found};
use crate::clients::blob::SentPart;
use crate::db::Tx;
use crate::kernel::id::MediaId;
use crate::kernel::{Call, Error, Reason, Result};

/// How often a look begins anew because something moved meanwhile.
const ROUNDS: usize = 4;

/// What a look at the bytes of a file came to.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    id: MediaId,
    /// They are shown now; nothing when they were before.
    found: Option<Option<Size>>,
}

impl Media {
    /// Looks at the bytes of an announced file, and shows them when they are in order. When
    /// they are not, the file has failed.
    ///
    /// # Errors
    /// UPLOAD_NOT_FOUND, UNSUPPORTED_MEDIA, FILE_TOO_LARGE; VALIDATION_ERROR when parts
    /// are missing; those of the store.
    pub(super) async fn look(
        &self,
        call: &Call,
        id: MediaId,
        parts: &[(u32, String)],
    ) -> Result<Looked> {
        let found = store::find(self.0.db.read(), id).await?;
        let file = found.filter(|file| is_of(file, call));
        let file = file.ok_or_else(upload_not_found)?;
        match file.status() {
            Status::Processing | Status::Ready => return Ok(Looked { id, found: None }),
            Status::Pending if file.expires() > self.0.db.clock().now() => {}
            _ => return Err(over(&file)),
        }
        match self.take_in(&file, parts).await {
            Ok(size) => Ok(Looked {
                id,
                found: Some(size),
            }),
            Err(error) if is_refusal(&error) => {
                self.refuse(&file, Status::Pending, &error).await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes down what was found, unless somebody else has.
    ///
    /// # Errors
    /// As [`Media::look`], when the file has ended meanwhile; what was shown of it then
    /// goes with it.
    pub(super) async fn complete(&self, tx: &Tx, looked: Looked) -> Result<File> {
        let id = looked.id;
        if let Some(size) = looked.found {
            taken_in(tx, id, size).await?;
        }
        let file = store::find(tx.conn(), id).await?;
        let file = file.ok_or_else(upload_not_found)?;
        match file.status().is_shown() {
            true => Ok(file),
            false => Err(over(&file)),
        }
    }

    /// Puts parts together, looks at the bytes and shows them.
    async fn take_in(&self, file: &File, parts: &[(u32, String)]) -> Result<Option<Size>> {
        let blobs = &*self.0.blobs;
        for _ in 0..ROUNDS {
            if let Some(arrival) = blobs.arrived(&file.key).await? {
                let source = Source::arrived(blobs, &arrival);
                let shown = async {
                    let size = inspect(file, source).await?;
                    blobs.publish(&arrival, &file.content_type).await?;
                    Ok(size)
                };
                match shown.await {
                    // A twin was quicker, or other bytes came: look anew.
                    Err(error) if is_missing(&error) => {}
                    outcome => return outcome,
                }
            } else if let Some(head) = blobs.head(&file.key).await? {
                // A call before this one came so far and no further.
                return inspect(file, Source::published(blobs, &file.key, head.size)).await;
            } else if file.upload_id.is_empty() {
                return Err(upload_not_found());
            } else {
                check_parts(file, parts)?;
                let sent: Vec<SentPart> = parts.iter().map(sent_part).collect();
                let finished = blobs.finish_parts(&file.key, &file.upload_id, &sent).await;
                finished.map_err(|error| match is_missing(&error) {
                    true => upload_not_found().caused_by(error),
                    false => error,
                })?;
            }
        }
        let error = Error::new(Reason::Conflict, "the bytes of the file keep changing");
        Err(error)
    }

    /// Writes down that a file cannot be used, and why. Its bytes go.
    pub(super) async fn refuse(&self, file: &File, before: Status, why: &Error) -> Result<()> {
        let (id, failure) = (file.media_id(), &why.to_string());
        self.0
            .db
            .transact(|tx| async move {
                self.hold(&tx, id).await?;
                if store::failed(&tx, id, before, failure).await? {
                    jobs::erase(&tx, file);
                    self.settled(&tx, id).await?;
                }
                Ok(())
            })
            .await
    }
}

/// Says that an announced file is there, and has it measured; whether it was still to come.
pub async fn taken_in(tx: &Tx, id: MediaId, size: Option<Size>) -> Result<bool> {
    let side = |pixels: u32| i32::try_from(pixels).map_err(Error::internal);
    let size = match size {
        Some(size) => Some((side(size.width)?, side(size.height)?)),
        None => None,
    };
    let is_new = store::checked(tx, id, size).await?;
    if is_new {
        jobs::process(tx, id);
    }
    Ok(is_new)
}

/// Why a file that has ended cannot be taken in.
fn over(file: &File) -> Error {
    if file.status() != Status::Failed {
        return upload_not_found();
    }
    let (reason, message) = match file.failure.split_once(": ") {
        Some((reason, message)) if reason == Reason::FileTooLarge.as_str() => {
            (Reason::FileTooLarge, message)
        }
        Some((_, message)) => (Reason::UnsupportedMedia, message),
        None => (Reason::UnsupportedMedia, file.failure.as_str()),
    };
    Error::new(reason, message.to_owned())
}

/// Whether the bytes are at fault, whoever looks at them.
pub fn is_refusal(error: &Error) -> bool {
    matches!(
        error.reason(),
        Reason::UnsupportedMedia | Reason::FileTooLarge
    )
}

fn is_missing(error: &Error) -> bool {
    error.reason() == Reason::NotFound
}

fn sent_part((number, etag): &(u32, String)) -> SentPart {
    SentPart {
        number: *number,
        etag: etag.clone(),
    }
}

/// Demands each part once, in the order of their numbers.
fn check_parts(file: &File, parts: &[(u32, String)]) -> Result<()> {
    let part_size = file.part_size.and_then(|size| u64::try_from(size).ok());
    let count = part_count(file.bytes(), part_size.unwrap_or(u64::MAX));
    let numbers = parts.iter().map(|(number, _)| u64::from(*number));
    match numbers.eq(1..=count) {
        true => Ok(()),
        false => Err(Error::field(
            "parts",
            format!("must name each of the {count} parts once"),
        )),
    }
}

/// Whether the bytes are those that were announced; the size of a picture.
async fn inspect(file: &File, mut source: Source<'_>) -> Result<Option<Size>> {
    let kind = file.kind()?;
    if source.size() != file.bytes() {
        if let Some(purpose) = file.purpose() {
            purpose.admit(kind.content_type(), source.size())?;
        }
        return Err(refused(
            "the file does not have the size that was announced",
        ));
    }
    let (found, size) = if file.purpose() == Some(Purpose::ReelVideo) {
        (check::video(&mut source).await?, None)
    } else {
        let bytes = source.read(0..source.size()).await?;
        let (found, size) = check::picture(&bytes)?;
        (found, Some(size))
    };
    match found == kind {
        true => Ok(size),
        false => Err(refused("the file is not of the type that was announced")),
    }
}
