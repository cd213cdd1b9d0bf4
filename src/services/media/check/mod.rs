//! What the bytes of a file really are. Pure: whatever they hold, it answers and never
//! panics.
//!
//! A file is taken for what its bytes show, from the first to the last: its format must
//! account for all of them. So a picture that is a page or an archive too, by what comes
//! before it or after it, is refused, and so is what would fill the memory of whoever opens
//! it.

mod avi;
mod gif;
mod jpeg;
mod kind;
mod mp4;
mod plain;
mod png;
mod rest;
#[cfg(test)]
pub mod samples;
#[cfg(test)]
mod tests;
mod video;
mod webp;

pub use kind::Kind;
pub use plain::plain;
pub use video::{Measures, Source, measure, video};

use crate::kernel::{Error, Reason, Result};

/// The longest side of a picture in pixels.
pub const SIDE_MAX: u32 = 12_000;
/// The most pixels of a picture.
pub const PIXELS_MAX: u64 = 40_000_000;
/// The most pictures that move, and the most pixels of all of them.
const FRAMES_MAX: u32 = 1_000;
const FRAME_PIXELS_MAX: u64 = 10 * PIXELS_MAX;

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl Size {
    /// A size within the limits.
    fn new(width: u32, height: u32) -> Result<Self> {
        let sides = 1..=SIDE_MAX;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(refused("each side must have 1 to 12000 pixels"));
        }
        let size = Self { width, height };
        if size.pixels() > PIXELS_MAX {
            return Err(refused("the picture has more than 40 megapixels"));
        }
        Ok(size)
    }

    fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// Counts the pictures of a picture that moves.
#[derive(Debug, Default)]
struct Frames {
    count: u32,
    pixels: u64,
}

impl Frames {
    /// One more, which must lie within the canvas.
    fn add(&mut self, canvas: Size, left: u32, top: u32, frame: Size) -> Result<()> {
        if left + frame.width > canvas.width || top + frame.height > canvas.height {
            return Err(refused("a frame is larger than its picture"));
        }
        self.count += 1;
        self.pixels += frame.pixels();
        if self.count > FRAMES_MAX || self.pixels > FRAME_PIXELS_MAX {
            return Err(refused("the picture has too many frames"));
        }
        Ok(())
    }
}

/// What a picture is, by all of its bytes.
///
/// # Errors
/// UNSUPPORTED_MEDIA.
pub fn picture(bytes: &[u8]) -> Result<(Kind, Size)> {
    let kind = Kind::sniff(bytes).filter(|kind| kind.is_picture());
    let kind = kind.ok_or_else(|| refused("the file is no JPEG, PNG, GIF or WebP picture"))?;
    let size = match kind {
        Kind::Jpeg => jpeg::size(bytes),
        Kind::Png => png::size(bytes),
        Kind::Gif => gif::size(bytes),
        Kind::Webp => webp::size(bytes),
        Kind::Mp4 | Kind::Mov | Kind::Avi => Err(refused("the file is no picture")),
    }?;
    Ok((kind, size))
}

/// A file that may not be shown.
pub fn refused(message: &'static str) -> Error {
    Error::new(Reason::UnsupportedMedia, message)
}

/// The file ends before what it announces.
fn cut_short() -> Error {
    refused("the file is cut short")
}

/// Something comes after the end of what the file shows itself to be.
fn goes_on() -> Error {
    refused("something follows the end of the file's content")
}
