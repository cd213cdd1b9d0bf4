//! What keeps a trader in the chain, and what is forgotten of one who leaves it.

use serde_json::json;
use souk::grpc::convert::time_to_pb;
use souk::pb::souk::b2b::v1::CreateOfferRequest;
use souk::pb::souk::stores::v1::SuspendStoreRequest;
use std::time::Duration;

use super::talk::{ask, refusal};
use crate::support::traders::{Traders, auction, negotiable, response};
use crate::support::{Client, TestApp};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Every way out of a tier, all of which the same refusal meets.
async fn refused_everywhere(admin: &Client, trader: &Client) {
    let id = &trader.user_id;
    let ways = [
        (
            admin,
            "UserService/SetSellerCategory",
            json!({"id": id, "sellerCategory": "FOURNISSEUR"}),
        ),
        (
            admin,
            "UserService/SetUserRole",
            json!({"id": id, "role": "CUSTOMER"}),
        ),
        (trader, "AuthService/SyncRole", json!({"role": "CUSTOMER"})),
        (trader, "UserService/DeleteMe", json!({})),
    ];
    for (by, rpc, request) in ways {
        let refused = ask(by, rpc, request).await;
        assert_eq!(refusal(refused), "USER_HAS_OPEN_OFFERS", "{rpc}");
    }
}

#[tokio::test]
async fn nobody_leaves_a_tier_with_open_offers_or_binding_responses() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur.client, &traders.grossiste.client);
    let later = CreateOfferRequest {
        starts_at: Some(time_to_pb(app.clock.now() + HOUR)),
        ..negotiable()
    };
    let later = seller.offer(later).await.id;
    refused_everywhere(&traders.admin, seller).await;
    seller.close_offer(&later).await.unwrap();
    let offer = seller.offer(negotiable()).await.id;
    refused_everywhere(&traders.admin, seller).await;
    let open = buyer.responded(&offer, 900, 20).await;
    refused_everywhere(&traders.admin, buyer).await;
    buyer.withdraw(&open.id).await.unwrap();
    let tier = json!({"id": buyer.user_id, "sellerCategory": "FOURNISSEUR"});
    ask(&traders.admin, "UserService/SetSellerCategory", tier)
        .await
        .unwrap();
    seller.close_offer(&offer).await.unwrap();
    ask(seller, "UserService/DeleteMe", json!({}))
        .await
        .unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn a_leading_bid_binds_and_one_that_was_outbid_does_not() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let seller = &traders.grossiste.client;
    let (first, second) = (&traders.fournisseur.client, &traders.rival.client);
    let offer = seller.offer(auction(&app, 2 * HOUR)).await.id;
    first.responded(&offer, 1_000, 10).await;
    let refused = ask(first, "UserService/DeleteMe", json!({})).await;
    assert_eq!(refusal(refused), "USER_HAS_OPEN_OFFERS");
    second.responded(&offer, 1_100, 10).await;
    ask(first, "UserService/DeleteMe", json!({})).await.unwrap();
    app.advance(2 * HOUR);
    app.run_jobs().await;
    assert_eq!(app.orders().await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_store_with_open_offers_is_suspended_but_not_deleted() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let seller = &traders.importateur;
    let offer = seller.client.offer(negotiable()).await.id;
    let of = json!({"id": seller.store});
    let refused = ask(&seller.client, "StoreService/DeleteStore", of.clone()).await;
    assert_eq!(refusal(refused), "USER_HAS_OPEN_OFFERS");
    let suspend = SuspendStoreRequest {
        id: seller.store.clone(),
        reason: "fraud".into(),
    };
    traders.admin.stores().suspend_store(suspend).await.unwrap();
    seller.client.close_offer(&offer).await.unwrap();
    ask(&traders.admin, "StoreService/DeleteStore", of)
        .await
        .unwrap();
}

#[tokio::test]
async fn the_words_of_a_closed_account_are_forgotten() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (seller, buyer) = (&traders.importateur.client, &traders.grossiste.client);
    let place = json!({"title": "Depot", "address": {"street": "Zone 3", "country": "FR"}});
    let made = ask(buyer, "UserService/CreateAddress", place)
        .await
        .unwrap();
    let offer = seller.offer(negotiable()).await.id;
    let wish = souk::pb::souk::b2b::v1::SubmitResponseRequest {
        message: "Call Amina on 0661".into(),
        address_id: made["address"]["id"].as_str().unwrap().into(),
        ..response(&offer, 900, 20)
    };
    let first = buyer.b2b().submit_response(wish).await.unwrap();
    let first = first.into_inner().response.unwrap();
    seller.counter(&first, 950, 20).await.unwrap();
    buyer.withdraw(&first.id).await.unwrap();
    ask(buyer, "UserService/DeleteMe", json!({})).await.unwrap();
    let seen = seller.response_of(&first.id).await.unwrap();
    let words: Vec<_> = seen.rounds.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(words, ["", "Not quite"]);
    assert_eq!(
        (seen.message.as_str(), seen.buyer_name.as_str()),
        ("Not quite", "")
    );
    assert_eq!((seen.rounds[0].amount, seen.amount), (900, 950));
    let with_address = "SELECT count(*) FROM b2b_responses WHERE address_id IS NOT NULL";
    assert_eq!(app.number(with_address).await, 0);
    seller.close_offer(&offer).await.unwrap();
    ask(seller, "UserService/DeleteMe", json!({}))
        .await
        .unwrap();
    let told = "SELECT count(*) FROM b2b_rounds WHERE message <> ''";
    assert_eq!(app.number(told).await, 0);
    app.assert_sound().await;
}
