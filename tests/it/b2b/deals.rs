//! Deals: the orders that responses become.

use serde_json::{Value, json};
use souk::pb::souk::b2b::v1::offer_response::{Refusal, Status};
use souk::pb::souk::b2b::v1::{CreateOfferRequest, SubmitResponseRequest, offer};
use souk::pb::souk::orders::v1::order::{self, BuyerKind, DeliveryType, Source};
use souk::pb::souk::orders::v1::order_history_entry::Actor;
use souk::pb::souk::orders::v1::order_payment::Method;
use souk::pb::souk::orders::v1::{CancelOrderRequest, Order};
use souk::pb::souk::stores::v1::{PauseStoreRequest, ResumeStoreRequest};

use super::talk::refusal;
use crate::support::traders::{Traders, negotiable, response};
use crate::support::{Client, TestApp};

/// An offer of a product with so many pieces in stock.
async fn of_product(traders: &Traders, stock: i32) -> (offer::Status, String, String) {
    let seller = &traders.importateur;
    let product = seller.product("Huile 5 L", 1_200, stock).await.id;
    let request = CreateOfferRequest {
        product_id: product.clone(),
        images: vec!["https://elsewhere.example/oil.jpg".into()],
        ..negotiable()
    };
    let made = seller.client.offer(request).await;
    (made.status(), made.id, product)
}

async fn act(by: &Client, rpc: &str, request: Value) -> Value {
    by.call(rpc, &request.to_string()).await.unwrap()
}

/// An address of a user: its id.
async fn address(of: &Client, title: &str, street: &str) -> String {
    let request = json!({"title": title, "address": {
        "street": street, "line2": "Hangar 4", "wilaya": "Oran", "commune": "Es Senia",
        "country": "DZ", "postalCode": "31000",
    }});
    let made = act(of, "UserService/CreateAddress", request).await;
    made["address"]["id"].as_str().unwrap().to_owned()
}

async fn order_of(by: &Client, id: &str) -> Order {
    by.see(id, None).await.unwrap()
}

/// How often something was told, on whatever topic.
async fn told(app: &TestApp, kind: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM events WHERE kind = '{kind}'");
    app.number(&sql).await
}

#[tokio::test]
async fn a_deal_is_a_confirmed_order_that_goes_the_ordinary_way() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur, &traders.grossiste.client);
    let profile = json!({"name": "Amina Benali", "email": "amina@example.dz"});
    act(buyer, "UserService/UpdateMe", profile).await;
    address(buyer, "Magasin", "1 rue Khemisti").await;
    let depot = address(buyer, "Dépôt", "Zone industrielle 3").await;
    let (_, offer, product) = of_product(&traders, 100).await;
    let wish = SubmitResponseRequest {
        address_id: depot,
        payment_method: Method::Ccp.into(),
        ..response(&offer, 900, 30)
    };
    let made = buyer.b2b().submit_response(wish).await.unwrap();
    let made = made.into_inner().response.unwrap();
    let done = seller.client.accept(&made).await.unwrap().response.unwrap();
    let order = order_of(buyer, &done.order_id).await;
    assert_eq!(order.status(), order::Status::Confirmed);
    assert_eq!(order.buyer_kind(), BuyerKind::B2b);
    assert_eq!(
        (order.source(), order.offer_id.as_str()),
        (Source::Direct, offer.as_str())
    );
    assert_eq!(order.user_id, buyer.user_id);
    assert_eq!(
        (&order.store_id, &order.seller_id),
        (&seller.store, &seller.client.user_id)
    );
    assert_eq!(order.payment_method(), Method::Ccp);
    assert_eq!(
        (order.subtotal, order.shipping, order.total),
        (27_000, 0, 27_000)
    );
    assert_eq!(order.currency, "DZD");
    let item = &order.items[0];
    assert_eq!(
        (item.product_id.as_str(), item.name.as_str()),
        (product.as_str(), "Huile 5 L")
    );
    assert_eq!(
        (item.unit_price, item.quantity, item.subtotal),
        (900, 30, 27_000)
    );
    assert_eq!(item.image, "https://elsewhere.example/oil.jpg");
    assert_eq!(order.delivery_type(), DeliveryType::Home);
    assert_eq!(order.customer_name, "Amina Benali");
    assert_eq!(order.customer_email, "amina@example.dz");
    assert!(buyer.phone.ends_with(&order.customer_phone[4..]));
    assert_eq!(order.address, "Zone industrielle 3, Hangar 4");
    assert_eq!(
        (order.wilaya_code.as_str(), order.commune.as_str()),
        ("31", "Es Senia")
    );
    let history: Vec<_> = order
        .history
        .iter()
        .map(|entry| (entry.status(), entry.actor()))
        .collect();
    let expected = [
        (order::Status::Pending, Actor::Buyer),
        (order::Status::Confirmed, Actor::Store),
    ];
    assert_eq!(history, expected);
    assert_eq!(app.on_hand().await, 70);
    for to in [
        order::Status::Processing,
        order::Status::Shipped,
        order::Status::Delivered,
    ] {
        assert_eq!(
            seller.client.step(&order.id, to).await.unwrap().status(),
            to
        );
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn without_an_address_the_goods_are_fetched_and_a_cancelled_deal_gives_them_back() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur.client, &traders.grossiste.client);
    let (_, offer, _) = of_product(&traders, 100).await;
    let made = buyer.responded(&offer, 900, 30).await;
    let countered = seller.counter(&made, 950, 30).await.unwrap();
    let done = buyer.accept(&countered).await.unwrap().response.unwrap();
    let order = order_of(buyer, &done.order_id).await;
    assert_eq!(order.delivery_type(), DeliveryType::Pickup);
    assert_eq!((order.address.as_str(), order.total), ("", 28_500));
    // It was the store that named these terms.
    assert_eq!(order.history[1].actor_id, seller.user_id);
    assert_eq!(app.on_hand().await, 70);
    let cancel = CancelOrderRequest {
        id: order.id,
        ..Default::default()
    };
    buyer.orders().cancel_order(cancel).await.unwrap();
    assert_eq!(app.on_hand().await, 100);
    // The deal was made all the same.
    let response = buyer.response_of(&done.id).await.unwrap();
    assert_eq!(response.status(), Status::Accepted);
    app.assert_sound().await;
}

#[tokio::test]
async fn an_address_that_is_gone_gives_way_to_the_default_one() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur.client, &traders.grossiste.client);
    address(buyer, "Magasin", "1 rue Khemisti").await;
    let depot = address(buyer, "Dépôt", "Zone industrielle 3").await;
    let offer = seller.offer(negotiable()).await.id;
    let wish = SubmitResponseRequest {
        address_id: depot.clone(),
        ..response(&offer, 900, 30)
    };
    let made = buyer.b2b().submit_response(wish).await.unwrap();
    let made = made.into_inner().response.unwrap();
    act(buyer, "UserService/DeleteAddress", json!({"id": depot})).await;
    let done = seller.accept(&made).await.unwrap().response.unwrap();
    let order = order_of(seller, &done.order_id).await;
    assert_eq!(order.address, "1 rue Khemisti, Hangar 4");
    // The offer stands for itself: there is no stock to take from.
    assert_eq!(order.items[0].product_id, "");
    app.assert_sound().await;
}

#[tokio::test]
async fn when_goods_are_gone_both_sides_are_told_and_it_stays_open() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur, &traders.grossiste.client);
    let (_, offer, product) = of_product(&traders, 20).await;
    let made = buyer.responded(&offer, 900, 30).await;
    for _ in 0..2 {
        let refused = seller.client.accept(&made).await;
        assert_eq!(refusal(refused), "OUT_OF_STOCK");
    }
    assert_eq!((app.orders().await, app.on_hand().await), (0, 20));
    // One for each of them, once.
    assert_eq!(told(&app, "b2b.out_of_stock").await, 2);
    let open = buyer.response_of(&made.id).await.unwrap();
    assert_eq!(
        (open.status(), open.refusal()),
        (Status::Pending, Refusal::OutOfStock)
    );
    assert_eq!((open.round, open.version), (1, 2));
    let stock = json!({"storeId": seller.store, "productId": product, "onHand": 30});
    act(&seller.client, "InventoryService/SetStock", stock).await;
    let done = seller.client.accept(&open).await.unwrap();
    let response = done.response.unwrap();
    assert_eq!(
        (response.status(), response.refusal()),
        (Status::Accepted, Refusal::Unspecified)
    );
    assert_eq!(app.on_hand().await, 0);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_store_that_is_paused_makes_no_deal() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur, &traders.grossiste.client);
    let (_, offer, _) = of_product(&traders, 100).await;
    let made = buyer.responded(&offer, 900, 30).await;
    let id = seller.store.clone();
    let pause = PauseStoreRequest { id: id.clone() };
    seller.client.stores().pause_store(pause).await.unwrap();
    assert_eq!(
        refusal(seller.client.accept(&made).await),
        "STORE_NOT_ACTIVE"
    );
    let open = buyer.response_of(&made.id).await.unwrap();
    assert_eq!((open.status(), open.version), (Status::Pending, 1));
    let resume = ResumeStoreRequest { id };
    seller.client.stores().resume_store(resume).await.unwrap();
    seller.client.accept(&made).await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn a_product_off_sale_is_still_sold_as_agreed_and_a_deleted_one_is_gone() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur.client, &traders.grossiste.client);
    let (_, offer, product) = of_product(&traders, 100).await;
    let made = buyer.responded(&offer, 900, 30).await;
    let of = json!({"id": product});
    act(seller, "CatalogService/UnpublishProduct", of.clone()).await;
    seller.accept(&made).await.unwrap();
    let made = buyer.responded(&offer, 900, 30).await;
    act(seller, "CatalogService/DeleteProduct", of).await;
    assert_eq!(refusal(seller.accept(&made).await), "OUT_OF_STOCK");
    let open = buyer.response_of(&made.id).await.unwrap();
    assert_eq!(
        (open.status(), open.refusal()),
        (Status::Pending, Refusal::OutOfStock)
    );
    app.assert_sound().await;
}
