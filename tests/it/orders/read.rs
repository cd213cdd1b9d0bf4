//! Finding orders again.

use souk::pb::souk::orders::v1::order::Status;
use souk::pb::souk::orders::v1::{
    GetOrderByNumberRequest, GetOrderSummaryRequest, ListGuestOrdersRequest, ListMyOrdersRequest,
    ListOrderHistoryRequest, ListSellerOrdersRequest, TrackGuestOrderRequest,
};
use souk::pb::souk::users::v1::DeleteMeRequest;

use crate::support::clients::statements;
use crate::support::{Client, TestApp, reason};

async fn mine(by: &Client, limit: i32, page_token: &str) -> (Vec<String>, String) {
    let request = ListMyOrdersRequest {
        limit,
        page_token: page_token.into(),
        ..Default::default()
    };
    let answer = by
        .orders()
        .list_my_orders(request)
        .await
        .unwrap()
        .into_inner();
    let ids = answer.orders.into_iter().map(|order| order.id).collect();
    (ids, answer.meta.unwrap().next_page_token)
}

#[tokio::test]
async fn a_list_is_walked_newest_first_while_orders_come_in() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Argan oil", 90_000, 99).await;
    let (buyer, other) = (app.customer().await, app.customer().await);
    other.order(&product.id, 1).await;
    let mut placed = Vec::new();
    for _ in 0..5 {
        app.advance(std::time::Duration::from_millis(5));
        placed.push(buyer.order(&product.id, 1).await.id);
    }
    placed.reverse();
    let (mut seen, mut token) = mine(&buyer, 2, "").await;
    app.advance(std::time::Duration::from_millis(5));
    buyer.order(&product.id, 1).await;
    while !token.is_empty() {
        let (more, next) = mine(&buyer, 2, &token).await;
        seen.extend(more);
        token = next;
    }
    assert_eq!(seen, placed);
    app.settle().await;
    let (_, token) = mine(&buyer, 2, "").await;
    let stolen = ListMyOrdersRequest {
        limit: 2,
        page_token: token,
        ..Default::default()
    };
    let refused = other.orders().list_my_orders(stolen).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
    let numbered = ListMyOrdersRequest {
        limit: 4,
        page: 2,
        ..Default::default()
    };
    let answer = buyer.orders().list_my_orders(numbered).await.unwrap();
    assert!(statements(&answer) <= 3);
    let answer = answer.into_inner();
    assert_eq!(
        (answer.orders.len(), answer.meta.unwrap().total),
        (2, Some(6))
    );
}

#[tokio::test]
async fn a_seller_sees_the_orders_of_own_stores_with_their_sums() {
    let app = TestApp::start().await;
    let (seller, rival) = (app.seller().await, app.seller().await);
    let oil = seller.product("Argan oil", 90_000, 99).await;
    let lamp = rival.product("Copper lamp", 50_000, 99).await;
    let buyer = app.customer().await;
    let first = buyer.order(&oil.id, 1).await;
    let second = buyer.order(&oil.id, 2).await;
    buyer.order(&lamp.id, 1).await;
    seller
        .client
        .step(&second.id, Status::Cancelled)
        .await
        .unwrap();
    let list = async |by: &Client, request: ListSellerOrdersRequest| {
        let answer = by.orders().list_seller_orders(request).await?;
        let orders = answer.into_inner().orders.into_iter();
        Ok::<_, tonic::Status>(orders.map(|order| order.id).collect::<Vec<_>>())
    };
    let all = list(&seller.client, ListSellerOrdersRequest::default())
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    let cancelled = ListSellerOrdersRequest {
        status: Status::Cancelled as i32,
        ..Default::default()
    };
    assert_eq!(list(&seller.client, cancelled).await.unwrap(), [second.id]);
    let foreign = ListSellerOrdersRequest {
        store_id: rival.store.clone(),
        ..Default::default()
    };
    assert_eq!(
        reason(&list(&seller.client, foreign).await.unwrap_err()),
        "FORBIDDEN"
    );
    assert!(
        list(&buyer, ListSellerOrdersRequest::default())
            .await
            .unwrap()
            .is_empty()
    );
    let admin = app.admin().await;
    assert_eq!(
        list(&admin, ListSellerOrdersRequest::default())
            .await
            .unwrap()
            .len(),
        3
    );
    let all = GetOrderSummaryRequest::default;
    let sums = seller
        .client
        .orders()
        .get_order_summary(all())
        .await
        .unwrap()
        .into_inner();
    assert_eq!((sums.total_orders, sums.statuses.len()), (2, 2));
    assert_eq!(sums.revenue[0].total, first.total);
    assert_eq!((sums.revenue[0].delivered, sums.revenue[0].paid), (0, 0));
    let nobody = buyer.orders().get_order_summary(all()).await.unwrap_err();
    assert_eq!(reason(&nobody), "FORBIDDEN");
}

#[tokio::test]
async fn a_guest_order_is_found_by_number_and_phone_or_by_the_proven_phone() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Argan oil", 90_000, 99).await;
    let order = app.guest().await.order(&product.id, 1).await;
    let guest = app.guest().await;
    let track = async |number: &str, phone: &str| {
        let request = TrackGuestOrderRequest {
            order_number: number.into(),
            phone: phone.into(),
        };
        guest.orders().track_guest_order(request).await
    };
    let found = track(&order.order_number.to_lowercase(), "0551 00 00 01")
        .await
        .unwrap();
    assert_eq!(found.into_inner().order.unwrap().id, order.id);
    let wrong_phone = track(&order.order_number, "0551000002").await.unwrap_err();
    let wrong_number = track("20260120-AAAAAAAA", "0551000001").await.unwrap_err();
    let wrong_form = track(&order.order_number, "12").await.unwrap_err();
    for refused in [&wrong_phone, &wrong_number, &wrong_form] {
        assert_eq!(reason(refused), "NOT_FOUND");
        assert_eq!(refused.message(), wrong_phone.message());
    }
    // Orders of accounts are not tracked by phone.
    let signed = app.customer().await.order(&product.id, 1).await;
    assert_eq!(
        reason(&track(&signed.order_number, "0551000001").await.unwrap_err()),
        "NOT_FOUND"
    );
    let list = |phone: &str| ListGuestOrdersRequest {
        phone: phone.into(),
        ..Default::default()
    };
    let other = app.customer().await;
    for by in [&guest, &other] {
        let refused = by
            .orders()
            .list_guest_orders(list("0551000001"))
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "OTP_REQUIRED");
    }
    let proven = app.sign_in("0551000001").await;
    let found = proven
        .orders()
        .list_guest_orders(list("+213551000001"))
        .await
        .unwrap();
    let ids: Vec<_> = found
        .into_inner()
        .orders
        .into_iter()
        .map(|order| order.id)
        .collect();
    assert_eq!(ids, [order.id]);
}

#[tokio::test]
async fn an_order_is_found_by_number_and_its_history_is_paged() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 99).await;
    let buyer = app.customer().await;
    let order = buyer.order(&product.id, 1).await;
    for to in [Status::Confirmed, Status::Processing] {
        seller.client.step(&order.id, to).await.unwrap();
    }
    let by_number = |number: &str| GetOrderByNumberRequest {
        number: number.into(),
    };
    app.settle().await;
    buyer.see(&order.id, None).await.unwrap();
    let found = buyer
        .orders()
        .get_order_by_number(by_number(&order.order_number))
        .await
        .unwrap();
    assert!(statements(&found) <= 3);
    assert_eq!(found.into_inner().order.unwrap().id, order.id);
    let stranger = app.customer().await;
    let refused = stranger
        .orders()
        .get_order_by_number(by_number(&order.order_number))
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "NOT_FOUND");
    let page = |token: &str| ListOrderHistoryRequest {
        id: order.id.clone(),
        limit: 2,
        page_token: token.into(),
        ..Default::default()
    };
    let first = buyer
        .orders()
        .list_order_history(page(""))
        .await
        .unwrap()
        .into_inner();
    let token = first.meta.unwrap().next_page_token;
    let rest = buyer
        .orders()
        .list_order_history(page(&token))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((first.history.len(), rest.history.len()), (2, 1));
    assert_eq!(rest.history[0].status(), Status::Processing);
}

#[tokio::test]
async fn past_orders_stay_without_the_name_of_a_closed_account() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let product = seller.product("Argan oil", 90_000, 99).await;
    let buyer = app.customer().await;
    let order = buyer.order(&product.id, 1).await;
    let open = buyer
        .users()
        .delete_me(DeleteMeRequest {})
        .await
        .unwrap_err();
    assert_eq!(reason(&open), "USER_HAS_OPEN_ORDERS");
    seller
        .client
        .step(&order.id, Status::Cancelled)
        .await
        .unwrap();
    buyer.users().delete_me(DeleteMeRequest {}).await.unwrap();
    let kept = seller.client.see(&order.id, None).await.unwrap();
    assert_eq!((kept.total, kept.items), (order.total, order.items));
    let personal = [
        kept.customer_name,
        kept.customer_phone,
        kept.customer_email,
        kept.address,
    ];
    assert_eq!(personal, [""; 4]);
    app.assert_sound().await;
}
