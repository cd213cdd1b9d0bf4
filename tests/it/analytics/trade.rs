//! The numbers of the trade between businesses.

use std::time::Duration;

use serde_json::json;
use souk::pb::souk::analytics::v1::{B2bStats, GetB2bStatsRequest};

use crate::support::clients::statements;
use crate::support::traders::{Traders, auction, negotiable};
use crate::support::{Client, TestApp, reason};

const MINUTE: Duration = Duration::from_secs(60);

async fn numbers(of: &Client) -> B2bStats {
    let answer = of.analytics().get_b2b_stats(GetB2bStatsRequest {}).await;
    answer.unwrap().into_inner().stats.unwrap()
}

async fn act(by: &Client, rpc: &str, request: serde_json::Value) {
    let rpc = format!("B2bService/{rpc}");
    by.call(&rpc, &request.to_string()).await.unwrap();
}

#[tokio::test]
async fn the_numbers_tell_offers_responses_and_deals() {
    let app = TestApp::with(&[("AUCTION_MIN_SECONDS", "60")]).await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.grossiste.client, &traders.fournisseur.client);
    let rival = &traders.rival.client;
    let offer = seller.offer(negotiable()).await.id;
    let lot = seller.offer(auction(&app, 5 * MINUTE)).await.id;
    let gone = seller.offer(negotiable()).await.id;
    act(seller, "DeleteOffer", json!({"id": gone})).await;

    // One is accepted, one is countered, and one waits for an answer.
    let terms = buyer.responded(&offer, 900, 20).await;
    act(
        seller,
        "AcceptResponse",
        json!({"id": terms.id, "round": 1}),
    )
    .await;
    let theirs = rival.responded(&offer, 800, 10).await;
    let counter = json!({"id": theirs.id, "round": 1, "amount": 950});
    act(seller, "CounterResponse", counter).await;
    buyer.responded(&offer, 850, 10).await;
    // The rival loses the auction.
    rival.responded(&lot, 1_000, 10).await;
    buyer.responded(&lot, 1_100, 10).await;
    app.advance(6 * MINUTE);
    app.run_jobs().await;

    let sold = numbers(seller).await;
    let offers = sold.offers.unwrap();
    assert_eq!((offers.total, offers.active, offers.sold), (2, 1, 1));
    let received = sold.received.unwrap();
    assert_eq!((received.total, received.pending), (5, 2));
    assert!((received.response_rate - 0.666).abs() < 1e-9);
    let volume = sold.volume.unwrap();
    assert_eq!((volume.sold, volume.bought), (900 * 20 + 1_100 * 10, 0));
    assert_eq!(volume.currency, "DZD");

    let bought = numbers(buyer).await;
    let made = bought.made.unwrap();
    assert_eq!((made.total, made.pending, made.won), (3, 1, 2));
    assert!((made.win_rate - 1.0).abs() < 1e-9);
    assert_eq!(bought.volume.unwrap().bought, volume.sold);
    let lost = numbers(rival).await.made.unwrap();
    assert_eq!((lost.total, lost.pending, lost.won), (2, 1, 0));
    assert!(lost.win_rate.abs() < 1e-9);
    app.assert_sound().await;
}

#[tokio::test]
async fn the_numbers_are_for_sellers_in_a_tier_and_kept_for_a_while() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let plain = app.seller().await.client;
    for nobody in [
        &traders.customer,
        &traders.freelancer,
        &plain,
        &traders.admin,
    ] {
        let refused = nobody
            .analytics()
            .get_b2b_stats(GetB2bStatsRequest {})
            .await;
        assert_eq!(reason(&refused.unwrap_err()), "NOT_A_TIER_SELLER");
    }
    let seller = &traders.grossiste.client;
    app.settle().await;
    numbers(seller).await;
    seller.offer(negotiable()).await;
    let kept = seller
        .analytics()
        .get_b2b_stats(GetB2bStatsRequest {})
        .await;
    let kept = kept.unwrap();
    assert_eq!(statements(&kept), 0);
    assert_eq!(kept.into_inner().stats.unwrap().offers.unwrap().total, 0);
    let path = "/api/seller/b2b-stats";
    let answer = app.get(path, seller.token.as_deref()).await;
    assert_eq!(
        answer.body["stats"]["volume"]["currency"], "DZD",
        "{}",
        answer.text
    );
}
