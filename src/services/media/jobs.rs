//! What is done with files later: making what stands for them, erasing what is over, and
//! ending what nothing uses.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::complete::Found;
use super::{File, Media, key, store};
use crate::db::{NewJob, Tx};
use crate::jobs::{Registry, Run};
use crate::kernel::id::MediaId;
use crate::kernel::{Error, Result};

const QUEUE: &str = "media";
/// Videos wait among themselves: one takes as long as many pictures, which with erasing and
/// sweeping never stand behind it.
const VIDEOS: &str = "videos";
const PROCESS: &str = "media.process";
const ERASE: &str = "media.erase";
const SWEEP: &str = "media.sweep";

/// How long a file may be there without anything that shows it.
pub const UNUSED_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a PUT that began in time may go on.
pub const GRACE: Duration = Duration::from_secs(60 * 60);
/// When nothing of a file can come any more, after its time: a look that began at the end of
/// [`GRACE`] has ended too, and what it showed is erased with the rest.
const OVER: Duration = Duration::from_secs(70 * 60);
const SWEEP_PERIOD: Duration = Duration::from_secs(10 * 60);
/// Files that one transaction of the sweep ends, of each kind.
const BATCH: usize = 100;
/// The store may be away for hours: tries before an operator has to look.
const TRIES: i32 = 20;

/// The payload of the jobs of one file.
#[derive(Serialize, Deserialize)]
struct OfFile {
    file: Uuid,
}

/// Registers the jobs of files.
#[must_use]
pub fn register(registry: Registry, media: &Media) -> Registry {
    let (processing, erasing, sweeping) = (media.clone(), media.clone(), media.clone());
    registry
        .register(PROCESS, move |run: Run| {
            let media = processing.clone();
            async move { media.process(file_of(&run)?, run.attempt).await }
        })
        .register(ERASE, move |run: Run| {
            let media = erasing.clone();
            async move { media.erase(file_of(&run)?).await }
        })
        .register(SWEEP, move |_run| {
            let media = sweeping.clone();
            async move { media.sweep().await }
        })
        .every(SWEEP, SWEEP_PERIOD, QUEUE, SWEEP)
}

/// Has a file measured that was taken in, and a small picture of it made.
pub fn process(tx: &Tx, id: MediaId, found: &Found) {
    tx.enqueue(NewJob {
        queue: match found.is_picture() {
            true => QUEUE,
            false => VIDEOS,
        },
        ..of_file(PROCESS, id)
    });
}

/// Has the bytes of a file erased that is over: now, and again when nothing of it can come
/// any more.
pub fn erase(tx: &Tx, file: &File) {
    let id = file.media_id();
    tx.enqueue(of_file(ERASE, id));
    let late = (file.expires() + OVER).since(tx.now());
    if !late.is_zero() {
        tx.enqueue(NewJob {
            delay: late,
            ..of_file(ERASE, id)
        });
    }
}

fn of_file(kind: &'static str, id: MediaId) -> NewJob {
    let payload = serde_json::json!(OfFile { file: id.uuid() });
    NewJob {
        max_attempts: TRIES,
        ..NewJob::new(QUEUE, kind, payload.to_string())
    }
}

fn file_of(run: &Run) -> Result<MediaId> {
    let OfFile { file } = serde_json::from_str(&run.payload).map_err(Error::internal)?;
    Ok(file.into())
}

impl Media {
    /// Erases everything that the store holds of a file that is over.
    async fn erase(&self, id: MediaId) -> Result<()> {
        let found = store::find(self.0.db.read(), id).await?;
        let Some(file) = found.filter(|file| file.status().is_over()) else {
            return Ok(());
        };
        let blobs = &self.0.blobs;
        if !file.upload_id.is_empty() {
            blobs.abort_parts(&file.key, &file.upload_id).await?;
        }
        blobs.delete(&key::thumbnail(&file.key)).await?;
        blobs.delete(&file.key).await
    }

    /// Ends files that nothing has used for a day, and uploads that never came.
    async fn sweep(&self) -> Result<()> {
        let batch = || {
            self.0.db.transact(|tx| async move {
                let (unused, expired) = (tx.now() - UNUSED_KEPT, tx.now() - OVER);
                let ended = store::end_forgotten(&tx, unused, expired, BATCH).await?;
                for id in &ended {
                    tx.enqueue(of_file(ERASE, *id));
                }
                Ok(ended.len())
            })
        };
        while batch().await? >= BATCH {}
        Ok(())
    }
}
