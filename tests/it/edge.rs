//! The JSON edge: documented examples to the letter, and the same answers and refusals
//! as over gRPC.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{ShippingTo, TestApp, reason};

/// The answer without its ids and tokens.
fn masked(mut body: Value, paths: &[&str]) -> Value {
    for path in paths {
        let value = body
            .pointer_mut(path)
            .unwrap_or_else(|| panic!("{path} is missing"));
        assert!(value.is_string() && value != "", "{path} is {value}");
        *value = json!("…");
    }
    body
}

#[tokio::test]
async fn the_documented_sign_in_is_answered_to_the_letter() {
    let app = TestApp::start().await;

    let sent = app
        .post("/otp/send", None, json!({"phone": "9876543210"}))
        .await;
    assert_eq!(sent.status, StatusCode::OK);
    assert_eq!(
        sent.text,
        r#"{"success":true,"message":"OTP sent successfully","ttl":120}"#
    );

    let verify = json!({"phone": "9876543210", "otp": "123456", "role": "CUSTOMER"});
    let verified = app.post("/otp/verify", None, verify).await;
    assert_eq!(verified.status, StatusCode::OK);
    let token = verified.body["accessToken"].as_str().unwrap().to_owned();
    let masked_answer = masked(
        verified.body,
        &["/accessToken", "/refreshToken", "/user/id"],
    );
    assert_eq!(
        masked_answer,
        json!({
            "success": true, "accessToken": "…", "refreshToken": "…", "expires_in": 900,
            "user": {"id": "…", "phone": "9876543210", "name": null, "role": "CUSTOMER"},
        })
    );

    let me = app.get("/user/me", Some(&token)).await;
    assert_eq!(
        masked(me.body, &["/user/id"]),
        json!({"success": true, "user": {"id": "…", "phone": "9876543210", "name": null, "role": "CUSTOMER"}})
    );

    let store = json!({
        "name": "My Store", "description": "Best products", "phone": "9876543210",
        "address": {
            "street": "123 Main St", "city": "Mumbai", "state": "MH", "postalCode": "400001",
            "country": "India", "latitude": 19.0760, "longitude": 72.8777,
        },
    });
    let store = app.post("/store", Some(&token), store).await;
    assert!(store.status.is_success(), "{:?}", store.body);
    assert_eq!(
        masked(
            store.body,
            &["/store/id", "/store/ownerId", "/store/addressId"]
        ),
        json!({"success": true, "store": {
            "id": "…", "name": "My Store", "description": "Best products", "phone": "9876543210",
            "ownerId": "…", "addressId": "…",
        }})
    );
}

#[tokio::test]
async fn a_refusal_names_every_field_at_fault() {
    let app = TestApp::start().await;
    let owner = app.customer().await;
    let body = json!({"storeId": "x", "name": "ab", "price": -1});
    let refused = app
        .post("/api/products", owner.token.as_deref(), body)
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.body["success"], false);
    assert_eq!(refused.body["code"], "VALIDATION_ERROR");
    let fields: Vec<_> = refused.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(fields, ["name", "price"]);
    assert_eq!(
        refused.body["requestId"],
        refused.headers["x-request-id"].to_str().unwrap()
    );
}

#[tokio::test]
async fn json_that_is_not_the_contract_is_refused_with_the_field() {
    let app = TestApp::start().await;
    let cases = [
        (json!({"phone": "0551234567", "colour": "red"}), "colour"),
        (json!({"phone": 5}), "phone"),
    ];
    for (body, field) in cases {
        let refused = app.post("/otp/send", None, body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{field}");
        assert_eq!(
            refused.body["errors"][0]["field"], field,
            "{}",
            refused.body
        );
    }
    let verify = json!({"phone": "0551234567", "otp": "123456", "role": "KING"});
    let refused = app.post("/otp/verify", None, verify).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let message = refused.body["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("CUSTOMER") && message.contains("DELIVERY_PARTNER"),
        "{message}"
    );
}

#[tokio::test]
async fn enum_words_are_taken_in_any_case_and_by_their_aliases() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Couscous fin", 18_000, 5).await;
    let order = app.customer().await.order(&product.id, 1).await;
    let path = format!("/api/seller/orders/{}/status", order.id);
    let token = seller.client.token.as_deref();
    for (word, status) in [
        ("accepted", "CONFIRMED"),
        ("preparing", "PROCESSING"),
        ("Ready_For_Pickup", "READY"),
    ] {
        let moved = app
            .http(
                Method::PATCH,
                &path,
                token,
                &[],
                Some(json!({"status": word})),
            )
            .await;
        assert_eq!(moved.status, StatusCode::OK, "{:?}", moved.body);
        assert_eq!(moved.body["order"]["status"], status);
    }
}

#[tokio::test]
async fn json_and_grpc_share_one_idempotency_key_space() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Couscous fin", 18_000, 5).await;
    let buyer = app.customer().await;
    let body = json!({
        "items": [{"productId": product.id, "quantity": 1}],
        "customerName": "Amine Cherif", "customerPhone": "0551000001", "customerWilaya": "16",
        "shippingAddress": "12 Rue Didouche Mourad",
    });
    let key = [("idempotency-key", "checkout-1")];
    let token = buyer.token.as_deref();
    let first = app
        .http(Method::POST, "/api/orders", token, &key, Some(body.clone()))
        .await;
    assert_eq!(first.status, StatusCode::CREATED, "{:?}", first.body);
    let second = app
        .http(Method::POST, "/orders", token, &key, Some(body))
        .await;
    assert_eq!(second.body, first.body);
    assert_eq!(second.headers["idempotency-replayed"], "true");

    let request = crate::support::keyed("checkout-1", ShippingTo::algiers(&[(&product.id, 1)]));
    let third = buyer.orders().place_order(request).await.unwrap();
    assert_eq!(
        third.get_ref().order.as_ref().unwrap().id,
        first.body["order"]["id"].as_str().unwrap()
    );

    let other = crate::support::keyed("checkout-1", ShippingTo::algiers(&[(&product.id, 2)]));
    let refused = buyer.orders().place_order(other).await.unwrap_err();
    assert_eq!(reason(&refused), "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(app.number("SELECT count(*) FROM orders").await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn the_same_refusal_has_the_same_reason_over_both() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Couscous fin", 18_000, 1).await;
    let buyer = app.customer().await;
    let request = ShippingTo::algiers(&[(&product.id, 2)]);
    let over_grpc = buyer.orders().place_order(request).await.unwrap_err();
    assert_eq!(over_grpc.code(), tonic::Code::FailedPrecondition);
    let body = json!({
        "items": [{"productId": product.id, "quantity": 2}],
        "customerName": "Amine Cherif", "customerPhone": "0551000001", "customerWilaya": "16",
        "shippingAddress": "12 Rue Didouche Mourad",
    });
    let over_json = app.post("/api/orders", buyer.token.as_deref(), body).await;
    assert_eq!(over_json.status, StatusCode::CONFLICT);
    assert_eq!(over_json.body["code"], "OUT_OF_STOCK");
    assert_eq!(over_json.body["code"], reason(&over_grpc));
    assert_eq!(over_json.body["errors"][0]["field"], "items[0].quantity");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_in_the_envelope() {
    let app = TestApp::start().await;
    let missing = app.get("/api/nothing", None).await;
    assert_eq!(
        (missing.status, &missing.body["success"]),
        (StatusCode::NOT_FOUND, &json!(false))
    );
    let wrong = app.http(Method::DELETE, "/otp/send", None, &[], None).await;
    assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong.headers["allow"], "POST");
}

#[tokio::test]
async fn the_description_and_its_page_work_offline() {
    let app = TestApp::start().await;
    let openapi = app.get("/openapi.json", None).await;
    assert_eq!(openapi.body["openapi"], "3.1.0");
    for path in ["/otp/send", "/api/orders", "/api/stream/orders/{id}"] {
        assert!(
            openapi.body["paths"].get(path).is_some(),
            "{path} is not described"
        );
    }
    let page = app.get("/api/docs", None).await;
    assert_eq!(page.status, StatusCode::OK);
    let html = page.body.as_str().unwrap();
    assert!(
        !html.contains("https://"),
        "the page loads something from elsewhere"
    );
}
