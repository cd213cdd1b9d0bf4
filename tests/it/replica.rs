//! A second PostgreSQL for reads that may be a little behind. Here it holds something else
//! than the first one, so that an answer shows where it comes from. SQLite has none.

use std::time::{Duration, Instant};

use souk::pb::souk::catalog::v1::{
    GetProductRequest, ListFeaturedProductsRequest, ListProductsRequest, SearchProductsRequest,
};
use souk::pb::souk::stores::v1::{ListNearbyStoresRequest, SearchStoresRequest};

use crate::support::database::is_postgres;
use crate::support::{Client, TestApp, reason};

async fn listed(by: &Client) -> Vec<String> {
    let request = ListProductsRequest::default();
    let page = by.catalog().list_products(request).await.unwrap();
    let products = page.into_inner().products.into_iter();
    products.map(|product| product.name).collect()
}

#[tokio::test]
async fn guests_list_and_search_at_the_replica_and_nobody_else_does() {
    if !is_postgres() {
        return;
    }
    let copy = TestApp::start().await;
    let copied = copy.seller().await.product("Old lamp", 70_000, 3).await;
    let replica = copy.database_url();
    let app = TestApp::with(&[("DATABASE_REPLICA_URL", replica)]).await;
    let seller = app.seller().await;
    let product = seller.product("New lamp", 90_000, 3).await;
    app.execute("UPDATE products SET featured = TRUE", []).await;
    copy.execute("UPDATE products SET featured = TRUE", [])
        .await;
    let guest = app.guest().await;

    assert_eq!(listed(&guest).await, ["Old lamp"]);
    let search = SearchProductsRequest {
        q: "lamp".into(),
        ..Default::default()
    };
    let found = guest.catalog().search_products(search).await.unwrap();
    assert_eq!(found.into_inner().products[0].name, "Old lamp");
    copy.execute("UPDATE stores SET name = 'The copy'", [])
        .await;
    let request = SearchStoresRequest::default();
    let stores = guest.stores().search_stores(request).await.unwrap();
    assert_eq!(stores.into_inner().stores[0].name, "The copy");
    let near = ListNearbyStoresRequest {
        latitude: Some(36.79),
        longitude: Some(3.05),
        ..Default::default()
    };
    let near = guest.stores().list_nearby_stores(near).await.unwrap();
    assert_eq!(near.into_inner().stores[0].name, "The copy");

    // Whoever is signed in finds what they wrote.
    for person in [&seller.client, &app.customer().await] {
        assert_eq!(listed(person).await, ["New lamp"]);
    }
    // What is kept until an event comes is read where events are written.
    let featured = ListFeaturedProductsRequest::default();
    let featured = guest.catalog().list_featured_products(featured).await;
    assert_eq!(featured.unwrap().into_inner().products[0].name, "New lamp");
    for (id, is_there) in [(product.id, true), (copied.id, false)] {
        let read = guest.catalog().get_product(GetProductRequest { id }).await;
        assert_eq!(read.is_ok(), is_there);
        if let Err(refused) = read {
            assert_eq!(reason(&refused), "PRODUCT_NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn without_its_replica_the_first_database_answers_everybody() {
    if !is_postgres() {
        return;
    }
    let nowhere = "postgres://souk@127.0.0.1:1/nowhere";
    let app = TestApp::with(&[("DATABASE_REPLICA_URL", nowhere)]).await;
    app.seller().await.product("New lamp", 90_000, 3).await;
    let guest = app.guest().await;
    assert_eq!(listed(&guest).await, ["New lamp"]);
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(listed(&guest).await, ["New lamp"]);
    }
    // One call pays for trying it, not each.
    assert!(began.elapsed() < Duration::from_secs(5));
}
