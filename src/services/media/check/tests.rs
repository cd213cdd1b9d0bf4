//! What is taken for which file, and what is refused.

use bytes::Bytes;
use image::ImageFormat;
use proptest::prelude::*;

use super::*;
use crate::clients::blob::{Blobs, FakeBlobs, NewBlob};
use crate::services::media::check::samples::{
    avi, boxed, flood_png, gif_bomb, movie, moving_gif, mp4, phone_jpeg, turned_jpeg,
};

const PICTURES: [(ImageFormat, Kind); 4] = [
    (ImageFormat::Jpeg, Kind::Jpeg),
    (ImageFormat::Png, Kind::Png),
    (ImageFormat::Gif, Kind::Gif),
    (ImageFormat::WebP, Kind::Webp),
];

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T>) -> String {
    let error = outcome.unwrap_err();
    assert_eq!(error.reason(), Reason::UnsupportedMedia, "{error:?}");
    error.message().to_owned()
}

/// A store with one published file.
async fn stored(bytes: Vec<u8>) -> (FakeBlobs, u64) {
    let blobs = FakeBlobs::default();
    let size = bytes.len() as u64;
    let blob = NewBlob {
        key: "a".to_owned(),
        content_type: String::new(),
        size,
    };
    blobs.put(&blob, Bytes::from(bytes)).await.unwrap();
    (blobs, size)
}

async fn look(bytes: Vec<u8>) -> Result<(Kind, Measures)> {
    let (blobs, size) = stored(bytes).await;
    let mut source = Source::published(&blobs, "a", size);
    let kind = video(&mut source).await?;
    let measures = measure(&mut source, kind).await?;
    Ok((kind, measures))
}

#[test]
fn every_format_of_pictures_is_known_with_its_size() {
    for (format, kind) in PICTURES {
        let bytes = samples::picture(format, 30, 20);
        assert_eq!(picture(&bytes).unwrap(), (kind, size(30, 20)));
    }
    let moving = picture(&moving_gif(9, 7, 5)).unwrap();
    assert_eq!(moving, (Kind::Gif, size(9, 7)));
    let turned = picture(&turned_jpeg(30, 20)).unwrap();
    assert_eq!(turned, (Kind::Jpeg, size(30, 20)));
}

#[test]
fn a_picture_that_is_cut_anywhere_is_refused() {
    for (format, _) in PICTURES {
        let bytes = samples::picture(format, 8, 8);
        for end in 0..bytes.len() {
            refusal(picture(&bytes[..end]));
        }
    }
}

#[test]
fn a_picture_with_something_before_or_after_it_is_refused() {
    for (format, kind) in PICTURES {
        let bytes = samples::picture(format, 8, 8);
        for other in [
            &b"<script>alert(1)</script>"[..],
            b"PK\x03\x04",
            b"\n",
            b"\0",
        ] {
            refusal(picture(&[&bytes, other].concat()));
            refusal(picture(&[other, &bytes].concat()));
        }
        // An archive reads from its end, a page from anywhere.
        let message = refusal(picture(&[&bytes[..], b"PK\x05\x06"].concat()));
        assert_eq!(message, goes_on().message(), "{kind:?}");
    }
}

#[test]
fn several_pictures_in_one_jpeg_are_whole_ones() {
    let (large, small) = (
        turned_jpeg(30, 20),
        samples::picture(ImageFormat::Jpeg, 4, 4),
    );
    let both = [&large[..], &small].concat();
    assert_eq!(picture(&both).unwrap(), (Kind::Jpeg, size(30, 20)));
    refusal(picture(&both[..both.len() - 1]));
    refusal(picture(&[&both[..], b"trailer"].concat()));
    refusal(picture(&small.repeat(9)));
}

#[test]
fn what_is_no_picture_is_refused_whatever_it_says() {
    for bytes in [
        &b""[..],
        b"\0",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>",
        b"<!DOCTYPE html><html></html>",
        b"%PDF-1.7\n",
        b"PK\x03\x04\x14\0\0\0",
        b"MZ\x90\0",
        b"#!/bin/sh\n",
        b"BM\x46\0\0\0\0\0",
        b"II*\0\x08\0\0\0\0\0",
        b"GIF89a",
        b"GIF89a<script>alert(1)</script>",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xd9",
        b"RIFF\x04\0\0\0WEBP",
        &mp4(8, 8),
    ] {
        refusal(picture(bytes));
    }
}

#[test]
fn a_flood_of_pixels_is_refused_before_anything_is_decoded() {
    for (width, height) in [
        (12_001, 1),
        (1, 12_001),
        (0, 1),
        (u32::MAX, u32::MAX),
        (12_000, 3_334),
    ] {
        refusal(picture(&flood_png(width, height)));
    }
    assert!(picture(&flood_png(12_000, 3_333)).is_ok());
    refusal(picture(&gif_bomb(1, 1, 1_001)));
    refusal(picture(&gif_bomb(12_000, 3_333, 11)));
    assert!(picture(&gif_bomb(1, 1, 1_000)).is_ok());
}

#[test]
fn of_what_a_phone_writes_the_picture_alone_is_shown() {
    let phone = phone_jpeg(30, 20);
    assert_eq!(picture(&phone).unwrap(), (Kind::Jpeg, size(30, 20)));
    let shown = plain(Kind::Jpeg, &phone).unwrap().unwrap();
    assert_eq!(shown, turned_jpeg(30, 20));
    assert_eq!(plain(Kind::Jpeg, &shown).unwrap(), None);
    for (format, kind) in PICTURES {
        let bytes = samples::picture(format, 30, 20);
        assert_eq!(plain(kind, &bytes).unwrap(), None);
    }
    // What only looks like it is none of a phone's.
    let end = phone.len();
    for wrong in [
        [&phone[..], b"PK"].concat(),
        [&phone[..end - 8], &[255; 4], b"SEFT"].concat(),
        phone[..end - 1].to_vec(),
    ] {
        refusal(picture(&wrong));
    }
}

/// A PNG with one more chunk behind its header.
fn png_with(name: &[u8; 4], length: usize) -> Vec<u8> {
    let png = samples::picture(ImageFormat::Png, 8, 8);
    let (head, rest) = png.split_at(33);
    let length_bytes = u32::try_from(length).unwrap().to_be_bytes();
    [head, &length_bytes, name, &vec![7; length + 4], rest].concat()
}

#[test]
fn a_png_holds_little_beside_its_picture_and_only_what_pngs_do() {
    const MOST: usize = 1024 * 1024;
    for name in [b"tEXt", b"eXIf", b"iCCP", b"PLTE", b"iDOT"] {
        assert!(picture(&png_with(name, MOST)).is_ok());
        refusal(picture(&png_with(name, MOST + 1)));
    }
    for name in [b"caBX", b"zIPx", b"CgBI", b"JDAT", b"a.b!"] {
        refusal(picture(&png_with(name, 0)));
    }
}

#[tokio::test]
async fn every_format_of_videos_is_known_with_its_measures() {
    let expected = |kind, duration_ms| {
        let measures = Measures {
            width: 320,
            height: 240,
            duration_ms: Some(duration_ms),
        };
        (kind, measures)
    };
    for (bytes, expected) in [
        (mp4(320, 240), expected(Kind::Mp4, 4200)),
        (
            samples::video(b"qt  ", 320, 240, 9),
            expected(Kind::Mov, 4200),
        ),
        (
            samples::video(b"mp42", 320, 240, 200_000),
            expected(Kind::Mp4, 4200),
        ),
        (avi(320, 240, 50), expected(Kind::Avi, 2000)),
    ] {
        assert_eq!(look(bytes).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn the_description_of_a_movie_may_come_last_and_its_boxes_may_be_long() {
    let format = boxed(b"ftyp", b"isom\0\0\0\0");
    let mut long = [&1_u32.to_be_bytes()[..], b"mdat"].concat();
    long.extend(1016_u64.to_be_bytes());
    long.extend([0; 1000]);
    let whole = [format.clone(), long, movie(16, 8, 0)].concat();
    let (kind, measures) = look(whole).await.unwrap();
    assert_eq!((kind, measures.duration_ms), (Kind::Mp4, None));
    let data = boxed(b"mdat", &[0; 64]);
    let unknown = [format.clone(), movie(16, 8, u32::MAX), data].concat();
    assert_eq!(look(unknown).await.unwrap().1.duration_ms, None);
    // The last box may go to the end of the file.
    let open = [&0_u32.to_be_bytes()[..], b"mdat", &[1; 99]].concat();
    let whole = [format, movie(16, 8, 1), open].concat();
    assert!(look(whole).await.is_ok());
}

#[tokio::test]
async fn a_movie_that_was_filmed_upright_is_measured_upright() {
    let mut bytes = mp4(320, 240);
    let track = bytes.windows(4).position(|name| name == b"tkhd").unwrap();
    let turned = [0_u32, 0x1_0000, 0, 0xFFFF_0000, 0, 0, 0, 0, 0x4000_0000];
    let turned: Vec<u8> = turned.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes[track + 44..track + 80].copy_from_slice(&turned);
    let (_, measures) = look(bytes).await.unwrap();
    assert_eq!((measures.width, measures.height), (240, 320));
}

#[tokio::test]
async fn a_video_that_is_not_built_as_one_is_refused() {
    let format = boxed(b"ftyp", b"isom\0\0\0\0");
    let (movie, data) = (movie(16, 8, 1), boxed(b"mdat", &[0; 64]));
    let heic = boxed(b"ftyp", b"heic\0\0\0\0mif1");
    let silent = boxed(b"moov", &boxed(b"trak", b""));
    let huge = boxed(b"moov", &vec![0; 17 * 1024 * 1024]);
    for bytes in [
        vec![],
        b"<html>".to_vec(),
        [&movie[..], &format, &data].concat(),
        [&format[..], &data].concat(),
        [&format[..], &movie].concat(),
        [&format[..], &movie, &movie, &data].concat(),
        [&format[..], &movie, &format, &data].concat(),
        [&heic[..], &movie, &data].concat(),
        [&format[..], &silent, &data].concat(),
        [&format[..], &huge, &data].concat(),
        [&format[..], &movie, &data, b"<script>"].concat(),
        [&format[..], &movie, &data, b"\0"].concat(),
        [&format[..], &movie, &data[..data.len() - 1]].concat(),
        [&format[..], &movie, &data, &[0, 0, 0, 7], b"free"].concat(),
        [&avi(8, 8, 9)[..], b"\0\0"].concat(),
        avi(8, 8, 9)[..100].to_vec(),
        avi(0, 8, 9),
        avi(12_001, 8, 9),
        avi(u32::MAX, u32::MAX, 9),
        mp4(60_000, 8),
        mp4(8_000, 8_000),
        samples::picture(ImageFormat::Png, 4, 4),
    ] {
        refusal(look(bytes).await);
    }
    let many = boxed(b"free", b"").repeat(5_000);
    refusal(look([&format[..], &movie, &data, &many].concat()).await);
}

#[tokio::test]
async fn a_video_holds_little_beside_its_movie_and_only_what_videos_do() {
    const MOST: usize = 1024 * 1024;
    let video = mp4(16, 8);
    let format = 8 + 12;
    for name in [b"free", b"uuid", b"meta", b"mfra"] {
        let most = boxed(name, &vec![7; MOST - format - 8]);
        assert!(look([&video[..], &most].concat()).await.is_ok());
        let more = [&video[..], &most, &boxed(name, b"")].concat();
        refusal(look(more).await);
    }
    for name in [b"zip ", b"\0\0\0\0", b"moOV"] {
        refusal(look([&video[..], &boxed(name, b"")].concat()).await);
    }
}

#[tokio::test]
async fn a_video_that_is_read_as_an_archive_from_its_end_is_refused() {
    let archive = [b"PK\x05\x06", &[0; 18][..]].concat();
    let video = mp4(16, 8);
    for behind in [0, 1000, 65_535] {
        let end = [&archive[..], &vec![7; behind]].concat();
        let both = [&video[..], &boxed(b"free", &end)].concat();
        assert_eq!(refusal(look(both).await), "the video is an archive too");
    }
    // What is shown or heard may be any bytes.
    let mut data = video;
    let end = data.len();
    data[end - 30..end - 8].copy_from_slice(&archive);
    assert!(look(data).await.is_ok());
}

#[tokio::test]
async fn a_video_in_many_fragments_costs_few_reads() {
    let format = boxed(b"ftyp", b"isom\0\0\0\0");
    let fragment = [boxed(b"moof", &[0; 92]), boxed(b"mdat", &[0; 19_892])].concat();
    let whole = [format, movie(16, 8, 1), fragment.repeat(1_000)].concat();
    let (blobs, size) = stored(whole).await;
    assert!(
        video(&mut Source::published(&blobs, "a", size))
            .await
            .is_ok()
    );
    // Twenty megabytes, four at once, and the steps up to that.
    assert!(blobs.reads() <= 13, "{}", blobs.reads());
}

#[tokio::test]
async fn a_video_that_is_shorter_than_it_was_said_to_be_is_refused() {
    let (blobs, size) = stored(samples::video(b"isom", 16, 8, 3_000_000)).await;
    let mut source = Source::published(&blobs, "a", size);
    video(&mut source).await.unwrap();
    assert!(source.read(0..size + 1).await.is_err());
    let mut longer = Source::published(&blobs, "a", size + 8);
    refusal(video(&mut longer).await);
}

/// A sample with some bytes changed, cut or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let samples = vec![
        samples::picture(ImageFormat::Jpeg, 8, 8),
        samples::picture(ImageFormat::Png, 8, 8),
        samples::picture(ImageFormat::WebP, 8, 8),
        moving_gif(4, 4, 3),
        turned_jpeg(8, 8),
        phone_jpeg(8, 8),
        mp4(16, 8),
        avi(16, 8, 3),
    ];
    let change = (any::<prop::sample::Index>(), any::<u8>());
    let changes = prop::collection::vec(change, 1..8);
    let cut = any::<prop::sample::Index>();
    (prop::sample::select(samples), changes, cut, any::<bool>()).prop_map(
        |(mut bytes, changes, cut, is_cut)| {
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if is_cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn no_bytes_upset_the_look_at_a_picture(bytes in any::<Vec<u8>>()) {
        refusal(picture(&bytes));
    }

    #[test]
    fn no_damage_upsets_a_look(bytes in damaged()) {
        let _ = picture(&bytes);
        let _ = mp4::measure(&bytes);
        // What is shown of a picture is one, with nothing more to be left out.
        if let Ok((kind, size)) = picture(&bytes)
            && let Some(shown) = plain(kind, &bytes).unwrap()
        {
            prop_assert_eq!(picture(&shown).unwrap(), (kind, size));
            prop_assert_eq!(plain(kind, &shown).unwrap(), None);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _ = runtime.block_on(look(bytes));
    }

    #[test]
    fn no_damage_upsets_the_measures_of_a_movie(at in 0_usize..300, byte in any::<u8>()) {
        let mut movie = movie(16, 8, 1);
        let place = at % movie.len();
        movie[place] = byte;
        let _ = mp4::measure(&movie);
    }
}
