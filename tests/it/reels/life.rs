//! A reel is made, gets its video, changes and goes.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, get, shop};
use crate::support::{Client, Seller, TestApp, reason};

async fn create(by: &Client, request: Value) -> Result<Value, tonic::Status> {
    let answer = ask(by, "CreateReel", request).await?;
    Ok(answer["reel"].clone())
}

async fn seller_with_product(app: &TestApp) -> (Seller, String) {
    let seller = app.seller().await;
    let product = seller.product("Huile d'argan", 1000, 5).await.id;
    (seller, product)
}

#[tokio::test]
async fn a_reel_with_a_measured_video_is_shown_at_once() {
    let app = TestApp::start().await;
    let (seller, product) = seller_with_product(&app).await;
    let video = app.file(&seller.client, "REEL_VIDEO", "READY").await;
    let request = json!({
        "productId": product, "caption": "  Première pression ", "videoMediaId": video,
    });
    let reel = create(&seller.client, request).await.unwrap();
    assert_eq!(reel["status"], "READY");
    assert_eq!(reel["caption"], "Première pression");
    assert_eq!(reel["duration"], 12);
    assert_eq!(
        (&reel["width"], &reel["height"]),
        (&json!(720), &json!(1280))
    );
    assert!(reel["videoUrl"].as_str().unwrap().ends_with(".mp4"));
    assert!(
        reel["thumbnailUrl"]
            .as_str()
            .unwrap()
            .ends_with("small.jpg")
    );
    assert_eq!(reel["storeId"], json!(seller.store));
    assert_eq!(reel["sellerId"], json!(seller.client.user_id));
    assert_eq!(
        (&reel["version"], &reel["hidden"]),
        (&json!(1), &json!(false))
    );
    let shown = get(&app.guest().await, &reel).await.unwrap();
    assert_eq!(shown["videoUrl"], reel["videoUrl"]);
    assert_eq!(app.uses_of(&video).await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_draft_waits_for_its_video_and_takes_one_only() {
    let app = TestApp::start().await;
    let (seller, product) = seller_with_product(&app).await;
    let (member, guest) = (&seller.client, app.guest().await);
    let draft = create(member, json!({"productId": product, "duration": 7})).await;
    let draft = draft.unwrap();
    assert_eq!(
        (&draft["status"], &draft["videoUrl"]),
        (&json!("DRAFT"), &json!(""))
    );
    assert_eq!(get(member, &draft).await.unwrap()["status"], "DRAFT");
    let refused = get(&guest, &draft).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");

    let first = app.file(member, "REEL_VIDEO", "PROCESSING").await;
    let request = json!({"id": draft["id"], "videoMediaId": first});
    let given = ask(member, "SetReelVideo", request.clone()).await.unwrap();
    assert_eq!(given["reel"]["status"], "PROCESSING");
    assert_eq!(given["reel"]["version"], 2);
    assert_eq!(reason(&get(&guest, &draft).await.unwrap_err()), "NOT_FOUND");
    let second = app.file(member, "REEL_VIDEO", "READY").await;
    let again = json!({"id": draft["id"], "videoMediaId": second});
    let refused = ask(member, "SetReelVideo", again).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_STATUS_TRANSITION");
    assert_eq!(app.uses_of(&first).await, 1);
    assert_eq!(app.uses_of(&second).await, 0);
}

#[tokio::test]
async fn files_are_ones_own_checked_and_of_the_right_purpose() {
    let app = TestApp::start().await;
    let (seller, product) = seller_with_product(&app).await;
    let (member, other) = (&seller.client, app.customer().await);
    let picture = app.file(member, "REEL_THUMBNAIL", "READY").await;
    let foreign = app.file(&other, "REEL_VIDEO", "READY").await;
    let absent = "media_01h455vb4pex5vsknk084sn02q";
    for (field, value, expected) in [
        ("videoMediaId", json!(foreign), "UPLOAD_NOT_FOUND"),
        ("videoMediaId", json!(absent), "UPLOAD_NOT_FOUND"),
        ("videoMediaId", json!(picture), "VALIDATION_ERROR"),
        (
            "videoStoragePath",
            json!("reels/none.mp4"),
            "UPLOAD_NOT_FOUND",
        ),
        (
            "videoUrl",
            json!("https://elsewhere.example/v.mp4"),
            "VALIDATION_ERROR",
        ),
        (
            "thumbnailUrl",
            json!("https://elsewhere.example/v.jpg"),
            "VALIDATION_ERROR",
        ),
        ("thumbnailMediaId", json!(foreign), "UPLOAD_NOT_FOUND"),
    ] {
        let mut request = json!({"productId": product});
        request[field] = value.clone();
        let refused = create(member, request).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{field} {value}");
        assert!(refused.message().len() > 5);
    }
    for file in [&picture, &foreign] {
        assert_eq!(app.uses_of(file).await, 0);
    }
    assert_eq!(app.number("SELECT count(*) FROM reels").await, 0);
}

#[tokio::test]
async fn a_video_is_found_by_its_key_and_by_where_it_is_read() {
    let app = TestApp::start().await;
    let (seller, product, reel) = shop(&app).await;
    let by_key = app.file(&seller.client, "REEL_VIDEO", "READY").await;
    let path = format!("reels/{by_key}.mp4");
    let request = json!({"productId": product, "videoStoragePath": path});
    let found = create(&seller.client, request).await.unwrap();
    assert_eq!(found["status"], "READY");
    let by_url = app.file(&seller.client, "REEL_VIDEO", "READY").await;
    let url = found["videoUrl"]
        .as_str()
        .unwrap()
        .replace(&by_key, &by_url);
    let request = json!({"product_id": product, "video_url": url});
    let found = create(&seller.client, request).await.unwrap();
    assert_eq!(found["videoUrl"], json!(url));
    assert_ne!(found["videoUrl"], reel["videoUrl"]);
    let request = json!({"productId": product, "videoMediaId": by_url});
    let refused = create(&seller.client, request).await.unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR", "one video, one reel");
    assert_eq!(app.uses_of(&by_url).await, 1);
}

#[tokio::test]
async fn only_members_of_the_products_store_make_reels_of_it() {
    let app = TestApp::start().await;
    let (seller, product) = seller_with_product(&app).await;
    let (other, staff) = (app.seller().await, app.customer().await);
    let request = json!({"productId": product});
    let refused = create(&other.client, request.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "FORBIDDEN");
    let hide = json!({"id": product}).to_string();
    let member = &seller.client;
    member
        .call("CatalogService/UnpublishProduct", &hide)
        .await
        .unwrap();
    let refused = create(&other.client, request.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "PRODUCT_NOT_FOUND");
    let employ = json!({"storeId": seller.store, "userId": staff.user_id, "role": "STAFF"});
    member
        .call("StoreService/AddManager", &employ.to_string())
        .await
        .unwrap();
    create(&staff, request.clone()).await.unwrap();
    member
        .call("CatalogService/DeleteProduct", &hide)
        .await
        .unwrap();
    let refused = create(member, request).await.unwrap_err();
    assert_eq!(reason(&refused), "PRODUCT_NOT_FOUND");
}

#[tokio::test]
async fn members_change_the_caption_and_the_picture() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let member = &seller.client;
    let picture = app.file(member, "REEL_THUMBNAIL", "PROCESSING").await;
    let request = json!({"id": reel["id"], "caption": " Neuf ", "thumbnailMediaId": picture});
    let changed = ask(member, "UpdateReel", request).await.unwrap();
    assert_eq!(changed["reel"]["caption"], "Neuf");
    assert_eq!(changed["reel"]["version"], 2);
    // Until the new picture is measured, the old one stands for the reel.
    assert_eq!(changed["reel"]["thumbnailUrl"], reel["thumbnailUrl"]);
    assert_eq!(app.uses_of(&picture).await, 1);
    let other = app.file(member, "REEL_THUMBNAIL", "READY").await;
    let request = json!({"id": reel["id"], "thumbnailMediaId": other});
    let changed = ask(member, "UpdateReel", request).await.unwrap();
    let url = changed["reel"]["thumbnailUrl"].as_str().unwrap();
    assert!(url.ends_with(&format!("{other}.mp4")), "{url}");
    assert_eq!(app.uses_of(&picture).await, 0);
    assert_eq!(app.uses_of(&other).await, 1);
    let nothing = json!({"id": reel["id"], "caption": "Neuf"});
    let same = ask(member, "UpdateReel", nothing).await.unwrap();
    assert_eq!(same["reel"]["version"], 3, "no change, no version");
    let stranger = app.customer().await;
    let request = json!({"id": reel["id"], "caption": "Mine"});
    let refused = ask(&stranger, "UpdateReel", request).await.unwrap_err();
    assert_eq!(reason(&refused), "FORBIDDEN");
}

#[tokio::test]
async fn a_deleted_reel_is_nowhere_and_its_files_are_free() {
    let app = TestApp::start().await;
    let (seller, product, reel) = shop(&app).await;
    let (guest, stranger, admin) = (app.guest().await, app.customer().await, app.admin().await);
    let id = json!({"id": reel["id"]});
    let refused = ask(&stranger, "DeleteReel", id.clone()).await.unwrap_err();
    assert_eq!(reason(&refused), "FORBIDDEN");
    super::comment(&stranger, &reel, "Joli").await.unwrap();
    ask(&seller.client, "DeleteReel", id.clone()).await.unwrap();
    for who in [&guest, &stranger, &seller.client, &admin] {
        assert_eq!(reason(&get(who, &reel).await.unwrap_err()), "NOT_FOUND");
        let refused = ask(who, "ListComments", id.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_FOUND");
    }
    let used = app.number("SELECT sum(uses) FROM media").await;
    assert_eq!(used, 0);
    let mine = ask(&seller.client, "ListMyReels", json!({})).await.unwrap();
    assert_eq!(mine["reels"], json!([]));
    // The video is free for another reel, and an administrator may delete anything.
    let video = reel["videoUrl"].clone();
    let again = json!({"productId": product, "videoUrl": video});
    let again = create(&seller.client, again).await.unwrap();
    ask(&admin, "DeleteReel", json!({"id": again["id"]}))
        .await
        .unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn a_seller_who_leaves_takes_the_reels_along() {
    let app = TestApp::start().await;
    let (seller, product, reel) = shop(&app).await;
    let picture = app.file(&seller.client, "REEL_THUMBNAIL", "READY").await;
    let draft = json!({"productId": product, "thumbnailMediaId": picture});
    let draft = create(&seller.client, draft).await.unwrap();
    let video = app.file(&seller.client, "REEL_VIDEO", "READY").await;
    let former = json!({"productId": product, "caption": "Avant", "videoMediaId": video});
    let former = create(&seller.client, former).await.unwrap();
    let (_, _, other) = shop(&app).await;
    let reader = app.customer().await;
    for reported in [&reel, &former] {
        let report = json!({"id": reported["id"], "reason": "OTHER", "note": "voyez"});
        ask(&reader, "ReportReel", report).await.unwrap();
    }
    let delete = json!({"id": former["id"]});
    ask(&seller.client, "DeleteReel", delete).await.unwrap();
    assert_eq!(app.number("SELECT sum(uses) FROM media").await, 3);
    let left = seller.client.call("UserService/DeleteMe", "{}").await;
    left.unwrap();
    let admin = app.admin().await;
    for gone in [&reel, &draft] {
        assert_eq!(reason(&get(&admin, gone).await.unwrap_err()), "NOT_FOUND");
    }
    get(&admin, &other).await.unwrap();
    assert_eq!(app.number("SELECT sum(uses) FROM media").await, 1);
    // What was said is gone too, of the reel that was deleted before as well.
    for left in [
        "SELECT count(*) FROM reels WHERE caption <> '' AND deleted_at IS NOT NULL",
        "SELECT count(*) FROM reel_reports WHERE content <> ''",
    ] {
        assert_eq!(app.number(left).await, 0, "{left}");
    }
    assert_eq!(other["caption"], "Première pression");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_call_makes_one_reel() {
    let app = TestApp::start().await;
    let (seller, product) = seller_with_product(&app).await;
    let wish = json!({"productId": product, "caption": "Une fois"});
    let (token, once) = (
        seller.client.token.as_deref(),
        [("idempotency-key", "one-reel")],
    );
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let answer = app
            .http(Method::POST, "/api/reels", token, &once, Some(wish.clone()))
            .await;
        assert_eq!(answer.status, 201);
        bodies.push(answer.text);
    }
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(app.number("SELECT count(*) FROM reels").await, 1);
}
