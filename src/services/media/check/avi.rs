//! AVI: a RIFF of exactly the file's size, filled with chunks, the first of which describes
//! it.

use super::rest::Rest;
use super::video::{Measures, Source};
use super::{cut_short, goes_on, refused};
use crate::kernel::Result;

/// The most chunks side by side.
const CHUNKS_MAX: usize = 4096;
/// Where the first chunk begins.
const FIRST: u64 = 12;

/// Refuses a file that is not such a RIFF all through.
///
/// # Errors
/// UNSUPPORTED_MEDIA; those of the store.
pub async fn check(source: &mut Source<'_>) -> Result<()> {
    let start = source.glance(0, FIRST).await?;
    let mut start = Rest(&start);
    let (form, length) = (start.name(), start.le32().ok_or_else(cut_short)?);
    if form.as_ref() != Some(b"RIFF") || start.0 != b"AVI " {
        return Err(refused("the file does not begin as an AVI"));
    }
    match u64::from(length) + 8 {
        end if end > source.size() => return Err(cut_short()),
        end if end < source.size() => return Err(goes_on()),
        _ => {}
    }
    let (mut at, mut has_frames) = (FIRST, false);
    for _ in 0..CHUNKS_MAX {
        if at == source.size() {
            return match has_frames {
                true => Ok(()),
                false => Err(refused("the AVI shows no picture")),
            };
        }
        let head = source.glance(at, 12).await?;
        let mut head = Rest(&head);
        let (name, length) = (head.name(), head.le32().ok_or_else(cut_short)?);
        has_frames |= name.as_ref() == Some(b"LIST") && head.0 == b"movi";
        // A chunk ends at an even place.
        let end = at + 8 + u64::from(length) + u64::from(length % 2);
        if end > source.size() {
            return Err(cut_short());
        }
        at = end;
    }
    Err(refused("the video has too many parts"))
}

/// The measures that its first chunk gives.
///
/// # Errors
/// UNSUPPORTED_MEDIA; those of the store.
pub async fn measure(source: &mut Source<'_>) -> Result<Measures> {
    let start = source.glance(FIRST, 64).await?;
    let measures = header(Rest(&start)).filter(|found| found.width > 0 && found.height > 0);
    measures.ok_or_else(|| refused("the AVI has no header"))
}

fn header(mut rest: Rest<'_>) -> Option<Measures> {
    let (list, _length, form) = (rest.name()?, rest.le32()?, rest.name()?);
    let (name, _length) = (rest.name()?, rest.le32()?);
    if (&list, &form, &name) != (b"LIST", b"hdrl", b"avih") {
        return None;
    }
    let frame_micros = u64::from(rest.le32()?);
    let _rate_padding_flags = rest.take(12)?;
    let frames = u64::from(rest.le32()?);
    let _first_streams_buffer = rest.take(12)?;
    let (width, height) = (rest.le32()?, rest.le32()?);
    let length = (frame_micros * frames) / 1000;
    Some(Measures {
        width,
        height,
        duration_ms: Some(length).filter(|length| *length > 0),
    })
}
