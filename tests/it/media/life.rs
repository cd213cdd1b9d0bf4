//! What becomes of files: deleted by their owner, or by themselves when nothing uses them.

use std::time::Duration;

use image::ImageFormat;
use reqwest::Method;
use souk::pb::souk::media::v1::DeleteObjectRequest;
use souk::pb::souk::media::v1::media::{Purpose, Status as FileStatus};
use tonic::{Code, Status};

use super::{id_of, wish};
use crate::support::samples;
use crate::support::{Client, TestApp, reason};

fn png() -> Vec<u8> {
    samples::picture(ImageFormat::Png, 40, 30)
}

async fn delete(by: &Client, key: &str) -> Result<(), Status> {
    let request = DeleteObjectRequest { key: key.into() };
    by.media().delete_object(request).await.map(drop)
}

#[tokio::test]
async fn an_owner_deletes_a_file_by_its_id_and_by_its_key() {
    let app = TestApp::start().await;
    let (owner, stranger, admin) = (
        app.customer().await,
        app.customer().await,
        app.admin().await,
    );
    for (by, by_key) in [(&owner, false), (&owner, true), (&admin, true)] {
        let file = app
            .upload(&owner, Purpose::Avatar, "image/png", png())
            .await;
        app.run_jobs().await;
        let word = if by_key { &file.key } else { &file.id };
        let hidden = delete(&stranger, word).await.unwrap_err();
        assert_eq!(reason(&hidden), "NOT_FOUND");
        delete(by, word).await.unwrap();
        let gone = delete(by, word).await.unwrap_err();
        assert_eq!(reason(&gone), "NOT_FOUND");
        app.run_jobs().await;
        assert_eq!(app.blobs.held(), [""; 0]);
        let file = owner.file(&file.id).await.unwrap();
        assert_eq!(
            (file.status(), file.url.as_str()),
            (FileStatus::Deleted, "")
        );
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn a_key_stands_in_a_path_with_its_slashes_written_out() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    let token = owner.token.as_deref();
    for path in ["/api/storage/files", "/api/media"] {
        let file = app
            .upload(&owner, Purpose::Avatar, "image/png", png())
            .await;
        let read = app.get(&format!("/api/media/{}", file.id), token).await;
        assert_eq!(read.body["media"]["url"], file.url);
        let path = format!("{path}/{}", file.key.replace('/', "%2F"));
        let answer = app.http(Method::DELETE, &path, token, &[], None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = app.http(Method::DELETE, &path, token, &[], None).await;
        assert_eq!(answer.status, 404, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_file_that_a_product_shows_is_not_deleted() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Tapis", 9000, 1).await;
    let added = seller
        .client
        .add_image(&product.id, png(), "image/png")
        .await;
    let file = added.unwrap().media.unwrap();
    let refused = delete(&seller.client, &file.id).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Aborted, "CONFLICT")
    );
    app.run_jobs().await;
    assert_eq!(app.blobs.held().len(), 2);
    app.assert_sound().await;
}

#[tokio::test]
async fn what_nothing_uses_goes_after_a_day_and_not_before() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    let file = app
        .upload(&owner, Purpose::Avatar, "image/png", png())
        .await;
    app.run_jobs().await;
    app.advance(Duration::from_secs(23 * 60 * 60 + 50 * 60));
    app.run_jobs().await;
    let owner = app.again(&owner).await;
    assert_eq!(
        owner.file(&file.id).await.unwrap().status(),
        FileStatus::Ready
    );
    app.advance(Duration::from_secs(20 * 60));
    let owner = app.again(&owner).await;
    // The store is away while the file ends: it is erased when the store is back.
    app.blobs.fail(true);
    app.run_jobs().await;
    app.run_jobs().await;
    assert_eq!(
        owner.file(&file.id).await.unwrap().status(),
        FileStatus::Deleted
    );
    assert_eq!(app.blobs.held().len(), 2);
    app.blobs.fail(false);
    app.advance(Duration::from_secs(60));
    app.run_jobs().await;
    assert_eq!(app.blobs.held(), [""; 0]);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_file_that_is_deleted_while_it_is_measured_leaves_nothing() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    let file = app
        .upload(&owner, Purpose::Avatar, "image/png", png())
        .await;
    delete(&owner, &file.id).await.unwrap();
    app.settle_files().await;
    assert_eq!(app.blobs.held(), [""; 0]);
    let owner = app.again(&owner).await;
    assert_eq!(
        owner.file(&file.id).await.unwrap().status(),
        FileStatus::Deleted
    );
    let told = "SELECT count(*) FROM events WHERE kind LIKE 'media.%'";
    assert_eq!(app.number(told).await, 0);
}

#[tokio::test]
async fn what_becomes_of_a_file_is_told_once() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    let file = app
        .upload(&owner, Purpose::Avatar, "image/png", png())
        .await;
    let refused = owner.announce(wish(Purpose::Avatar, "image/gif", png().len()));
    let refused = refused.await.unwrap();
    let bytes = bytes::Bytes::from(png());
    app.blobs
        .smuggle(&refused.media.as_ref().unwrap().key, bytes);
    owner.complete(&id_of(&refused), vec![]).await.unwrap_err();
    app.run_jobs().await;
    // A job that runs again finds nothing to do.
    let again = "UPDATE jobs SET state = 'PENDING', attempts = 0, finished_at = NULL \
                 WHERE kind = 'media.process'";
    app.execute(again, []).await;
    app.run_jobs().await;
    for kind in ["media.ready", "media.failed"] {
        let told = format!("SELECT count(*) FROM events WHERE kind = '{kind}'");
        assert_eq!(app.number(&told).await, 1, "{kind}");
    }
    assert_eq!(
        owner.file(&file.id).await.unwrap().status(),
        FileStatus::Ready
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn a_picture_that_fails_while_a_product_shows_it_can_be_taken_off() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Tapis", 9000, 1).await;
    let broken = samples::broken_png();
    let added = seller
        .client
        .add_image(&product.id, broken, "image/png")
        .await;
    let added = added.unwrap();
    app.settle_files().await;
    let file = added.media.unwrap();
    let client = app.again(&seller.client).await;
    let failed = client.file(&file.id).await.unwrap();
    assert_eq!(failed.status(), FileStatus::Failed);
    assert_eq!(app.blobs.held(), [""; 0]);
    app.assert_sound().await;
    let remove = serde_json::json!({"id": product.id, "imageId": added.image_id});
    let remove = remove.to_string();
    let removed = client.call("CatalogService/RemoveProductImage", &remove);
    removed.await.unwrap();
    app.advance(Duration::from_secs(25 * 60 * 60));
    app.run_jobs().await;
    let client = app.again(&client).await;
    let gone = client.file(&file.id).await.unwrap();
    assert_eq!(
        (gone.status(), gone.failure.as_str()),
        (FileStatus::Deleted, "")
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn a_use_that_is_counted_wrong_is_found() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Tapis", 9000, 1).await;
    let added = seller
        .client
        .add_image(&product.id, png(), "image/png")
        .await;
    added.unwrap();
    app.assert_sound().await;
    for sql in [
        "UPDATE media SET uses = 2",
        "UPDATE media SET uses = 0, unused_since = 0",
        "UPDATE products SET images = '[]'; UPDATE media SET uses = 1, unused_since = NULL",
    ] {
        for statement in sql.split("; ") {
            app.execute(statement, []).await;
        }
        let report = souk::check::run(&app.db, &app.blobs).await.unwrap();
        let found = report.breaches.iter().any(|it| it.name == "media-uses");
        assert!(found, "{sql}: {report}");
    }
}
