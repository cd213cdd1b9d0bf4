//! Files that are not what they say: refused with a reason, shown to nobody, and gone.

use bytes::Bytes;
use image::ImageFormat;
use souk::pb::souk::media::v1::media::{Purpose, Status as FileStatus};

use super::{id_of, wish};
use crate::support::samples::{self, avi, broken_png, flood_png, gif_bomb, mp4};
use crate::support::{TestApp, reason};

fn png() -> Vec<u8> {
    samples::picture(ImageFormat::Png, 20, 20)
}

/// What is refused as soon as its bytes are looked at: a name, its type, its bytes.
fn refused() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    let html = b"<!DOCTYPE html><script>alert(1)</script>";
    let jpeg = samples::picture(ImageFormat::Jpeg, 20, 20);
    let half = png().len() / 2;
    vec![
        ("another picture", "image/jpeg", png()),
        ("a video", "image/png", mp4(20, 20)),
        ("an SVG", "image/png", svg.to_vec()),
        ("a page", "image/gif", html.to_vec()),
        ("a document", "image/webp", b"%PDF-1.7\n%%EOF".to_vec()),
        ("an archive", "image/jpeg", b"PK\x03\x04\x14\0\0\0".to_vec()),
        ("a page after it", "image/png", [&png()[..], html].concat()),
        ("a page before it", "image/png", [html, &png()[..]].concat()),
        (
            "an archive after it",
            "image/jpeg",
            [&jpeg[..], b"PK\x05\x06"].concat(),
        ),
        ("cut", "image/png", png()[..half].to_vec()),
        ("one byte", "image/png", vec![0x89]),
        ("a flood", "image/png", flood_png(60_000, 60_000)),
        ("a wide flood", "image/png", flood_png(12_000, 12_000)),
        ("a bomb", "image/gif", gif_bomb(12_000, 3_000, 900)),
    ]
}

#[tokio::test]
async fn a_picture_that_is_none_is_refused_and_gone() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    for (name, content_type, bytes) in refused() {
        let created = user.announce(wish(Purpose::Avatar, content_type, bytes.len()));
        let created = created.await.unwrap();
        let id = id_of(&created);
        app.put(&created, bytes);
        for _ in 0..2 {
            let refused = user.complete(&id, vec![]).await.unwrap_err();
            assert_eq!(reason(&refused), "UNSUPPORTED_MEDIA", "{name}");
            assert!(!refused.message().is_empty(), "{name}");
        }
        assert_eq!(app.blobs.published(), [], "{name} was shown");
        let failed = user.file(&id).await.unwrap();
        assert_eq!(failed.status(), FileStatus::Failed, "{name}");
        assert!(failed.failure.starts_with("UNSUPPORTED_MEDIA: "), "{name}");
        assert_eq!(
            (failed.url.as_str(), failed.thumbnail_url.as_str()),
            ("", "")
        );
    }
    app.run_jobs().await;
    assert_eq!(app.blobs.held(), [""; 0]);
    app.settle_files().await;
    app.assert_sound().await;
}

#[tokio::test]
async fn a_video_that_is_none_is_refused_and_gone() {
    let app = TestApp::start().await;
    let seller = app.seller().await.client;
    let cut = mp4(20, 20).len() - 9;
    for (name, content_type, bytes) in [
        ("another video", "video/quicktime", mp4(20, 20)),
        ("a picture", "video/mp4", png()),
        (
            "a page after it",
            "video/mp4",
            [&mp4(8, 8)[..], b"<script>"].concat(),
        ),
        ("cut", "video/mp4", mp4(8, 8)[..cut].to_vec()),
        ("cut AVI", "video/x-msvideo", avi(8, 8, 3)[..90].to_vec()),
        (
            "an archive after it",
            "video/avi",
            [&avi(8, 8, 3)[..], b"PK"].concat(),
        ),
        (
            "a playlist",
            "video/mp4",
            b"#EXTM3U\nfile:///etc/passwd\n".to_vec(),
        ),
    ] {
        let created = seller.announce(wish(Purpose::ReelVideo, content_type, bytes.len()));
        let created = created.await.unwrap();
        app.put(&created, bytes);
        let refused = seller.complete(&id_of(&created), vec![]).await.unwrap_err();
        assert_eq!(reason(&refused), "UNSUPPORTED_MEDIA", "{name}");
    }
    app.run_jobs().await;
    assert_eq!(app.blobs.held(), [""; 0]);
    app.assert_sound().await;
}

#[tokio::test]
async fn bytes_of_another_size_than_announced_are_refused() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    let more = [png(), vec![0; 10 * 1024 * 1024]].concat();
    for (bytes, expected) in [(png(), "UNSUPPORTED_MEDIA"), (more, "FILE_TOO_LARGE")] {
        let created = user.announce(wish(Purpose::Avatar, "image/png", png().len() + 1));
        let created = created.await.unwrap();
        // The ticket would not take them; whatever the store is worth, they are looked at.
        let key = &created.media.as_ref().unwrap().key;
        app.blobs.smuggle(key, Bytes::from(bytes));
        for _ in 0..2 {
            let refused = user.complete(&id_of(&created), vec![]).await.unwrap_err();
            assert_eq!(reason(&refused), expected);
        }
    }
    app.run_jobs().await;
    assert_eq!(app.blobs.held(), [""; 0]);
}

#[tokio::test]
async fn a_picture_that_cannot_be_drawn_fails_later_and_goes() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    let taken = app
        .upload(&user, Purpose::Avatar, "image/png", broken_png())
        .await;
    app.run_jobs().await;
    let failed = user.file(&taken.id).await.unwrap();
    assert_eq!(failed.status(), FileStatus::Failed);
    assert!(failed.failure.contains("decoded"), "{}", failed.failure);
    app.run_jobs().await;
    assert_eq!(app.blobs.held(), [""; 0]);
    let events = "SELECT count(*) FROM events WHERE kind = 'media.failed'";
    assert_eq!(app.number(events).await, 1);
    app.settle_files().await;
    app.assert_sound().await;
}

#[tokio::test]
async fn no_name_leads_out_of_its_folder() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    let folder = format!("uploads/{}/", user.user_id);
    let before = app.rows().await;
    for name in [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "/etc/passwd",
        "a/../../b.png",
        "%2e%2e%2f.png",
        "\u{202e}gnp.exe",
        "\u{1}.png",
    ] {
        let mut request = wish(Purpose::Avatar, "image/png", 10);
        request.file_name = name.into();
        let refused = user.announce(request).await.unwrap_err();
        assert_eq!(reason(&refused), "VALIDATION_ERROR", "{name:?}");
    }
    assert_eq!(app.rows().await, before);
    for name in [".htaccess", "x.php.png", "<script>.png", &"long".repeat(60)] {
        let mut request = wish(Purpose::Avatar, "image/png", 10);
        request.file_name = name.into();
        let created = user.announce(request).await.unwrap();
        let key = created.media.unwrap().key;
        let rest = key.strip_prefix(&folder).unwrap();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        assert!(rest.bytes().all(plain) && !rest.contains(".."), "{key}");
        assert!(rest.ends_with(".png") && rest.len() < 120, "{key}");
    }
}

#[tokio::test]
async fn a_hostile_picture_of_a_product_changes_nothing() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Tapis", 9000, 1).await;
    let before = app.rows().await;
    for (name, content_type, bytes) in refused() {
        let refused = seller
            .client
            .add_image(&product.id, bytes, content_type)
            .await;
        assert_eq!(reason(&refused.unwrap_err()), "UNSUPPORTED_MEDIA", "{name}");
    }
    let large = vec![0; 10 * 1024 * 1024 + 1];
    let refused = seller
        .client
        .add_image(&product.id, large, "image/png")
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "FILE_TOO_LARGE");
    let refused = seller
        .client
        .add_image(&product.id, vec![], "image/png")
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "VALIDATION_ERROR");
    assert_eq!(app.rows().await, before);
    assert_eq!(app.blobs.held(), [""; 0]);
}
