//! Measuring a file that was taken in, and making the small picture that stands for it.

use std::time::Duration;

use bytes::Bytes;

use super::check::{self, Kind, Measures, Source, refused};
use super::complete::is_refusal;
use super::thumbnail::{self, Drawn};
use super::{File, Media, Status, key, store};
use crate::clients::blob::NewBlob;
use crate::kernel::id::MediaId;
use crate::kernel::{Error, Reason, Result};

/// How long a tool on this host may read a file.
const SOURCE_LASTS: Duration = Duration::from_secs(5 * 60);

/// How often a poster is tried while the store or the host is busy.
const POSTER_TRIES: i32 = 3;

/// What came of a file.
struct Made {
    measures: Measures,
    /// A JPEG.
    thumbnail: Option<Vec<u8>>,
}

impl Media {
    /// Makes a file READY, or FAILED when it turns out not to be what it looked like. Doing
    /// it again does no harm.
    pub(super) async fn process(&self, id: MediaId, attempt: i32) -> Result<()> {
        let Some(file) = store::find(self.0.db.read(), id).await? else {
            return Ok(());
        };
        match file.status() {
            Status::Processing => {}
            // A try before this one may have left it behind.
            status if status.is_over() => return self.erase_thumbnail(&file).await,
            _ => return Ok(()),
        }
        match self.make(&file, attempt).await {
            Ok(made) => self.keep(&file, made).await,
            Err(error) if is_refusal(&error) => {
                self.refuse(&file, Status::Processing, &error).await
            }
            // Bytes that are not there either: the settings may name another store, and
            // what is refused is erased.
            Err(error) => Err(error),
        }
    }

    async fn make(&self, file: &File, attempt: i32) -> Result<Made> {
        let mut source = Source::published(&*self.0.blobs, &file.key, file.bytes());
        let kind = file.kind()?;
        if kind.is_picture() {
            let _turn = self.turn_to_look().await?;
            let bytes = source.read(0..source.size()).await?;
            let drawn = self.draw(bytes, kind).await?;
            return Ok(Made {
                measures: Measures {
                    width: drawn.width,
                    height: drawn.height,
                    duration_ms: None,
                },
                thumbnail: Some(drawn.jpeg),
            });
        }
        let measures = check::measure(&mut source, kind).await?;
        Ok(Made {
            measures,
            thumbnail: self.poster(file, kind, attempt).await?,
        })
    }

    /// A small picture of a video, where the host has a tool for it. A video is as good
    /// without, so it does not wait for one that cannot be had in a few tries; one that took
    /// too long is not tried again.
    async fn poster(&self, file: &File, kind: Kind, attempt: i32) -> Result<Option<Vec<u8>>> {
        let poster = async {
            let source = self.0.blobs.source(&file.key, SOURCE_LASTS)?;
            let Some(frame) = self.0.posters.frame(&source, kind).await? else {
                return Ok(None);
            };
            self.draw(frame.into(), Kind::Jpeg).await.map(Some)
        };
        match poster.await {
            Ok(drawn) => Ok(drawn.map(|drawn: Drawn| drawn.jpeg)),
            Err(error) if error.reason() == Reason::Unavailable && attempt < POSTER_TRIES => {
                Err(error)
            }
            Err(error) => {
                tracing::warn!(file = %file.media_id(), error = ?error, "a video has no poster");
                Ok(None)
            }
        }
    }

    /// Draws the small picture on a thread of its own, one at a time.
    async fn draw(&self, bytes: Bytes, kind: Kind) -> Result<Drawn> {
        let turn = self.0.drawing.clone().acquire_owned().await;
        let turn = turn.map_err(Error::internal)?;
        let drawing = tokio::task::spawn_blocking(move || {
            let drawn = thumbnail::draw(&bytes, kind);
            drop(turn);
            drawn
        });
        // A decoder that panics has met bytes that it does not understand.
        let broken = |error| refused("the picture cannot be decoded").caused_by(error);
        drawing.await.map_err(broken)?
    }

    /// Keeps what was made. The small picture comes first: a file that is READY has it.
    async fn keep(&self, file: &File, made: Made) -> Result<()> {
        let (id, name) = (file.media_id(), key::thumbnail(&file.key));
        let name = match made.thumbnail {
            Some(jpeg) => {
                let blob = NewBlob {
                    key: name.clone(),
                    content_type: Kind::Jpeg.content_type().to_owned(),
                    size: jpeg.len() as u64,
                };
                self.0.blobs.put(&blob, jpeg.into()).await?;
                name
            }
            None => String::new(),
        };
        let (measures, name) = (made.measures, &name);
        let is_kept = |tx| async move {
            self.hold(&tx, id).await?;
            let is_kept = store::measured(&tx, id, measures, name).await?;
            if is_kept {
                self.settled(&tx, id).await?;
            }
            Ok(is_kept)
        };
        match self.0.db.transact(is_kept).await? {
            true => Ok(()),
            false => self.erase_thumbnail_of_ended(id).await,
        }
    }

    /// The file ended, or a twin was quicker, while the picture was made.
    async fn erase_thumbnail_of_ended(&self, id: MediaId) -> Result<()> {
        let found = store::find(self.0.db.read(), id).await?;
        match found.filter(|file| file.status().is_over()) {
            Some(file) => self.erase_thumbnail(&file).await,
            None => Ok(()),
        }
    }

    async fn erase_thumbnail(&self, file: &File) -> Result<()> {
        self.0.blobs.delete(&key::thumbnail(&file.key)).await
    }
}
