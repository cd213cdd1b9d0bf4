//! MP4 and MOV: boxes that fill the file, the first of which names the format, and one of
//! which describes the movie.
//!
//! Only boxes of a fixed form are handed to the library, never its tables of samples: a
//! short file can announce billions of them.

use std::io::Cursor;
use std::ops::Range;

use re_mp4::{MehdBox, MvhdBox, ReadBox, TkhdBox};

use super::rest::Rest;
use super::video::{Measures, Source};
use super::{cut_short, refused};
use crate::kernel::Result;

/// The most boxes side by side in a file or in a box; a video in fragments has some for
/// each second.
const BOXES_MAX: usize = 4096;
/// The largest description of a movie in bytes.
const MOVIE_MAX: u64 = 16 * 1024 * 1024;
/// Rest of a box before its content, by the short form and by the long one.
const HEADER: usize = 8;
const LONG_HEADER: usize = 16;

/// Boxes that may stand beside the movie and its data: those that players read, and those
/// that cameras and editors leave there.
const BESIDE: [&[u8; 4]; 13] = [
    b"mfra", b"sidx", b"ssix", b"styp", b"emsg", b"prft", b"pdin", b"free", b"skip", b"wide",
    b"udta", b"meta", b"uuid",
];
/// The most bytes of all boxes together that neither describe the movie nor hold it: enough
/// for what cameras note down, and too few for another file of some use.
const BESIDE_MAX: u64 = 1024 * 1024;
/// Where a ZIP is looked for from its end, as those do who open one: its last record, and
/// the longest comment behind it.
const ZIP_END: &[u8] = b"PK\x05\x06";
const ZIP_TAIL: u64 = 22 + u16::MAX as u64;

/// How a file is built.
struct Built {
    /// Where the movie is described.
    movie: Range<u64>,
    /// Where its pictures and its sound are.
    data: Vec<Range<u64>>,
}

/// Whether the boxes of a file are those of a video, and no archive is read from its end.
///
/// # Errors
/// UNSUPPORTED_MEDIA; those of the store.
pub async fn check(source: &mut Source<'_>) -> Result<()> {
    let Built { data, .. } = built(source).await?;
    let start = source.size().saturating_sub(ZIP_TAIL);
    let tail = source.read(start..source.size()).await?;
    // Pictures and sound may be any bytes, these too.
    let is_data = |at: u64| data.iter().any(|data| data.contains(&at));
    let found = tail.windows(ZIP_END.len()).zip(start..);
    let mut ends = found.filter(|(bytes, at)| *bytes == ZIP_END && !is_data(*at));
    match ends.next() {
        None => Ok(()),
        Some(_) => Err(refused("the video is an archive too")),
    }
}

/// Where the movie is described, in a file whose boxes fill it.
///
/// # Errors
/// UNSUPPORTED_MEDIA; those of the store.
pub async fn find_movie(source: &mut Source<'_>) -> Result<Range<u64>> {
    Ok(built(source).await?.movie)
}

async fn built(source: &mut Source<'_>) -> Result<Built> {
    let (mut at, mut beside, mut movie, mut data) = (0, 0, None, Vec::new());
    for number in 0..BOXES_MAX {
        if at == source.size() {
            let movie = movie.filter(|_| !data.is_empty());
            let movie = movie.ok_or_else(|| refused("the video has no movie in it"))?;
            return Ok(Built { movie, data });
        }
        let header = source.glance(at, LONG_HEADER as u64).await?;
        let (name, length) = header_of(&header, source.size() - at).ok_or_else(cut_short)?;
        let end = at + length;
        match &name {
            b"ftyp" if number > 0 => return Err(refused("the video names two formats")),
            b"ftyp" => beside += length,
            _ if number == 0 => return Err(refused("the video does not begin with its format")),
            b"moov" if movie.is_some() => return Err(refused("the video has two movies in it")),
            b"moov" if length > MOVIE_MAX => {
                return Err(refused("the video's description is too large"));
            }
            b"moov" => movie = Some(at..end),
            b"mdat" => data.push(at..end),
            b"moof" => {}
            name if BESIDE.contains(&name) => beside += length,
            _ => return Err(refused("the video has a part that no video has")),
        }
        if beside > BESIDE_MAX {
            return Err(refused("too much of the video is no video"));
        }
        at = end;
    }
    Err(refused("the video has too many parts"))
}

/// Name and whole length of the box that begins here, of which `left` bytes can be there.
fn header_of(header: &[u8], left: u64) -> Option<([u8; 4], u64)> {
    let mut rest = Rest(header);
    let (short, name) = (rest.be32()?, rest.name()?);
    let (length, least) = match short {
        // To the end of the file.
        0 => (left, HEADER),
        1 => (rest.be64()?, LONG_HEADER),
        short => (u64::from(short), HEADER),
    };
    (least as u64..=left)
        .contains(&length)
        .then_some((name, length))
}

/// The measures that a movie's description gives.
///
/// # Errors
/// UNSUPPORTED_MEDIA when it shows no picture.
pub fn measure(movie: &[u8]) -> Result<Measures> {
    let movie = boxes(movie)?.into_iter().next().ok_or_else(cut_short)?;
    let parts = boxes(movie.content())?;
    let head = find(&parts, b"mvhd").ok_or_else(|| refused("the movie has no header"))?;
    let head: MvhdBox = head.read()?;
    let size = parts
        .iter()
        .filter(|part| &part.name == b"trak")
        .find_map(|track| shown(track).transpose());
    let (width, height) = size.ok_or_else(|| refused("the movie shows no picture"))??;
    // Unknown, as in a movie that comes in fragments: nothing, or all bits of the field.
    let unknown = match head.version {
        0 => u32::MAX.into(),
        _ => u64::MAX,
    };
    let length = match head.duration {
        0 => fragments(&parts)?,
        length if length == unknown => fragments(&parts)?,
        length => length,
    };
    let duration_ms = length
        .saturating_mul(1000)
        .checked_div(head.timescale.into());
    Ok(Measures {
        width,
        height,
        duration_ms: duration_ms.filter(|length| *length > 0),
    })
}

/// The size of what a track shows; nothing for a track of something else.
fn shown(track: &Part<'_>) -> Result<Option<(u32, u32)>> {
    let parts = boxes(track.content())?;
    let (Some(head), Some(media)) = (find(&parts, b"tkhd"), find(&parts, b"mdia")) else {
        return Ok(None);
    };
    let media = boxes(media.content())?;
    let handler = find(&media, b"hdlr");
    let is_video = handler.is_some_and(|handler| handler.content().get(8..12) == Some(b"vide"));
    if !is_video {
        return Ok(None);
    }
    let head: TkhdBox = head.read()?;
    let (width, height) = (head.width.value().into(), head.height.value().into());
    // Turned by a quarter, as phones do that are held upright.
    let is_turned = head.matrix.a == 0 && head.matrix.d == 0 && head.matrix.b != 0;
    Ok(match is_turned {
        _ if width == 0 || height == 0 => None,
        true => Some((height, width)),
        false => Some((width, height)),
    })
}

/// The length of all fragments together, 0 when it is not said.
fn fragments(movie: &[Part<'_>]) -> Result<u64> {
    let Some(extends) = find(movie, b"mvex") else {
        return Ok(0);
    };
    let parts = boxes(extends.content())?;
    let head = find(&parts, b"mehd").map(Part::read::<MehdBox>);
    Ok(head.transpose()?.map_or(0, |head| head.fragment_duration))
}

/// A box at hand.
struct Part<'a> {
    name: [u8; 4],
    header: usize,
    bytes: &'a [u8],
}

impl<'a> Part<'a> {
    fn content(&self) -> &'a [u8] {
        self.bytes.get(self.header..).unwrap_or_default()
    }

    /// The box as the library reads it, which wants to stand after the short header.
    fn read<T: for<'r> ReadBox<&'r mut Cursor<&'a [u8]>>>(&self) -> Result<T> {
        let skipped = self.header - HEADER;
        let bytes = self.bytes.get(skipped..).unwrap_or_default();
        let mut cursor = Cursor::new(bytes);
        cursor.set_position(HEADER as u64);
        T::read_box(&mut cursor, bytes.len() as u64)
            .map_err(|error| refused("a part of the video cannot be read").caused_by(error))
    }
}

/// The boxes that fill some bytes.
fn boxes(bytes: &[u8]) -> Result<Vec<Part<'_>>> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while !rest.is_empty() {
        // QuickTime ends some lists with a zero.
        if rest == [0; 4] {
            break;
        }
        let (name, length) = header_of(rest, rest.len() as u64).ok_or_else(cut_short)?;
        let is_long = rest.starts_with(&1_u32.to_be_bytes());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (bytes, after) = rest.split_at_checked(length).ok_or_else(cut_short)?;
        let header = if is_long { LONG_HEADER } else { HEADER };
        found.push(Part {
            name,
            header,
            bytes,
        });
        if found.len() > BOXES_MAX {
            return Err(refused("the video has too many parts"));
        }
        rest = after;
    }
    Ok(found)
}

fn find<'p, 'a>(parts: &'p [Part<'a>], name: &[u8; 4]) -> Option<&'p Part<'a>> {
    parts.iter().find(|part| &part.name == name)
}
