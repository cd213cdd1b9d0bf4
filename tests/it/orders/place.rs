//! Placing orders.

use serde_json::json;
use souk::pb::souk::cart::v1::{AddItemRequest, GetCartRequest};
use souk::pb::souk::orders::v1::order::{DeliveryType, Source, Status};
use souk::pb::souk::orders::v1::{OrderLine, PlaceOrderRequest, QuoteOrderRequest, order_payment};

use crate::support::clients::statements;
use crate::support::{ShippingTo, TestApp, keyed, reason};

#[tokio::test]
async fn an_order_copies_what_was_bought_and_takes_its_stock() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let honey = seller.product("Honey of the Aurès", 120_000, 10).await;
    let dates = seller.product("Deglet Nour", 45_000, 5).await;
    let buyer = app.customer().await;
    let request = ShippingTo::algiers(&[(&honey.id, 2), (&dates.id, 1)]);
    let placed = buyer.orders().place_order(request).await.unwrap();
    let placed = placed.into_inner();
    assert_eq!(placed.message, "Order placed successfully");
    assert_eq!(placed.orders.len(), 1);
    assert_eq!(placed.guest_token, None);
    let order = placed.order.unwrap();
    assert_eq!(order.status(), Status::Pending);
    assert_eq!(order.source(), Source::Direct);
    assert_eq!(order.user_id, buyer.user_id);
    assert_eq!(order.store_id, seller.store);
    assert_eq!(order.seller_id, seller.client.user_id);
    assert_eq!(order.wilaya, "Alger");
    assert_eq!(order.customer_phone, "+213551000001");
    assert_eq!(order.subtotal, 2 * 120_000 + 45_000);
    assert!(order.shipping > 0);
    assert_eq!(order.total, order.subtotal + order.shipping);
    let lines: Vec<_> = order
        .items
        .iter()
        .map(|item| (item.name.as_str(), item.quantity, item.subtotal))
        .collect();
    let expected = [
        ("Honey of the Aurès", 2, 240_000),
        ("Deglet Nour", 1, 45_000),
    ];
    assert_eq!(lines, expected);
    assert_eq!(order.history.len(), 1);
    assert_eq!(app.on_hand().await, 12);
    assert_eq!(buyer.see(&order.id, None).await.unwrap(), order);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_guest_holds_the_order_by_a_token() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Argan oil", 90_000, 3).await;
    let guest = app.guest().await;
    let request = ShippingTo::algiers(&[(&product.id, 1)]);
    let key = "guest-checkout-1";
    let orders = || guest.orders();
    let first = orders()
        .place_order(keyed(key, request.clone()))
        .await
        .unwrap()
        .into_inner();
    let again = orders().place_order(keyed(key, request)).await.unwrap();
    assert_eq!(
        again.metadata().get("idempotency-replayed").unwrap(),
        "true"
    );
    assert_eq!(again.into_inner(), first);
    let order = first.order.unwrap();
    let token = first.guest_token.unwrap();
    assert_eq!(
        guest.see(&order.id, Some(&token)).await.unwrap().id,
        order.id
    );
    let other = app.guest().await.order(&product.id, 1).await;
    let stranger = app.customer().await;
    for refused in [
        guest.see(&order.id, None).await,
        guest.see(&order.id, Some("nonsense")).await,
        guest.see(&other.id, Some(&token)).await,
        stranger.see(&order.id, None).await,
    ] {
        assert_eq!(reason(&refused.unwrap_err()), "NOT_FOUND");
    }
    // The token stands in no record of the answer.
    let kept = "SELECT count(*) FROM idempotency_keys WHERE length(answer) > 0";
    assert_eq!(app.number(kept).await, 1);
}

#[tokio::test]
async fn a_basket_of_two_stores_is_two_orders_of_one_group() {
    let app = TestApp::start().await;
    let (here, there) = (app.seller().await, app.seller().await);
    let rug = here.product("Berber rug", 800_000, 2).await;
    let lamp = there.product("Copper lamp", 250_000, 2).await;
    let vase = here.product("Clay vase", 60_000, 2).await;
    let buyer = app.customer().await;
    let request = ShippingTo::algiers(&[(&rug.id, 1), (&lamp.id, 1), (&vase.id, 2)]);
    let placed = buyer
        .orders()
        .place_order(request)
        .await
        .unwrap()
        .into_inner();
    let stores: Vec<_> = placed
        .orders
        .iter()
        .map(|order| order.store_id.as_str())
        .collect();
    assert_eq!(stores, [here.store.as_str(), there.store.as_str()]);
    assert!(
        placed
            .orders
            .iter()
            .all(|order| order.checkout_group == placed.checkout_group)
    );
    assert!(placed.orders.iter().all(|order| order.shipping > 0));
    assert_eq!(placed.orders[0].items.len(), 2);
    assert_eq!(placed.order.unwrap(), placed.orders[0]);
    // Each store sees its own order only.
    let foreign = there
        .client
        .see(&placed.orders[0].id, None)
        .await
        .unwrap_err();
    assert_eq!(reason(&foreign), "NOT_FOUND");
    here.client.see(&placed.orders[0].id, None).await.unwrap();
}

#[tokio::test]
async fn the_cart_of_a_store_is_ordered_and_leaves_the_cart() {
    let app = TestApp::start().await;
    let (here, there) = (app.seller().await, app.seller().await);
    let soap = here.product("Aleppo soap", 30_000, 9).await;
    let lamp = there.product("Copper lamp", 250_000, 2).await;
    let buyer = app.customer().await;
    for (product, quantity) in [(&soap.id, 3), (&lamp.id, 1)] {
        let add = AddItemRequest {
            product_id: product.clone(),
            quantity,
            ..Default::default()
        };
        buyer.cart().add_item(add).await.unwrap();
    }
    let request = PlaceOrderRequest {
        store_id: here.store.clone(),
        ..ShippingTo::algiers(&[])
    };
    let placed = buyer
        .orders()
        .place_order(request.clone())
        .await
        .unwrap()
        .into_inner();
    let order = placed.order.unwrap();
    assert_eq!(order.source(), Source::Cart);
    assert_eq!(order.items[0].quantity, 3);
    let cart = buyer
        .cart()
        .get_cart(GetCartRequest::default())
        .await
        .unwrap();
    let cart = cart.into_inner().cart.unwrap();
    assert_eq!(cart.item_count, 1);
    assert_eq!(cart.groups[0].items[0].product_id, lamp.id);
    let empty = buyer.orders().place_order(request).await.unwrap_err();
    assert_eq!(reason(&empty), "CART_EMPTY");
}

#[tokio::test]
async fn free_items_belong_to_no_store_and_take_no_stock() {
    let app = TestApp::start().await;
    let buyer = app.customer().await;
    let item = |title: &str, price| OrderLine {
        title: Some(title.into()),
        price: Some(price),
        quantity: 2,
        ..Default::default()
    };
    let request = PlaceOrderRequest {
        items: vec![item("Laptop", 100), item("Mouse", 25)],
        ..Default::default()
    };
    let placed = buyer
        .orders()
        .place_order(request.clone())
        .await
        .unwrap()
        .into_inner();
    let order = placed.order.unwrap();
    assert_eq!(order.source(), Source::AdHoc);
    assert_eq!((order.store_id.as_str(), order.total), ("", 250));
    let guest = app
        .guest()
        .await
        .orders()
        .place_order(request)
        .await
        .unwrap_err();
    assert_eq!(reason(&guest), "TOKEN_MISSING");
}

#[tokio::test]
async fn a_quote_tells_the_price_of_the_order_and_what_stands_in_its_way() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let honey = seller.product("Honey of the Aurès", 120_000, 2).await;
    let buyer = app.customer().await;
    let quote = |quantity, wilaya: Option<&str>| QuoteOrderRequest {
        items: ShippingTo::algiers(&[(&honey.id, quantity)]).items,
        customer_wilaya: wilaya.map(str::to_owned),
        ..Default::default()
    };
    let quoted = buyer
        .orders()
        .quote_order(quote(2, Some("16")))
        .await
        .unwrap()
        .into_inner();
    assert!(quoted.problems.is_empty());
    let open = buyer
        .orders()
        .quote_order(quote(2, None))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((open.quotes[0].shipping, open.total), (None, 240_000));
    let short = buyer
        .orders()
        .quote_order(quote(3, Some("16")))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(short.problems[0].available, Some(2));
    assert_eq!(short.problems[0].product_id, honey.id);
    assert_eq!(app.orders().await, 0);
    let request = PlaceOrderRequest {
        expected_total: Some(quoted.total),
        ..ShippingTo::algiers(&[(&honey.id, 2)])
    };
    let wrong = PlaceOrderRequest {
        expected_total: Some(quoted.total - 1),
        ..request.clone()
    };
    let refused = buyer.orders().place_order(wrong).await.unwrap_err();
    assert_eq!(reason(&refused), "PRICE_CHANGED");
    buyer.orders().place_order(request).await.unwrap();
}

#[tokio::test]
async fn pickup_needs_no_address_and_costs_no_shipping() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Argan oil", 90_000, 3).await;
    let request = PlaceOrderRequest {
        delivery_type: DeliveryType::Pickup as i32,
        customer_wilaya: None,
        shipping_address: None,
        payment_method: order_payment::Method::Card as i32,
        ..ShippingTo::algiers(&[(&product.id, 1)])
    };
    let buyer = app.customer().await;
    let order = buyer
        .orders()
        .place_order(request)
        .await
        .unwrap()
        .into_inner()
        .order
        .unwrap();
    assert_eq!((order.shipping, order.total), (0, 90_000));
    assert_eq!((order.wilaya.as_str(), order.address.as_str()), ("", ""));
}

#[tokio::test]
async fn the_same_order_comes_over_json() {
    let app = TestApp::start().await;
    let product = app.seller().await.product("Argan oil", 90_000, 3).await;
    let buyer = app.customer().await;
    let body = json!({
        "items": [{"product_id": product.id, "quantity": 1}],
        "customer_name": "Amine Cherif",
        "customer_phone": "0551000001",
        "customer_wilaya": "Alger",
        "customer_address": "12 Rue Didouche Mourad",
        "payment_method": "cash_on_delivery",
    });
    let token = buyer.token.as_deref();
    let placed = app.post("/api/orders", token, body.clone()).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    assert_eq!(placed.body["order"]["status"], "PENDING");
    assert_eq!(placed.body["order"]["paymentMethod"], "COD");
    let id = placed.body["order"]["id"].as_str().unwrap();
    let read = app.get(&format!("/orders/{id}"), token).await;
    assert_eq!(read.body["order"], placed.body["order"]);
    let mut many = body;
    many["items"][0]["quantity"] = json!(7);
    let short = app.post("/orders", token, many).await;
    assert_eq!(
        (short.status.as_u16(), &short.body["code"]),
        (409, &json!("OUT_OF_STOCK"))
    );
    assert_eq!(short.body["errors"][0]["field"], "items[0].quantity");
}

#[tokio::test]
async fn an_order_of_two_products_takes_eight_statements() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let honey = seller.product("Honey of the Aurès", 120_000, 10).await;
    let dates = seller.product("Deglet Nour", 45_000, 10).await;
    let buyer = app.customer().await;
    let place = async |key: &str| {
        let request = ShippingTo::algiers(&[(&honey.id, 1), (&dates.id, 1)]);
        statements(
            &buyer
                .orders()
                .place_order(keyed(key, request))
                .await
                .unwrap(),
        )
    };
    app.settle().await;
    place("first").await;
    let count = place("second").await;
    assert!(count <= 8, "{count} statements");
}
