//! Lists of products and brands.

use std::time::Duration;

use serde_json::{Value, json};
use souk::pb::souk::catalog::v1::ListProductsRequest;

use super::names;
use crate::support::clients::statements;
use crate::support::{Client, Seller, TestApp, reason};

/// Five products, a moment apart.
async fn shelf(app: &TestApp) -> Seller {
    let seller = app.seller().await;
    for (name, price, stock) in [
        ("Dattes", 300, 5),
        ("Café", 700, 0),
        ("Épices", 300, 2),
        ("amandes", 900, 1),
        ("Beurre", 500, 0),
    ] {
        seller.product(name, price, stock).await;
        app.advance(Duration::from_millis(5));
    }
    seller
}

async fn list(client: &Client, request: Value) -> Value {
    let answer = client
        .call("CatalogService/ListProducts", &request.to_string())
        .await;
    answer.unwrap()
}

#[tokio::test]
async fn every_order_pages_through_everything_once() {
    let app = TestApp::start().await;
    shelf(&app).await;
    let guest = app.guest().await;
    for (sort, expected) in [
        ("NEWEST", ["Beurre", "amandes", "Épices", "Café", "Dattes"]),
        (
            "PRICE_ASC",
            ["Dattes", "Épices", "Beurre", "Café", "amandes"],
        ),
        (
            "PRICE_DESC",
            ["amandes", "Café", "Beurre", "Épices", "Dattes"],
        ),
        ("NAME", ["amandes", "Beurre", "Café", "Dattes", "Épices"]),
    ] {
        let mut seen = Vec::new();
        let mut token = json!("");
        loop {
            let page = list(
                &guest,
                json!({"sort": sort, "limit": 2, "pageToken": token}),
            )
            .await;
            seen.extend(names(&page).into_iter().map(str::to_owned));
            token = page["meta"]["nextPageToken"].clone();
            if token == "" {
                break;
            }
        }
        assert_eq!(seen, expected, "{sort}");
    }
}

#[tokio::test]
async fn filters_hold_together_and_page_mode_counts() {
    let app = TestApp::start().await;
    let seller = shelf(&app).await;
    let guest = app.guest().await;
    for (filter, expected) in [
        (
            json!({"inStock": true}),
            vec!["amandes", "Épices", "Dattes"],
        ),
        (json!({"inStock": false}), vec!["Beurre", "Café"]),
        (
            json!({"minPrice": 300, "maxPrice": 500, "inStock": true}),
            vec!["Épices", "Dattes"],
        ),
        (
            json!({"storeId": seller.store, "minPrice": 900}),
            vec!["amandes"],
        ),
        (
            json!({"sellerId": seller.client.user_id, "maxPrice": 299}),
            vec![],
        ),
    ] {
        assert_eq!(
            names(&list(&guest, filter.clone()).await),
            expected,
            "{filter}"
        );
    }
    let page = list(&guest, json!({"limit": 2, "page": 2})).await;
    assert_eq!(names(&page), ["Épices", "Café"]);
    assert_eq!(
        (&page["meta"]["total"], &page["meta"]["totalPages"]),
        (&json!(5), &json!(3))
    );
    let token = list(&guest, json!({"limit": 2})).await["meta"]["nextPageToken"].clone();
    let other = json!({"limit": 2, "sort": "NAME", "pageToken": token}).to_string();
    let refused = guest
        .call("CatalogService/ListProducts", &other)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn a_list_costs_one_statement() {
    let app = TestApp::start().await;
    shelf(&app).await;
    let guest = app.guest().await;
    let request = ListProductsRequest::default();
    guest
        .catalog()
        .list_products(request.clone())
        .await
        .unwrap();
    let warm = guest.catalog().list_products(request).await.unwrap();
    assert_eq!(statements(&warm), 1);
}

#[tokio::test]
async fn members_list_drafts_too_and_nobody_elses() {
    let app = TestApp::start().await;
    let (seller, other) = (shelf(&app).await, app.seller().await);
    let draft = json!({"storeId": seller.store, "name": "Tapis", "price": 1, "draft": true});
    seller
        .client
        .call("CatalogService/CreateProduct", &draft.to_string())
        .await
        .unwrap();
    let mine = seller
        .client
        .call("CatalogService/ListMyProducts", "{}")
        .await
        .unwrap();
    assert_eq!(names(&mine).len(), 6);
    let drafts = r#"{"status": "DRAFT"}"#;
    let drafts = seller
        .client
        .call("CatalogService/ListMyProducts", drafts)
        .await
        .unwrap();
    assert_eq!(names(&drafts), ["Tapis"]);
    let theirs = other
        .client
        .call("CatalogService/ListMyProducts", "{}")
        .await
        .unwrap();
    assert!(names(&theirs).is_empty());
    let foreign = json!({"storeId": seller.store}).to_string();
    let refused = other
        .client
        .call("CatalogService/ListMyProducts", &foreign)
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "NOT_FOUND");
}

#[tokio::test]
async fn brands_are_counted_whatever_their_spelling() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    for (name, brand) in [
        ("Café", "Éclat"),
        ("Thé", "eclat"),
        ("Dattes", "Baraka"),
        ("Sel", ""),
    ] {
        let request = json!({"storeId": seller.store, "name": name, "price": 1, "brand": brand});
        seller
            .client
            .call("CatalogService/CreateProduct", &request.to_string())
            .await
            .unwrap();
        app.advance(Duration::from_millis(5));
    }
    let guest = app.guest().await;
    let brands = guest.call("CatalogService/ListBrands", "{}").await.unwrap();
    let brands = brands["brands"].as_array().unwrap();
    let counts: Vec<_> = brands
        .iter()
        .map(|brand| brand["productCount"].clone())
        .collect();
    assert_eq!(counts, [1, 2]);
    let found = guest
        .call("CatalogService/ListBrands", r#"{"search": "ÉC"}"#)
        .await
        .unwrap();
    assert_eq!(found["brands"][0]["productCount"], 2);
    let found = list(&guest, json!({"brand": "ECLAT"})).await;
    assert_eq!(names(&found), ["Thé", "Café"]);
}

#[tokio::test]
async fn the_selection_follows_every_change_at_once() {
    let app = TestApp::start().await;
    let (seller, admin, guest) = (shelf(&app).await, app.admin().await, app.guest().await);
    let product = seller.product("Tapis", 100, 1).await;
    let featured = async || {
        let answer = guest
            .call("CatalogService/ListFeaturedProducts", "{}")
            .await
            .unwrap();
        answer["products"].as_array().unwrap().clone()
    };
    assert!(featured().await.is_empty());
    let request = json!({"id": product.id, "featured": true}).to_string();
    let refused = seller
        .client
        .call("CatalogService/SetProductFeatured", &request)
        .await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::PermissionDenied);
    admin
        .call("CatalogService/SetProductFeatured", &request)
        .await
        .unwrap();
    assert_eq!(featured().await[0]["name"], "Tapis");
    let request = json!({"id": product.id, "name": "Grand tapis", "stock": 0}).to_string();
    seller
        .client
        .call("CatalogService/UpdateProduct", &request)
        .await
        .unwrap();
    let shown = featured().await;
    assert_eq!(
        (&shown[0]["name"], &shown[0]["inStock"]),
        (&json!("Grand tapis"), &json!(false))
    );
    let request = json!({"id": product.id}).to_string();
    seller
        .client
        .call("CatalogService/DeleteProduct", &request)
        .await
        .unwrap();
    assert!(featured().await.is_empty());
}
