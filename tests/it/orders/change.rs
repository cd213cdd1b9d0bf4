//! What happens to orders after they were placed.

use std::time::Duration;

use serde_json::json;
use souk::pb::souk::orders::v1::order::Status;
use souk::pb::souk::orders::v1::order_history_entry::Actor;
use souk::pb::souk::orders::v1::{
    CancelOrderRequest, RequestReturnRequest, UpdateOrderStatusRequest, order_payment,
};

use crate::support::{Client, TestApp, reason};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn cancel(by: &Client, order: &str) -> Result<Status, tonic::Status> {
    let request = CancelOrderRequest {
        id: order.into(),
        reason: Some("changed my mind".into()),
        ..Default::default()
    };
    let answer = by.orders().cancel_order(request).await?.into_inner();
    Ok(answer.order.unwrap().status())
}

#[tokio::test]
async fn an_order_goes_its_way_to_the_buyer() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 3).await;
    let buyer = app.customer().await;
    let order = buyer.order(&product.id, 1).await;
    for to in [Status::Confirmed, Status::Processing, Status::Ready] {
        assert_eq!(
            seller.client.step(&order.id, to).await.unwrap().status(),
            to
        );
    }
    let ship = UpdateOrderStatusRequest {
        id: order.id.clone(),
        status: Status::Shipped as i32,
        note: Some("with Yalidine".into()),
        tracking_number: Some("YAL-42".into()),
    };
    seller
        .client
        .orders()
        .update_order_status(ship.clone())
        .await
        .unwrap();
    // Saying it again changes nothing.
    seller
        .client
        .orders()
        .update_order_status(ship)
        .await
        .unwrap();
    let done = seller
        .client
        .step(&order.id, Status::Delivered)
        .await
        .unwrap();
    assert_eq!(done.payment_status(), order_payment::Status::Paid);
    assert_eq!(done.tracking_number, "YAL-42");
    assert_eq!(done.version, 6);
    let seen = buyer.see(&order.id, None).await.unwrap();
    let path: Vec<_> = seen.history.iter().map(|entry| entry.status()).collect();
    let expected = [
        Status::Pending,
        Status::Confirmed,
        Status::Processing,
        Status::Ready,
        Status::Shipped,
        Status::Delivered,
    ];
    assert_eq!(path, expected);
    assert_eq!(seen.history[0].actor(), Actor::Buyer);
    assert_eq!(seen.history[4].note, "with Yalidine");
    assert_eq!(seen.history[4].actor_id, seller.client.user_id);
    app.assert_sound().await;
}

#[tokio::test]
async fn only_those_who_may_move_an_order_and_only_along_its_way() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 3).await;
    let buyer = app.customer().await;
    let order = buyer.order(&product.id, 1).await.id;
    let (stranger, rival) = (app.customer().await, app.seller().await);
    let before = app.rows().await;
    for (by, to, why) in [
        (&buyer, Status::Confirmed, "FORBIDDEN"),
        (&stranger, Status::Confirmed, "NOT_FOUND"),
        (&rival.client, Status::Confirmed, "NOT_FOUND"),
        (
            &seller.client,
            Status::Delivered,
            "INVALID_STATUS_TRANSITION",
        ),
        (&seller.client, Status::Failed, "INVALID_STATUS_TRANSITION"),
    ] {
        let refused = by.step(&order, to).await.unwrap_err();
        assert_eq!(reason(&refused), why, "{to:?}");
    }
    assert_eq!(app.rows().await, before);
    let admin = app.admin().await;
    let confirmed = admin.step(&order, Status::Confirmed).await.unwrap();
    assert_eq!(confirmed.history[1].actor(), Actor::Admin);
}

#[tokio::test]
async fn cancelling_gives_the_stock_back_once() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 3).await;
    let buyer = app.customer().await;
    let order = buyer.order(&product.id, 2).await.id;
    assert_eq!(app.on_hand().await, 1);
    for _ in 0..2 {
        assert_eq!(cancel(&buyer, &order).await.unwrap(), Status::Cancelled);
        assert_eq!(app.on_hand().await, 3);
    }
    let back = seller
        .client
        .step(&order, Status::Confirmed)
        .await
        .unwrap_err();
    assert_eq!(reason(&back), "INVALID_STATUS_TRANSITION");
    let seen = buyer.see(&order, None).await.unwrap();
    assert_eq!(
        (seen.cancel_reason.as_str(), seen.history.len()),
        ("changed my mind", 2)
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn a_buyer_cancels_until_confirmed_and_a_store_until_ready() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let buyer = app.customer().await;
    let confirmed = buyer.order(&product.id, 1).await.id;
    seller
        .client
        .step(&confirmed, Status::Confirmed)
        .await
        .unwrap();
    cancel(&buyer, &confirmed).await.unwrap();
    let ready = buyer.order(&product.id, 1).await.id;
    for to in [Status::Confirmed, Status::Processing] {
        seller.client.step(&ready, to).await.unwrap();
    }
    let late = cancel(&buyer, &ready).await.unwrap_err();
    assert_eq!(reason(&late), "CANCEL_NOT_ALLOWED");
    seller.client.step(&ready, Status::Ready).await.unwrap();
    cancel(&seller.client, &ready).await.unwrap();
    let shipped = buyer.order(&product.id, 1).await.id;
    for to in [Status::Confirmed, Status::Processing, Status::Shipped] {
        seller.client.step(&shipped, to).await.unwrap();
    }
    let late = cancel(&seller.client, &shipped).await.unwrap_err();
    assert_eq!(reason(&late), "CANCEL_NOT_ALLOWED");
    assert_eq!(app.on_hand().await, 8);
}

#[tokio::test]
async fn goods_come_back_within_a_week() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let buyer = app.customer().await;
    let mut delivered = Vec::new();
    for _ in 0..2 {
        let order = buyer.order(&product.id, 1).await.id;
        for to in [
            Status::Confirmed,
            Status::Processing,
            Status::Shipped,
            Status::Delivered,
        ] {
            seller.client.step(&order, to).await.unwrap();
        }
        delivered.push(order);
    }
    let wish = |order: &str| RequestReturnRequest {
        id: order.into(),
        reason: "broken".into(),
        ..Default::default()
    };
    let by_store = seller
        .client
        .orders()
        .request_return(wish(&delivered[0]))
        .await
        .unwrap_err();
    assert_eq!(reason(&by_store), "FORBIDDEN");
    for _ in 0..2 {
        let asked = buyer
            .orders()
            .request_return(wish(&delivered[0]))
            .await
            .unwrap();
        let asked = asked.into_inner().order.unwrap();
        assert_eq!((asked.return_reason.as_str(), asked.version), ("broken", 6));
    }
    app.advance(8 * DAY);
    let (buyer, seller) = (
        app.sign_in(&buyer.phone).await,
        app.sign_in(&seller.client.phone).await,
    );
    // Asked in time: the store may still take it back. Not asked: it is too late.
    seller.step(&delivered[0], Status::Returned).await.unwrap();
    assert_eq!(app.on_hand().await, 8);
    let late = seller
        .step(&delivered[1], Status::Returned)
        .await
        .unwrap_err();
    assert_eq!(reason(&late), "INVALID_STATUS_TRANSITION");
    let late = buyer
        .orders()
        .request_return(wish(&delivered[1]))
        .await
        .unwrap_err();
    assert_eq!(reason(&late), "INVALID_STATUS_TRANSITION");
    app.assert_sound().await;
}

#[tokio::test]
async fn an_order_that_no_store_confirms_is_cancelled() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let buyer = app.customer().await;
    let forgotten = buyer.order(&product.id, 2).await.id;
    let kept = buyer.order(&product.id, 1).await.id;
    seller.client.step(&kept, Status::Confirmed).await.unwrap();
    app.run_jobs().await;
    app.advance(3 * DAY + Duration::from_secs(60));
    app.run_jobs().await;
    let buyer = app.sign_in(&buyer.phone).await;
    let seen = buyer.see(&forgotten, None).await.unwrap();
    assert_eq!(seen.status(), Status::Cancelled);
    assert_eq!(seen.history[1].actor(), Actor::System);
    assert_eq!(
        buyer.see(&kept, None).await.unwrap().status(),
        Status::Confirmed
    );
    assert_eq!(app.on_hand().await, 8);
}

#[tokio::test]
async fn the_words_of_other_systems_are_understood() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let order = app.customer().await.order(&product.id, 1).await.id;
    let token = seller.client.token.as_deref();
    for (word, status) in [
        ("accepted", "CONFIRMED"),
        ("preparing", "PROCESSING"),
        ("Ready_For_Pickup", "READY"),
        ("shipped", "SHIPPED"),
        ("completed", "DELIVERED"),
    ] {
        let path = format!("/api/seller/orders/{order}/status");
        let body = Some(json!({"status": word}));
        let answer = app
            .http(reqwest::Method::PATCH, &path, token, &[], body)
            .await;
        assert_eq!(answer.body["order"]["status"], status, "{}", answer.text);
    }
}
