//! Carts.

use serde_json::json;
use souk::pb::souk::cart::v1::cart_item::Problem;
use souk::pb::souk::cart::v1::{
    AddItemRequest, AddItemResponse, Cart, ClearCartRequest, GetCartCountRequest, GetCartRequest,
    GetCartSummaryRequest, RemoveItemRequest, UpdateItemRequest, ValidateCartRequest,
};
use souk::pb::souk::catalog::v1::{DeleteProductRequest, UpdateProductRequest};

use crate::support::clients::statements;
use crate::support::{Client, TestApp, keyed, reason};

async fn add(by: &Client, product: &str, quantity: i32) -> Result<AddItemResponse, tonic::Status> {
    let request = AddItemRequest {
        product_id: product.into(),
        quantity,
        ..Default::default()
    };
    Ok(by.cart().add_item(request).await?.into_inner())
}

async fn cart(by: &Client) -> Cart {
    let answer = by.cart().get_cart(GetCartRequest::default()).await.unwrap();
    answer.into_inner().cart.unwrap()
}

#[tokio::test]
async fn adding_again_sums_up_to_what_is_there() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Argan oil", 90_000, 5).await;
    let buyer = app.customer().await;
    assert_eq!(cart(&buyer).await.updated_at, None);
    let first = add(&buyer, &product.id, 2).await.unwrap().item.unwrap();
    let second = add(&buyer, &product.id, 2).await.unwrap().item.unwrap();
    assert_eq!((first.id, second.quantity), (second.id.clone(), 4));
    assert_eq!(second.subtotal, 360_000);
    let refused = add(&buyer, &product.id, 2).await.unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
    assert_eq!(
        tonic_types::StatusExt::get_details_error_info(&refused)
            .unwrap()
            .metadata["maximum"],
        "5"
    );
    let seen = cart(&buyer).await;
    assert_eq!((seen.item_count, seen.quantity), (1, 4));
    assert_eq!(
        (seen.subtotal, seen.currency.as_str()),
        (Some(360_000), "DZD")
    );
    // A cart holds nothing back.
    assert_eq!(app.on_hand().await, 5);
}

#[tokio::test]
async fn the_same_key_adds_once() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Argan oil", 90_000, 50).await;
    let buyer = app.customer().await;
    let request = AddItemRequest {
        product_id: product.id,
        quantity: 3,
        ..Default::default()
    };
    for _ in 0..3 {
        buyer
            .cart()
            .add_item(keyed("add-1", request.clone()))
            .await
            .unwrap();
    }
    assert_eq!(cart(&buyer).await.quantity, 3);
}

#[tokio::test]
async fn a_line_belongs_to_its_owner() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 5).await;
    let (buyer, stranger) = (app.customer().await, app.customer().await);
    let line = add(&buyer, &product.id, 2).await.unwrap().item.unwrap().id;
    let update = |quantity| UpdateItemRequest {
        id: line.clone(),
        quantity,
    };
    let remove = || RemoveItemRequest { id: line.clone() };
    let before = app.rows().await;
    for refused in [
        stranger
            .cart()
            .update_item(update(1))
            .await
            .map(drop)
            .unwrap_err(),
        stranger
            .cart()
            .remove_item(remove())
            .await
            .map(drop)
            .unwrap_err(),
    ] {
        assert_eq!(reason(&refused), "NOT_FOUND");
    }
    let none = buyer.cart().update_item(update(0)).await.unwrap_err();
    assert_eq!(reason(&none), "VALIDATION_ERROR");
    let own = add(&seller.client, &product.id, 1).await.unwrap_err();
    assert_eq!(reason(&own), "OWN_PRODUCT");
    assert_eq!(app.rows().await, before);
    let changed = buyer
        .cart()
        .update_item(update(5))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(changed.item.unwrap().quantity, 5);
    let emptied = buyer
        .cart()
        .remove_item(remove())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(emptied.cart.unwrap().item_count, 0);
}

#[tokio::test]
async fn what_changed_since_is_told_and_what_blocks_is_named() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let dearer = seller.product("Argan oil", 90_000, 5).await;
    let scarce = seller.product("Rose water", 40_000, 5).await;
    let gone = seller.product("Copper lamp", 70_000, 5).await;
    let (buyer, other) = (app.customer().await, app.customer().await);
    for product in [&dearer, &scarce, &gone] {
        app.advance(std::time::Duration::from_millis(1));
        add(&buyer, &product.id, 3).await.unwrap();
    }
    let price = UpdateProductRequest {
        id: dearer.id.clone(),
        price: Some(95_000),
        ..Default::default()
    };
    seller.client.catalog().update_product(price).await.unwrap();
    other.order(&scarce.id, 4).await;
    let delete = DeleteProductRequest {
        id: gone.id.clone(),
    };
    seller
        .client
        .catalog()
        .delete_product(delete)
        .await
        .unwrap();
    let seen = buyer
        .cart()
        .validate_cart(ValidateCartRequest::default())
        .await
        .unwrap();
    let seen = seen.into_inner();
    assert!(!seen.valid);
    let told: Vec<_> = seen
        .problems
        .iter()
        .map(|problem| {
            (
                problem.product_id.as_str(),
                problem.problem(),
                problem.blocking,
            )
        })
        .collect();
    let expected = [
        (dearer.id.as_str(), Problem::PriceChanged, false),
        (scarce.id.as_str(), Problem::InsufficientStock, true),
        (gone.id.as_str(), Problem::Unavailable, true),
    ];
    assert_eq!(told, expected);
    let cart = seen.cart.unwrap();
    assert!(cart.has_problems);
    assert_eq!(cart.subtotal, Some(3 * 95_000));
    let names: Vec<_> = cart.groups[0]
        .items
        .iter()
        .map(|item| item.name.as_str())
        .collect();
    assert_eq!(names, ["Argan oil", "Rose water", "Copper lamp"]);
    assert_eq!(cart.groups[0].items[1].available, 1);
}

#[tokio::test]
async fn a_store_filters_the_view_and_what_is_cleared() {
    let app = TestApp::start().await;
    let (here, there) = (app.seller().await, app.seller().await);
    let oil = here.product("Argan oil", 90_000, 5).await;
    let lamp = there.product("Copper lamp", 70_000, 5).await;
    let buyer = app.customer().await;
    add(&buyer, &oil.id, 2).await.unwrap();
    app.advance(std::time::Duration::from_secs(1));
    add(&buyer, &lamp.id, 1).await.unwrap();
    let summary = buyer
        .cart()
        .get_cart_summary(GetCartSummaryRequest::default())
        .await
        .unwrap();
    let groups = summary.into_inner().groups;
    let sums: Vec<_> = groups
        .iter()
        .map(|one| (one.store_id.as_str(), one.subtotal))
        .collect();
    assert_eq!(
        sums,
        [
            (here.store.as_str(), 180_000),
            (there.store.as_str(), 70_000)
        ]
    );
    let of_here = GetCartRequest {
        store_id: here.store.clone(),
    };
    let view = buyer
        .cart()
        .get_cart(of_here)
        .await
        .unwrap()
        .into_inner()
        .cart
        .unwrap();
    assert_eq!((view.item_count, view.subtotal), (1, Some(180_000)));
    let clear = ClearCartRequest {
        store_id: here.store.clone(),
    };
    buyer.cart().clear_cart(clear).await.unwrap();
    let count = buyer
        .cart()
        .get_cart_count(GetCartCountRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!((count.count, count.quantity), (1, 1));
}

#[tokio::test]
async fn the_same_cart_comes_over_json() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Argan oil", 90_000, 5).await;
    let buyer = app.customer().await;
    let token = buyer.token.as_deref();
    let body = json!({"productId": product.id, "quantity": 2});
    let added = app.post("/api/cart/items", token, body).await;
    assert_eq!(added.status, 201, "{}", added.text);
    assert_eq!(added.body["item"]["unitPrice"], "90000");
    let read = app.get("/api/cart", token).await;
    assert_eq!(read.body["cart"], added.body["cart"]);
    assert_eq!(read.body["cart"]["groups"][0]["items"][0]["quantity"], 2);
    let many = json!({"productId": product.id, "quantity": 4});
    let refused = app.post("/api/cart/items", token, many).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (400, &json!("VALIDATION_ERROR"))
    );
    assert_eq!(refused.body["errors"][0]["field"], "quantity");
}

#[tokio::test]
async fn reading_a_cart_takes_three_statements() {
    let app = TestApp::start().await;
    let (here, there) = (app.seller().await, app.seller().await);
    let oil = here.product("Argan oil", 90_000, 5).await;
    let lamp = there.product("Copper lamp", 70_000, 5).await;
    let buyer = app.customer().await;
    add(&buyer, &oil.id, 2).await.unwrap();
    add(&buyer, &lamp.id, 1).await.unwrap();
    app.settle().await;
    cart(&buyer).await;
    let request = GetCartRequest::default();
    let answer = buyer.cart().get_cart(request).await.unwrap();
    assert!(statements(&answer) <= 3);
}
