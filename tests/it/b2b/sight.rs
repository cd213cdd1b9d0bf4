//! Who sees which offer, and may do what about it: every RPC by everybody, with offers of
//! every tier to every tier in every status, where tiers are strict and where they are not.
//! What is expected comes from the few rules in `rules`, not from the code.

mod rules;

use std::time::Duration;

use serde_json::{Value, json};
use souk::kernel::id::OfferId;
use souk::pb::souk::b2b::v1::{CreateOfferRequest, offer};
use souk::pb::souk::users::v1::user::SellerCategory;
use tonic::Status;

use rules::{LET_IN, Lot, ROUTES, STATUSES, Viewer, about_offer, about_response};

use crate::support::traders::{Traders, auction, negotiable, put_into_tier};
use crate::support::{Client, TestApp, reason};

const OF_OFFERS: [(&str, &str); 8] = [
    ("GetOffer", r#"{"id":"$"}"#),
    ("WatchOffer", r#"{"id":"$"}"#),
    ("GetBidHistory", r#"{"offerId":"$"}"#),
    ("ListOfferResponses", r#"{"offerId":"$"}"#),
    // Changes nothing.
    ("UpdateOffer", r#"{"id":"$"}"#),
    ("CloseOffer", r#"{"id":"$"}"#),
    ("DeleteOffer", r#"{"id":"$"}"#),
    (
        "SubmitResponse",
        r#"{"offerId":"$","amount":5000,"quantity":1000000}"#,
    ),
];

const OF_RESPONSES: [(&str, &str); 5] = [
    ("GetResponse", r#"{"id":"$"}"#),
    ("CounterResponse", r#"{"id":"$","round":99,"amount":5000}"#),
    ("AcceptResponse", r#"{"id":"$","round":99}"#),
    ("RejectResponse", r#"{"id":"$"}"#),
    ("WithdrawResponse", r#"{"id":"$"}"#),
];

/// RPCs that are about nothing but the caller.
const OF_CALLERS: [(&str, &str); 6] = [
    ("ListOffers", "{}"),
    ("ListMyOffers", "{}"),
    ("ListMyResponses", "{}"),
    ("WatchMyOffers", "{}"),
    ("WatchMyResponses", "{}"),
    (
        "CreateOffer",
        r#"{"title":"Huile","basePrice":1,"minQuantity":2,"availableQuantity":1}"#,
    ),
];

/// What a call comes to, told by its reason.
fn outcome(answer: &Result<Value, Status>) -> String {
    match answer {
        Ok(_) => LET_IN.to_owned(),
        Err(refused) => match reason(refused).as_str() {
            "QUANTITY_OUT_OF_RANGE"
            | "OFFER_NOT_ACTIVE"
            | "AUCTION_NOT_STARTED"
            | "AUCTION_ENDED"
            | "CONFLICT"
            | "INVALID_STATUS_TRANSITION"
            | "VALIDATION_ERROR" => LET_IN.to_owned(),
            // A negotiation's word about a bid: the party is known.
            "WRONG_RESPONSE_TYPE" if refused.message().contains("end of an auction") => {
                LET_IN.to_owned()
            }
            other => other.to_owned(),
        },
    }
}

struct Market {
    lots: Vec<Lot>,
    viewers: Vec<Viewer>,
}

/// Somebody of every kind. Of each tier one owns its offers or answered those to it, and
/// another did neither.
async fn viewers(app: &TestApp) -> Vec<Viewer> {
    let traders = Traders::new(app).await;
    let mut viewers = Vec::new();
    for (name, client) in [
        ("guest", app.guest().await),
        ("customer", traders.customer),
        ("freelancer", traders.freelancer),
        ("a seller in no tier", app.seller().await.client),
        ("admin", traders.admin.clone()),
    ] {
        viewers.push(Viewer {
            name,
            client,
            tier: "",
            owns: false,
            answered: false,
        });
    }
    for (name, tier) in [
        ("the seller", "IMPORTATEUR"),
        ("another", "IMPORTATEUR"),
        ("the seller", "GROSSISTE"),
        ("who answered", "GROSSISTE"),
        ("another", "GROSSISTE"),
        ("who answered", "FOURNISSEUR"),
        ("another", "FOURNISSEUR"),
    ] {
        viewers.push(Viewer {
            name,
            client: app.tiered(&traders.admin, tier).await.client,
            tier,
            owns: name == "the seller",
            answered: name == "who answered",
        });
    }
    viewers
}

async fn market(app: &TestApp) -> Market {
    let viewers = viewers(app).await;
    let mut lots = Vec::new();
    for (from, to) in ROUTES {
        for status in STATUSES {
            let of = |request| lot(app, &viewers, (from, to), status, request);
            lots.push(of(negotiable()).await);
            if status == "ACTIVE" {
                lots.push(of(auction(app, Duration::from_secs(86_400))).await);
            }
        }
    }
    Market { lots, viewers }
}

/// An offer that was answered and then came into a status.
async fn lot(
    app: &TestApp,
    viewers: &[Viewer],
    (from, to): (&'static str, &'static str),
    status: &'static str,
    request: CreateOfferRequest,
) -> Lot {
    let find = |pick: &dyn Fn(&&Viewer) -> bool| viewers.iter().find(pick).unwrap().client.clone();
    let seller = find(&|it| it.owns && it.tier == from);
    let buyer = find(&|it| it.answered && it.tier == to);
    let is_auction = request.offer_type() == offer::Type::Auction;
    let target = SellerCategory::from_str_name(to).unwrap();
    let offer = seller
        .offer(CreateOfferRequest {
            target_category: target.into(),
            ..request
        })
        .await;
    let response = match status {
        "SCHEDULED" => None,
        _ => Some(buyer.responded(&offer.id, 1_000, 20).await.id),
    };
    let outcome = match status {
        "SOLD" => "AGREED",
        "EXPIRED" => "NO_DEAL",
        "CLOSED" => "CLOSED_BY_SELLER",
        _ => "",
    };
    let id: OfferId = offer.id.parse().unwrap();
    let over = match outcome {
        "" => "NULL",
        _ => "updated_at",
    };
    let sql = format!(
        "UPDATE b2b_offers SET status = '{status}', outcome = '{outcome}', ended_at = {over} \
         WHERE id = $1"
    );
    app.execute(&sql, [id.uuid().into()]).await;
    Lot {
        id: offer.id,
        from,
        to,
        status,
        is_auction,
        response,
    }
}

/// Every call of one viewer that did not come to what the rules say.
async fn wrong(market: &Market, viewer: &Viewer, client: &Client, is_strict: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |what: String, expected: &str, given: String| {
        let expected = viewer.barred().unwrap_or(expected);
        if given != expected {
            let name = format!("{} {}", viewer.tier, viewer.name);
            wrong.push(format!(
                "{name}, strict {is_strict}: {what}: {given}, not {expected}"
            ));
        }
    };
    for lot in &market.lots {
        let named = format!("{} → {}, {}", lot.from, lot.to, lot.status);
        for (rpc, request) in OF_OFFERS {
            // What ends an offer would change what the others see.
            let ends = match rpc {
                "CloseOffer" => viewer.owns(lot) || viewer.is_admin(),
                "DeleteOffer" => viewer.owns(lot),
                _ => false,
            };
            if ends {
                continue;
            }
            let request = request.replace('$', &lot.id);
            let answer = client.call(&format!("B2bService/{rpc}"), &request).await;
            let expected = about_offer(rpc, viewer, lot, is_strict);
            check(format!("{rpc} of {named}"), expected, outcome(&answer));
        }
        for (rpc, request) in OF_RESPONSES {
            let Some(response) = &lot.response else {
                continue;
            };
            let ends = match rpc {
                "RejectResponse" => viewer.owns(lot),
                "WithdrawResponse" => viewer.answered(lot),
                _ => false,
            };
            if ends {
                continue;
            }
            let request = request.replace('$', response);
            let answer = client.call(&format!("B2bService/{rpc}"), &request).await;
            let expected = about_response(rpc, viewer, lot);
            check(format!("{rpc} to {named}"), expected, outcome(&answer));
        }
    }
    for (rpc, request) in OF_CALLERS {
        let answer = client.call(&format!("B2bService/{rpc}"), request).await;
        let expected = match (rpc, viewer.tier) {
            ("CreateOffer", "FOURNISSEUR") => "TIER_CANNOT_TARGET",
            ("CreateOffer", _) if viewer.is_admin() => "FORBIDDEN",
            _ => LET_IN,
        };
        check(rpc.to_owned(), expected, outcome(&answer));
    }
    wrong
}

/// The lists of one viewer that do not hold exactly what the rules say.
async fn wrong_lists(
    market: &Market,
    viewer: &Viewer,
    client: &Client,
    is_strict: bool,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for status in STATUSES {
        let request = json!({"status": status, "limit": 100}).to_string();
        for rpc in ["ListOffers", "ListMyOffers"] {
            let is_there = |lot: &&Lot| {
                let is_theirs = match rpc {
                    "ListOffers" => viewer.is_listed(lot, is_strict),
                    _ => viewer.owns(lot),
                };
                is_theirs && lot.status == status
            };
            let mut expected: Vec<&str> = market
                .lots
                .iter()
                .filter(is_there)
                .map(|lot| &*lot.id)
                .collect();
            let listed = client.call(&format!("B2bService/{rpc}"), &request).await;
            let listed = listed.unwrap();
            let offers = listed["offers"].as_array().cloned().unwrap_or_default();
            let mut found: Vec<&str> = offers.iter().filter_map(|it| it["id"].as_str()).collect();
            expected.sort_unstable();
            found.sort_unstable();
            if found != expected {
                let name = format!("{} {}", viewer.tier, viewer.name);
                wrong.push(format!(
                    "{name}, strict {is_strict}: {rpc} {status}: {} of {}",
                    found.len(),
                    expected.len()
                ));
            }
        }
    }
    wrong
}

#[tokio::test]
async fn everybody_sees_exactly_the_offers_that_the_tiers_allow() {
    let app = TestApp::start().await;
    let market = market(&app).await;
    app.settle().await;
    let strictly = app
        .beside_with(&[("B2B_STRICT_TIERS", "true")], |_| {})
        .await;
    let before = app.rows().await;
    let mut all = Vec::new();
    for (at, is_strict) in [(&app, false), (&strictly, true)] {
        for viewer in &market.viewers {
            let client = at.recall(&viewer.client);
            all.extend(wrong(&market, viewer, &client, is_strict).await);
            if viewer.barred().is_none() {
                all.extend(wrong_lists(&market, viewer, &client, is_strict).await);
            }
        }
    }
    assert!(
        all.is_empty(),
        "{} are wrong:\n{}",
        all.len(),
        all.join("\n")
    );
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn where_tiers_are_strict_offers_go_to_the_next_one_alone() {
    let app = TestApp::with(&[("B2B_STRICT_TIERS", "true")]).await;
    let traders = Traders::new(&app).await;
    let skipping = CreateOfferRequest {
        target_category: SellerCategory::Fournisseur.into(),
        ..negotiable()
    };
    let mut importer = traders.importateur.client.b2b();
    let refused = importer.create_offer(skipping).await.unwrap_err();
    assert_eq!(reason(&refused), "TIER_CANNOT_TARGET");
    let next = traders.importateur.client.offer(negotiable()).await;
    assert_eq!(next.target_category(), SellerCategory::Grossiste);
    let last = traders.grossiste.client.offer(negotiable()).await;
    assert_eq!(last.target_category(), SellerCategory::Fournisseur);
    app.assert_sound().await;
}

#[tokio::test]
async fn who_answered_sees_an_offer_also_when_it_is_over_and_from_another_tier() {
    let app = TestApp::start().await;
    let traders = Traders::new(&app).await;
    let (buyer, other) = (&traders.fournisseur.client, &traders.rival.client);
    let offer = traders.grossiste.client.offer(negotiable()).await;
    assert_eq!(buyer.offer_of(&offer.id).await.unwrap().my_response_id, "");
    let response = buyer.responded(&offer.id, 900, 20).await;
    let close = json!({"id": offer.id}).to_string();
    let closed = traders
        .grossiste
        .client
        .call("B2bService/CloseOffer", &close);
    closed.await.unwrap();
    let seen = buyer.offer_of(&offer.id).await.unwrap();
    assert_eq!(seen.my_response_id, response.id);
    let hidden = other.offer_of(&offer.id).await.unwrap_err();
    assert_eq!(reason(&hidden), "NOT_FOUND");
    put_into_tier(&traders.admin, buyer, "GROSSISTE").await;
    buyer.offer_of(&offer.id).await.unwrap();
    app.assert_sound().await;
}
