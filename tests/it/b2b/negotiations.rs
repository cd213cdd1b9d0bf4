//! Negotiations: rounds, and every way in which they end.

use std::time::Duration;

use serde_json::json;
use souk::grpc::convert::time_to_pb;
use souk::pb::souk::b2b::v1::offer::{self, Outcome};
use souk::pb::souk::b2b::v1::offer_response::{Party, Refusal, Status, Type};
use souk::pb::souk::b2b::v1::{CreateOfferRequest, SubmitResponseRequest};
use souk::pb::souk::orders::v1::order_payment::Method;

use super::talk::{acceptance, faults, refusal};
use crate::support::clients::is_replayed;
use crate::support::traders::{Traders, negotiable, response};
use crate::support::{Client, TestApp, keyed};

/// Shorter than a session.
const SPAN: Duration = Duration::from_secs(10 * 60);

/// An importateur, two grossistes, and an offer of the first to them.
struct Table {
    app: TestApp,
    traders: Traders,
    rival: Client,
    offer: String,
}

impl Table {
    async fn set() -> Self {
        let app = TestApp::start().await;
        let traders = Traders::new(&app).await;
        let rival = app.tiered(&traders.admin, "GROSSISTE").await.client;
        let offer = traders.importateur.client.offer(negotiable()).await.id;
        Self {
            app,
            traders,
            rival,
            offer,
        }
    }

    fn seller(&self) -> &Client {
        &self.traders.importateur.client
    }

    fn buyer(&self) -> &Client {
        &self.traders.grossiste.client
    }

    async fn offer(&self) -> offer::Status {
        self.seller().offer_of(&self.offer).await.unwrap().status()
    }
}

#[tokio::test]
async fn both_sides_propose_in_turn_until_one_accepts_the_other() {
    let table = Table::set().await;
    let (seller, buyer) = (table.seller(), table.buyer());
    let first = buyer.responded(&table.offer, 800, 20).await;
    assert_eq!(first.response_type(), Type::Negotiation);
    assert_eq!((first.number, first.round, first.version), (1, 1, 1));
    assert_eq!(first.payment_method(), Method::BankTransfer);
    let second = seller.counter(&first, 950, 30).await.unwrap();
    assert_eq!((second.round, second.proposed_by()), (2, Party::Seller));
    let third = buyer.counter(&second, 900, 30).await.unwrap();
    // Nobody accepts their own terms, nor terms that are no longer on the table.
    assert_eq!(refusal(buyer.accept(&third).await), "FORBIDDEN");
    assert_eq!(refusal(seller.accept(&first).await), "CONFLICT");
    assert_eq!(refusal(seller.counter(&second, 940, 30).await), "CONFLICT");
    let done = seller.accept(&third).await.unwrap();
    let (response, offer) = (done.response.unwrap(), done.offer.unwrap());
    assert_eq!(response.status(), Status::Accepted);
    assert_eq!((response.amount, response.quantity), (900, 30));
    assert_eq!(response.version, 4);
    assert!(!response.order_id.is_empty());
    assert_eq!((offer.available_quantity, offer.version), (70, 2));
    let rounds: Vec<_> = response
        .rounds
        .iter()
        .map(|round| (round.number, round.party(), round.amount, round.quantity))
        .collect();
    let expected = [
        (1, Party::Buyer, 800, 20),
        (2, Party::Seller, 950, 30),
        (3, Party::Buyer, 900, 30),
    ];
    assert_eq!(rounds, expected);
    // It is over: again is not the same as once.
    assert_eq!(
        refusal(seller.accept(&third).await),
        "INVALID_STATUS_TRANSITION"
    );
    assert_eq!(
        refusal(buyer.withdraw(&first.id).await),
        "INVALID_STATUS_TRANSITION"
    );
    assert_eq!(
        refusal(seller.reject(&first.id).await),
        "INVALID_STATUS_TRANSITION"
    );
    table.app.assert_sound().await;
}

#[tokio::test]
async fn a_buyer_accepts_what_the_seller_proposed() {
    let table = Table::set().await;
    let (seller, buyer) = (table.seller(), table.buyer());
    let first = buyer.responded(&table.offer, 800, 20).await;
    let second = seller.counter(&first, 950, 20).await.unwrap();
    assert_eq!(refusal(seller.accept(&second).await), "FORBIDDEN");
    let done = buyer.accept(&second).await.unwrap().response.unwrap();
    assert_eq!((done.status(), done.amount), (Status::Accepted, 950));
    table.app.assert_sound().await;
}

#[tokio::test]
async fn a_buyer_has_one_open_negotiation_per_offer() {
    let table = Table::set().await;
    let (seller, buyer) = (table.seller(), table.buyer());
    let first = buyer.responded(&table.offer, 800, 20).await;
    let before = table.app.rows().await;
    let again = buyer.respond(&table.offer, 850, 20).await;
    assert_eq!(refusal(again), "RESPONSE_PENDING");
    assert_eq!(table.app.rows().await, before);
    buyer.withdraw(&first.id).await.unwrap();
    let second = buyer.responded(&table.offer, 850, 20).await;
    assert_eq!(second.number, 2);
    seller.reject(&second.id).await.unwrap();
    let third = buyer.responded(&table.offer, 870, 20).await;
    assert_eq!(third.number, 3);
    let seen = seller.offer_of(&table.offer).await.unwrap();
    assert_eq!((seen.responses_count, seen.version), (3, 1));
    table.app.assert_sound().await;
}

#[tokio::test]
async fn what_is_left_stays_on_offer_while_it_suffices() {
    let table = Table::set().await;
    let (seller, buyer, rival) = (table.seller(), table.buyer(), &table.rival);
    for quantity in [9, 101] {
        let refused = buyer.respond(&table.offer, 900, quantity).await;
        assert_eq!(refusal(refused), "QUANTITY_OUT_OF_RANGE");
    }
    let most = buyer.responded(&table.offer, 900, 60).await;
    let many = rival.responded(&table.offer, 950, 50).await;
    assert_eq!(
        refusal(seller.counter(&most, 900, 101).await),
        "QUANTITY_OUT_OF_RANGE"
    );
    seller.accept(&most).await.unwrap();
    assert_eq!(table.offer().await, offer::Status::Active);
    // Forty are left, not fifty.
    let refused = seller.accept(&many).await.unwrap_err();
    let details = tonic_types::StatusExt::get_details_error_info(&refused).unwrap();
    assert_eq!(details.reason, "QUANTITY_OUT_OF_RANGE");
    assert_eq!(details.metadata["availableQuantity"], "40");
    let fewer = rival.counter(&many, 950, 35).await.unwrap();
    let other = buyer.responded(&table.offer, 900, 40).await;
    let done = seller.accept(&fewer).await.unwrap();
    let sold = done.offer.unwrap();
    assert_eq!(
        (sold.status(), sold.outcome()),
        (offer::Status::Sold, Outcome::Agreed)
    );
    assert_eq!((sold.available_quantity, sold.version), (5, 3));
    let other = buyer.response_of(&other.id).await.unwrap();
    assert_eq!(
        (other.status(), other.refusal()),
        (Status::Rejected, Refusal::SoldOut)
    );
    assert_eq!(other.version, 2);
    let late = rival.respond(&table.offer, 900, 10).await;
    assert_eq!(refusal(late), "OFFER_NOT_ACTIVE");
    assert_eq!(
        refusal(seller.close_offer(&table.offer).await),
        "OFFER_NOT_ACTIVE"
    );
    table.app.assert_sound().await;
}

#[tokio::test]
async fn each_side_leaves_in_its_own_way() {
    let table = Table::set().await;
    let (seller, buyer) = (table.seller(), table.buyer());
    let open = buyer.responded(&table.offer, 800, 20).await;
    assert_eq!(refusal(buyer.reject(&open.id).await), "FORBIDDEN");
    assert_eq!(refusal(seller.withdraw(&open.id).await), "FORBIDDEN");
    assert_eq!(refusal(table.rival.withdraw(&open.id).await), "NOT_FOUND");
    assert_eq!(refusal(table.rival.accept(&open).await), "NOT_FOUND");
    let admin = &table.traders.admin;
    assert_eq!(refusal(admin.reject(&open.id).await), "FORBIDDEN");
    assert_eq!(refusal(admin.accept(&open).await), "FORBIDDEN");
    for _ in 0..2 {
        let rejected = seller.reject(&open.id).await.unwrap();
        assert_eq!((rejected.status(), rejected.version), (Status::Rejected, 2));
        assert_eq!(rejected.refusal(), Refusal::Declined);
    }
    assert_eq!(
        refusal(buyer.withdraw(&open.id).await),
        "INVALID_STATUS_TRANSITION"
    );
    assert_eq!(
        refusal(seller.accept(&open).await),
        "INVALID_STATUS_TRANSITION"
    );
    let open = buyer.responded(&table.offer, 850, 20).await;
    for _ in 0..2 {
        let withdrawn = buyer.withdraw(&open.id).await.unwrap();
        assert_eq!(
            (withdrawn.status(), withdrawn.version),
            (Status::Withdrawn, 2)
        );
    }
    assert_eq!(
        refusal(seller.reject(&open.id).await),
        "INVALID_STATUS_TRANSITION"
    );
    assert_eq!(
        refusal(buyer.counter(&open, 860, 20).await),
        "INVALID_STATUS_TRANSITION"
    );
    table.app.assert_sound().await;
}

#[tokio::test]
async fn an_offer_whose_time_is_over_takes_nothing_and_rejects_what_is_open() {
    let table = Table::set().await;
    let (seller, buyer, app) = (table.seller(), table.buyer(), &table.app);
    let ending = || CreateOfferRequest {
        ends_at: Some(time_to_pb(app.clock.now() + SPAN)),
        ..negotiable()
    };
    let (bare, partly) = (
        seller.offer(ending()).await.id,
        seller.offer(ending()).await.id,
    );
    let sold = buyer.responded(&partly, 900, 20).await;
    seller.accept(&sold).await.unwrap();
    let open = buyer.responded(&bare, 800, 20).await;
    app.advance(SPAN);
    // The clock decides, not the job.
    assert_eq!(
        refusal(buyer.respond(&partly, 800, 20).await),
        "OFFER_NOT_ACTIVE"
    );
    assert_eq!(refusal(seller.accept(&open).await), "OFFER_NOT_ACTIVE");
    assert_eq!(
        refusal(seller.counter(&open, 900, 20).await),
        "OFFER_NOT_ACTIVE"
    );
    app.run_jobs().await;
    let open = buyer.response_of(&open.id).await.unwrap();
    assert_eq!(
        (open.status(), open.refusal()),
        (Status::Rejected, Refusal::OfferExpired)
    );
    for (id, outcome) in [(&bare, Outcome::NoDeal), (&partly, Outcome::Agreed)] {
        let over = seller.offer_of(id).await.unwrap();
        assert_eq!(
            (over.status(), over.outcome()),
            (offer::Status::Expired, outcome)
        );
    }
    assert_eq!(table.offer().await, offer::Status::Active);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_repeated_call_has_one_effect() {
    let table = Table::set().await;
    let (seller, buyer) = (table.seller(), table.buyer());
    let mut made = Vec::new();
    for _ in 0..2 {
        let request = keyed("respond-once", response(&table.offer, 900, 20));
        let answer = buyer.b2b().submit_response(request).await.unwrap();
        made.push((is_replayed(&answer), answer.into_inner().response.unwrap()));
    }
    assert_eq!((made[0].0, made[1].0), (false, true));
    assert_eq!(made[0].1, made[1].1);
    let mut orders = Vec::new();
    for _ in 0..2 {
        let request = keyed("accept-once", acceptance(&made[0].1));
        let answer = seller.b2b().accept_response(request).await.unwrap();
        orders.push(answer.into_inner().response.unwrap().order_id);
    }
    assert_eq!(orders[0], orders[1]);
    assert_eq!(table.app.orders().await, 1);
    table.app.assert_sound().await;
}

#[tokio::test]
async fn what_an_offer_does_not_take_is_refused_by_name() {
    let table = Table::set().await;
    let buyer = table.buyer();
    let address = json!({"title": "Depot", "address": {"street": "Zone 3", "country": "FR"}});
    let foreign = table
        .rival
        .call("UserService/CreateAddress", &address.to_string())
        .await
        .unwrap();
    let wish = || response(&table.offer, 900, 20);
    let bid = SubmitResponseRequest {
        response_type: Type::Bid.into(),
        ..wish()
    };
    let maximum = SubmitResponseRequest {
        max_amount: Some(1_000),
        ..wish()
    };
    let online = SubmitResponseRequest {
        payment_method: Method::Stripe.into(),
        ..wish()
    };
    let elsewhere = SubmitResponseRequest {
        address_id: foreign["address"]["id"].as_str().unwrap().into(),
        ..wish()
    };
    let before = table.app.rows().await;
    for (request, why, field) in [
        (bid, "WRONG_RESPONSE_TYPE", "responseType"),
        (maximum, "VALIDATION_ERROR", "maxAmount"),
        (online, "VALIDATION_ERROR", "paymentMethod"),
        (elsewhere, "VALIDATION_ERROR", "addressId"),
    ] {
        let refused = buyer.b2b().submit_response(request).await;
        let refused = refused.map(drop).unwrap_err();
        assert_eq!(faults(Err::<(), _>(refused.clone())), [field]);
        assert_eq!(refusal(Err::<(), _>(refused)), why);
    }
    let own = table.seller().respond(&table.offer, 900, 20).await;
    assert_eq!(refusal(own), "TIER_CANNOT_RESPOND");
    let admin = table.traders.admin.respond(&table.offer, 900, 20).await;
    assert_eq!(refusal(admin), "TIER_CANNOT_RESPOND");
    let hidden = &table.traders.fournisseur.client;
    assert_eq!(
        refusal(hidden.respond(&table.offer, 900, 20).await),
        "NOT_FOUND"
    );
    assert_eq!(table.app.rows().await, before);
}
