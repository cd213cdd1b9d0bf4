//! Orders that are refused, which then leave nothing behind.

use souk::pb::souk::catalog::v1::CreateProductRequest;
use souk::pb::souk::orders::v1::{OrderLine, PlaceOrderRequest, order_payment};
use souk::pb::souk::stores::v1::PauseStoreRequest;

use crate::support::{Client, Seller, ShippingTo, TestApp, reason};

/// A refused request changes no row.
async fn assert_refused(app: &TestApp, by: &Client, request: PlaceOrderRequest, why: &str) {
    let before = app.rows().await;
    let refused = by.orders().place_order(request).await.unwrap_err();
    assert_eq!(reason(&refused), why, "{}", refused.message());
    assert_eq!(app.rows().await, before, "{why} left something behind");
}

async fn least(seller: &Seller, min_order_quantity: i32) -> String {
    let request = CreateProductRequest {
        store_id: seller.store.clone(),
        name: "Eggs".into(),
        price: 1_500,
        stock: 100,
        min_order_quantity: Some(min_order_quantity),
        ..Default::default()
    };
    let created = seller
        .client
        .catalog()
        .create_product(request)
        .await
        .unwrap();
    created.into_inner().product.unwrap().id
}

#[tokio::test]
async fn each_refusal_has_its_reason_and_changes_nothing() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let honey = seller.product("Honey of the Aurès", 120_000, 2).await.id;
    let eggs = least(&seller, 6).await;
    let (buyer, guest) = (app.customer().await, app.guest().await);
    let of = |lines: &[(&str, i32)]| ShippingTo::algiers(lines);
    let paid = |method: order_payment::Method| PlaceOrderRequest {
        payment_method: method as i32,
        ..of(&[(&honey, 1)])
    };
    let mut mixed = of(&[(&honey, 1)]);
    mixed.items.push(OrderLine {
        title: Some("Laptop".into()),
        price: Some(100),
        quantity: 1,
        ..Default::default()
    });
    let unknown = "prod_01h455vb4pex5vsknk084sn02q";
    let nowhere = PlaceOrderRequest {
        customer_wilaya: Some("Paris".into()),
        ..of(&[(&honey, 1)])
    };
    let unnamed = PlaceOrderRequest {
        customer_name: None,
        ..of(&[(&honey, 1)])
    };
    for (by, request, why) in [
        (&buyer, of(&[]), "VALIDATION_ERROR"),
        (&buyer, mixed, "MIXED_ITEMS"),
        (&buyer, of(&[(unknown, 1)]), "PRODUCT_NOT_FOUND"),
        (&buyer, of(&[(&honey, 3)]), "OUT_OF_STOCK"),
        (&buyer, of(&[(&honey, 1), (&honey, 2)]), "OUT_OF_STOCK"),
        (&buyer, of(&[(&eggs, 5)]), "MIN_QUANTITY"),
        (&seller.client, of(&[(&honey, 1)]), "OWN_PRODUCT"),
        (
            &buyer,
            paid(order_payment::Method::Stripe),
            "PAYMENT_PROVIDER_UNAVAILABLE",
        ),
        (
            &buyer,
            paid(order_payment::Method::Paypal),
            "PAYMENT_PROVIDER_UNAVAILABLE",
        ),
        (
            &guest,
            paid(order_payment::Method::Ccp),
            "PAYMENT_METHOD_UNSUPPORTED",
        ),
        (&buyer, nowhere, "UNKNOWN_WILAYA"),
        (&guest, unnamed, "VALIDATION_ERROR"),
    ] {
        assert_refused(&app, by, request, why).await;
    }
    let pause = PauseStoreRequest {
        id: seller.store.clone(),
    };
    seller.client.stores().pause_store(pause).await.unwrap();
    assert_refused(&app, &buyer, of(&[(&honey, 1)]), "STORE_NOT_ACTIVE").await;
}
