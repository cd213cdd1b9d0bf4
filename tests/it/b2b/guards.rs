//! What guards the trade: against stores that pause or are suspended, accounts that are
//! blocked, sellers who are gone, and bids that get into each other's way.

use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::json;
use souk::db::Dialect;
use souk::kernel::id::UserId;
use souk::pb::souk::b2b::v1::offer_response::{Refusal, Status};
use souk::pb::souk::b2b::v1::{SubmitResponseRequest, UpdateOfferRequest, offer};
use souk::pb::souk::orders::v1::order_payment::Method;
use souk::pb::souk::users::v1::user::SellerCategory;

use super::bids::{response_of, sale, told};
use super::ends::ended;
use super::talk::{ask, faults, refusal};
use crate::support::traders::{Traders, negotiable, response};
use crate::support::{Client, TestApp, reason, until};

async fn suspend(traders: &Traders) {
    let request = json!({"id": traders.grossiste.store, "reason": "papers"});
    ask(&traders.admin, "StoreService/SuspendStore", request)
        .await
        .unwrap();
}

async fn listed(by: &Client) -> usize {
    let answer = ask(by, "B2bService/ListOffers", json!({})).await.unwrap();
    answer["offers"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn nobody_pauses_out_of_a_low_price() {
    let (app, traders, offer) = sale(|request| request).await;
    let won = traders.rival.client.responded(&offer.id, 1_000, 10).await;
    let pause = json!({"id": traders.grossiste.store});
    let seller = &traders.grossiste.client;
    ask(seller, "StoreService/PauseStore", pause).await.unwrap();
    let over = ended(&app, &traders, &offer).await;
    assert_eq!(
        (over.status(), over.outcome()),
        (offer::Status::Sold, offer::Outcome::Won)
    );
    let won = response_of(&traders.rival.client, &won.id).await;
    assert_eq!(won.status(), Status::Accepted);
    app.assert_sound().await;
}

#[tokio::test]
async fn the_offers_of_a_suspended_store_are_hidden_until_it_is_back() {
    let (app, traders, offer) = sale(|request| request).await;
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let talk = traders.grossiste.client.offer(negotiable()).await;
    let open = two.responded(&talk.id, 900, 10).await;
    two.responded(&offer.id, 1_000, 10).await;
    assert_eq!(listed(one).await, 2);
    suspend(&traders).await;
    assert_eq!(listed(one).await, 0);
    assert_eq!(refusal(one.offer_of(&offer.id).await), "NOT_FOUND");
    let stranger = one.respond(&offer.id, 1_100, 10).await;
    assert_eq!(refusal(stranger), "NOT_FOUND");
    // Who answered sees what became of it, and trades no more.
    two.offer_of(&offer.id).await.unwrap();
    let raise = two.respond(&offer.id, 1_100, 10).await;
    assert_eq!(refusal(raise), "STORE_NOT_ACTIVE");
    let seller = &traders.grossiste.client;
    let counter = seller.counter(&open, 950, 10).await;
    assert_eq!(refusal(counter), "STORE_NOT_ACTIVE");
    let resume = json!({"id": traders.grossiste.store});
    ask(&traders.admin, "StoreService/ResumeStore", resume)
        .await
        .unwrap();
    assert_eq!(listed(one).await, 2);
    one.responded(&offer.id, 1_100, 10).await;
    app.assert_sound().await;
}

#[tokio::test]
async fn an_auction_that_ends_while_its_store_is_suspended_is_lost_to_everybody() {
    let (app, traders, offer) = sale(|request| request).await;
    let led = traders.rival.client.responded(&offer.id, 1_000, 10).await;
    suspend(&traders).await;
    let over = ended(&app, &traders, &offer).await;
    assert_eq!(over.outcome(), offer::Outcome::StoreNotActive);
    let led = response_of(&traders.rival.client, &led.id).await;
    assert_eq!(led.refusal(), Refusal::StoreNotActive);
    assert_eq!(told(&app, "my-responses", "auction_lost").await, 1);
    assert_eq!(told(&app, "my-responses", "out_of_stock").await, 0);
    app.assert_sound().await;
}

#[tokio::test]
async fn an_administrator_ends_any_offer_and_frees_those_who_answered() {
    let (app, traders, offer) = sale(|request| request).await;
    let (admin, two) = (&traders.admin, &traders.rival.client);
    let led = two.responded(&offer.id, 1_000, 10).await;
    let seller = &traders.grossiste.client;
    assert_eq!(refusal(seller.close_offer(&offer.id).await), "OFFER_LOCKED");
    let closed = admin.close_offer(&offer.id).await.unwrap();
    assert_eq!(
        (closed.status(), closed.outcome()),
        (offer::Status::Closed, offer::Outcome::ClosedByAdministrator)
    );
    let led = response_of(two, &led.id).await;
    assert_eq!(
        (led.status(), led.refusal()),
        (Status::Rejected, Refusal::OfferClosed)
    );
    assert_eq!(told(&app, "my-responses", "auction_lost").await, 1);
    let audited = "SELECT count(*) FROM audit_log WHERE method LIKE '%CloseOffer'";
    assert_eq!(app.number(audited).await, 1);
    ask(two, "UserService/DeleteMe", json!({})).await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn who_leads_changes_the_quantity_with_a_higher_bid_alone() {
    let (app, traders, offer) = sale(|request| request).await;
    let two = &traders.rival.client;
    let led = SubmitResponseRequest {
        payment_method: Method::Ccp.into(),
        ..response(&offer.id, 1_000, 100)
    };
    two.b2b().submit_response(led).await.unwrap();
    let fewer = SubmitResponseRequest {
        max_amount: Some(1_200),
        ..response(&offer.id, 1_000, 10)
    };
    let refused = two.b2b().submit_response(fewer).await.unwrap_err();
    assert_eq!(reason(&refused), "BID_TOO_LOW");
    assert_eq!(faults(Err::<(), _>(refused)), ["amount", "quantity"]);
    let raised = two.responded(&offer.id, 1_050, 10).await;
    assert_eq!(raised.quantity, 10);
    // What is not said stays.
    assert_eq!(raised.payment_method(), Method::Ccp);
    app.assert_sound().await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_before_it_meets_others() {
    let (app, traders, offer) = sale(|request| request).await;
    let two = &traders.rival.client;
    let bid = SubmitResponseRequest {
        message: "cash\0".into(),
        ..response(&offer.id, 1_000, 10)
    };
    let refused = two.b2b().submit_response(bid).await;
    assert_eq!(faults(refused), ["message"]);
    let mut blank = negotiable();
    blank.title = "    ".into();
    let seller = &traders.grossiste.client;
    let refused = seller.b2b().create_offer(blank).await;
    assert_eq!(faults(refused), ["title"]);
    app.assert_sound().await;
}

#[tokio::test]
async fn nobody_pays_for_what_anothers_bid_runs_into() {
    let (app, traders, offer) = sale(|request| request).await;
    if app.db.dialect() == Dialect::Sqlite {
        return; // One writer: whoever holds anything holds up everybody.
    }
    let (one, two) = (&traders.fournisseur.client, &traders.rival.client);
    let held = app.db.read().begin().await.unwrap();
    let account: UserId = two.user_id.parse().unwrap();
    let sql = format!(
        "SELECT id FROM users WHERE id = '{}' FOR UPDATE",
        account.uuid()
    );
    let rows = held.query_all_raw(app.db.dialect().statement(&sql, []));
    assert_eq!(rows.await.unwrap().len(), 1);
    // The first bid of the stuck account waits for its row, and meanwhile the next two meet.
    let stuck = async {
        let (first, second) = tokio::join!(
            two.respond(&offer.id, 1_000, 10),
            two.respond(&offer.id, 1_050, 10)
        );
        (refusal(first), refusal(second))
    };
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock'";
    let taken = async {
        until("a bid waits", async || app.number(waits).await > 0).await;
        one.respond(&offer.id, 1_100, 10).await.unwrap()
    };
    let (stuck, taken) = tokio::join!(stuck, taken);
    assert_eq!(stuck, ("CONFLICT".into(), "CONFLICT".into()));
    assert_eq!(taken.response.unwrap().status(), Status::Pending);
    held.rollback().await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn a_tier_hears_of_an_offer_that_is_made_to_it_later() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let seller = &traders.importateur.client;
    let made = seller.offer(negotiable()).await;
    assert_eq!(told(&app, "offers", "new_offer").await, 1);
    let targets = [SellerCategory::Fournisseur, SellerCategory::Grossiste];
    for (heard, target) in (2..).zip(targets) {
        let change = UpdateOfferRequest {
            id: made.id.clone(),
            target_category: target.into(),
            ..Default::default()
        };
        seller.b2b().update_offer(change).await.unwrap();
        assert_eq!(told(&app, "offers", "new_offer").await, heard);
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn what_is_said_of_a_seller_is_what_holds_now() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let seller = &traders.grossiste.client;
    let made = seller.offer(negotiable()).await;
    let one = &traders.fournisseur.client;
    for is_verified in [true, false] {
        let mark = json!({"id": seller.user_id, "isVerified": is_verified});
        ask(&traders.admin, "UserService/VerifySeller", mark)
            .await
            .unwrap();
        let shown = one.offer_of(&made.id).await.unwrap();
        assert_eq!(shown.seller_verified, is_verified);
    }
}
