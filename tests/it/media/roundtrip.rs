//! The whole way of a file over real HTTP, in a folder and in a bucket that checks every
//! signature.

use futures_util::future::join_all;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use souk::pb::souk::media::v1::media::{Purpose, Status as FileStatus};
use souk::pb::souk::media::v1::{CreateUploadResponse, SentPart};

use super::{id_of, wish};
use crate::support::s3::FakeS3;
use crate::support::samples::{self, video};
use crate::support::{Seller, TestApp, reason};

/// Sends bytes by a ticket, as a client does who knows nothing but the answer.
async fn send(created: &CreateUploadResponse, url: &str, bytes: Vec<u8>) -> Response {
    let mut put = reqwest::Client::new().put(url).body(bytes);
    for (name, value) in &created.headers {
        put = put.header(name, value);
    }
    put.send().await.unwrap()
}

async fn read(url: &str) -> Response {
    reqwest::get(url).await.unwrap()
}

/// Brings a picture to a product's folder; its address.
async fn bring_picture(app: &TestApp, seller: &Seller) -> String {
    let picture = samples::picture(image::ImageFormat::Png, 640, 480);
    let request = wish(Purpose::Avatar, "image/png", picture.len());
    let created = seller.client.announce(request).await.unwrap();
    let sent = send(&created, &created.upload_url, picture.clone()).await;
    assert_eq!(sent.status(), StatusCode::OK);
    let taken = seller.client.complete(&id_of(&created), vec![]).await;
    let taken = taken.unwrap();
    assert_eq!(taken.status(), FileStatus::Processing);
    app.run_jobs().await;
    let ready = seller.client.file(&taken.id).await.unwrap();
    assert_eq!(ready.status(), FileStatus::Ready);
    assert_eq!(read(&ready.url).await.bytes().await.unwrap(), picture);
    let small = read(&ready.thumbnail_url).await;
    assert_eq!(small.headers()["content-type"], "image/jpeg");
    ready.url
}

/// A video of several parts becomes a reel, and is said to be there so many times at once;
/// its address.
async fn bring_reel(app: &TestApp, seller: &Seller, times: usize) -> String {
    let product = seller.product("Tapis", 9000, 5).await;
    let film = video(b"isom", 720, 1280, 51 * 1024 * 1024);
    let request = wish(Purpose::ReelVideo, "video/mp4", film.len());
    let created = seller.client.announce(request).await.unwrap();
    assert!(created.parts.len() > 3, "above 50 MB it goes in parts");
    let mut sent = Vec::new();
    for part in &created.parts {
        let (from, size) = (part.offset as usize, part.size as usize);
        let bytes = film[from..from + size].to_vec();
        let answer = send(&created, &part.url, bytes).await;
        assert_eq!(answer.status(), StatusCode::OK);
        sent.push(SentPart {
            number: part.number,
            etag: answer.headers()["etag"].to_str().unwrap().to_owned(),
        });
    }
    let id = id_of(&created);
    let complete = |_| seller.client.complete(&id, sent.clone());
    for answer in join_all((0..times).map(complete)).await {
        assert_eq!(answer.unwrap().id, id);
    }
    let reel = json!({"productId": product.id, "videoMediaId": id}).to_string();
    let made = seller.client.call("ReelService/CreateReel", &reel).await;
    let made = made.unwrap();
    assert_eq!(made["reel"]["status"], "PROCESSING");
    app.run_jobs().await;
    let asked = json!({"id": made["reel"]["id"]}).to_string();
    let read: Value = app
        .guest()
        .await
        .call("ReelService/GetReel", &asked)
        .await
        .unwrap();
    assert_eq!(read["reel"]["status"], "READY");
    assert_eq!(read["reel"]["size"], film.len().to_string());
    assert_eq!(read["reel"]["product"]["available"], 5);
    read["reel"]["videoUrl"].as_str().unwrap().to_owned()
}

/// A picture as the one file of a form, as browsers and curl send it; its address.
async fn bring_form(app: &TestApp, seller: &Seller) -> String {
    let product = seller.product("Poterie", 4000, 1).await.id;
    let picture = samples::picture(image::ImageFormat::Jpeg, 40, 30);
    let head = "--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\
                content-type: image/jpeg\r\n\r\n";
    let form = [head.as_bytes(), &picture, b"\r\n--XX--\r\n"].concat();
    let token = format!("Bearer {}", seller.client.token.as_ref().unwrap());
    let headers: [(&str, &[u8]); 2] = [
        ("content-type", b"multipart/form-data; boundary=XX"),
        ("authorization", token.as_bytes()),
    ];
    let path = format!("/api/products/{product}/images");
    let answer = app.post_raw(&path, &headers, form).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
    answer.body["image_url"].as_str().unwrap().to_owned()
}

/// What is not as it was announced comes to nothing, and nothing is left of it.
async fn bring_what_is_none(seller: &Seller) {
    let page = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let request = wish(Purpose::Avatar, "image/png", page.len());
    let created = seller.client.announce(request).await.unwrap();
    let longer = send(&created, &created.upload_url, [&page[..], b" "].concat()).await;
    assert!(longer.status().is_client_error(), "{longer:?}");
    let sent = send(&created, &created.upload_url, page.to_vec()).await;
    assert_eq!(sent.status(), StatusCode::OK);
    let id = id_of(&created);
    let refused = seller.client.complete(&id, vec![]).await.unwrap_err();
    assert_eq!(reason(&refused), "UNSUPPORTED_MEDIA");
    let file = seller.client.file(&id).await.unwrap();
    assert_eq!((file.status(), file.url.as_str()), (FileStatus::Failed, ""));
}

#[tokio::test]
async fn files_go_the_whole_way_in_a_folder() {
    let app = TestApp::on_folder(&[]).await;
    let seller = app.seller().await;
    let picture = bring_picture(&app, &seller).await;
    let film = bring_reel(&app, &seller, 2).await;
    bring_what_is_none(&seller).await;
    app.run_jobs().await;
    let part = reqwest::Client::new()
        .get(&film)
        .header("range", "bytes=4-7");
    let part = part.send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.unwrap(), "ftyp");
    assert_eq!(
        read(&picture).await.headers()["x-content-type-options"],
        "nosniff"
    );
    let shown = bring_form(&app, &seller).await;
    assert_eq!(read(&shown).await.status(), StatusCode::OK);
    app.assert_sound().await;
}

#[tokio::test]
async fn files_go_the_whole_way_in_a_bucket() {
    let (app, s3): (TestApp, FakeS3) = TestApp::on_s3().await;
    let seller = app.seller().await;
    bring_picture(&app, &seller).await;
    let film = bring_reel(&app, &seller, 1).await;
    assert_eq!(read(&film).await.status(), StatusCode::OK);
    bring_what_is_none(&seller).await;
    app.run_jobs().await;
    let left = s3.names();
    assert!(
        left.iter().all(|name| !name.starts_with("incoming/")),
        "{left:?}"
    );
    // The picture and its thumbnail, and the film.
    assert_eq!(left.len(), 3, "{left:?}");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_reel_made_while_its_video_is_measured_is_shown() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Tapis", 9000, 5).await.id;
    for _ in 0..12 {
        let film = samples::mp4(720, 1280);
        let request = wish(Purpose::ReelVideo, "video/mp4", film.len());
        let created = seller.client.announce(request).await.unwrap();
        app.put(&created, film);
        let id = id_of(&created);
        seller.client.complete(&id, vec![]).await.unwrap();
        let reel = json!({"productId": product, "videoMediaId": id}).to_string();
        let make = seller.client.call("ReelService/CreateReel", &reel);
        let (made, ()) = tokio::join!(make, app.run_jobs());
        made.unwrap();
    }
    let waiting = "SELECT count(*) FROM reels WHERE status <> 'READY'";
    assert_eq!(app.number(waiting).await, 0, "reels that nobody finishes");
    app.assert_sound().await;
}
