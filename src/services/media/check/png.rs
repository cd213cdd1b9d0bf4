//! PNG: a signature, then chunks from the header to the end, and nothing after it.

use super::rest::Rest;
use super::{Frames, Size, cut_short, goes_on, refused};
use crate::kernel::Result;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The size of a frame, where it lies, how long it is shown and what becomes of it.
const FRAME_CONTROL: &[u8; 4] = b"fcTL";
/// What may stand beside the picture: the chunks of the standard and of its extensions, and
/// those that Apple's systems and ImageMagick write.
const BESIDE: [&[u8; 4]; 25] = [
    b"PLTE", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI",
    b"tEXt", b"zTXt", b"iTXt", b"bKGD", b"hIST", b"pHYs", b"sPLT", b"eXIf", b"tIME", b"acTL",
    b"oFFs", b"pCAL", b"sCAL", b"iDOT", b"vpAg",
];
/// The most bytes of all that is beside the picture: enough for colours and captions, and
/// too few for another file of some use.
const BESIDE_MAX: usize = 1024 * 1024;

/// The size of a whole PNG.
pub fn size(bytes: &[u8]) -> Result<Size> {
    let mut rest = Rest(bytes);
    if rest.take(SIGNATURE.len()) != Some(SIGNATURE) {
        return Err(refused("the file does not begin as a PNG"));
    }
    let (name, mut header) = chunk(&mut rest).ok_or_else(cut_short)?;
    if &name != b"IHDR" || header.0.len() != 13 {
        return Err(refused("the PNG has no header"));
    }
    let (width, height) = (header.be32(), header.be32());
    let size = Size::new(width.unwrap_or(0), height.unwrap_or(0))?;
    let (mut has_data, mut frames, mut beside) = (false, Frames::default(), 0);
    loop {
        let (name, data) = chunk(&mut rest).ok_or_else(cut_short)?;
        match &name {
            b"IEND" if !rest.is_empty() => return Err(goes_on()),
            b"IEND" if !data.is_empty() || !has_data => {
                return Err(refused("the PNG shows no picture"));
            }
            b"IEND" => return Ok(size),
            b"IHDR" => return Err(refused("the PNG has two headers")),
            b"IDAT" => has_data = true,
            FRAME_CONTROL => frame(&mut frames, size, data)?,
            b"fdAT" => {}
            name if BESIDE.contains(&name) => beside += data.0.len(),
            _ => return Err(refused("the PNG has a part that no picture has")),
        }
        if beside > BESIDE_MAX {
            return Err(refused("too much of the PNG is no picture"));
        }
    }
}

/// The name and the data of the next chunk.
fn chunk<'a>(rest: &mut Rest<'a>) -> Option<([u8; 4], Rest<'a>)> {
    let length = usize::try_from(rest.be32()?).ok()?;
    let name = rest.name()?;
    let data = rest.take(length)?;
    let _checksum = rest.be32()?;
    Some((name, Rest(data)))
}

fn frame(frames: &mut Frames, canvas: Size, mut data: Rest<'_>) -> Result<()> {
    let mut number = || data.be32().ok_or_else(cut_short);
    let _sequence = number()?;
    let (width, height) = (number()?, number()?);
    let (left, top) = (number()?.min(canvas.width), number()?.min(canvas.height));
    frames.add(canvas, left, top, Size::new(width, height)?)
}
