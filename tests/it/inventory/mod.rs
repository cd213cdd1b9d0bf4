//! Stock, movements, reservations and the stream of a store's stock.

mod reservations;
mod stock;
mod watch;

use serde_json::{Value, json};

use crate::support::{Client, Seller, TestApp};

/// The only stock record of a seller with one product.
async fn only_stock(client: &Client) -> Value {
    let answer = client
        .call("InventoryService/ListStock", "{}")
        .await
        .unwrap();
    answer["stock"][0].clone()
}

/// A seller with one product of which there are so many pieces, and its record.
async fn seller_of(app: &TestApp, pieces: i32) -> (Seller, Value) {
    let seller = app.seller().await;
    seller.product("Huile d'argan", 1000, pieces).await;
    let stock = only_stock(&seller.client).await;
    (seller, stock)
}

async fn set(client: &Client, stock: &Value, mut change: Value) -> Result<Value, tonic::Status> {
    change["id"] = stock["id"].clone();
    let answer = client
        .call("InventoryService/SetStock", &change.to_string())
        .await?;
    Ok(answer["stock"].clone())
}

async fn adjust(
    client: &Client,
    stock: &Value,
    delta: i32,
    reason: &str,
) -> Result<Value, tonic::Status> {
    let request = json!({"id": stock["id"], "delta": delta, "reason": reason, "note": "counted"});
    let answer = client
        .call("InventoryService/AdjustStock", &request.to_string())
        .await?;
    Ok(answer["stock"].clone())
}
