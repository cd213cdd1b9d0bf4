//! What is shown of a picture. Phones write into a JPEG where and with what it was taken,
//! and keep more pictures and things of their own behind it: none of that is anybody else's
//! business.

use image::metadata::Orientation;

use super::jpeg::{EOI, SOS, is_alone, marker, segment, skip_scan};
use super::rest::Rest;
use super::{Kind, cut_short};
use crate::kernel::Result;

/// Exif and XMP.
const APP1: u8 = 0xE1;
/// Colours; and where the other pictures of the file are.
const APP2: u8 = 0xE2;
/// Captions.
const APP13: u8 = 0xED;
const EXIF: &[u8] = b"Exif\0\0";
const OTHERS: &[u8] = b"MPF\0";

/// What is shown of a picture that was looked at, where that is not all of it.
///
/// # Errors
/// UNSUPPORTED_MEDIA when it is not built as it should be.
pub fn plain(kind: Kind, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    if kind != Kind::Jpeg {
        return Ok(None);
    }
    let shown = first(bytes)?;
    Ok((shown != bytes).then_some(shown))
}

/// The first picture of a JPEG, with how it is turned and its colours.
fn first(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut rest = Rest(bytes);
    let mut shown = rest.take(2).ok_or_else(cut_short)?.to_vec();
    loop {
        let before = rest.0;
        let code = marker(&mut rest)?;
        let data = match is_alone(code) {
            true => &[],
            false => segment(&mut rest).ok_or_else(cut_short)?.0,
        };
        if code == SOS {
            skip_scan(&mut rest)?;
        }
        let taken = before.get(..before.len() - rest.0.len());
        match code {
            APP1 => shown.extend(data.strip_prefix(EXIF).map(turned).unwrap_or_default()),
            APP2 if data.starts_with(OTHERS) => {}
            APP13 => {}
            _ => shown.extend(taken.unwrap_or_default()),
        }
        if code == EOI {
            return Ok(shown);
        }
    }
}

/// Exif that says how the picture is turned, and nothing else; none for one that is upright.
fn turned(exif: &[u8]) -> Vec<u8> {
    let turned = Orientation::from_exif_chunk(exif).filter(|it| *it != Orientation::NoTransforms);
    let Some(turned) = turned else {
        return Vec::new();
    };
    // Little-endian, one entry: orientation, a short.
    let entry = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
    let end = [turned.to_exif(), 0, 0, 0, 0, 0, 0, 0];
    [&[0xFF, APP1, 0, 34], EXIF, entry, &end].concat()
}
