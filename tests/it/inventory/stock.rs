//! What members see and change of their stock, and what buyers learn of it.

use serde_json::{Value, json};

use super::{adjust, only_stock, seller_of, set};
use crate::support::{Client, TestApp, reason};

async fn movements(client: &Client, stock: &Value) -> Vec<(i64, i64, String)> {
    let request = json!({"id": stock["id"]}).to_string();
    let answer = client
        .call("InventoryService/ListStockMovements", &request)
        .await
        .unwrap();
    let movements = answer["movements"].as_array().unwrap().iter();
    movements
        .map(|movement| {
            let number = |field: &str| movement[field].as_i64().unwrap();
            (
                number("delta"),
                number("onHand"),
                movement["reason"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[tokio::test]
async fn every_change_of_the_pieces_leaves_a_movement() {
    let app = TestApp::start().await;
    let (seller, stock) = seller_of(&app, 10).await;
    assert_eq!(
        (&stock["onHand"], &stock["version"]),
        (&json!(10), &json!(1))
    );
    app.advance(std::time::Duration::from_millis(5));
    adjust(&seller.client, &stock, 5, "RESTOCK").await.unwrap();
    app.advance(std::time::Duration::from_millis(5));
    adjust(&seller.client, &stock, -2, "DAMAGE").await.unwrap();
    app.advance(std::time::Duration::from_millis(5));
    let set_to = set(
        &seller.client,
        &stock,
        json!({"onHand": 7, "reorderLevel": 8}),
    )
    .await;
    assert_eq!(set_to.unwrap()["version"], 4);
    let told = movements(&seller.client, &stock).await;
    let told: Vec<_> = told
        .iter()
        .map(|(delta, left, why)| (*delta, *left, why.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (-6, 7, "SET"),
            (-2, 13, "DAMAGE"),
            (5, 15, "RESTOCK"),
            (10, 10, "INITIAL"),
        ]
    );
    let refused = adjust(&seller.client, &stock, -8, "LOSS")
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "OUT_OF_STOCK");
    let refused = adjust(&seller.client, &stock, 1_000_000_000, "RESTOCK")
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
    let refused = adjust(&seller.client, &stock, 1, "SALE").await.unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
    assert_eq!(only_stock(&seller.client).await["onHand"], 7);
}

#[tokio::test]
async fn low_stock_is_listed_with_the_fewest_pieces_first() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    for (name, pieces) in [("Dattes", 5), ("Café", 0), ("Sel", 2), ("Thé", 9)] {
        seller.product(name, 1, pieces).await;
    }
    let all = seller
        .client
        .call("InventoryService/ListStock", "{}")
        .await
        .unwrap();
    let all = all["stock"].as_array().unwrap();
    let name = |stock: &Value| stock["productName"].as_str().unwrap().to_owned();
    assert_eq!(
        all.iter().map(name).collect::<Vec<_>>(),
        ["Café", "Dattes", "Sel", "Thé"]
    );
    for stock in all {
        set(&seller.client, stock, json!({"reorderLevel": 5}))
            .await
            .unwrap();
    }
    let mut seen = Vec::new();
    let mut token = json!("");
    loop {
        let request = json!({"limit": 2, "pageToken": token}).to_string();
        let page = seller
            .client
            .call("InventoryService/ListLowStock", &request)
            .await
            .unwrap();
        seen.extend(page["stock"].as_array().unwrap().iter().map(name));
        token = page["meta"]["nextPageToken"].clone();
        if token == "" {
            break;
        }
    }
    assert_eq!(seen, ["Café", "Sel", "Dattes"]);
}

#[tokio::test]
async fn stock_of_another_store_does_not_exist() {
    let app = TestApp::start().await;
    let ((seller, stock), other) = (seller_of(&app, 1).await, app.seller().await);
    let by_id = json!({"id": stock["id"]}).to_string();
    for rpc in ["GetStock", "SetStock", "ListStockMovements"] {
        let rpc = format!("InventoryService/{rpc}");
        let refused = other.client.call(&rpc, &by_id).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_FOUND", "{rpc}");
    }
    let refused = adjust(&other.client, &stock, 1, "RESTOCK")
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    let by_store = json!({"storeId": seller.store}).to_string();
    for rpc in [
        "ListStock",
        "ListLowStock",
        "ListReservations",
        "WatchInventory",
    ] {
        let rpc = format!("InventoryService/{rpc}");
        let refused = other.client.call(&rpc, &by_store).await.unwrap_err();
        assert_eq!(reason(&refused), "NOT_FOUND", "{rpc}");
    }
    let own = json!({"storeId": other.store, "productId": stock["productId"], "onHand": 5});
    let refused = other
        .client
        .call("InventoryService/SetStock", &own.to_string())
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "NOT_FOUND");
}

#[tokio::test]
async fn buyers_see_the_price_and_presence_that_the_stock_gives() {
    let app = TestApp::start().await;
    let ((seller, stock), guest) = (seller_of(&app, 2).await, app.guest().await);
    let product = json!({"id": stock["productId"]}).to_string();
    let shown = async || {
        let answer = guest
            .call("CatalogService/GetProduct", &product)
            .await
            .unwrap();
        (
            answer["product"]["price"].clone(),
            answer["product"]["inStock"].clone(),
        )
    };
    let available = async |quantity: i32| {
        let request = json!({"productId": stock["productId"], "quantity": quantity}).to_string();
        let answer = guest
            .call("InventoryService/GetAvailability", &request)
            .await
            .unwrap();
        (answer["inStock"].clone(), answer["available"].clone())
    };
    assert_eq!(shown().await, (json!("1000"), json!(true)));
    assert_eq!(available(2).await, (json!(true), json!(true)));
    assert_eq!(available(3).await, (json!(true), json!(false)));
    set(&seller.client, &stock, json!({"priceOverride": 800}))
        .await
        .unwrap();
    assert_eq!(shown().await, (json!("800"), json!(true)));
    set(
        &seller.client,
        &stock,
        json!({"clearPriceOverride": true, "enabled": false}),
    )
    .await
    .unwrap();
    assert_eq!(shown().await, (json!("1000"), json!(false)));
    assert_eq!(available(0).await, (json!(false), json!(false)));
    set(&seller.client, &stock, json!({"enabled": true}))
        .await
        .unwrap();
    adjust(&seller.client, &stock, -2, "LOSS").await.unwrap();
    assert_eq!(shown().await, (json!("1000"), json!(false)));
}

#[tokio::test]
async fn stock_follows_the_name_of_its_product_and_goes_with_it() {
    let app = TestApp::start().await;
    let (seller, stock) = seller_of(&app, 2).await;
    let rename = json!({"id": stock["productId"], "name": "Huile d'olive", "sku": "HO"});
    seller
        .client
        .call("CatalogService/UpdateProduct", &rename.to_string())
        .await
        .unwrap();
    let renamed = only_stock(&seller.client).await;
    assert_eq!(
        (&renamed["productName"], &renamed["sku"]),
        (&json!("Huile d'olive"), &json!("HO"))
    );
    let delete = json!({"id": stock["productId"]}).to_string();
    seller
        .client
        .call("CatalogService/DeleteProduct", &delete)
        .await
        .unwrap();
    assert_eq!(only_stock(&seller.client).await, Value::Null);
}
