//! Bringing files: announcing, sending, completing and giving up.

use std::time::Duration;

use souk::clients::blob::{Blobs, NewBlob};
use souk::pb::souk::media::v1::media::{Purpose, Status as FileStatus};
use souk::pb::souk::media::v1::{AbortUploadRequest, CreateUploadRequest, SentPart};
use tonic::Code;

use super::{id_of, wish};
use crate::support::clients::{is_replayed, statements};
use crate::support::samples::{self, avi, mp4, video};
use crate::support::{TestApp, keyed, reason};

const PNG: &str = "image/png";

fn png() -> Vec<u8> {
    samples::picture(image::ImageFormat::Png, 600, 500)
}

async fn abort(by: &crate::support::Client, id: &str) -> Result<(), tonic::Status> {
    let request = AbortUploadRequest { id: id.into() };
    by.media().abort_upload(request).await.map(drop)
}

#[tokio::test]
async fn a_picture_goes_from_its_announcement_to_ready() {
    let app = TestApp::start().await;
    let (seller, stranger, admin) = (app.seller().await, app.customer().await, app.admin().await);
    let product = seller.product("Tapis", 9000, 1).await;
    let request = CreateUploadRequest {
        product_id: product.id.clone(),
        ..wish(Purpose::ProductImage, PNG, png().len())
    };
    let created = seller.client.announce(request).await.unwrap();
    let announced = created.media.clone().unwrap();
    assert_eq!(announced.status(), FileStatus::Pending);
    assert_eq!((announced.url.as_str(), created.parts.len()), ("", 0));
    let folder = format!("products/{}/{}/", seller.client.user_id, product.id);
    assert!(announced.key.starts_with(&folder), "{}", announced.key);
    assert!(
        announced.key.ends_with("-photo-ete.png"),
        "{}",
        announced.key
    );

    app.put(&created, png());
    let taken = seller.client.complete(&announced.id, vec![]).await.unwrap();
    assert_eq!(taken.status(), FileStatus::Processing);
    assert_eq!((taken.width, taken.height), (Some(600), Some(500)));
    assert!(taken.thumbnail_url.is_empty());
    app.run_jobs().await;
    let ready = seller.client.file(&announced.id).await.unwrap();
    assert_eq!(ready.status(), FileStatus::Ready);
    assert_eq!((&ready.url, ready.content_type.as_str()), (&taken.url, PNG));
    let published = app.blobs.published();
    let at = |url: &str| {
        let mut found = published.iter();
        found.find(|(key, ..)| url.ends_with(key.as_str())).unwrap()
    };
    assert_eq!(at(&ready.url).2, png());
    let (_, content_type, small) = at(&ready.thumbnail_url);
    assert_eq!(content_type, "image/jpeg");
    let small = image::load_from_memory(small).unwrap();
    assert_eq!((small.width(), small.height()), (400, 400));
    assert_eq!(app.blobs.held().len(), 2);

    let hidden = stranger.file(&announced.id).await.unwrap_err();
    assert_eq!(reason(&hidden), "NOT_FOUND");
    assert_eq!(admin.file(&announced.id).await.unwrap(), ready);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_video_becomes_ready_with_its_measures() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    for (content_type, bytes, duration) in [
        ("video/mp4", mp4(320, 240), 4200),
        ("video/quicktime", video(b"qt  ", 320, 240, 9), 4200),
        ("video/x-msvideo", avi(320, 240, 25), 1000),
    ] {
        let purpose = Purpose::ReelVideo;
        let taken = app
            .upload(&seller.client, purpose, content_type, bytes)
            .await;
        assert!(taken.key.starts_with("reels/usr_"), "{}", taken.key);
        app.run_jobs().await;
        let ready = seller.client.file(&taken.id).await.unwrap();
        assert_eq!(ready.status(), FileStatus::Ready, "{}", ready.failure);
        assert_eq!((ready.width, ready.height), (Some(320), Some(240)));
        assert_eq!(ready.duration_ms, Some(duration));
        assert_eq!(ready.thumbnail_url, "");
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn pictures_do_not_wait_for_videos() {
    let app = TestApp::start().await;
    let seller = app.seller().await.client;
    app.upload(&seller, Purpose::ReelVideo, "video/mp4", mp4(8, 8))
        .await;
    app.upload(&seller, Purpose::ReelThumbnail, PNG, png())
        .await;
    let in_queue = |queue: &str| {
        let of_files = "SELECT count(*) FROM jobs WHERE kind = 'media.process'";
        format!("{of_files} AND queue = '{queue}'")
    };
    assert_eq!(app.number(&in_queue("videos")).await, 1);
    assert_eq!(app.number(&in_queue("media")).await, 1);
    app.run_jobs().await;
    app.assert_sound().await;
}

#[tokio::test]
async fn a_large_video_comes_in_parts() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let bytes = video(b"isom", 64, 48, 50 * 1024 * 1024);
    let request = wish(Purpose::ReelVideo, "video/mp4", bytes.len());
    let created = seller.client.announce(request).await.unwrap();
    let id = id_of(&created);
    assert_eq!((created.upload_url.as_str(), created.parts.len()), ("", 4));
    let mut sent = Vec::new();
    for part in &created.parts {
        let (start, size) = (part.offset as usize, part.size as usize);
        let etag = app.put_at(&created, &part.url, bytes[start..start + size].to_vec());
        sent.push(SentPart {
            number: part.number,
            etag,
        });
    }
    let complete = |parts: Vec<SentPart>| seller.client.complete(&id, parts);
    for parts in [vec![], sent[1..].to_vec(), [&sent[..], &sent[..1]].concat()] {
        let refused = complete(parts).await.unwrap_err();
        assert_eq!(reason(&refused), "VALIDATION_ERROR");
    }
    let mut wrong = sent.clone();
    wrong[2].etag = "\"0\"".into();
    let refused = complete(wrong).await.unwrap_err();
    assert_eq!(reason(&refused), "UPLOAD_NOT_FOUND");
    // In any order.
    sent.reverse();
    let taken = complete(sent.clone()).await.unwrap();
    assert_eq!(complete(sent).await.unwrap(), taken);
    assert_eq!(complete(vec![]).await.unwrap(), taken);
    app.run_jobs().await;
    let ready = seller.client.file(&id).await.unwrap();
    assert_eq!(ready.status(), FileStatus::Ready);
    assert_eq!(app.blobs.held(), [ready.key]);
}

#[tokio::test]
async fn bytes_may_come_until_the_time_is_over_and_no_longer() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    let announce = || user.announce(wish(Purpose::Avatar, PNG, png().len()));
    let created = announce().await.unwrap();
    let early = user.complete(&id_of(&created), vec![]).await.unwrap_err();
    assert_eq!(reason(&early), "UPLOAD_NOT_FOUND");
    app.advance(Duration::from_secs(10 * 60 - 1));
    app.put(&created, png());
    assert!(user.complete(&id_of(&created), vec![]).await.is_ok());

    // A PUT that began in time may end late, and not after an hour.
    let (slow, late) = (announce().await.unwrap(), announce().await.unwrap());
    app.put(&slow, png());
    app.put(&late, png());
    app.advance(Duration::from_secs(69 * 60));
    let user = app.again(&user).await;
    assert!(user.complete(&id_of(&slow), vec![]).await.is_ok());
    app.advance(Duration::from_secs(60));
    let refused = user.complete(&id_of(&late), vec![]).await.unwrap_err();
    assert_eq!(reason(&refused), "UPLOAD_NOT_FOUND");
    // Not yet: a look that began in time may take a while, and what it shows goes too.
    app.advance(Duration::from_secs(9 * 60));
    app.run_jobs().await;
    let user = app.again(&user).await;
    let waits = user.file(&id_of(&late)).await.unwrap();
    assert_eq!(waits.status(), FileStatus::Pending);
    app.advance(Duration::from_secs(10 * 60));
    app.run_jobs().await;
    let gone = user.file(&id_of(&late)).await.unwrap();
    assert_eq!(gone.status(), FileStatus::Deleted);
    assert!(!app.blobs.held().iter().any(|it| it.contains(&gone.key)));
    app.assert_sound().await;
}

#[tokio::test]
async fn what_is_given_up_leaves_nothing_behind_even_when_bytes_come_later() {
    let app = TestApp::start().await;
    let mut owner = app.seller().await.client;
    let small = wish(Purpose::Avatar, PNG, png().len());
    let large = wish(Purpose::ReelVideo, "video/mp4", 60 * 1024 * 1024);
    for request in [small, large] {
        let created = owner.announce(request).await.unwrap();
        let id = id_of(&created);
        let hidden = abort(&app.customer().await, &id).await.unwrap_err();
        assert_eq!(reason(&hidden), "UPLOAD_NOT_FOUND");
        abort(&owner, &id).await.unwrap();
        app.run_jobs().await;
        if created.parts.is_empty() {
            app.put(&created, png());
        }
        for again in [
            abort(&owner, &id).await,
            owner.complete(&id, vec![]).await.map(drop),
        ] {
            assert_eq!(reason(&again.unwrap_err()), "UPLOAD_NOT_FOUND");
        }
        app.settle_files().await;
        owner = app.again(&owner).await;
        let file = owner.file(&id).await.unwrap();
        assert_eq!(
            (file.status(), file.url.as_str()),
            (FileStatus::Aborted, "")
        );
    }
    assert_eq!(app.blobs.held(), [""; 0]);
    let taken = app.upload(&owner, Purpose::Avatar, PNG, png()).await;
    let refused = abort(&owner, &taken.id).await.unwrap_err();
    assert_eq!(reason(&refused), "UPLOAD_NOT_FOUND");
    app.assert_sound().await;
}

#[tokio::test]
async fn what_a_purpose_does_not_allow_is_refused_before_anything_is_kept() {
    let app = TestApp::start().await;
    let (seller, rival, buyer) = (app.seller().await, app.seller().await, app.customer().await);
    let product = seller.product("Tapis", 9000, 1).await;
    let of = |product: &str, purpose, content_type, size| CreateUploadRequest {
        product_id: product.into(),
        ..wish(purpose, content_type, size)
    };
    let (image, reel) = (Purpose::ProductImage, Purpose::ReelVideo);
    let absent = "prod_01h455vb4pex5vsknk084sn02q";
    for (by, request, expected) in [
        (
            &seller.client,
            of(&product.id, image, "image/svg+xml", 9),
            "UNSUPPORTED_MEDIA",
        ),
        (
            &seller.client,
            of(&product.id, image, "video/mp4", 9),
            "UNSUPPORTED_MEDIA",
        ),
        (
            &seller.client,
            of(&product.id, image, PNG, 10_485_761),
            "FILE_TOO_LARGE",
        ),
        (
            &seller.client,
            of("", reel, "video/mp4", 104_857_601),
            "FILE_TOO_LARGE",
        ),
        (
            &seller.client,
            of("", reel, "image/png", 9),
            "UNSUPPORTED_MEDIA",
        ),
        (&seller.client, of("", image, PNG, 9), "VALIDATION_ERROR"),
        (
            &seller.client,
            of(&product.id, reel, "video/mp4", 9),
            "VALIDATION_ERROR",
        ),
        (
            &seller.client,
            of("", Purpose::Avatar, PNG, 0),
            "VALIDATION_ERROR",
        ),
        (
            &seller.client,
            of(absent, image, PNG, 9),
            "PRODUCT_NOT_FOUND",
        ),
        (&rival.client, of(&product.id, image, PNG, 9), "FORBIDDEN"),
        (&buyer, of("", reel, "video/mp4", 9), "FORBIDDEN"),
        (&buyer, of("", Purpose::ReelThumbnail, PNG, 9), "FORBIDDEN"),
    ] {
        let refused = by.announce(request.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{request:?}");
    }
    assert_eq!(app.number("SELECT count(*) FROM media").await, 0);
    assert_eq!(app.blobs.held(), [""; 0]);
}

#[tokio::test]
async fn nobody_has_more_open_uploads_and_unused_bytes_than_allowed() {
    let app = TestApp::start().await;
    let (user, other) = (app.customer().await, app.customer().await);
    let small = || wish(Purpose::Avatar, PNG, 100);
    let mut last = String::new();
    for _ in 0..20 {
        last = id_of(&user.announce(small()).await.unwrap());
    }
    let refused = user.announce(small()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    assert!(other.announce(small()).await.is_ok());
    abort(&user, &last).await.unwrap();
    assert!(user.announce(small()).await.is_ok());
    // Those whose time is over do not count.
    app.advance(Duration::from_secs(10 * 60));
    assert!(user.announce(small()).await.is_ok());
    let sql = "UPDATE media SET size = 2147483600 WHERE status = 'PENDING' AND expires_at = \
               (SELECT max(expires_at) FROM media)";
    app.execute(sql, []).await;
    let refused = user.announce(small()).await.unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    // The ticket of one that was given up is good for its bytes all the same.
    let sql = "UPDATE media SET status = 'ABORTED' WHERE size = 2147483600";
    app.execute(sql, []).await;
    let refused = user.announce(small()).await.unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    app.advance(Duration::from_secs(10 * 60));
    let user = app.again(&user).await;
    assert!(user.announce(small()).await.is_ok());
}

#[tokio::test]
async fn nobody_has_more_bytes_in_use_than_allowed() {
    let app = TestApp::start().await;
    let (user, other) = (app.customer().await, app.customer().await);
    let small = || wish(Purpose::Avatar, PNG, 100);
    app.file(&user, "REEL_VIDEO", "READY").await;
    let fill = "UPDATE media SET uses = 1, unused_since = NULL, size = 21474836400";
    app.execute(fill, []).await;
    let refused = user.announce(small()).await.unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    assert!(other.announce(small()).await.is_ok());
    let gone = "UPDATE media SET uses = 0, unused_since = 1, status = 'DELETED' WHERE size > 100";
    app.execute(gone, []).await;
    assert!(user.announce(small()).await.is_ok());
}

#[tokio::test]
async fn an_announcement_is_answered_once_for_its_key() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    for request in [
        wish(Purpose::Avatar, PNG, 100),
        wish(Purpose::ReelVideo, "video/mp4", 60 * 1024 * 1024),
    ] {
        let key = format!("k{}", request.size);
        let ask = || async {
            let mut media = seller.client.media();
            media
                .create_upload(keyed(&key, request.clone()))
                .await
                .unwrap()
        };
        let (first, again) = (ask().await, ask().await);
        assert!(is_replayed(&again));
        assert!(statements(&first) <= 8, "{}", statements(&first));
        assert_eq!(first.into_inner(), again.into_inner());
    }
    assert_eq!(app.number("SELECT count(*) FROM media").await, 2);
    // Of the upload in parts that was begun for the repeat nothing is left.
    assert_eq!(app.blobs.held().len(), 1);
}

#[tokio::test]
async fn while_the_store_is_away_nothing_is_lost() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let created = seller
        .client
        .announce(wish(Purpose::Avatar, PNG, png().len()));
    let created = created.await.unwrap();
    let id = id_of(&created);
    app.put(&created, png());
    app.blobs.fail(true);
    let refused = seller.client.complete(&id, vec![]).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    let large = wish(Purpose::ReelVideo, "video/mp4", 60 * 1024 * 1024);
    let refused = seller.client.announce(large).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(app.number("SELECT count(*) FROM media").await, 1);
    app.blobs.fail(false);
    seller.client.complete(&id, vec![]).await.unwrap();
    app.blobs.fail(true);
    app.run_jobs().await;
    let waiting = seller.client.file(&id).await.unwrap();
    assert_eq!(waiting.status(), FileStatus::Processing);
    app.blobs.fail(false);
    app.advance(Duration::from_secs(60));
    app.run_jobs().await;
    let ready = seller.client.file(&id).await.unwrap();
    assert_eq!(ready.status(), FileStatus::Ready);
}

#[tokio::test]
async fn of_a_picture_of_a_phone_nobody_learns_where_it_was_taken() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Tapis", 9000, 1).await.id;
    let (phone, shown) = (samples::phone_jpeg(60, 40), samples::turned_jpeg(60, 40));
    let purpose = Purpose::Avatar;
    let taken = app.upload(&seller.client, purpose, "image/jpeg", phone.clone());
    let taken = taken.await;
    let added = seller.client.add_image(&product, phone, "image/jpeg").await;
    let added = added.unwrap().media.unwrap();
    for (key, _, bytes) in app.blobs.published() {
        assert_eq!(bytes, shown, "{key}");
    }
    assert_eq!(app.blobs.held().len(), 2);
    app.run_jobs().await;
    for file in [taken, added] {
        let ready = seller.client.file(&file.id).await.unwrap();
        assert_eq!(ready.status(), FileStatus::Ready);
        assert_eq!(ready.size, shown.len() as i64);
        assert_eq!((ready.width, ready.height), (Some(40), Some(60)));
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn a_store_that_does_not_have_a_file_destroys_nothing() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    let taken = app.upload(&user, Purpose::Avatar, PNG, png()).await;
    let bytes = app.blobs.published().remove(0);
    // As when the settings name another bucket.
    app.blobs.delete(&taken.key).await.unwrap();
    app.run_jobs().await;
    let waiting = user.file(&taken.id).await.unwrap();
    assert_eq!(waiting.status(), FileStatus::Processing);
    let blob = NewBlob {
        key: taken.key.clone(),
        content_type: PNG.into(),
        size: bytes.2.len() as u64,
    };
    app.blobs.put(&blob, bytes.2).await.unwrap();
    app.advance(Duration::from_secs(60));
    app.run_jobs().await;
    let ready = user.file(&taken.id).await.unwrap();
    assert_eq!(ready.status(), FileStatus::Ready);
}
