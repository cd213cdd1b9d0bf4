//! JPEG: segments from the start of the image to its end.
//!
//! Phones put several pictures into one file: a smaller one, or how bright the first is.
//! Each is a whole JPEG after the one before, and nothing else may follow.

use super::rest::Rest;
use super::{Size, cut_short, goes_on, refused};
use crate::kernel::Result;

/// The most pictures in one file.
const PICTURES_MAX: usize = 8;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const TEM: u8 = 0x01;

/// The size of the first picture of a whole JPEG.
pub fn size(bytes: &[u8]) -> Result<Size> {
    let mut rest = Rest(bytes);
    let first = picture(&mut rest)?;
    for _ in 1..PICTURES_MAX {
        if rest.is_empty() {
            return Ok(first);
        }
        if !rest.0.starts_with(&[0xFF, SOI]) {
            return Err(goes_on());
        }
        picture(&mut rest)?;
    }
    match rest.is_empty() {
        true => Ok(first),
        false => Err(goes_on()),
    }
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
            TEM | 0xD0..=0xD7 => {}
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

/// The code of the next marker; any number of fill bytes may come before it.
fn marker(rest: &mut Rest<'_>) -> Result<u8> {
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

fn segment<'a>(rest: &mut Rest<'a>) -> Option<Rest<'a>> {
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
fn skip_scan(rest: &mut Rest<'_>) -> Result<()> {
    let is_end = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF);
    let end = rest.0.windows(2).position(is_end);
    rest.take(end.ok_or_else(cut_short)?);
    Ok(())
}
