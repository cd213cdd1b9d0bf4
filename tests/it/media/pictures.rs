//! Pictures of people, stores and categories: a file of ours is kept as long as one of them
//! shows it.

use image::ImageFormat;
use serde_json::{Value, json};
use souk::pb::souk::media::v1::Media;
use souk::pb::souk::media::v1::media::Purpose;
use tonic::Status;

use crate::support::samples;
use crate::support::{Client, TestApp, reason};

async fn picture(app: &TestApp, of: &Client) -> Media {
    let png = samples::picture(ImageFormat::Png, 40, 30);
    app.upload(of, Purpose::Avatar, "image/png", png).await
}

async fn ask(by: &Client, rpc: &str, message: Value) -> Result<Value, Status> {
    by.call(rpc, &message.to_string()).await
}

impl TestApp {
    fn holds(&self, file: &Media) -> bool {
        self.blobs.held().contains(&file.key)
    }
}

#[tokio::test]
async fn a_picture_of_a_person_stays_until_there_is_another_one() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    let (first, second) = (picture(&app, &owner).await, picture(&app, &owner).await);
    let show = async |by: &Client, url: &str| {
        let change = json!({"avatarUrl": url});
        ask(by, "UserService/UpdateMe", change).await.unwrap()
    };
    show(&owner, &first.url).await;
    // The same once more is no second use.
    show(&owner, &first.url).await;
    app.a_day_later().await;
    assert!(app.holds(&first) && !app.holds(&second));

    let owner = app.again(&owner).await;
    let third = picture(&app, &owner).await;
    show(&owner, &third.url).await;
    app.a_day_later().await;
    assert!(!app.holds(&first) && app.holds(&third));
    let owner = app.again(&owner).await;
    ask(&owner, "UserService/DeleteMe", json!({}))
        .await
        .unwrap();
    app.a_day_later().await;
    assert_eq!(app.blobs.held(), [""; 0]);
}

#[tokio::test]
async fn a_picture_of_a_store_stays_until_the_store_is_closed() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let (client, store) = (&seller.client, seller.store.clone());
    let file = picture(&app, client).await;
    let change = json!({"id": store, "imageUrl": file.url});
    ask(client, "StoreService/UpdateStore", change)
        .await
        .unwrap();
    app.a_day_later().await;
    assert!(app.holds(&file));
    let client = app.again(client).await;
    let close = json!({"id": store});
    ask(&client, "StoreService/DeleteStore", close)
        .await
        .unwrap();
    app.a_day_later().await;
    assert_eq!(app.blobs.held(), [""; 0]);
}

#[tokio::test]
async fn a_picture_of_a_category_stays_until_it_is_deleted() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let file = picture(&app, &admin).await;
    let new = json!({"name": "Tapis", "imageUrl": file.url});
    let made = ask(&admin, "CatalogService/CreateCategory", new).await;
    let id = made.unwrap()["category"]["id"].clone();
    app.a_day_later().await;
    assert!(app.holds(&file));
    let admin = app.again(&admin).await;
    let gone = ask(&admin, "CatalogService/DeleteCategory", json!({"id": id}));
    gone.await.unwrap();
    app.a_day_later().await;
    assert_eq!(app.blobs.held(), [""; 0]);
}

#[tokio::test]
async fn an_administrator_changes_the_picture_of_somebody() {
    let app = TestApp::start().await;
    let (admin, owner) = (app.admin().await, app.customer().await);
    let file = picture(&app, &admin).await;
    let change = json!({"id": owner.user_id, "avatarUrl": file.url});
    ask(&admin, "UserService/UpdateUser", change).await.unwrap();
    app.a_day_later().await;
    assert!(app.holds(&file));
}

#[tokio::test]
async fn nobody_shows_a_file_of_somebody_else() {
    let app = TestApp::start().await;
    let (seller, rival) = (app.seller().await, app.seller().await);
    let file = picture(&app, &seller.client).await;
    for (rpc, field, mut change) in [
        ("UserService/UpdateMe", "avatarUrl", json!({})),
        (
            "StoreService/UpdateStore",
            "imageUrl",
            json!({"id": rival.store}),
        ),
    ] {
        for url in [&file.url, "https://files.example/uploads/none.png"] {
            change[field] = json!(url);
            let refused = ask(&rival.client, rpc, change.clone()).await.unwrap_err();
            assert_eq!(reason(&refused), "UPLOAD_NOT_FOUND", "{rpc} {url}");
        }
        // Addresses of others are anybody's, whatever stands in them.
        change[field] = json!(format!("https://cdn.example/{}", file.key));
        ask(&rival.client, rpc, change).await.unwrap();
    }
    let product = seller.product("Tapis", 9000, 1).await.id;
    let image = format!("https://cdn.example/x?{}", file.key);
    let change = json!({"id": product, "images": [image]});
    let shown = ask(&seller.client, "CatalogService/UpdateProduct", change);
    shown.await.unwrap();
    app.assert_sound().await;
}
