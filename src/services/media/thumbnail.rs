//! Small pictures that stand for large ones. Pure.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

use super::check::{Kind, SIDE_MAX, refused};
use crate::kernel::{Error, Result};

/// The side of a small picture in pixels; those of smaller pictures are shorter.
const SIDE: u32 = 400;
/// The quality of its JPEG, of 100.
const QUALITY: u8 = 80;
/// Memory that decoding may take: 40 megapixels of 8 bytes each, and some.
const MEMORY_MAX: u64 = 384 * 1024 * 1024;

/// A small picture, and what the large one is like as it is shown.
#[derive(Debug)]
pub struct Drawn {
    /// The small one, a square JPEG.
    pub jpeg: Vec<u8>,
    /// Pixels of the large one from left to right.
    pub width: u32,
    /// Pixels of the large one from top to bottom.
    pub height: u32,
}

/// Draws the middle of a picture small: upright, on white. Of a picture that moves, the
/// first frame.
///
/// # Errors
/// UNSUPPORTED_MEDIA when it cannot be decoded.
pub fn draw(bytes: &[u8], kind: Kind) -> Result<Drawn> {
    let broken = |error| refused("the picture cannot be decoded").caused_by(error);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format(kind)?);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(broken)?;
    limits.reserve(decoder.total_bytes()).map_err(broken)?;
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let (width, height) = decoder.dimensions();
    let picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let side = SIDE.min(width).min(height);
    let mut small = picture.resize_to_fill(side, side, FilterType::Triangle);
    small.apply_orientation(turned);
    let (width, height) = match swaps_sides(turned) {
        true => (height, width),
        false => (width, height),
    };
    Ok(Drawn {
        jpeg: encode(&small)?,
        width,
        height,
    })
}

const fn swaps_sides(turned: Orientation) -> bool {
    matches!(
        turned,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// What is not opaque lets white through.
fn encode(picture: &DynamicImage) -> Result<Vec<u8>> {
    let pixels = picture.to_rgba8();
    let on_white = RgbImage::from_fn(pixels.width(), pixels.height(), |x, y| {
        let [red, green, blue, alpha] = pixels.get_pixel(x, y).0.map(u32::from);
        let mix = |colour: u32| ((colour * alpha + 255 * (255 - alpha)) / 255) as u8;
        Rgb([mix(red), mix(green), mix(blue)])
    });
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    encoder.encode_image(&on_white).map_err(Error::internal)?;
    Ok(jpeg)
}

fn format(kind: Kind) -> Result<ImageFormat> {
    match kind {
        Kind::Jpeg => Ok(ImageFormat::Jpeg),
        Kind::Png => Ok(ImageFormat::Png),
        Kind::Gif => Ok(ImageFormat::Gif),
        Kind::Webp => Ok(ImageFormat::WebP),
        Kind::Mp4 | Kind::Mov | Kind::Avi => Err(refused("the file is no picture")),
    }
}
