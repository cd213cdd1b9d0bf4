//! WebP: a RIFF of exactly the file's size, filled with chunks.

use super::rest::Rest;
use super::{Frames, Size, cut_short, goes_on, refused};
use crate::kernel::Result;

/// The size of a whole WebP.
pub fn size(bytes: &[u8]) -> Result<Size> {
    let mut rest = riff(bytes, b"WEBP")?;
    let (name, data) = chunk(&mut rest).ok_or_else(cut_short)?;
    match &name {
        b"VP8 " | b"VP8L" => {
            let size = still(&name, data)?;
            match rest.is_empty() {
                true => Ok(size),
                false => Err(goes_on()),
            }
        }
        b"VP8X" => extended(canvas(data).ok_or_else(cut_short)??, rest),
        _ => Err(refused("the WebP shows no picture")),
    }
}

/// What a RIFF of one form holds, when it is all of the file.
pub fn riff<'a>(bytes: &'a [u8], form: &[u8; 4]) -> Result<Rest<'a>> {
    let mut rest = Rest(bytes);
    let (name, length) = (rest.name(), rest.le32().ok_or_else(cut_short)?);
    if name.as_ref() != Some(b"RIFF") || !rest.0.starts_with(form) {
        return Err(refused("the file does not begin as a RIFF"));
    }
    match usize::try_from(length).unwrap_or(usize::MAX) {
        length if length > rest.0.len() => Err(cut_short()),
        length if length < rest.0.len() => Err(goes_on()),
        _ => {
            rest.name();
            Ok(rest)
        }
    }
}

/// The name and the data of the next chunk, which ends at an even place.
fn chunk<'a>(rest: &mut Rest<'a>) -> Option<([u8; 4], Rest<'a>)> {
    let (name, length) = (rest.name()?, usize::try_from(rest.le32()?).ok()?);
    let data = rest.take(length)?;
    rest.take(length % 2)?;
    Some((name, Rest(data)))
}

/// A picture that may move, and what describes it.
fn extended(canvas: Size, mut rest: Rest<'_>) -> Result<Size> {
    let (mut stills, mut frames) = (0, Frames::default());
    while !rest.is_empty() {
        let (name, data) = chunk(&mut rest).ok_or_else(cut_short)?;
        match &name {
            b"VP8 " | b"VP8L" => {
                stills += 1;
                if still(&name, data)? != canvas {
                    return Err(refused("the WebP says two sizes of itself"));
                }
            }
            b"ANMF" => {
                let (left, top, frame) = frame(data).ok_or_else(cut_short)?;
                frames.add(canvas, left, top, frame?)?;
            }
            _ if !name.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
                return Err(refused("the WebP has a part without a name"));
            }
            _ => {}
        }
    }
    if stills + frames.count == 0 || stills > 1 {
        return Err(refused("the WebP shows no picture"));
    }
    Ok(canvas)
}

/// The size of coded pixels.
fn still(name: &[u8; 4], mut data: Rest<'_>) -> Result<Size> {
    let size = match name {
        b"VP8L" => lossless(&mut data),
        _ => lossy(&mut data),
    };
    let (width, height) = size.ok_or_else(|| refused("the WebP shows no picture"))?;
    Size::new(width, height)
}

fn lossy(data: &mut Rest<'_>) -> Option<(u32, u32)> {
    let _tag = data.take(3)?;
    if data.take(3)? != b"\x9d\x01\x2a" {
        return None;
    }
    // The two upper bits say how to scale what is shown.
    let side = |number: u16| u32::from(number & 0x3fff);
    Some((side(data.le16()?), side(data.le16()?)))
}

fn lossless(data: &mut Rest<'_>) -> Option<(u32, u32)> {
    if data.byte()? != 0x2f {
        return None;
    }
    let bits = data.le32()?;
    Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
}

fn canvas(mut data: Rest<'_>) -> Option<Result<Size>> {
    let _flags = data.take(4)?;
    let (width, height) = (data.le24()? + 1, data.le24()? + 1);
    Some(Size::new(width, height))
}

/// Where a frame lies, in steps of two pixels, and how large it is.
fn frame(mut data: Rest<'_>) -> Option<(u32, u32, Result<Size>)> {
    let (left, top) = (data.le24()? * 2, data.le24()? * 2);
    let (width, height) = (data.le24()? + 1, data.le24()? + 1);
    Some((left, top, Size::new(width, height)))
}
