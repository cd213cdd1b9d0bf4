//! Small files of every format, made when they are needed. The suite in `tests/it` stands
//! on them too.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat, Rgba, RgbaImage};

/// A picture that is red on its left half and blue on its right one.
pub fn pixels(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, _| match x < width / 2 {
        true => Rgba([220, 20, 20, 255]),
        false => Rgba([20, 20, 220, 255]),
    })
}

/// A picture in a format.
pub fn picture(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let picture = DynamicImage::ImageRgba8(pixels(width, height));
    let picture = match format {
        ImageFormat::Jpeg => DynamicImage::ImageRgb8(picture.to_rgb8()),
        _ => picture,
    };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A GIF that moves.
pub fn moving_gif(width: u32, height: u32, frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    for _ in 0..frames {
        encoder
            .encode_frame(Frame::new(pixels(width, height)))
            .unwrap();
    }
    drop(encoder);
    bytes
}

/// A GIF of many frames in few bytes, whose coded pixels are none.
pub fn gif_bomb(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    let mut bytes = [b"GIF89a", &size[..], &[0, 0, 0]].concat();
    for _ in 0..frames {
        bytes.extend([0x2C, 0, 0, 0, 0]);
        bytes.extend(&size);
        bytes.extend([0, 2, 1, 0x2C, 0]);
    }
    bytes.push(0x3B);
    bytes
}

/// A PNG that says another size of itself than its pixels have.
pub fn flood_png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = picture(ImageFormat::Png, 2, 2);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes
}

/// A PNG that is built as it should be, and whose pixels are not.
pub fn broken_png() -> Vec<u8> {
    let bytes = picture(ImageFormat::Png, 8, 8);
    let data = bytes.windows(4).position(|name| name == b"IDAT").unwrap();
    let mut bytes = bytes;
    for byte in &mut bytes[data + 4..data + 12] {
        *byte = !*byte;
    }
    bytes
}

/// A JPEG that a phone took held upright: it is turned when it is shown.
pub fn turned_jpeg(width: u32, height: u32) -> Vec<u8> {
    let bytes = picture(ImageFormat::Jpeg, width, height);
    // One entry, "turn by a quarter", in the smallest form of what cameras write.
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&bytes[..2], &[0xFF, 0xE1], &length, exif, &bytes[2..]].concat()
}

/// A JPEG as a phone writes it that was held upright: with where it was taken, a second
/// picture, and what the phone keeps behind. [`turned_jpeg`] is what may be shown of it.
pub fn phone_jpeg(width: u32, height: u32) -> Vec<u8> {
    let segment = |code: u8, data: &[u8]| {
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, code], &length[..], data].concat()
    };
    let (plain, turned) = (picture(ImageFormat::Jpeg, width, height), turned_jpeg(1, 1));
    let exif = [&turned[6..38], b"36.7525N 3.0420E"].concat();
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<x>36.7525N</x>";
    let others = [
        segment(0xE1, &exif),
        segment(0xE1, xmp),
        segment(0xE2, b"MPF\0"),
        segment(0xED, b"Alger"),
    ];
    let kept = b"\0\0\x01\x0a36.7525N";
    let directory = [&b"SEFH"[..], &[0; 16]].concat();
    let length = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let behind = [&kept[..], &directory, &length, b"SEFT"].concat();
    let second = picture(ImageFormat::Jpeg, 4, 4);
    [&plain[..2], &others.concat(), &plain[2..], &second, &behind].concat()
}

/// A box of an MP4.
pub fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap();
    [&length.to_be_bytes(), &name[..], content].concat()
}

/// The description of a movie with one track of pictures.
pub fn movie(width: u16, height: u16, duration_ms: u32) -> Vec<u8> {
    let words =
        |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let matrix = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];
    let mut head = words(&[0, 0, 0, 1000, duration_ms, 0x1_0000, 0x0100_0000, 0, 0]);
    head.extend(words(&matrix));
    head.extend(words(&[0, 0, 0, 0, 0, 0, 2]));
    let mut track = words(&[3, 0, 0, 1, 0, duration_ms, 0, 0, 0, 0]);
    track.extend(words(&matrix));
    track.extend(words(&[u32::from(width) << 16, u32::from(height) << 16]));
    let handler = [&words(&[0, 0])[..], b"vide", &words(&[0, 0, 0]), b"\0"].concat();
    let media = boxed(b"mdia", &boxed(b"hdlr", &handler));
    let track = boxed(b"trak", &[boxed(b"tkhd", &track), media].concat());
    boxed(b"moov", &[boxed(b"mvhd", &head), track].concat())
}

/// A video of one brand: `isom` for MP4, `qt  ` for MOV.
pub fn video(brand: &[u8; 4], width: u16, height: u16, data: usize) -> Vec<u8> {
    let format = boxed(b"ftyp", &[&brand[..], &[0; 4], brand].concat());
    let movie = movie(width, height, 4200);
    [format, movie, boxed(b"mdat", &vec![7; data])].concat()
}

/// An MP4.
pub fn mp4(width: u16, height: u16) -> Vec<u8> {
    video(b"isom", width, height, 64)
}

/// A chunk of a RIFF.
fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&name[..], &length, content, &vec![0; content.len() % 2]].concat()
}

/// An AVI of 25 frames a second.
pub fn avi(width: u32, height: u32, frames: u32) -> Vec<u8> {
    let head = [40_000, 0, 0, 0, frames, 0, 1, 0, width, height, 0, 0, 0, 0];
    let head: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
    let head = [&b"hdrl"[..], &chunk(b"avih", &head)].concat();
    let data = [&b"movi"[..], &chunk(b"00dc", &[1, 2, 3])].concat();
    let parts = [&b"AVI "[..], &chunk(b"LIST", &head), &chunk(b"LIST", &data)].concat();
    chunk(b"RIFF", &parts)
}
