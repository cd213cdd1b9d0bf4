//! Lists of offers, responses and bids.

use std::time::Duration;

use serde_json::{Value, json};
use souk::pb::souk::b2b::v1::offer::{Status, Type};
use souk::pb::souk::b2b::v1::{CreateOfferRequest, GetBidHistoryRequest, ListOffersRequest, Offer};

use souk::pb::souk::users::v1::user::SellerCategory;

use crate::support::clients::statements;
use crate::support::traders::{Traders, auction, negotiable, response};
use crate::support::{Client, TestApp, reason};

const DAY: Duration = Duration::from_secs(86_400);

async fn list(by: &Client, rpc: &str, request: Value) -> Value {
    let rpc = format!("B2bService/{rpc}");
    by.call(&rpc, &request.to_string()).await.unwrap()
}

/// The ids of what was listed, in their order.
fn ids(answer: &Value, of: &str) -> Vec<String> {
    let items = answer[of].as_array().cloned().unwrap_or_default();
    let ids = items.iter().map(|item| item["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

async fn offers(by: &Client, request: Value) -> Vec<String> {
    ids(&list(by, "ListOffers", request).await, "offers")
}

/// What is made later is newer than what was made before.
const A_MOMENT: Duration = Duration::from_millis(1);

/// So many offers, the newest first.
async fn several(app: &TestApp, seller: &Client, count: usize) -> Vec<Offer> {
    let mut made = Vec::new();
    for number in 0..count {
        app.advance(A_MOMENT);
        let request = CreateOfferRequest {
            title: format!("Huile {number}"),
            ..negotiable()
        };
        made.insert(0, seller.offer(request).await);
    }
    made
}

#[tokio::test]
async fn a_list_is_of_what_its_filters_say_and_the_newest_first() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let plain = seller.offer(negotiable()).await.id;
    app.advance(A_MOMENT);
    let lot = seller.offer(auction(&app, DAY)).await.id;
    app.advance(A_MOMENT);
    let skipping = CreateOfferRequest {
        target_category: SellerCategory::Fournisseur.into(),
        ..negotiable()
    };
    let far = traders.importateur.client.offer(skipping).await.id;
    traders.importateur.client.offer(negotiable()).await;
    let (all, of_seller) = ([far.clone(), lot.clone(), plain.clone()], &seller.user_id);
    for (request, expected) in [
        (json!({}), &all[..]),
        (json!({"offerType": "AUCTION"}), &all[1..2]),
        (json!({"sellerId": of_seller}), &all[1..]),
        (json!({"targetCategory": "FOURNISSEUR"}), &all[..]),
        (json!({"targetCategory": "GROSSISTE"}), &[]),
        (json!({"status": "SCHEDULED"}), &[]),
        (
            json!({"status": "ACTIVE", "offerType": "NEGOTIABLE", "sellerId": of_seller}),
            &all[2..],
        ),
    ] {
        assert_eq!(offers(buyer, request.clone()).await, expected, "{request}");
    }
    let close = json!({"id": plain});
    list(seller, "CloseOffer", close).await;
    assert_eq!(offers(buyer, json!({})).await, &all[..2]);
    assert_eq!(
        offers(buyer, json!({"status": "CLOSED"})).await,
        &[] as &[String]
    );
    let own = json!({"status": "CLOSED"});
    assert_eq!(offers(seller, own.clone()).await, &all[2..]);
    let mine = list(seller, "ListMyOffers", json!({})).await;
    assert_eq!(ids(&mine, "offers"), &all[1..]);
    let mine = list(seller, "ListMyOffers", own).await;
    assert_eq!(ids(&mine, "offers"), &all[2..]);
    assert_eq!(offers(&traders.admin, json!({})).await.len(), 3);
    app.assert_sound().await;
}

#[tokio::test]
async fn pages_hold_everything_once_by_token_and_by_number() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let made = several(&app, seller, 5).await;
    let expected: Vec<&str> = made.iter().map(|offer| &*offer.id).collect();
    for by in [seller, buyer, &traders.admin] {
        let (mut found, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(by, "ListOffers", json!({"limit": 2, "pageToken": token})).await;
            found.extend(ids(&page, "offers"));
            token = page["meta"]["nextPageToken"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected);
        let last = list(by, "ListOffers", json!({"limit": 2, "page": 3})).await;
        assert_eq!(ids(&last, "offers"), &expected[4..]);
        assert_eq!(last["meta"]["total"], 5);
    }
    // One statement for the page, one for the caller's own responses.
    app.settle().await;
    let mut b2b = buyer.b2b();
    b2b.list_offers(ListOffersRequest::default()).await.unwrap();
    let again = b2b.list_offers(ListOffersRequest::default()).await.unwrap();
    assert_eq!(statements(&again), 2);
}

#[tokio::test]
async fn responses_are_listed_to_their_buyer_and_to_the_seller() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let rival = &traders.rival.client;
    let name = json!({"name": "Lina"}).to_string();
    buyer.call("UserService/UpdateMe", &name).await.unwrap();
    let offer = seller.offer(negotiable()).await;
    let lot = seller.offer(auction(&app, DAY)).await;
    let terms = buyer.responded(&offer.id, 900, 20).await;
    app.advance(A_MOMENT);
    let theirs = rival.responded(&offer.id, 950, 20).await;
    let mut bid = response(&lot.id, 1_000, 20);
    bid.max_amount = Some(1_500);
    let bid = buyer.b2b().submit_response(bid).await.unwrap().into_inner();
    let bid = bid.response.unwrap();
    assert_eq!(bid.max_amount, Some(1_500));

    let mine = list(buyer, "ListMyResponses", json!({})).await;
    assert_eq!(ids(&mine, "responses"), [&*bid.id, &terms.id]);
    assert_eq!(mine["responses"][0]["maxAmount"], "1500");
    assert_eq!(mine["responses"][1]["offerTitle"], "Huile 5 L");
    let received = list(seller, "ListOfferResponses", json!({"offerId": offer.id})).await;
    assert_eq!(ids(&received, "responses"), [&*theirs.id, &terms.id]);
    assert_eq!(received["responses"][1]["buyerName"], "Lina");
    let withdraw = json!({"id": terms.id});
    list(buyer, "WithdrawResponse", withdraw).await;
    let pending = json!({"offerId": offer.id, "status": "PENDING"});
    let received = list(seller, "ListOfferResponses", pending).await;
    assert_eq!(ids(&received, "responses"), [&*theirs.id]);
    let withdrawn = list(buyer, "ListMyResponses", json!({"status": "WITHDRAWN"})).await;
    assert_eq!(ids(&withdrawn, "responses"), [&*terms.id]);
    // Up to what a buyer would go is the buyer's secret.
    for by in [seller, &traders.admin] {
        let received = list(by, "ListOfferResponses", json!({"offerId": lot.id})).await;
        assert_eq!(ids(&received, "responses"), [&*bid.id]);
        assert!(!received.to_string().contains("1500"), "{received}");
        let one = list(by, "GetResponse", json!({"id": bid.id})).await;
        assert!(!one.to_string().contains("1500"), "{one}");
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn a_history_of_bids_names_nobody() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let rival = &traders.rival.client;
    let third = app.tiered(&traders.admin, "FOURNISSEUR").await.client;
    let request = CreateOfferRequest {
        reserve_price: Some(7_777),
        ..auction(&app, DAY)
    };
    let lot = seller.offer(request).await;
    let mut amount = 1_000;
    for _ in 0..12 {
        for by in [buyer, rival] {
            by.responded(&lot.id, amount, 20).await;
            amount += 50;
        }
    }
    let mut hidden = response(&lot.id, amount, 20);
    hidden.max_amount = Some(6_666);
    buyer.b2b().submit_response(hidden).await.unwrap();
    for (by, mine) in [
        (buyer, 10),
        (rival, 10),
        (&third, 0),
        (seller, 0),
        (&traders.admin, 0),
    ] {
        let request = GetBidHistoryRequest {
            offer_id: lot.id.clone(),
        };
        let history = by.b2b().get_bid_history(request).await.unwrap();
        let bids = history.into_inner().bids;
        assert_eq!(bids.len(), 20);
        let numbers: Vec<i32> = bids.iter().map(|bid| bid.number).collect();
        assert_eq!(numbers, (6..=25).rev().collect::<Vec<_>>());
        assert!(bids.iter().all(|bid| [1, 2].contains(&bid.bidder)));
        let own = bids.iter().filter(|bid| bid.mine).count();
        assert_eq!(own, mine, "{}", by.user_id);
    }
    let secrets = [&buyer.user_id, &rival.user_id, "6666", "7777"];
    for by in [&third, rival] {
        for (rpc, request) in [
            ("GetBidHistory", json!({"offerId": lot.id})),
            ("GetOffer", json!({"id": lot.id})),
            ("WatchOffer", json!({"id": lot.id})),
            ("ListOffers", json!({})),
        ] {
            let told = list(by, rpc, request).await.to_string();
            let found = secrets.iter().find(|secret| told.contains(**secret));
            assert_eq!(found, None, "{rpc}: {told}");
        }
    }
    let plain = seller.offer(negotiable()).await;
    let request = json!({"offerId": plain.id}).to_string();
    let refused = buyer.call("B2bService/GetBidHistory", &request).await;
    assert_eq!(reason(&refused.unwrap_err()), "WRONG_RESPONSE_TYPE");
    let own = seller.offer_of(&lot.id).await.unwrap().auction.unwrap();
    assert_eq!(own.reserve_price, Some(7_777));
    assert!(own.has_reserve && !own.reserve_met);
    app.assert_sound().await;
}

#[tokio::test]
async fn everything_is_there_over_http() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let (sold_by, bought_by) = (seller.token.as_deref(), buyer.token.as_deref());
    let offer = json!({
        "title": "Huile 5 L", "base_price": 1000, "min_quantity": 10,
        "available_quantity": 100, "offer_type": "negotiable", "target_category": "fournisseur",
    });
    let made = app.post("/api/b2b/offers", sold_by, offer).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["offer"]["id"].as_str().unwrap();
    let terms = json!({
        "response_type": "negotiable", "amount": 900, "quantity": 20, "message": "Cash",
    });
    let path = format!("/api/b2b/offers/{id}/respond");
    let responded = app.post(&path, bought_by, terms).await;
    assert_eq!(responded.status, 201, "{}", responded.text);
    for (path, token, at) in [
        ("/api/b2b/offers?page=1&limit=10", bought_by, "/offers/0/id"),
        ("/api/b2b/my-offers", sold_by, "/offers/0/id"),
        ("/api/b2b/my-responses", bought_by, "/responses/0/offerId"),
        (&*format!("/api/b2b/offers/{id}"), bought_by, "/offer/id"),
        (
            &*format!("/api/b2b/offers/{id}/responses"),
            sold_by,
            "/responses/0/offerId",
        ),
    ] {
        let answer = app.get(path, token).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(
            answer.body.pointer(at),
            Some(&json!(id)),
            "{path}: {}",
            answer.text
        );
    }
    assert_eq!(
        seller.offer_of(id).await.unwrap().offer_type(),
        Type::Negotiable
    );
    assert_eq!(seller.offer_of(id).await.unwrap().status(), Status::Active);
    let customer = traders.customer.token.as_deref();
    let refused = app.get("/api/b2b/offers", customer).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["code"]),
        (403, &json!("NOT_A_TIER_SELLER"))
    );
}
