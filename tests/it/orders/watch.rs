//! Watching orders.

use std::time::Duration;

use souk::pb::souk::orders::v1::order::Status;
use souk::pb::souk::orders::v1::order_event::Type;
use souk::pb::souk::orders::v1::{
    UpdateOrderStatusRequest, WatchMyOrdersRequest, WatchOrderRequest, WatchOrderResponse,
    WatchSellerOrdersRequest,
};
use tonic::Streaming;

use crate::support::{Client, ShippingTo, TestApp, reason};

async fn next<T>(stream: &mut Streaming<T>) -> T {
    let message = tokio::time::timeout(Duration::from_secs(10), stream.message()).await;
    message
        .expect("a message comes")
        .unwrap()
        .expect("the stream goes on")
}

async fn watch(
    by: &Client,
    order: &str,
    guest_token: Option<&str>,
    resume_token: Option<&str>,
) -> Result<Streaming<WatchOrderResponse>, tonic::Status> {
    let request = WatchOrderRequest {
        id: order.into(),
        guest_token: guest_token.map(str::to_owned),
        resume_token: resume_token.map(str::to_owned),
    };
    Ok(by.orders().watch_order(request).await?.into_inner())
}

#[tokio::test]
async fn a_stream_that_is_cut_goes_on_without_gap_or_repeat() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let buyer = app.customer().await;
    let order = buyer.order(&product.id, 1).await.id;
    let mut stream = watch(&buyer, &order, None, None).await.unwrap();
    let first = next(&mut stream).await;
    assert_eq!(
        (first.r#type(), first.order.unwrap().version),
        (Type::Snapshot, 1)
    );
    let mut token = first.resume_token;
    let mut seen = Vec::new();
    seller.client.step(&order, Status::Confirmed).await.unwrap();
    for number in 0..12 {
        let track = UpdateOrderStatusRequest {
            id: order.clone(),
            status: Status::Confirmed as i32,
            tracking_number: Some(format!("T-{number}")),
            ..Default::default()
        };
        seller
            .client
            .orders()
            .update_order_status(track)
            .await
            .unwrap();
        if number % 3 == 0 {
            // Cut, and continued after the last message that was read.
            stream = watch(&buyer, &order, None, Some(&token)).await.unwrap();
        }
        let change = next(&mut stream).await;
        seen.push(change.order.unwrap().version);
        token = change.resume_token;
    }
    seen.push(next(&mut stream).await.order.unwrap().version);
    assert_eq!(seen, (2..=14).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_guest_watches_by_token_and_nobody_else_does() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let guest = app.guest().await;
    let request = ShippingTo::algiers(&[(&product.id, 1)]);
    let placed = guest
        .orders()
        .place_order(request)
        .await
        .unwrap()
        .into_inner();
    let (order, token) = (placed.order.unwrap().id, placed.guest_token.unwrap());
    let mut stream = watch(&guest, &order, Some(&token), None).await.unwrap();
    let snapshot = next(&mut stream).await;
    seller.client.step(&order, Status::Confirmed).await.unwrap();
    let change = next(&mut stream).await;
    assert_eq!(change.r#type(), Type::StatusChanged);
    assert_eq!(change.change.unwrap().status(), Status::Confirmed);
    let stranger = app.customer().await;
    for refused in [
        watch(&guest, &order, None, None).await,
        watch(&stranger, &order, None, None).await,
        watch(&stranger, &order, None, Some(&snapshot.resume_token)).await,
    ] {
        assert_eq!(reason(&refused.unwrap_err()), "NOT_FOUND");
    }
    let forged = watch(&guest, &order, Some(&token), Some("forged"))
        .await
        .unwrap_err();
    assert_eq!(reason(&forged), "RESUME_TOKEN_INVALID");
}

#[tokio::test]
async fn buyer_and_store_each_hear_of_their_orders() {
    let app = TestApp::start().await;
    let (seller, rival) = (app.seller().await, app.seller().await);
    let oil = seller.product("Argan oil", 90_000, 9).await;
    let lamp = rival.product("Copper lamp", 50_000, 9).await;
    let (buyer, other) = (app.customer().await, app.customer().await);
    let old = buyer.order(&oil.id, 1).await;
    let mine = buyer
        .orders()
        .watch_my_orders(WatchMyOrdersRequest::default())
        .await;
    let mut mine = mine.unwrap().into_inner();
    let all = WatchSellerOrdersRequest::default;
    let sold = seller.client.orders().watch_seller_orders(all()).await;
    let mut sold = sold.unwrap().into_inner();
    let shown = next(&mut mine).await;
    assert_eq!(
        shown
            .orders
            .iter()
            .map(|order| &order.id)
            .collect::<Vec<_>>(),
        [&old.id]
    );
    assert_eq!(next(&mut sold).await.orders.len(), 1);
    let foreign = other.order(&oil.id, 1).await;
    let own = buyer.order(&lamp.id, 1).await;
    seller
        .client
        .step(&foreign.id, Status::Confirmed)
        .await
        .unwrap();
    let heard = next(&mut mine).await;
    assert_eq!(
        (heard.r#type(), heard.order.unwrap().id),
        (Type::Created, own.id)
    );
    let heard = next(&mut sold).await;
    assert_eq!(
        (heard.r#type(), heard.order.unwrap().id),
        (Type::Created, foreign.id.clone())
    );
    let heard = next(&mut sold).await;
    assert_eq!(heard.r#type(), Type::StatusChanged);
    assert_eq!(heard.change.unwrap().from_status(), Status::Pending);
    let named = WatchSellerOrdersRequest {
        store_id: rival.store,
        ..Default::default()
    };
    let refused = seller
        .client
        .orders()
        .watch_seller_orders(named)
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "FORBIDDEN");
    let nobody = buyer
        .orders()
        .watch_seller_orders(WatchSellerOrdersRequest::default())
        .await;
    assert_eq!(reason(&nobody.unwrap_err()), "FORBIDDEN");
}

#[tokio::test]
async fn a_stream_of_a_store_ends_with_the_membership() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let member = app.customer().await;
    seller.hire(&member).await;
    let order = app.customer().await.order(&product.id, 1).await.id;
    let request = WatchSellerOrdersRequest::default();
    let sold = member.orders().watch_seller_orders(request).await;
    let mut sold = sold.unwrap().into_inner();
    assert_eq!(next(&mut sold).await.orders.len(), 1);
    let mut one = watch(&member, &order, None, None).await.unwrap();
    next(&mut one).await;
    seller.dismiss(&member).await;
    seller.client.step(&order, Status::Confirmed).await.unwrap();
    let end = one.message().await.unwrap_err();
    assert_eq!(reason(&end), "FORBIDDEN");
    assert_eq!(reason(&sold.message().await.unwrap_err()), "FORBIDDEN");
}
