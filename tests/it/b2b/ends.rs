//! How offers begin and end by themselves, and what becomes of those who responded.

use std::time::Duration;

use serde_json::json;
use souk::check;
use souk::grpc::convert::time_to_pb;
use souk::kernel::Clock;
use souk::pb::souk::b2b::v1::offer_response::{Refusal, Status as Answer};
use souk::pb::souk::b2b::v1::{CreateOfferRequest, Offer, offer};
use souk::pb::souk::orders::v1::{GetOrderRequest, Order, order};

use super::bids::{SHORT, response_of, sale, told};
use crate::support::traders::{Traders, auction, negotiable};
use crate::support::{Client, TestApp, until};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Lets an auction's time pass; how it ended, as its seller sees it.
pub async fn ended(app: &TestApp, traders: &Traders, offer: &Offer) -> Offer {
    app.advance(MINUTE);
    app.run_jobs().await;
    let seller = &traders.grossiste.client;
    seller.offer_of(&offer.id).await.unwrap()
}

async fn order_of(by: &Client, id: &str) -> Order {
    let request = GetOrderRequest {
        id: id.into(),
        ..Default::default()
    };
    let found = by.orders().get_order(request).await.unwrap();
    found.into_inner().order.unwrap()
}

/// An auction of a product of which 100 pieces are there.
async fn sale_of_goods() -> (TestApp, Traders, Offer, String) {
    let app = TestApp::with(&SHORT).await;
    let traders = Traders::new(&app).await;
    let product = traders.grossiste.product("Semoule 25 kg", 3_000, 100).await;
    let request = CreateOfferRequest {
        product_id: product.id.clone(),
        ..auction(&app, MINUTE)
    };
    let offer = traders.grossiste.client.offer(request).await;
    (app, traders, offer, product.id)
}

async fn on_hand(app: &TestApp) -> i64 {
    app.number("SELECT sum(on_hand) FROM stock").await
}

#[tokio::test]
async fn the_highest_bid_wins_an_order_and_the_others_are_told() {
    let (app, traders, offer, product) = sale_of_goods().await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let lost = one.responded(&offer.id, 1_000, 100).await;
    let won = two.responded(&offer.id, 1_100, 40).await;
    let over = ended(&app, &traders, &offer).await;
    assert_eq!(
        (over.status(), over.outcome(), over.available_quantity),
        (offer::Status::Sold, offer::Outcome::Won, 60)
    );
    let won = response_of(two, &won.id).await;
    let lost = response_of(one, &lost.id).await;
    assert_eq!((won.status(), won.amount), (Answer::Accepted, 1_100));
    assert_eq!(
        (lost.status(), lost.refusal()),
        (Answer::Rejected, Refusal::Lost)
    );
    let order = order_of(two, &won.order_id).await;
    assert_eq!(order.status(), order::Status::Confirmed);
    assert_eq!(order.items[0].product_id, product);
    let line = (order.items[0].unit_price, order.items[0].quantity);
    assert_eq!(line, (1_100, 40));
    assert_eq!(on_hand(&app).await, 60);
    assert_eq!(told(&app, "my-responses", "auction_won").await, 1);
    assert_eq!(told(&app, "my-responses", "auction_lost").await, 1);
    assert_eq!(told(&app, "my-offers", "auction_won").await, 1);
    // Whatever runs again, it ends once.
    app.advance(MINUTE);
    app.run_jobs().await;
    assert_eq!(told(&app, "offer", "auction_won").await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn an_auction_without_bids_expires() {
    let (app, traders, offer) = sale(|request| request).await;
    let over = ended(&app, &traders, &offer).await;
    assert_eq!(
        (over.status(), over.outcome()),
        (offer::Status::Expired, offer::Outcome::NoDeal)
    );
    assert_eq!(told(&app, "my-offers", "offer_expired").await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn below_the_reserve_price_nothing_is_sold() {
    let reserved = |request| CreateOfferRequest {
        reserve_price: Some(2_000),
        ..request
    };
    let (app, traders, offer) = sale(reserved).await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let first = one.responded(&offer.id, 1_000, 10).await;
    let second = two.responded(&offer.id, 1_999, 10).await;
    let over = ended(&app, &traders, &offer).await;
    assert_eq!(
        (over.status(), over.outcome()),
        (offer::Status::Expired, offer::Outcome::ReserveNotMet)
    );
    for (by, id) in [(one, first.id), (two, second.id)] {
        let response = response_of(by, &id).await;
        assert_eq!(
            (response.status(), response.refusal()),
            (Answer::Rejected, Refusal::ReserveNotMet)
        );
    }
    assert_eq!(told(&app, "my-responses", "auction_lost").await, 2);
    assert_eq!(app.number("SELECT count(*) FROM orders").await, 0);
    app.assert_sound().await;
}

#[tokio::test]
async fn when_the_goods_are_gone_winner_and_seller_are_told() {
    let (app, traders, offer, product) = sale_of_goods().await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let lost = one.responded(&offer.id, 1_000, 10).await;
    let won = two.responded(&offer.id, 1_100, 40).await;
    one.order(&product, 61).await;
    let over = ended(&app, &traders, &offer).await;
    assert_eq!(
        (over.status(), over.outcome(), over.available_quantity),
        (offer::Status::Expired, offer::Outcome::OutOfStock, 100)
    );
    let won = response_of(two, &won.id).await;
    assert_eq!(
        (won.status(), won.refusal(), won.order_id.as_str()),
        (Answer::Rejected, Refusal::OutOfStock, "")
    );
    let lost = response_of(one, &lost.id).await;
    assert_eq!(lost.refusal(), Refusal::Lost);
    assert_eq!(told(&app, "my-responses", "out_of_stock").await, 1);
    assert_eq!(told(&app, "my-offers", "offer_expired").await, 1);
    assert_eq!(on_hand(&app).await, 39);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_store_that_is_not_open_for_business_sells_nothing() {
    let (app, traders, offer) = sale(|request| request).await;
    let two = &traders.rival.client;
    let won = two.responded(&offer.id, 1_100, 40).await;
    let suspend = json!({"id": traders.grossiste.store, "reason": "papers"}).to_string();
    let admin = &traders.admin;
    admin
        .call("StoreService/SuspendStore", &suspend)
        .await
        .unwrap();
    let over = ended(&app, &traders, &offer).await;
    assert_eq!(
        (over.status(), over.outcome()),
        (offer::Status::Expired, offer::Outcome::StoreNotActive)
    );
    let won = response_of(two, &won.id).await;
    assert_eq!(won.refusal(), Refusal::StoreNotActive);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_negotiable_offer_with_an_end_expires_with_what_is_open() {
    let app = TestApp::with(&SHORT).await;
    let traders = Traders::new(&app).await;
    let request = CreateOfferRequest {
        ends_at: Some(time_to_pb(app.clock.now() + MINUTE)),
        ..negotiable()
    };
    let offer = traders.grossiste.client.offer(request).await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let open = one.responded(&offer.id, 900, 10).await;
    let agreed = two.responded(&offer.id, 950, 30).await;
    let accept = json!({"id": agreed.id, "round": 1}).to_string();
    let seller = &traders.grossiste.client;
    seller
        .call("B2bService/AcceptResponse", &accept)
        .await
        .unwrap();
    let over = ended(&app, &traders, &offer).await;
    assert_eq!(
        (over.status(), over.outcome(), over.available_quantity),
        (offer::Status::Expired, offer::Outcome::Agreed, 70)
    );
    let open = response_of(one, &open.id).await;
    assert_eq!(
        (open.status(), open.refusal()),
        (Answer::Rejected, Refusal::OfferExpired)
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn that_an_auction_ends_soon_is_told_once() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let request = auction(&app, 3 * HOUR);
    let offer = traders.grossiste.client.offer(request).await;
    let bid = traders.fournisseur.client.responded(&offer.id, 1_000, 10);
    bid.await;
    let told_of = async || {
        let offers = told(&app, "offer", "auction_ending_soon").await;
        (
            offers,
            told(&app, "my-responses", "auction_ending_soon").await,
        )
    };
    app.advance(2 * HOUR - Duration::from_secs(1));
    app.run_jobs().await;
    assert_eq!(told_of().await, (0, 0));
    app.advance(Duration::from_secs(1));
    for _ in 0..3 {
        app.run_jobs().await;
        assert_eq!(told_of().await, (1, 1));
        app.advance(20 * MINUTE);
    }
    app.run_jobs().await;
    assert_eq!(told(&app, "offer", "auction_won").await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn the_workers_end_an_auction_within_two_seconds() {
    let app = TestApp::adjusted(&SHORT, |parts| {
        parts.clock = Clock::system();
        parts.background = true;
    })
    .await;
    let traders = Traders::new(&app).await;
    let start = Clock::system().now();
    let end = start + Duration::from_secs(2);
    let request = CreateOfferRequest {
        starts_at: Some(time_to_pb(start)),
        ends_at: Some(time_to_pb(end)),
        anti_sniping: Some(false),
        ..auction(&app, MINUTE)
    };
    let offer = traders.grossiste.client.offer(request).await;
    let bid = traders.rival.client.responded(&offer.id, 1_000, 10);
    bid.await;
    let seller = &traders.grossiste.client;
    until("the auction ends", async || {
        let now = seller.offer_of(&offer.id).await.unwrap();
        now.status() == offer::Status::Sold
    })
    .await;
    let late = app
        .number("SELECT ended_at - ends_at FROM b2b_offers")
        .await;
    assert!((0..2_000_000).contains(&late), "{late} µs late");
    app.assert_sound().await;
}

/// An invariant, what breaks it, and what mends that.
const BREACHES: [(&str, &str, &str); 15] = [
    (
        "auction-bids",
        "UPDATE b2b_offers SET bid_increment = 51",
        "UPDATE b2b_offers SET bid_increment = 50",
    ),
    (
        "auction-bids",
        "UPDATE b2b_offers SET base_price = 1001",
        "UPDATE b2b_offers SET base_price = 1000",
    ),
    (
        "auction-leader",
        "UPDATE b2b_offers SET current_bid = 1049 WHERE bids_count > 0",
        "UPDATE b2b_offers SET current_bid = 1050 WHERE bids_count > 0",
    ),
    (
        "auction-leader",
        "UPDATE b2b_offers SET bids_count = 3 WHERE bids_count > 0",
        "UPDATE b2b_offers SET bids_count = 2 WHERE bids_count > 0",
    ),
    (
        "auction-end",
        "UPDATE b2b_offers SET ends_at = ends_at + 1000000",
        "UPDATE b2b_offers SET ends_at = ends_at - 1000000",
    ),
    (
        "auction-winner",
        "UPDATE b2b_offers SET reserve_price = 1200 WHERE type = 'AUCTION'",
        "UPDATE b2b_offers SET reserve_price = NULL",
    ),
    (
        "auction-winner",
        "UPDATE b2b_offers SET status = 'EXPIRED', outcome = 'NO_DEAL' WHERE status = 'SOLD'",
        "UPDATE b2b_offers SET status = 'SOLD', outcome = 'WON' WHERE status = 'EXPIRED'",
    ),
    (
        "offer-quantity",
        "UPDATE b2b_offers SET available_quantity = available_quantity - 1",
        "UPDATE b2b_offers SET available_quantity = available_quantity + 1",
    ),
    (
        "offer-deal",
        "UPDATE b2b_responses SET quantity = 41 WHERE status = 'ACCEPTED'",
        "UPDATE b2b_responses SET quantity = 40 WHERE status = 'ACCEPTED'",
    ),
    (
        "offer-deal",
        "UPDATE orders SET offer_id = NULL",
        "UPDATE orders SET offer_id = (SELECT id FROM b2b_offers WHERE status = 'SOLD')",
    ),
    (
        "offer-open",
        "UPDATE b2b_responses SET status = 'OUTBID' WHERE status = 'REJECTED'",
        "UPDATE b2b_responses SET status = 'REJECTED' WHERE status = 'OUTBID'",
    ),
    (
        "offer-responses",
        "UPDATE b2b_offers SET responses_count = responses_count + 1",
        "UPDATE b2b_offers SET responses_count = responses_count - 1",
    ),
    (
        "offer-rounds",
        "UPDATE b2b_responses SET round = 2 WHERE type = 'NEGOTIATION'",
        "UPDATE b2b_responses SET round = 1 WHERE type = 'NEGOTIATION'",
    ),
    (
        "offer-due",
        "UPDATE b2b_offers SET ends_at = starts_at + 1 WHERE type = 'NEGOTIABLE'",
        "UPDATE b2b_offers SET ends_at = NULL WHERE type = 'NEGOTIABLE'",
    ),
    (
        "offer-told",
        "DELETE FROM events WHERE kind = 'b2b.auction_won'",
        "SELECT 1",
    ),
];

#[tokio::test]
async fn what_is_wrong_with_offers_is_found() {
    let (app, traders, offer, _) = sale_of_goods().await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    one.responded(&offer.id, 1_000, 100).await;
    two.responded(&offer.id, 1_050, 40).await;
    let talk = traders.grossiste.client.offer(negotiable()).await;
    one.responded(&talk.id, 900, 10).await;
    ended(&app, &traders, &offer).await;
    app.advance(2 * MINUTE);
    app.run_jobs().await;
    app.assert_sound().await;
    for (name, wrong, right) in BREACHES {
        app.execute(wrong, []).await;
        let report = check::run(&app.db, &app.blobs).await.unwrap();
        let found = report.breaches.iter().any(|it| it.name == name);
        assert!(found, "{wrong}: {report}");
        app.execute(right, []).await;
    }
}
