//! Several at once: one outcome, and nothing left behind by the others.

use std::time::Duration;

use image::ImageFormat;
use souk::clients::blob::Blobs;
use souk::pb::souk::catalog::v1::UpdateProductRequest;
use souk::pb::souk::media::v1::media::{Purpose, Status as FileStatus};
use souk::pb::souk::media::v1::{AbortUploadRequest, DeleteObjectRequest};

use super::{id_of, wish};
use crate::support::samples;
use crate::support::{TestApp, reason};

const ROUNDS: usize = 8;

fn png() -> Vec<u8> {
    samples::picture(ImageFormat::Png, 40, 30)
}

#[tokio::test]
async fn completing_twice_at_once_takes_a_file_in_once() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    for _ in 0..ROUNDS {
        let created = user.announce(wish(Purpose::Avatar, "image/png", png().len()));
        let created = created.await.unwrap();
        app.put(&created, png());
        let id = id_of(&created);
        let calls = (0..4).map(|_| user.complete(&id, vec![]));
        let answers = futures_util::future::join_all(calls).await;
        for answer in &answers {
            assert_eq!(answer.as_ref().unwrap(), answers[0].as_ref().unwrap());
        }
        let delete = DeleteObjectRequest { key: id };
        user.media().delete_object(delete).await.unwrap();
    }
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'media.process'";
    assert_eq!(app.number(jobs).await, ROUNDS as i64);
    app.settle_files().await;
    assert_eq!(app.blobs.held(), [""; 0]);
    app.assert_sound().await;
}

#[tokio::test]
async fn completing_against_giving_up_has_one_winner_and_leaves_nothing() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    let mut kept = Vec::new();
    for _ in 0..ROUNDS {
        let created = user.announce(wish(Purpose::Avatar, "image/png", png().len()));
        let created = created.await.unwrap();
        app.put(&created, png());
        let id = id_of(&created);
        let mut media = user.media();
        let abort = media.abort_upload(AbortUploadRequest { id: id.clone() });
        let (completed, aborted, ()) =
            tokio::join!(user.complete(&id, vec![]), abort, app.run_jobs());
        let file = user.file(&id).await.unwrap();
        match file.status() {
            FileStatus::Aborted => {
                assert!(aborted.is_ok());
                assert_eq!(reason(&completed.unwrap_err()), "UPLOAD_NOT_FOUND");
            }
            _ => {
                assert!(completed.is_ok());
                assert_eq!(reason(&aborted.unwrap_err()), "UPLOAD_NOT_FOUND");
                kept.push(file.key);
            }
        }
    }
    app.settle_files().await;
    let held = app.blobs.held();
    assert!(kept.iter().all(|key| held.contains(key)));
    assert_eq!(held.len(), kept.len() * 2, "{held:?}");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_call_that_stopped_halfway_is_taken_up_by_the_next_one() {
    let app = TestApp::start().await;
    let user = app.customer().await;
    let created = user.announce(wish(Purpose::Avatar, "image/png", png().len()));
    let created = created.await.unwrap();
    app.put(&created, png());
    let key = &created.media.as_ref().unwrap().key;
    let arrival = app.blobs.arrived(key).await.unwrap().unwrap();
    app.blobs.publish(&arrival, "image/png").await.unwrap();
    let file = user.complete(&id_of(&created), vec![]).await.unwrap();
    assert_eq!(file.status(), FileStatus::Processing);
    // One that never goes on is swept.
    let other = user.announce(wish(Purpose::Avatar, "image/png", png().len()));
    let other = other.await.unwrap();
    app.put(&other, png());
    let key = &other.media.as_ref().unwrap().key;
    let arrival = app.blobs.arrived(key).await.unwrap().unwrap();
    app.blobs.publish(&arrival, "image/png").await.unwrap();
    app.settle_files().await;
    assert!(!app.blobs.held().contains(key));
    app.assert_sound().await;
}

#[tokio::test]
async fn a_product_that_takes_a_file_as_it_is_swept_shows_it_or_is_told() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Tapis", 9000, 1).await.id;
    let mut taken = 0;
    for _ in 0..ROUNDS {
        let client = app.again(&seller.client).await;
        let file = app
            .upload(&client, Purpose::Avatar, "image/png", png())
            .await;
        app.run_jobs().await;
        app.advance(Duration::from_secs(25 * 60 * 60));
        let client = app.again(&client).await;
        let request = UpdateProductRequest {
            id: product.clone(),
            images: vec![file.url.clone()],
            ..Default::default()
        };
        let mut catalog = client.catalog();
        let (shown, ()) = tokio::join!(catalog.update_product(request), app.run_jobs());
        let file = client.file(&file.id).await.unwrap();
        match shown {
            Ok(_) => {
                taken += 1;
                assert_eq!(file.status(), FileStatus::Ready);
            }
            Err(refused) => {
                assert_eq!(reason(&refused), "UPLOAD_NOT_FOUND");
                assert_eq!(file.status(), FileStatus::Deleted);
            }
        }
        app.assert_sound().await;
    }
    app.advance(Duration::from_secs(25 * 60 * 60));
    app.settle_files().await;
    // The last one that was taken is shown, and no other is left.
    assert_eq!(app.blobs.held().len(), 2 * usize::from(taken > 0));
}
