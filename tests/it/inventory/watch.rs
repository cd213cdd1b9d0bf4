//! The stream of a store's stock.

use std::time::Duration;

use serde_json::json;
use souk::pb::souk::inventory::v1::watch_inventory_response::Type;
use souk::pb::souk::inventory::v1::{WatchInventoryRequest, WatchInventoryResponse};
use tonic::Streaming;

use super::{adjust, seller_of, set};
use crate::support::{Client, TestApp, reason};

async fn watch(
    client: &Client,
    store: &str,
    token: Option<String>,
) -> Result<Streaming<WatchInventoryResponse>, tonic::Status> {
    let request = WatchInventoryRequest {
        store_id: store.to_owned(),
        resume_token: token,
    };
    let answer = client.inventory().watch_inventory(request).await?;
    Ok(answer.into_inner())
}

async fn next(stream: &mut Streaming<WatchInventoryResponse>) -> WatchInventoryResponse {
    let message = tokio::time::timeout(Duration::from_secs(10), stream.message()).await;
    message.expect("a change is told soon").unwrap().unwrap()
}

#[tokio::test]
async fn a_watcher_sees_the_stock_then_every_change_and_resumes_after_any() {
    let app = TestApp::start().await;
    let (seller, stock) = seller_of(&app, 5).await;
    let mut stream = watch(&seller.client, &seller.store, None).await.unwrap();
    let snapshot = next(&mut stream).await;
    assert_eq!(snapshot.r#type(), Type::Snapshot);
    assert_eq!((snapshot.stocks.len(), snapshot.stocks[0].on_hand), (1, 5));
    assert!(!snapshot.truncated);

    set(&seller.client, &stock, json!({"reorderLevel": 3}))
        .await
        .unwrap();
    let changed = next(&mut stream).await;
    assert_eq!(changed.r#type(), Type::Changed);
    adjust(&seller.client, &stock, -2, "LOSS").await.unwrap();
    let low = next(&mut stream).await;
    assert_eq!(low.r#type(), Type::LowStock);
    let stock_now = low.stock.unwrap();
    assert_eq!((stock_now.on_hand, stock_now.version), (3, 3));
    drop(stream);

    adjust(&seller.client, &stock, -1, "LOSS").await.unwrap();
    let mut resumed = watch(&seller.client, &seller.store, Some(changed.resume_token))
        .await
        .unwrap();
    let versions = [next(&mut resumed).await, next(&mut resumed).await];
    let versions = versions.map(|message| message.stock.unwrap().version);
    assert_eq!(versions, [3, 4]);

    let (other, _) = seller_of(&app, 1).await;
    let refused = watch(&other.client, &other.store, Some(low.resume_token)).await;
    assert_eq!(reason(&refused.unwrap_err()), "RESUME_TOKEN_INVALID");
}

#[tokio::test]
async fn who_no_longer_works_for_the_store_sees_its_stock_no_longer() {
    let app = TestApp::start().await;
    let (seller, stock) = seller_of(&app, 5).await;
    let member = app.customer().await;
    seller.hire(&member).await;
    let mut stream = watch(&member, &seller.store, None).await.unwrap();
    assert_eq!(next(&mut stream).await.r#type(), Type::Snapshot);
    seller.dismiss(&member).await;
    adjust(&seller.client, &stock, -1, "LOSS").await.unwrap();
    assert_eq!(reason(&stream.message().await.unwrap_err()), "FORBIDDEN");
}
