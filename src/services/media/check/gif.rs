//! GIF: a screen, then blocks to the trailer, and nothing after it.

use super::rest::Rest;
use super::{Frames, Size, cut_short, goes_on, refused};
use crate::kernel::Result;

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
const TRAILER: u8 = 0x3B;

/// The size of a whole GIF.
pub fn size(bytes: &[u8]) -> Result<Size> {
    let mut rest = Rest(bytes);
    if !matches!(rest.take(6), Some(b"GIF87a" | b"GIF89a")) {
        return Err(refused("the file does not begin as a GIF"));
    }
    let canvas = screen(&mut rest).ok_or_else(cut_short)??;
    let mut frames = Frames::default();
    loop {
        match rest.byte().ok_or_else(cut_short)? {
            EXTENSION => extension(&mut rest).ok_or_else(cut_short)?,
            IMAGE => {
                let (left, top, frame) = image(&mut rest).ok_or_else(cut_short)?;
                frames.add(canvas, left, top, frame?)?;
            }
            TRAILER if !rest.is_empty() => return Err(goes_on()),
            TRAILER if frames.count == 0 => return Err(refused("the GIF shows no picture")),
            TRAILER => return Ok(canvas),
            _ => return Err(refused("the GIF holds something between its parts")),
        }
    }
}

fn screen(rest: &mut Rest<'_>) -> Option<Result<Size>> {
    let (width, height, flags) = (rest.le16()?, rest.le16()?, rest.byte()?);
    let _background_and_aspect = rest.take(2)?;
    skip_colours(rest, flags)?;
    Some(Size::new(width.into(), height.into()))
}

/// Where a frame lies and how large it is.
fn image(rest: &mut Rest<'_>) -> Option<(u32, u32, Result<Size>)> {
    let (left, top) = (rest.le16()?, rest.le16()?);
    let (width, height, flags) = (rest.le16()?, rest.le16()?, rest.byte()?);
    skip_colours(rest, flags)?;
    let _code_size = rest.byte()?;
    skip_blocks(rest)?;
    let size = Size::new(width.into(), height.into());
    Some((left.into(), top.into(), size))
}

fn extension(rest: &mut Rest<'_>) -> Option<()> {
    let _label = rest.byte()?;
    skip_blocks(rest)
}

/// Skips a table of colours, where the flags say that there is one.
fn skip_colours(rest: &mut Rest<'_>, flags: u8) -> Option<()> {
    if flags & 0x80 != 0 {
        rest.take(3 << ((flags & 7) + 1))?;
    }
    Some(())
}

/// Skips blocks, each with its length before it, to the empty one.
fn skip_blocks(rest: &mut Rest<'_>) -> Option<()> {
    loop {
        match rest.byte()? {
            0 => return Some(()),
            length => rest.take(length.into())?,
        };
    }
}
