//! Many at once.

use futures_util::future::join_all;

use crate::support::{ShippingTo, TestApp, keyed, reason};

#[tokio::test]
async fn sixteen_twins_make_one_order() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Argan oil", 90_000, 50).await;
    let buyer = app.customer().await;
    let twins = join_all((0..16).map(|_| async {
        let request = ShippingTo::algiers(&[(&product.id, 1)]);
        buyer
            .orders()
            .place_order(keyed("one-intent", request))
            .await
    }))
    .await;
    let mut answers = Vec::new();
    for twin in twins {
        match twin {
            Ok(answer) => answers.push(answer.into_inner()),
            Err(status) => assert_eq!(reason(&status), "IDEMPOTENCY_IN_PROGRESS"),
        }
    }
    assert!(!answers.is_empty());
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!((app.orders().await, app.on_hand().await), (1, 49));
    let other = ShippingTo::algiers(&[(&product.id, 2)]);
    let reused = buyer
        .orders()
        .place_order(keyed("one-intent", other))
        .await
        .unwrap_err();
    assert_eq!(reason(&reused), "IDEMPOTENCY_KEY_REUSED");
    app.assert_sound().await;
}

#[tokio::test]
async fn fifty_buyers_of_ten_pieces_get_exactly_ten() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let one = seller.product("Argan oil", 90_000, 10).await;
    let two = seller.product("Rose water", 40_000, 10).await;
    let buyer = app.customer().await;
    let outcomes = join_all((0..50).map(|number| {
        // Half of them name the products the other way round.
        let lines = match number % 2 {
            0 => [(one.id.as_str(), 1), (two.id.as_str(), 1)],
            _ => [(two.id.as_str(), 1), (one.id.as_str(), 1)],
        };
        let (mut orders, request) = (buyer.orders(), ShippingTo::algiers(&lines));
        async move { orders.place_order(request).await }
    }))
    .await;
    let placed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(placed, 10);
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(reason(refused), "OUT_OF_STOCK");
    }
    assert_eq!((app.orders().await, app.on_hand().await), (10, 0));
    app.assert_sound().await;
}
