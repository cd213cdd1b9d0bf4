//! Lists of reels, and what they cost.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ask, shop};
use crate::support::{Client, TestApp, reason};

fn captions(page: &Value) -> Vec<&str> {
    let reels = page["reels"].as_array().unwrap().iter();
    reels
        .map(|reel| reel["caption"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn pages_go_newest_first_and_stay_whole_while_reels_come_and_go() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Huile d'argan", 1000, 5).await.id;
    for name in ["a", "b", "c", "d", "e", "f"] {
        app.advance(Duration::from_millis(5));
        app.reel_called(&seller, &product, name).await;
    }
    let guest = app.guest().await;
    let (mut seen, mut token) = (Vec::new(), json!(""));
    loop {
        let request = json!({"limit": 2, "pageToken": token});
        let page = ask(&guest, "ListReels", request).await.unwrap();
        seen.extend(captions(&page).into_iter().map(str::to_owned));
        app.advance(Duration::from_millis(5));
        app.reel_called(&seller, &product, "new").await;
        token = page["meta"]["nextPageToken"].clone();
        if token == "" {
            break;
        }
        // What was shown last goes away; the page after it stays the same.
        let last = json!({"id": page["reels"][1]["id"]});
        ask(&seller.client, "DeleteReel", last).await.unwrap();
    }
    assert_eq!(seen, ["f", "e", "d", "c", "b", "a"]);
    let page = ask(&guest, "ListReels", json!({"limit": 500, "page": 1})).await;
    let page = page.unwrap();
    assert_eq!(
        (&page["meta"]["limit"], &page["meta"]["total"]),
        (&json!(50), &json!(7))
    );
}

#[tokio::test]
async fn filters_hold_together_and_unknown_ids_find_nothing() {
    let app = TestApp::start().await;
    let (seller, product, _) = shop(&app).await;
    let (other, foreign, _) = shop(&app).await;
    let second = seller.product("Savon", 500, 1).await.id;
    app.reel_called(&seller, &second, "Savon").await;
    let guest = app.guest().await;
    let found = async |filter: Value| {
        let page = ask(&guest, "ListReels", filter).await.unwrap();
        page["reels"].as_array().unwrap().len()
    };
    assert_eq!(found(json!({})).await, 3);
    assert_eq!(found(json!({"storeId": seller.store})).await, 2);
    assert_eq!(
        found(json!({"storeId": seller.store, "productId": product})).await,
        1
    );
    assert_eq!(
        found(json!({"storeId": seller.store, "productId": foreign})).await,
        0
    );
    assert_eq!(found(json!({"sellerId": other.client.user_id})).await, 1);
    let absent = "store_01h455vb4pex5vsknk084sn02q";
    assert_eq!(found(json!({"storeId": absent})).await, 0);
    let token = ask(&guest, "ListReels", json!({"limit": 1})).await.unwrap();
    let token = token["meta"]["nextPageToken"].clone();
    let other_list = json!({"limit": 1, "pageToken": token, "storeId": seller.store});
    let refused = ask(&guest, "ListReels", other_list).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn members_list_what_is_not_shown_too_and_nobody_elses() {
    let app = TestApp::start().await;
    let (seller, product, reel) = shop(&app).await;
    let (other, ..) = shop(&app).await;
    let member = &seller.client;
    let draft = json!({"productId": product, "caption": "brouillon"});
    ask(member, "CreateReel", draft).await.unwrap();
    let admin = app.admin().await;
    ask(&admin, "HideReel", json!({"id": reel["id"]}))
        .await
        .unwrap();
    let mine = ask(member, "ListMyReels", json!({})).await.unwrap();
    let shown: Vec<_> = mine["reels"].as_array().unwrap().iter().collect();
    assert_eq!(shown.len(), 2);
    let drafts = ask(member, "ListMyReels", json!({"status": "DRAFT"})).await;
    assert_eq!(captions(&drafts.unwrap()), ["brouillon"]);
    let named = json!({"storeId": seller.store});
    let listed = ask(&admin, "ListMyReels", named.clone()).await.unwrap();
    assert_eq!(listed["reels"].as_array().unwrap().len(), 2);
    let refused = ask(&other.client, "ListMyReels", named).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    let theirs = ask(&other.client, "ListMyReels", json!({})).await.unwrap();
    assert_eq!(captions(&theirs), ["Première pression"]);
    let nobody = ask(&app.customer().await, "ListMyReels", json!({})).await;
    assert_eq!(nobody.unwrap()["reels"], json!([]));
}

async fn cost(by: &Client, rpc: &str, request: &Value) -> u32 {
    let (rpc, request) = (format!("ReelService/{rpc}"), request.to_string());
    by.counted(&rpc, &request).await.unwrap();
    by.counted(&rpc, &request).await.unwrap().1.unwrap()
}

#[tokio::test]
async fn a_page_costs_the_same_however_many_reels_it_has() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let (guest, buyer) = (app.guest().await, app.customer().await);
    let one = json!({"id": reel["id"]});
    for number in 0..20 {
        super::comment(&buyer, &reel, "bon").await.unwrap();
        if number % 5 == 0 {
            let product = seller.product(&format!("Savon {number}"), 500, 1).await.id;
            for _ in 0..5 {
                app.reel_called(&seller, &product, "Savon").await;
            }
        }
    }
    // The reels, their numbers, products and stock; for who is signed in the likes, for
    // members the stores; in page mode how many there are.
    assert_eq!(cost(&guest, "ListReels", &json!({})).await, 4);
    assert_eq!(cost(&guest, "ListReels", &json!({"page": 1})).await, 5);
    assert_eq!(cost(&buyer, "ListReels", &json!({})).await, 5);
    assert_eq!(cost(&seller.client, "ListMyReels", &json!({})).await, 6);
    assert_eq!(cost(&guest, "GetReel", &one).await, 4);
    assert_eq!(cost(&buyer, "GetReel", &one).await, 5);
    // The comments and their authors; what decides who sees the reel is cached.
    assert_eq!(cost(&guest, "ListComments", &one).await, 2);
}

#[tokio::test]
async fn a_comment_costs_the_same_however_many_there_are() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let buyer = app.customer().await;
    let wish = json!({"id": reel["id"], "content": "bon"});
    // The reel, the author, the comment, its count and its event.
    assert_eq!(cost(&buyer, "AddComment", &wish).await, 5);
}
