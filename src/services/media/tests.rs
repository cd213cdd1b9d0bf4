//! Small pictures of large ones.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

use super::check::Kind;
use super::check::samples::{self, broken_png, flood_png, turned_jpeg};
use super::thumbnail::{Drawn, draw};
use crate::kernel::Reason;

fn small(drawn: &Drawn) -> image::RgbImage {
    let small = image::load_from_memory_with_format(&drawn.jpeg, ImageFormat::Jpeg);
    small.unwrap().to_rgb8()
}

fn is_red(pixel: image::Rgb<u8>) -> bool {
    pixel.0[0] > 150 && pixel.0[2] < 100
}

#[test]
fn the_middle_of_a_picture_is_drawn_at_four_hundred_pixels() {
    for (format, kind) in [
        (ImageFormat::Jpeg, Kind::Jpeg),
        (ImageFormat::Png, Kind::Png),
        (ImageFormat::Gif, Kind::Gif),
        (ImageFormat::WebP, Kind::Webp),
    ] {
        let drawn = draw(&samples::picture(format, 1000, 500), kind).unwrap();
        let small = small(&drawn);
        assert_eq!((drawn.width, drawn.height), (1000, 500));
        assert_eq!(small.dimensions(), (400, 400), "{kind:?}");
        assert!(is_red(*small.get_pixel(20, 200)), "{kind:?}");
        assert!(!is_red(*small.get_pixel(380, 200)), "{kind:?}");
    }
}

#[test]
fn a_small_picture_is_not_blown_up() {
    let drawn = draw(&samples::picture(ImageFormat::Png, 90, 60), Kind::Png).unwrap();
    assert_eq!(small(&drawn).dimensions(), (60, 60));
}

#[test]
fn a_picture_of_a_camera_held_upright_is_drawn_upright() {
    let drawn = draw(&turned_jpeg(800, 400), Kind::Jpeg).unwrap();
    assert_eq!((drawn.width, drawn.height), (400, 800));
    // What was left is on top now.
    let small = small(&drawn);
    assert!(is_red(*small.get_pixel(200, 20)));
    assert!(!is_red(*small.get_pixel(200, 380)));
}

#[test]
fn what_is_not_opaque_lets_white_through() {
    let clear = RgbaImage::from_pixel(50, 50, Rgba([0, 0, 0, 0]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = DynamicImage::ImageRgba8(clear);
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let drawn = draw(bytes.get_ref(), Kind::Png).unwrap();
    assert!(small(&drawn).get_pixel(25, 25).0.iter().all(|it| *it > 250));
}

#[test]
fn what_cannot_be_decoded_is_refused() {
    for (bytes, kind) in [
        (broken_png(), Kind::Png),
        (flood_png(20_000, 20_000), Kind::Png),
        (samples::gif_bomb(100, 100, 2), Kind::Gif),
        (samples::mp4(8, 8), Kind::Mp4),
        (samples::mp4(8, 8), Kind::Jpeg),
        (Vec::new(), Kind::Webp),
    ] {
        let refused = draw(&bytes, kind).unwrap_err();
        assert_eq!(refused.reason(), Reason::UnsupportedMedia, "{kind:?}");
    }
}
