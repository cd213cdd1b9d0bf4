//! Holding pieces for a while.

use std::time::Duration;

use serde_json::{Value, json};
use tonic_types::StatusExt;

use super::{only_stock, seller_of, set};
use crate::support::{Client, TestApp, reason};

async fn reserve(admin: &Client, stock: &Value, quantity: i32) -> Result<Value, tonic::Status> {
    let line = json!({
        "storeId": stock["storeId"], "productId": stock["productId"], "quantity": quantity,
    });
    let request = json!({"lines": [line], "ttlMinutes": 10}).to_string();
    let answer = admin.call("InventoryService/Reserve", &request).await?;
    Ok(answer["reservations"][0].clone())
}

async fn end(admin: &Client, rpc: &str, held: &Value) -> Result<Value, tonic::Status> {
    let request = json!({"id": held["id"]}).to_string();
    let answer = admin
        .call(&format!("InventoryService/{rpc}"), &request)
        .await?;
    Ok(answer["reservation"]["status"].clone())
}

#[tokio::test]
async fn a_reservation_ends_once() {
    let app = TestApp::start().await;
    let ((seller, stock), admin) = (seller_of(&app, 3).await, app.admin().await);
    let used = reserve(&admin, &stock, 2).await.unwrap();
    let released = reserve(&admin, &stock, 1).await.unwrap();
    let short = reserve(&admin, &stock, 1).await.unwrap_err();
    assert_eq!(reason(&short), "OUT_OF_STOCK");
    let details = short.get_details_bad_request().unwrap();
    assert_eq!(details.field_violations[0].field, "lines[0].quantity");
    let refused = set(&seller.client, &stock, json!({"onHand": 2}))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "CONFLICT");

    assert_eq!(end(&admin, "Commit", &used).await.unwrap(), "USED");
    assert_eq!(end(&admin, "Commit", &used).await.unwrap(), "USED");
    let refused = end(&admin, "Release", &used).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_STATUS_TRANSITION");
    assert_eq!(end(&admin, "Release", &released).await.unwrap(), "RELEASED");
    assert_eq!(end(&admin, "Release", &released).await.unwrap(), "RELEASED");
    let refused = end(&admin, "Commit", &released).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_STATUS_TRANSITION");
    let left = only_stock(&seller.client).await;
    assert_eq!((&left["onHand"], &left["reserved"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn what_is_not_used_in_time_goes_back_on_sale_by_itself() {
    let app = TestApp::start().await;
    let ((seller, stock), admin) = (seller_of(&app, 1).await, app.admin().await);
    app.run_jobs().await;
    let held = reserve(&admin, &stock, 1).await.unwrap();
    assert_eq!(only_stock(&seller.client).await["inStock"], false);
    app.advance(Duration::from_secs(10 * 60));
    let refused = end(&admin, "Commit", &held).await.unwrap_err();
    assert_eq!(reason(&refused), "RESERVATION_EXPIRED");
    app.run_jobs().await;
    assert_eq!(only_stock(&seller.client).await["inStock"], true);
    let listed = seller
        .client
        .call("InventoryService/ListReservations", "{}")
        .await
        .unwrap();
    assert_eq!(listed["reservations"][0]["status"], "EXPIRED");
    app.advance(Duration::from_secs(8 * 24 * 60 * 60));
    app.run_jobs().await;
    assert_eq!(app.number("SELECT count(*) FROM reservations").await, 0);
}

#[tokio::test]
async fn reservations_are_the_administrators() {
    let app = TestApp::start().await;
    let (seller, stock) = seller_of(&app, 1).await;
    let refused = reserve(&seller.client, &stock, 1).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}
