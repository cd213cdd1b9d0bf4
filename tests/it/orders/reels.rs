//! The reels that led buyers to what they ordered.

use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::support::clients::statements;
use crate::support::{Client, Seller, ShippingTo, TestApp, reason};

/// A request for one piece of a product that a reel led to.
fn led(product: &str, reel: &str) -> Value {
    json!({
        "items": [{"productId": product, "quantity": 1, "reelId": reel}],
        "customerName": "Amine Cherif", "customerPhone": "0551000001",
        "customerWilaya": "16", "shippingAddress": "12 Rue Didouche Mourad",
    })
}

async fn place(by: &Client, request: &Value) -> Result<Value, Status> {
    by.call("OrderService/PlaceOrder", &request.to_string())
        .await
}

async fn market(app: &TestApp) -> (Seller, String, String) {
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 50).await.id;
    let reel = app.reel(&seller, &product).await;
    (seller, product, reel)
}

#[tokio::test]
async fn an_order_remembers_the_reel_for_buyers_and_guests() {
    let app = TestApp::start().await;
    let (seller, product, reel) = market(&app).await;
    for buyer in [app.guest().await, app.customer().await] {
        let placed = place(&buyer, &led(&product, &reel)).await.unwrap();
        assert_eq!(placed["order"]["items"][0]["reelId"], json!(reel));
        let id = placed["order"]["id"].as_str().unwrap();
        let seen = seller.client.see(id, None).await.unwrap();
        assert_eq!(seen.items[0].reel_id.as_deref(), Some(&*reel));
    }
    let without = app.customer().await.order(&product, 1).await;
    assert_eq!(without.items[0].reel_id, None);
    app.assert_sound().await;
}

#[tokio::test]
async fn of_several_lines_of_one_product_the_first_reel_counts() {
    let app = TestApp::start().await;
    let (seller, product, first) = market(&app).await;
    let second = app.reel(&seller, &product).await;
    let mut request = led(&product, &first);
    let items = request["items"].as_array_mut().unwrap();
    items.insert(0, json!({"productId": product, "quantity": 1}));
    items.push(json!({"productId": product, "quantity": 1, "reelId": second}));
    let placed = place(&app.customer().await, &request).await.unwrap();
    let items = placed["order"]["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["quantity"]), (1, &json!(3)));
    assert_eq!(items[0]["reelId"], json!(first));
}

#[tokio::test]
async fn a_reel_that_was_hidden_or_deleted_since_still_counts() {
    let app = TestApp::start().await;
    let (_, product, reel) = market(&app).await;
    for change in ["hidden = TRUE", "deleted_at = 1"] {
        app.execute(&format!("UPDATE reels SET {change}"), []).await;
        let placed = place(&app.guest().await, &led(&product, &reel)).await;
        let placed = placed.unwrap();
        assert_eq!(placed["order"]["items"][0]["reelId"], json!(reel));
    }
}

#[tokio::test]
async fn what_is_no_reel_of_the_product_is_refused_by_its_field() {
    let app = TestApp::start().await;
    let (seller, product, reel) = market(&app).await;
    let other = seller.product("Rose water", 40_000, 5).await.id;
    let of_other = app.reel(&seller, &other).await;
    let draft = app.reel(&seller, &product).await;
    let id: souk::kernel::id::ReelId = draft.parse().unwrap();
    let never = "UPDATE reels SET status = 'DRAFT', published_at = NULL WHERE id = $1";
    app.execute(never, [id.uuid().into()]).await;
    let absent = "reel_01h2xcejqtf2nbrexx3vqjhp41";
    let buyer = app.customer().await;
    let before = app.rows().await;
    for wrong in [&of_other, &draft, absent, "reel_1", &product] {
        let order = led(&product, wrong).to_string();
        let line = json!({"productId": product, "quantity": 1, "reelId": wrong}).to_string();
        for (rpc, request, field) in [
            ("OrderService/PlaceOrder", &order, "items[0].reelId"),
            ("CartService/AddItem", &line, "reelId"),
        ] {
            let refused = buyer.call(rpc, request).await.unwrap_err();
            assert_eq!(
                (refused.code(), field_of(&refused).as_str()),
                (Code::InvalidArgument, field),
                "{rpc} {wrong}"
            );
        }
    }
    let quote = json!({
        "items": [{"productId": product, "quantity": 1, "reelId": of_other}],
        "customerWilaya": "16",
    });
    let refused = buyer
        .call("OrderService/QuoteOrder", &quote.to_string())
        .await;
    assert_eq!(field_of(&refused.unwrap_err()), "items[0].reelId");
    let free = json!({"items": [{"title": "Lamp", "price": 100, "quantity": 1, "reelId": reel}]});
    let refused = place(&buyer, &free).await.unwrap_err();
    assert_eq!(field_of(&refused), "items[0].reelId");
    assert_eq!(app.rows().await, before);
}

fn field_of(refused: &Status) -> String {
    assert_eq!(reason(refused), "VALIDATION_ERROR", "{refused:?}");
    let details = tonic_types::StatusExt::get_details_bad_request(refused).unwrap();
    details.field_violations[0].field.clone()
}

#[tokio::test]
async fn the_cart_keeps_the_reel_and_hands_it_to_the_order() {
    let app = TestApp::start().await;
    let (seller, product, first) = market(&app).await;
    let second = app.reel(&seller, &product).await;
    let buyer = app.customer().await;
    // Each addition with what the line then tells.
    for (named, kept) in [
        ("", None),
        (&*first, Some(&first)),
        ("", Some(&first)),
        (&*second, Some(&second)),
    ] {
        let line = json!({"productId": product, "quantity": 1, "reelId": named});
        let added = buyer.call("CartService/AddItem", &line.to_string()).await;
        let item = &added.unwrap()["item"];
        assert_eq!(item.get("reelId"), kept.map(|reel| json!(reel)).as_ref());
    }
    let cart = buyer.call("CartService/GetCart", "{}").await.unwrap();
    assert_eq!(
        cart["cart"]["groups"][0]["items"][0]["reelId"],
        json!(second)
    );
    let mut request = led(&product, &second);
    request["items"] = json!([]);
    request["storeId"] = json!(seller.store);
    let placed = place(&buyer, &request).await.unwrap();
    assert_eq!(placed["order"]["items"][0]["reelId"], json!(second));
    assert_eq!(placed["order"]["items"][0]["quantity"], json!(4));
    app.assert_sound().await;
}

#[tokio::test]
async fn only_an_order_that_names_a_reel_pays_for_looking_it_up() {
    let app = TestApp::start().await;
    let (_, product, reel) = market(&app).await;
    let buyer = app.customer().await;
    buyer.order(&product, 1).await;
    app.settle().await;
    let mut request = ShippingTo::algiers(&[(&product, 1)]);
    let plain = buyer.orders().place_order(request.clone()).await.unwrap();
    request.items[0].reel_id = Some(reel);
    let led = buyer.orders().place_order(request).await.unwrap();
    assert_eq!(statements(&led), statements(&plain) + 1);
}
