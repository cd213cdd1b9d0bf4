//! Taking a file in: its bytes are looked at where they came in, and only then shown.
//!
//! The store is asked between two transactions. Whatever happens there can happen again: a
//! repeat goes on where the call before stopped, and of two at once one decides.

use tokio::sync::SemaphorePermit;

use super::check::{self, Size, Source, refused};
use super::file::part_count;
use super::upload::{blob, is_of};
use super::{File, Media, Purpose, Status, jobs, store, upload_not_found};
use crate::clients::blob::{NewBlob, SentPart};
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
    found: Option<Found>,
}

/// What is shown of a file.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// How many bytes.
    pub bytes: u64,
    /// The size of a picture; that of a video is measured later.
    pub size: Option<Size>,
}

impl Found {
    /// Whether it is a picture, and not a video.
    pub const fn is_picture(&self) -> bool {
        self.size.is_some()
    }
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
            // A PUT that began in time may have ended late.
            Status::Pending if file.expires() + jobs::GRACE > self.0.db.clock().now() => {}
            _ => return Err(over(&file)),
        }
        match self.take_in(&file, parts).await {
            Ok(found) => Ok(Looked {
                id,
                found: Some(found),
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
        if let Some(found) = looked.found {
            taken_in(tx, id, found).await?;
        }
        let file = store::find(tx.conn(), id).await?;
        let file = file.ok_or_else(upload_not_found)?;
        match file.status().is_shown() {
            true => Ok(file),
            false => Err(over(&file)),
        }
    }

    /// Puts parts together, looks at the bytes and shows them.
    async fn take_in(&self, file: &File, parts: &[(u32, String)]) -> Result<Found> {
        let (blobs, mut missing) = (&*self.0.blobs, None);
        for _ in 0..ROUNDS {
            if let Some(arrival) = blobs.arrived(&file.key).await? {
                let source = Source::arrived(blobs, &arrival);
                let shown = async {
                    check_size(file, arrival.size)?;
                    let found = self.inspect(file, source).await?;
                    // Where a part of it is shown already, this takes the rest away.
                    blobs.publish(&arrival, &file.content_type).await?;
                    Ok(found)
                };
                match shown.await {
                    // A twin was quicker, or other bytes came: look anew.
                    Err(error) if is_missing(&error) => {}
                    outcome => return outcome,
                }
            } else if let Some(head) = blobs.head(&file.key).await? {
                // A call before this one came so far and no further.
                let source = Source::published(blobs, &file.key, head.size);
                return self.inspect(file, source).await;
            } else if let Some(error) = missing {
                return Err(upload_not_found().caused_by(error));
            } else if file.upload_id.is_empty() {
                return Err(upload_not_found());
            } else {
                check_parts(file, parts)?;
                let sent: Vec<SentPart> = parts.iter().map(sent_part).collect();
                match blobs.finish_parts(&file.key, &file.upload_id, &sent).await {
                    // A twin may have put them together: look once more.
                    Err(error) if is_missing(&error) => missing = Some(error),
                    outcome => outcome?,
                }
            }
        }
        let error = Error::new(Reason::Conflict, "the bytes of the file keep changing");
        Err(error)
    }

    /// Whether the bytes are of the type that was announced, and what is shown of them. Where
    /// that is not all, it is shown now.
    async fn inspect(&self, file: &File, mut source: Source<'_>) -> Result<Found> {
        let is_kind = |found| match file.kind()? == found {
            true => Ok(()),
            false => Err(refused("the file is not of the type that was announced")),
        };
        let bytes = source.size();
        if file.purpose() == Some(Purpose::ReelVideo) {
            is_kind(check::video(&mut source).await?)?;
            return Ok(Found { bytes, size: None });
        }
        let _turn = self.turn_to_look().await?;
        let whole = source.read(0..bytes).await?;
        let (kind, size) = check::picture(&whole)?;
        is_kind(kind)?;
        let size = Some(size);
        let Some(plain) = check::plain(kind, &whole)? else {
            return Ok(Found { bytes, size });
        };
        let bytes = plain.len() as u64;
        let shown = NewBlob {
            size: bytes,
            ..blob(file)
        };
        self.0.blobs.put(&shown, plain.into()).await?;
        Ok(Found { bytes, size })
    }

    /// A place among those who have a whole picture in memory.
    pub(super) async fn turn_to_look(&self) -> Result<SemaphorePermit<'_>> {
        self.0.looking.acquire().await.map_err(Error::internal)
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
pub async fn taken_in(tx: &Tx, id: MediaId, found: Found) -> Result<bool> {
    let is_new = store::checked(tx, id, found).await?;
    if is_new {
        jobs::process(tx, id, &found);
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
    let count = part_count(file.bytes(), file.part_bytes().unwrap_or(u64::MAX));
    let numbers = parts.iter().map(|(number, _)| u64::from(*number));
    match numbers.eq(1..=count) {
        true => Ok(()),
        false => Err(Error::field(
            "parts",
            format!("must name each of the {count} parts once"),
        )),
    }
}

/// Demands the size that was announced.
fn check_size(file: &File, size: u64) -> Result<()> {
    if size == file.bytes() {
        return Ok(());
    }
    if let Some(purpose) = file.purpose() {
        purpose.admit(&file.content_type, size)?;
    }
    Err(refused(
        "the file does not have the size that was announced",
    ))
}
