//! Pictures of products: brought in one call, shown by address, and kept as long as a
//! product shows them.

use std::time::Duration;

use image::ImageFormat;
use serde_json::{Value, json};
use souk::pb::souk::catalog::v1::{
    DeleteProductRequest, GetProductRequest, Product, RemoveProductImageRequest,
    UpdateProductRequest,
};
use souk::pb::souk::media::v1::UploadProductImageRequest;
use souk::pb::souk::media::v1::media::{Purpose, Status as FileStatus};
use tonic::Code;

use super::{DAY, wish};
use crate::support::clients::{is_replayed, statements};
use crate::support::samples;
use crate::support::{Client, Seller, TestApp, keyed, reason};

fn png() -> Vec<u8> {
    samples::picture(ImageFormat::Png, 40, 30)
}

async fn shown(by: &Client, product: &str) -> Vec<String> {
    let request = GetProductRequest { id: product.into() };
    let found = by.catalog().get_product(request).await.unwrap();
    let images = found.into_inner().product.unwrap().images;
    images.into_iter().map(|image| image.url).collect()
}

async fn show(by: &Client, product: &str, images: &[&str]) -> Result<Product, tonic::Status> {
    let request = UpdateProductRequest {
        id: product.into(),
        images: images.iter().map(|url| (*url).to_owned()).collect(),
        ..Default::default()
    };
    let updated = by.catalog().update_product(request).await?;
    Ok(updated.into_inner().product.unwrap())
}

async fn uses(app: &TestApp) -> i64 {
    app.number("SELECT CAST(sum(uses) AS BIGINT) FROM media")
        .await
}

async fn with_image(app: &TestApp) -> (Seller, String, String) {
    let seller = app.seller().await;
    let product = seller.product("Tapis", 9000, 1).await.id;
    let added = seller.client.add_image(&product, png(), "image/png").await;
    (seller, product, added.unwrap().image_url)
}

#[tokio::test]
async fn a_picture_is_shown_by_its_product_at_once_and_stays() {
    let app = TestApp::start().await;
    let (seller, product, url) = with_image(&app).await;
    assert_eq!(shown(&app.guest().await, &product).await, [url.as_str()]);
    let file = &app.blobs.published()[0];
    assert!(url.ends_with(&file.0));
    assert_eq!((file.1.as_str(), &file.2[..]), ("image/png", &png()[..]));
    app.a_day_later().await;
    app.a_day_later().await;
    assert_eq!(app.blobs.held().len(), 2, "the picture and its small one");
    // The second one stands after the first.
    let jpeg = samples::picture(ImageFormat::Jpeg, 40, 30);
    let client = app.again(&seller.client).await;
    let second = client.add_image(&product, jpeg, "").await.unwrap();
    assert_eq!(second.media.unwrap().content_type, "image/jpeg");
    assert_eq!(shown(&client, &product).await, [url, second.image_url]);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_picture_comes_as_the_one_file_of_a_form() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Tapis", 9000, 1).await.id;
    let head = "--XX\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"Été.png\"\r\n\
                Content-Type: image/png\r\n\r\n";
    let form = [head.as_bytes(), &png(), b"\r\n--XX--\r\n"].concat();
    let kind = "multipart/form-data; boundary=XX";
    let added = seller
        .client
        .add_image(&product, form.clone(), kind)
        .await
        .unwrap();
    assert!(added.media.unwrap().key.ends_with("-ete.png"));
    let token = format!("Bearer {}", seller.client.token.as_ref().unwrap());
    let headers: [(&str, &[u8]); 2] = [
        ("content-type", kind.as_bytes()),
        ("authorization", token.as_bytes()),
    ];
    for path in ["products", "storage/products"] {
        let path = format!("/api/{path}/{product}/images");
        let answer = app.post_raw(&path, &headers, form.clone()).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let url = answer.body["image_url"].as_str().unwrap();
        assert!(
            shown(&seller.client, &product)
                .await
                .contains(&url.to_owned())
        );
    }
    let two = [&form[..form.len() - 4], b"\r\n", &form].concat();
    let refused = seller
        .client
        .add_image(&product, two, kind)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
    let head = head.replace("Été.png", "../../etc/été.png");
    let form = [head.as_bytes(), &png(), b"\r\n--XX--\r\n"].concat();
    let refused = seller.client.add_image(&product, form, kind).await;
    assert_eq!(reason(&refused.unwrap_err()), "VALIDATION_ERROR");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_repeat_with_the_same_key_adds_one_picture_and_leaves_no_other() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let request = UploadProductImageRequest {
        product_id: seller.product("Tapis", 9000, 1).await.id,
        file: png(),
        content_type: "image/png".into(),
    };
    let ask = || async {
        let mut media = seller.client.media();
        media
            .upload_product_image(keyed("k1", request.clone()))
            .await
            .unwrap()
    };
    let (first, again) = (ask().await, ask().await);
    assert!(!is_replayed(&first) && is_replayed(&again));
    assert!(statements(&first) <= 20, "{}", statements(&first));
    let (first, again) = (first.into_inner(), again.into_inner());
    assert_eq!(first, again);
    let twins = tokio::join!(ask(), ask());
    assert_eq!(twins.0.into_inner(), twins.1.into_inner());
    assert_eq!(
        shown(&seller.client, &request.product_id).await,
        [first.image_url]
    );
    app.settle_files().await;
    assert_eq!(app.blobs.held().len(), 2);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_picture_that_its_product_cannot_take_is_cleaned_up() {
    let app = TestApp::start().await;
    let (seller, product, _) = with_image(&app).await;
    let many: Vec<String> = (0..20)
        .map(|n| format!("https://cdn.example/{n}.jpg"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    show(&seller.client, &product, &many).await.unwrap();
    let refused = seller.client.add_image(&product, png(), "image/png").await;
    assert_eq!(reason(&refused.unwrap_err()), "VALIDATION_ERROR");
    app.blobs.fail(true);
    let away = seller.client.add_image(&product, png(), "image/png").await;
    assert_eq!(away.unwrap_err().code(), Code::Unavailable);
    app.blobs.fail(false);
    assert_eq!(shown(&seller.client, &product).await.len(), 20);
    app.a_day_later().await;
    assert_eq!(app.blobs.held(), [""; 0]);
}

#[tokio::test]
async fn a_picture_goes_a_day_after_its_product_stops_showing_it() {
    let app = TestApp::start().await;
    for how in ["remove", "update", "delete"] {
        let (seller, product, url) = with_image(&app).await;
        assert_eq!(uses(&app).await, 1);
        let mut catalog = seller.client.catalog();
        match how {
            "remove" => {
                let request = GetProductRequest {
                    id: product.clone(),
                };
                let found = catalog.get_product(request).await.unwrap().into_inner();
                let request = RemoveProductImageRequest {
                    id: product.clone(),
                    image_id: found.product.unwrap().images[0].id.clone(),
                };
                catalog.remove_product_image(request).await.unwrap();
            }
            "update" => {
                let other = ["https://cdn.example/1.jpg"];
                show(&seller.client, &product, &other).await.unwrap();
            }
            _ => {
                let request = DeleteProductRequest {
                    id: product.clone(),
                };
                catalog.delete_product(request).await.unwrap();
            }
        }
        assert_eq!(uses(&app).await, 0, "{how}");
        app.run_jobs().await;
        app.advance(DAY - Duration::from_secs(60));
        app.run_jobs().await;
        let is_held = || {
            app.blobs
                .held()
                .iter()
                .any(|key| url.ends_with(key.as_str()))
        };
        assert!(is_held(), "{how}");
        app.advance(Duration::from_secs(11 * 60));
        app.run_jobs().await;
        app.run_jobs().await;
        assert!(!is_held(), "{how}");
        app.assert_sound().await;
    }
    assert_eq!(app.blobs.held(), [""; 0]);
}

#[tokio::test]
async fn an_address_of_ours_is_a_use_and_one_of_others_is_none() {
    let app = TestApp::start().await;
    let (seller, product, url) = with_image(&app).await;
    let other = seller.product("Savon", 500, 1).await.id;
    let away = "https://cdn.example/1.jpg";
    let updated = show(&seller.client, &other, &[away, &url]).await;
    assert_eq!(updated.unwrap().images.len(), 2);
    assert_eq!(uses(&app).await, 2);
    show(&seller.client, &product, &[away]).await.unwrap();
    assert_eq!(uses(&app).await, 1);
    // A change that leaves the pictures as they are asks for nothing.
    show(&seller.client, &other, &[&url, away]).await.unwrap();
    app.a_day_later().await;
    assert_eq!(uses(&app).await, 1);
    let made = json!({
        "storeId": seller.store, "name": "Tapis", "price": 1, "images": [url],
    });
    let client = app.again(&seller.client).await;
    let made = made.to_string();
    let made = client.call("CatalogService/CreateProduct", &made).await;
    assert_eq!(
        made.unwrap()["product"]["images"][0]["url"],
        Value::from(url)
    );
    assert_eq!(uses(&app).await, 2);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_product_shows_no_file_that_is_not_its_sellers() {
    let app = TestApp::start().await;
    let (_, _, url) = with_image(&app).await;
    let (rival, product, own) = with_image(&app).await;
    let video = app.upload(
        &rival.client,
        Purpose::ReelVideo,
        "video/mp4",
        samples::mp4(8, 8),
    );
    let video = video.await;
    let pending = wish(Purpose::Avatar, "image/png", 10);
    let pending = rival.client.announce(pending).await.unwrap().media.unwrap();
    let pending = format!("https://files.example/{}", pending.key);
    let nothing = "https://files.example/products/none.png";
    for hidden in [&url, &video.url, &pending, nothing] {
        let refused = show(&rival.client, &product, &[&own, hidden]).await;
        let refused = refused.unwrap_err();
        assert_eq!(reason(&refused), "UPLOAD_NOT_FOUND", "{hidden}");
    }
    assert_eq!(shown(&rival.client, &product).await, [own]);
    // A picture of the caller's own is one, whatever it was brought for.
    let face = app
        .upload(&rival.client, Purpose::Avatar, "image/png", png())
        .await;
    show(&rival.client, &product, &[&face.url]).await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn a_member_of_the_store_brings_pictures_and_nobody_else() {
    let app = TestApp::start().await;
    let (seller, rival, guest) = (app.seller().await, app.seller().await, app.guest().await);
    let product = seller.product("Tapis", 9000, 1).await.id;
    let refused = rival.client.add_image(&product, png(), "image/png").await;
    assert_eq!(reason(&refused.unwrap_err()), "FORBIDDEN");
    let refused = guest.add_image(&product, png(), "image/png").await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
    let admin = app.admin().await;
    let added = admin.add_image(&product, png(), "image/png").await.unwrap();
    app.run_jobs().await;
    let file = admin.file(&added.media.unwrap().id).await.unwrap();
    assert_eq!(file.status(), FileStatus::Ready);
    assert_eq!(app.blobs.held().len(), 2);
    app.assert_sound().await;
}
