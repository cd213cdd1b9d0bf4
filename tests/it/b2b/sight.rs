//! Who sees which offer, and may do what about it: every RPC by everybody, with offers of
//! every tier to every tier in every status, where tiers are strict and where they are not.
//! What is expected comes from the few rules here, not from the code.

use std::time::Duration;

use serde_json::{Value, json};
use souk::kernel::id::OfferId;
use souk::pb::souk::b2b::v1::{CreateOfferRequest, offer};
use souk::pb::souk::users::v1::user::SellerCategory;
use tonic::Status;

use crate::support::traders::{Traders, auction, negotiable, put_into_tier};
use crate::support::{Client, TestApp, reason};

/// What a call comes to when a refusal of what it asks for, and not of the caller, is no
/// matter: the offer is over, the quantity is too large, the terms have changed.
const LET_IN: &str = "let in";
/// Statuses in which offers are looked at.
const STATUSES: [&str; 5] = ["SCHEDULED", "ACTIVE", "SOLD", "EXPIRED", "CLOSED"];
/// From which tier to which offers go.
const ROUTES: [(&str, &str); 3] = [
    ("IMPORTATEUR", "GROSSISTE"),
    ("IMPORTATEUR", "FOURNISSEUR"),
    ("GROSSISTE", "FOURNISSEUR"),
];

struct Lot {
    id: String,
    from: &'static str,
    to: &'static str,
    status: &'static str,
    is_auction: bool,
    /// What the buyer of the tier answered, where there was time to.
    response: Option<String>,
}

/// Somebody who calls.
struct Viewer {
    name: &'static str,
    client: Client,
    /// The tier; empty for those who are in none.
    tier: &'static str,
    /// Owns the offers of the tier.
    owns: bool,
    /// Answered the offers to the tier.
    answered: bool,
}

impl Viewer {
    fn is_admin(&self) -> bool {
        self.name == "admin"
    }

    fn owns(&self, lot: &Lot) -> bool {
        self.owns && lot.from == self.tier
    }

    fn answered(&self, lot: &Lot) -> bool {
        self.answered && lot.to == self.tier && lot.response.is_some()
    }

    /// Offers go down the chain, and where tiers are strict one step at a time.
    fn is_target(&self, lot: &Lot, is_strict: bool) -> bool {
        lot.to == self.tier && !(is_strict && (lot.from, lot.to) == ROUTES[1])
    }

    fn sees(&self, lot: &Lot, is_strict: bool) -> bool {
        let is_shown = lot.status == "ACTIVE" && self.is_target(lot, is_strict);
        self.is_admin() || self.owns(lot) || self.answered(lot) || is_shown
    }

    /// Whether an offer stands in a list of those of its status.
    fn is_listed(&self, lot: &Lot, is_strict: bool) -> bool {
        let is_shown = lot.status == "ACTIVE" && self.is_target(lot, is_strict);
        self.is_admin() || self.owns(lot) || is_shown
    }

    /// Why nothing of the trade is theirs, for those of whom that is so.
    fn barred(&self) -> Option<&'static str> {
        match self.name {
            "guest" => Some("TOKEN_MISSING"),
            "admin" => None,
            _ => self.tier.is_empty().then_some("NOT_A_TIER_SELLER"),
        }
    }
}

/// What a call about an offer comes to.
fn about_offer(rpc: &str, viewer: &Viewer, lot: &Lot, is_strict: bool) -> &'static str {
    if !viewer.sees(lot, is_strict) {
        return "NOT_FOUND";
    }
    match rpc {
        "GetBidHistory" if !lot.is_auction => "WRONG_RESPONSE_TYPE",
        "SubmitResponse" if !viewer.is_target(lot, is_strict) => "TIER_CANNOT_RESPOND",
        "UpdateOffer" | "CloseOffer" | "DeleteOffer" if !viewer.owns(lot) => "FORBIDDEN",
        "ListOfferResponses" if !viewer.owns(lot) && !viewer.is_admin() => "FORBIDDEN",
        _ => LET_IN,
    }
}

/// What a call about the buyer's answer to an offer comes to.
fn about_response(rpc: &str, viewer: &Viewer, lot: &Lot) -> &'static str {
    let (is_seller, is_buyer) = (viewer.owns(lot), viewer.answered(lot));
    match rpc {
        _ if !is_seller && !is_buyer && !viewer.is_admin() => "NOT_FOUND",
        "GetResponse" => LET_IN,
        _ if viewer.is_admin() => "FORBIDDEN",
        "WithdrawResponse" if is_seller => "FORBIDDEN",
        "RejectResponse" if is_buyer && !lot.is_auction => "FORBIDDEN",
        _ => LET_IN,
    }
}

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

async fn market(app: &TestApp) -> Market {
    let traders = Traders::new(app).await;
    let admin = &traders.admin;
    let (importer, wholesaler) = (
        app.tiered(admin, "IMPORTATEUR").await,
        app.tiered(admin, "GROSSISTE").await,
    );
    let buyer = app.tiered(admin, "GROSSISTE").await;
    let viewer = |name, client: &Client, tier, owns, answered| Viewer {
        name,
        client: client.clone(),
        tier,
        owns,
        answered,
    };
    let viewers = vec![
        viewer("guest", &app.guest().await, "", false, false),
        viewer("customer", &traders.customer, "", false, false),
        viewer("freelancer", &traders.freelancer, "", false, false),
        viewer(
            "a seller in no tier",
            &app.seller().await.client,
            "",
            false,
            false,
        ),
        viewer("admin", admin, "", false, false),
        viewer(
            "importateur",
            &traders.importateur.client,
            "IMPORTATEUR",
            true,
            false,
        ),
        viewer(
            "another importateur",
            &importer.client,
            "IMPORTATEUR",
            false,
            false,
        ),
        viewer(
            "grossiste",
            &traders.grossiste.client,
            "GROSSISTE",
            true,
            false,
        ),
        viewer(
            "another grossiste",
            &wholesaler.client,
            "GROSSISTE",
            false,
            false,
        ),
        viewer(
            "a grossiste who answered",
            &buyer.client,
            "GROSSISTE",
            false,
            true,
        ),
        viewer(
            "fournisseur",
            &traders.fournisseur.client,
            "FOURNISSEUR",
            false,
            false,
        ),
        viewer(
            "a fournisseur who answered",
            &traders.rival.client,
            "FOURNISSEUR",
            false,
            true,
        ),
    ];
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
            let name = viewer.name;
            wrong.push(format!(
                "{name}, strict {is_strict}: {what}: {given}, not {expected}"
            ));
        }
    };
    for lot in &market.lots {
        let named = format!("{} → {}, {}", lot.from, lot.to, lot.status);
        for (rpc, request) in OF_OFFERS {
            // What the owner may do would change what the others see.
            if viewer.owns(lot) && ["CloseOffer", "DeleteOffer"].contains(&rpc) {
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
                let name = viewer.name;
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
