//! How many streams may be open, on both wires, and that places come back.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use souk::pb::souk::orders::v1::{
    WatchMyOrdersRequest, WatchMyOrdersResponse, WatchOrderRequest, WatchOrderResponse,
};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::support::{Client, ShippingTo, TestApp, reason};

const MINE: &str = "/api/stream/orders";

async fn watch_mine(by: &Client) -> Result<Streaming<WatchMyOrdersResponse>, Status> {
    let request = WatchMyOrdersRequest::default();
    Ok(by.orders().watch_my_orders(request).await?.into_inner())
}

async fn sse(app: &TestApp, by: &Client) -> reqwest::Response {
    app.ask(Method::GET, MINE, by.token.as_deref(), &[], None)
        .await
}

fn assert_full(refused: &Status, limit: &str) {
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(refused), "STREAM_LIMIT_EXCEEDED");
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(info.metadata["limit"], limit);
}

/// Opens a stream as soon as there is a place again: the server learns only from the
/// network that a reader is gone.
async fn eventually(by: &Client) -> Streaming<WatchMyOrdersResponse> {
    let again = async {
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        loop {
            pace.tick().await;
            match watch_mine(by).await {
                Ok(stream) => return stream,
                Err(refused) => assert_full(&refused, "2"),
            }
        }
    };
    let again = tokio::time::timeout(Duration::from_secs(10), again).await;
    again.expect("a place comes back")
}

#[tokio::test]
async fn a_user_holds_so_many_streams_on_both_wires_and_gets_places_back() {
    let app = TestApp::with(&[("STREAMS_PER_USER", "2")]).await;
    let (user, other) = (app.customer().await, app.customer().await);
    let first = watch_mine(&user).await.unwrap();
    let second = sse(&app, &user).await;
    assert_eq!(second.status(), StatusCode::OK);

    assert_full(&watch_mine(&user).await.unwrap_err(), "2");
    let refused = sse(&app, &user).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["code"], "STREAM_LIMIT_EXCEEDED", "{body}");
    watch_mine(&other).await.unwrap();

    // A reader that is gone gives its place back, whichever way it read.
    drop(first);
    let third = eventually(&user).await;
    drop(second);
    let _fourth = eventually(&user).await;
    assert_full(&watch_mine(&user).await.unwrap_err(), "2");
    drop(third);
    eventually(&user).await;
}

#[tokio::test]
async fn guests_of_one_address_share_their_places() {
    let app = TestApp::with(&[("STREAMS_PER_IP", "1")]).await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let guest = app.guest().await;
    let mut placed = Vec::new();
    for _ in 0..2 {
        let request = ShippingTo::algiers(&[(&product.id, 1)]);
        let answer = guest.orders().place_order(request).await.unwrap();
        placed.push(answer.into_inner());
    }
    let watch = async |nth: usize| -> Result<Streaming<WatchOrderResponse>, Status> {
        let request = WatchOrderRequest {
            id: placed[nth].order.as_ref().unwrap().id.clone(),
            guest_token: placed[nth].guest_token.clone(),
            resume_token: None,
        };
        Ok(guest.orders().watch_order(request).await?.into_inner())
    };
    let _first = watch(0).await.unwrap();
    assert_full(&watch(1).await.unwrap_err(), "1");
    // Who is signed in has places of his own.
    watch_mine(&app.customer().await).await.unwrap();
}

#[tokio::test]
async fn the_process_holds_so_many_streams_and_other_calls_go_on() {
    let app = TestApp::with(&[("STREAMS_MAX", "1")]).await;
    let (user, other) = (app.customer().await, app.customer().await);
    let _first = watch_mine(&user).await.unwrap();
    let refused = watch_mine(&other).await.unwrap_err();
    assert_full(&refused, "1");
    assert!(refused.get_details_retry_info().is_some());
    let seller = app.seller().await;
    seller.product("Argan oil", 90_000, 9).await;
}
