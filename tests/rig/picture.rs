//! Pictures to be sent.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

/// A PNG of a square, which does not compress well.
pub fn picture(side: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let pixel = |x: u32, y: u32| Rgb([(x * y) as u8, (x ^ y) as u8, (x + y) as u8]);
    let square = RgbImage::from_fn(side, side, pixel);
    square.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}
