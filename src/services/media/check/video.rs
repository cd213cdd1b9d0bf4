//! Videos, of which only the parts that describe them are read.

use std::ops::Range;

use bytes::Bytes;

use super::{Kind, Size, avi, cut_short, mp4, refused};
use crate::clients::blob::{Arrival, Blobs};
use crate::kernel::Result;

/// Bytes that are fetched together at first: most looks at a video are close to one another.
const WINDOW: u64 = 64 * 1024;
/// Bytes that are fetched together at the most. Each fetch takes twice as many as the one
/// before, so that a video of thousands of fragments does not cost as many fetches.
const WINDOW_MAX: u64 = 4 * 1024 * 1024;

/// What a video is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measures {
    /// Pixels from left to right, as it is shown.
    pub width: u32,
    /// Pixels from top to bottom, as it is shown.
    pub height: u32,
    /// Its length in milliseconds, where it says so.
    pub duration_ms: Option<u64>,
}

/// A stored file, read in pieces.
pub struct Source<'a> {
    blobs: &'a dyn Blobs,
    place: Place<'a>,
    size: u64,
    window: (u64, Bytes),
    /// How many bytes are fetched next.
    ahead: u64,
}

enum Place<'a> {
    Arrived(&'a Arrival),
    Published(&'a str),
}

impl<'a> Source<'a> {
    /// What has come in.
    pub fn arrived(blobs: &'a dyn Blobs, arrival: &'a Arrival) -> Self {
        Self::new(blobs, Place::Arrived(arrival), arrival.size)
    }

    /// What is published, of a known size.
    pub fn published(blobs: &'a dyn Blobs, key: &'a str, size: u64) -> Self {
        Self::new(blobs, Place::Published(key), size)
    }

    fn new(blobs: &'a dyn Blobs, place: Place<'a>, size: u64) -> Self {
        Self {
            blobs,
            place,
            size,
            window: (0, Bytes::new()),
            ahead: WINDOW,
        }
    }

    /// Its size in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Some of its bytes, all that are asked for.
    ///
    /// # Errors
    /// UNSUPPORTED_MEDIA when it ends before them; those of the store.
    pub async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        if range.start > range.end || range.end > self.size {
            return Err(cut_short());
        }
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let wanted = range.end - range.start;
        let bytes = match self.place {
            Place::Arrived(arrival) => self.blobs.read_arrived(arrival, range).await?,
            Place::Published(key) => self.blobs.read(key, range).await?,
        };
        match bytes.len() as u64 == wanted {
            true => Ok(bytes),
            false => Err(cut_short()),
        }
    }

    /// A few of its bytes, at most [`WINDOW`], with what is around them fetched too; fewer
    /// at its end.
    pub(super) async fn glance(&mut self, at: u64, count: u64) -> Result<Bytes> {
        let end = self.size.min(at.saturating_add(count));
        let at = at.min(end);
        let (start, window) = &self.window;
        let covered = *start..*start + window.len() as u64;
        if at < covered.start || end > covered.end {
            let ahead = self.size.min(at.saturating_add(self.ahead));
            self.window = (at, self.read(at..ahead).await?);
            self.ahead = WINDOW_MAX.min(self.ahead * 2);
        }
        let (start, window) = &self.window;
        let place = |byte: u64| usize::try_from(byte - start).unwrap_or(usize::MAX);
        Ok(window.slice(place(at)..place(end)))
    }
}

/// What a video is, by how it is built.
///
/// # Errors
/// UNSUPPORTED_MEDIA; those of the store.
pub async fn video(source: &mut Source<'_>) -> Result<Kind> {
    let start = source.glance(0, 512).await?;
    let kind = Kind::sniff(&start).filter(|kind| !kind.is_picture());
    let kind = kind.ok_or_else(|| refused("the file is no MP4, MOV or AVI video"))?;
    match kind {
        Kind::Avi => avi::check(source).await?,
        _ => mp4::check(source).await?,
    }
    Ok(kind)
}

/// The measures of a video that was checked.
///
/// # Errors
/// UNSUPPORTED_MEDIA when it shows no picture, or one beyond the limits; those of the
/// store.
pub async fn measure(source: &mut Source<'_>, kind: Kind) -> Result<Measures> {
    let measures = match kind {
        Kind::Avi => avi::measure(source).await?,
        _ => {
            let movie = mp4::find_movie(source).await?;
            mp4::measure(&source.read(movie).await?)?
        }
    };
    Size::new(measures.width, measures.height)?;
    Ok(measures)
}
