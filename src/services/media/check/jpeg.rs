//! JPEG: segments from the start of the image to its end.
//!
//! Phones put several pictures into one file: a smaller one, or how bright the first is.
//! Each is a whole JPEG after the one before. Those of Samsung write what they know of it
//! behind. Nothing else may follow.

use super::rest::Rest;
use super::{Size, cut_short, goes_on, refused};
use crate::kernel::Result;

/// The most pictures in one file.
const PICTURES_MAX: usize = 8;

const SOI: u8 = 0xD8;
pub const EOI: u8 = 0xD9;
pub const SOS: u8 = 0xDA;
const TEM: u8 = 0x01;

/// The size of the first picture of a whole JPEG.
pub fn size(bytes: &[u8]) -> Result<Size> {
    let mut rest = Rest(bytes);
    let first = picture(&mut rest)?;
    for _ in 1..PICTURES_MAX {
        if !rest.0.starts_with(&[0xFF, SOI]) {
            break;
        }
        picture(&mut rest)?;
    }
    match rest.is_empty() || is_trailer(rest.0) {
        true => Ok(first),
        false => Err(goes_on()),
    }
}

/// Whether these bytes are what phones of Samsung write: at their end a directory, its
/// length, and a mark.
fn is_trailer(bytes: &[u8]) -> bool {
    let directory = || {
        let (before, length) = bytes.strip_suffix(b"SEFT")?.split_last_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        before.get(before.len().checked_sub(length)?..)
    };
    directory().is_some_and(|directory| directory.starts_with(b"SEFH"))
}

fn picture(rest: &mut Rest<'_>) -> Result<Size> {
    if rest.take(2) != Some(&[0xFF, SOI]) {
        return Err(refused("the file does not begin as a JPEG"));
    }
    let (mut size, mut has_scan) = (None, false);
    loop {
        match marker(rest)? {
            EOI => {
                let size = size.filter(|_| has_scan);
                return size.ok_or_else(|| refused("the JPEG shows no picture"));
            }
            SOI => return Err(refused("the JPEG begins twice")),
            code if is_alone(code) => {}
            code => {
                let mut data = segment(rest).ok_or_else(cut_short)?;
                if is_frame(code) {
                    if size.is_some() {
                        return Err(refused("the JPEG has two headers"));
                    }
                    size = Some(frame(&mut data)?);
                }
                if code == SOS {
                    has_scan = true;
                    skip_scan(rest)?;
                }
            }
        }
    }
}

/// Whether no data belong to a marker.
pub const fn is_alone(code: u8) -> bool {
    matches!(code, TEM | 0xD0..=0xD7 | SOI | EOI)
}

/// The code of the next marker; any number of fill bytes may come before it.
pub fn marker(rest: &mut Rest<'_>) -> Result<u8> {
    if rest.byte().ok_or_else(cut_short)? != 0xFF {
        return Err(refused("the JPEG holds something between its parts"));
    }
    loop {
        match rest.byte().ok_or_else(cut_short)? {
            0xFF => {}
            0 => return Err(refused("the JPEG holds something between its parts")),
            code => return Ok(code),
        }
    }
}

pub fn segment<'a>(rest: &mut Rest<'a>) -> Option<Rest<'a>> {
    let length = usize::from(rest.be16()?).checked_sub(2)?;
    rest.take(length).map(Rest)
}

/// Whether a segment is the header of a picture, by any of the ways to code one.
const fn is_frame(code: u8) -> bool {
    matches!(code, 0xC0..=0xCF) && !matches!(code, 0xC4 | 0xC8 | 0xCC)
}

fn frame(data: &mut Rest<'_>) -> Result<Size> {
    let _precision = data.byte();
    let (height, width) = (data.be16(), data.be16());
    Size::new(width.unwrap_or(0).into(), height.unwrap_or(0).into())
}

/// Goes to the marker after the coded data, in which 0xFF stands for itself before a zero.
pub fn skip_scan(rest: &mut Rest<'_>) -> Result<()> {
    let is_end = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF);
    let end = rest.0.windows(2).position(is_end);
    rest.take(end.ok_or_else(cut_short)?);
    Ok(())
}
