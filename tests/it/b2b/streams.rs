//! Watching offers: one of them, one's own, and what one answered.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::Method;
use serde_json::json;
use souk::pb::souk::b2b::v1::b2b_event::Type;
use souk::pb::souk::b2b::v1::offer::Status;
use souk::pb::souk::b2b::v1::offer_response::Status as Answer;
use souk::pb::souk::b2b::v1::{
    WatchMyOffersRequest, WatchMyResponsesRequest, WatchOfferRequest, WatchOfferResponse,
};
use tonic::Streaming;

use super::bids::history;
use crate::support::traders::{Traders, auction, negotiable, put_into_tier, response};
use crate::support::{Client, TestApp, reason};

const HOUR: Duration = Duration::from_secs(3_600);

async fn next<T>(stream: &mut Streaming<T>) -> T {
    let message = tokio::time::timeout(Duration::from_secs(10), stream.message()).await;
    message
        .expect("a message comes")
        .unwrap()
        .expect("the stream goes on")
}

/// How a stream ends that must.
async fn ending<T>(stream: &mut Streaming<T>) -> tonic::Status {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), stream.message()).await;
        match message.expect("the stream ends") {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the stream ends without a word"),
            Err(ended) => return ended,
        }
    }
}

async fn watch(
    by: &Client,
    id: &str,
    resume_token: Option<&str>,
) -> Result<Streaming<WatchOfferResponse>, tonic::Status> {
    let request = WatchOfferRequest {
        id: id.into(),
        resume_token: resume_token.map(str::to_owned),
    };
    Ok(by.b2b().watch_offer(request).await?.into_inner())
}

/// The same session with an access token that is good again.
async fn renewed(of: &Client) -> Client {
    let request = json!({"refreshToken": of.refresh_token}).to_string();
    let tokens = of
        .anonymous()
        .call("AuthService/RefreshToken", &request)
        .await;
    of.with_token(tokens.unwrap()["accessToken"].as_str().unwrap())
}

/// Changes an offer.
async fn put_up(seller: &Client, request: serde_json::Value) {
    let updated = seller
        .call("B2bService/UpdateOffer", &request.to_string())
        .await;
    updated.unwrap();
}

/// What a message tells: its kind, the version of the offer, and the number of the bid.
fn told(message: &WatchOfferResponse) -> (Type, i32, Option<i32>) {
    let version = message.offer.as_ref().map_or(0, |offer| offer.version);
    let bid = message.bid.as_ref().map(|bid| bid.number);
    (message.r#type(), version, bid)
}

#[tokio::test]
async fn an_auction_is_told_from_its_bids_to_its_end_in_order() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let rival = &traders.rival.client;
    let lot = seller.offer(auction(&app, 2 * HOUR)).await.id;
    buyer.responded(&lot, 1_000, 20).await;
    let mut stream = watch(rival, &lot, None).await.unwrap();
    let first = next(&mut stream).await;
    assert_eq!(told(&first), (Type::Snapshot, 2, None));
    assert_eq!(first.bids.len(), 1);
    let mut all = Vec::new();

    rival.responded(&lot, 1_050, 20).await;
    // A maximum of the rival answers.
    let mut most = response(&lot, 1_050, 20);
    most.max_amount = Some(2_000);
    rival.b2b().submit_response(most).await.unwrap();
    buyer.responded(&lot, 1_200, 20).await;
    app.advance(HOUR + Duration::from_secs(1));
    app.run_jobs().await;
    app.advance(HOUR - Duration::from_secs(60));
    let (buyer, rival) = (&renewed(buyer).await, &renewed(rival).await);
    buyer.responded(&lot, 1_300, 20).await;
    app.advance(Duration::from_secs(180));
    app.run_jobs().await;

    let beside = app.beside().await;
    let token = loop {
        let message = next(&mut stream).await;
        let what = told(&message);
        all.push(what);
        if what.2 == Some(3) {
            // Cut, and continued at another server after what was read.
            let (elsewhere, token) = (beside.recall(rival), &message.resume_token);
            stream = watch(&elsewhere, &lot, Some(token)).await.unwrap();
        }
        let offer = message.offer.unwrap();
        if offer.status() == Status::Sold {
            break message.resume_token;
        }
    };
    let versions: Vec<i32> = all.iter().map(|(_, version, _)| *version).collect();
    let expected: Vec<i32> = (3..).take(versions.len()).collect();
    assert_eq!(versions, expected, "{all:?}");
    let bids: Vec<i32> = all.iter().filter_map(|(_, _, bid)| *bid).collect();
    assert_eq!(bids, (2..=6).collect::<Vec<_>>(), "{all:?}");
    let others: Vec<Type> = all
        .iter()
        .map(|(what, _, _)| *what)
        .filter(|what| *what != Type::NewBid)
        .collect();
    let expected = [
        Type::AuctionEndingSoon,
        Type::AuctionExtended,
        Type::AuctionWon,
    ];
    assert_eq!(others, expected, "{all:?}");
    watch(rival, &lot, Some(&token)).await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn a_stream_begins_with_the_bids_that_its_offer_counts() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let lot = seller.offer(auction(&app, 2 * HOUR)).await.id;
    buyer.responded(&lot, 1_000, 20).await;
    // As a reader sees it who reads the offer before a bid, and the bids after it.
    let sql = "INSERT INTO b2b_bids (offer_id, number, response_id, amount, quantity, automatic, \
               ends_at, created_at) SELECT offer_id, 2, response_id, amount + 500, quantity, \
               automatic, ends_at, created_at FROM b2b_bids";
    app.execute(sql, []).await;
    assert_eq!(app.number("SELECT count(*) FROM b2b_bids").await, 2);

    let mut stream = watch(buyer, &lot, None).await.unwrap();
    let first = next(&mut stream).await;
    assert_eq!(told(&first), (Type::Snapshot, 2, None));
    let numbers: Vec<i32> = first.bids.iter().map(|bid| bid.number).collect();
    assert_eq!(numbers, [1], "the next is told as it happens");
    assert_eq!(history(buyer, &lot).await.len(), 1);
}

#[tokio::test]
async fn who_only_looked_on_is_told_the_end_also_after_a_cut() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, watcher) = (&traders.grossiste.client, &traders.fournisseur.client);
    let offer = seller.offer(negotiable()).await.id;
    let mut stream = watch(watcher, &offer, None).await.unwrap();
    let token = next(&mut stream).await.resume_token;
    let close = json!({"id": offer}).to_string();
    seller.call("B2bService/CloseOffer", &close).await.unwrap();
    assert_eq!(next(&mut stream).await.r#type(), Type::OfferClosed);
    let mut resumed = watch(watcher, &offer, Some(&token)).await.unwrap();
    assert_eq!(next(&mut resumed).await.r#type(), Type::OfferClosed);
    // Without a token of one's own there is nothing to see.
    for (by, token) in [
        (watcher, None),
        (watcher, Some("nonsense")),
        (&traders.rival.client, Some(&*token)),
    ] {
        let hidden = watch(by, &offer, token).await;
        assert_eq!(reason(&hidden.unwrap_err()), "NOT_FOUND");
    }
}

#[tokio::test]
async fn what_is_hidden_is_not_watched() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let offer = traders.importateur.client.offer(negotiable()).await.id;
    let hidden = watch(&traders.fournisseur.client, &offer, None).await;
    assert_eq!(reason(&hidden.unwrap_err()), "NOT_FOUND");
    let nobody = watch(&traders.customer, &offer, None).await;
    assert_eq!(reason(&nobody.unwrap_err()), "NOT_A_TIER_SELLER");
    let mut seen = watch(&traders.grossiste.client, &offer, None)
        .await
        .unwrap();
    assert_eq!(next(&mut seen).await.r#type(), Type::Snapshot);
}

#[tokio::test]
async fn a_stream_ends_when_its_watcher_may_not_see_the_offer_any_more() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, admin) = (&traders.grossiste.client, &traders.admin);
    let (watcher, buyer) = (&traders.fournisseur.client, &traders.rival.client);
    let offer = seller.offer(negotiable()).await.id;
    let answer = buyer.responded(&offer, 900, 20).await;
    let mut stream = watch(watcher, &offer, None).await.unwrap();
    let mut of_buyer = watch(buyer, &offer, None).await.unwrap();
    let mut own = watcher
        .b2b()
        .watch_my_responses(WatchMyResponsesRequest::default())
        .await
        .unwrap()
        .into_inner();
    next(&mut stream).await;
    next(&mut of_buyer).await;
    next(&mut own).await;
    // Nobody changes the tier with an open response.
    buyer.withdraw(&answer.id).await.unwrap();
    for one in [watcher, buyer] {
        put_into_tier(admin, one, "GROSSISTE").await;
    }
    app.settle().await;
    put_up(seller, json!({"id": offer, "title": "Huile 1 L"})).await;
    assert_eq!(reason(&ending(&mut stream).await), "NOT_FOUND");
    // Who answered sees it from any tier.
    assert_eq!(next(&mut of_buyer).await.r#type(), Type::OfferUpdated);
    put_into_tier(admin, buyer, "SELLER_CATEGORY_UNSPECIFIED").await;
    app.settle().await;
    put_up(seller, json!({"id": offer, "title": "Huile 2 L"})).await;
    let ended = ending(&mut of_buyer).await;
    assert_eq!(reason(&ended), "NOT_A_TIER_SELLER");
}

#[tokio::test]
async fn an_offer_that_goes_to_another_tier_is_told_there_alone() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let seller = &traders.importateur.client;
    let offer = seller.offer(negotiable()).await.id;
    let mut stream = watch(&traders.grossiste.client, &offer, None)
        .await
        .unwrap();
    next(&mut stream).await;
    put_up(
        seller,
        json!({"id": offer, "targetCategory": "FOURNISSEUR"}),
    )
    .await;
    assert_eq!(reason(&ending(&mut stream).await), "NOT_FOUND");
    let mut stream = watch(&traders.rival.client, &offer, None).await.unwrap();
    assert_eq!(next(&mut stream).await.r#type(), Type::Snapshot);
}

#[tokio::test]
async fn sellers_and_buyers_hear_of_what_is_theirs() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let rival = &traders.rival.client;
    let lot = seller.offer(auction(&app, 2 * HOUR)).await.id;
    let request = WatchMyOffersRequest::default();
    let mut sold = seller
        .b2b()
        .watch_my_offers(request)
        .await
        .unwrap()
        .into_inner();
    let first = next(&mut sold).await;
    assert_eq!((first.r#type(), first.offers.len()), (Type::Snapshot, 1));
    let request = WatchMyResponsesRequest::default();
    let bought = buyer.b2b().watch_my_responses(request).await.unwrap();
    let mut bought = bought.into_inner();
    assert_eq!(next(&mut bought).await.responses, []);

    buyer.responded(&lot, 1_000, 20).await;
    rival.responded(&lot, 1_050, 20).await;
    let own = next(&mut bought).await;
    assert_eq!(own.response.unwrap().status(), Answer::Pending);
    let outbid = next(&mut bought).await;
    assert_eq!(outbid.r#type(), Type::Outbid);
    for number in 1..=2 {
        let told = next(&mut sold).await;
        assert_eq!(
            (told.r#type(), told.bid.unwrap().number),
            (Type::NewBid, number)
        );
    }

    let offer = seller.offer(negotiable()).await.id;
    assert_eq!(next(&mut sold).await.r#type(), Type::NewOffer);
    let terms = buyer.responded(&offer, 900, 20).await;
    let own = next(&mut bought).await;
    assert_eq!(own.r#type(), Type::NegotiationSubmitted);
    // Of the offer, and of the response.
    let mut heard = Vec::new();
    while !heard.contains(&Type::NegotiationSubmitted) {
        heard.push(next(&mut sold).await.r#type());
    }
    let accept = json!({"id": terms.id, "round": 1}).to_string();
    seller
        .call("B2bService/AcceptResponse", &accept)
        .await
        .unwrap();
    let accepted = next(&mut bought).await;
    assert_eq!(accepted.r#type(), Type::NegotiationAccepted);
    assert!(accepted.response.unwrap().order_id.starts_with("ord_"));
    while heard.last() != Some(&Type::OfferPartlySold) {
        heard.push(next(&mut sold).await.r#type());
    }
    assert!(heard.contains(&Type::NegotiationAccepted), "{heard:?}");
    app.assert_sound().await;
}

#[tokio::test]
async fn an_auction_is_watched_over_http() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let lot = seller.offer(auction(&app, 2 * HOUR)).await.id;
    let path = format!("/api/stream/offers/{lot}");
    let token = traders.rival.client.token.as_deref();
    let answer = app.ask(Method::GET, &path, token, &[], None).await;
    assert_eq!(answer.status(), 200);
    buyer.responded(&lot, 1_000, 20).await;
    let (mut body, mut text) = (answer.bytes_stream(), String::new());
    while !text.contains("NEW_BID") {
        let part = tokio::time::timeout(Duration::from_secs(10), body.next()).await;
        let part = part.expect("a message comes").unwrap().unwrap();
        text.push_str(&String::from_utf8_lossy(&part));
    }
    assert!(text.contains("SNAPSHOT"), "{text}");
    assert!(!text.contains(&buyer.user_id), "{text}");
}
