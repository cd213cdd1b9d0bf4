//! Mass assignment: what the contract does not let a caller set is refused by its name,
//! wherever it stands in a request, and nothing changes.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, MessageDescriptor};
use serde_json::{Map, Value, json};
use souk::pb::methods;
use souk::pb::policy::Access;
use souk::pb::routes::Body;
use tonic::Code;

use super::market::{Market, told};
use super::matrix::{Row, Who, rows};
use super::routes::{Ready, bind, of};
use super::settable::{SERVER_OWNED, SETTABLE};
use super::walk::spots;
use super::{assert_nothing, coverage, input, is_read, policy_of, pool};
use crate::support::TestApp;

/// What no message has.
const UNKNOWN: [&str; 3] = ["nonesuch", "__proto__", "isAdmin"];

/// Every name that an answer may hold, and some that none does.
fn names(pool: &DescriptorPool) -> BTreeSet<String> {
    let outputs = methods::ALL.iter().map(|method| method.output.full_name);
    let outputs = outputs.map(|name| pool.get_message_by_name(name).unwrap());
    let fields = outputs.flat_map(|output| spots(&output));
    let names = fields.map(|spot| spot.field().json_name().to_owned());
    names.chain(UNKNOWN.map(str::to_owned)).collect()
}

/// The names that a message does not have, each with some value.
fn foreign(names: &BTreeSet<String>, message: &MessageDescriptor) -> Map<String, Value> {
    let unknown = names.iter().filter(|name| {
        message.get_field_by_json_name(name).is_none() && message.get_field_by_name(name).is_none()
    });
    unknown.map(|name| (name.clone(), json!("1"))).collect()
}

/// A request with fields too many, and the paths that must be named.
struct Overfull {
    ready: Ready,
    paths: Vec<String>,
}

/// The row's request with all that does not belong: at the top, and in each message in it.
fn overfull(
    pool: &DescriptorPool,
    names: &BTreeSet<String>,
    row: &Row,
    text: &str,
) -> Vec<Overfull> {
    let message = input(pool, row.rpc);
    let mut found = Vec::new();
    for route in of(row.rpc) {
        let mut request: Value = serde_json::from_str(text).unwrap();
        let extras = foreign(names, &message);
        // Bytes as they are have no fields.
        if let Body::Raw(_) = route.body {
            continue;
        }
        if let Body::None | Body::Field(_) = route.body {
            let query = extras.keys().map(|name| format!("{name}=1"));
            let query = query.collect::<Vec<_>>().join("&");
            let mut ready = bind(pool, route, row.rpc, text);
            let join = if ready.path.contains('?') { '&' } else { '?' };
            ready.path = format!("{}{join}{query}", ready.path);
            let paths = extras.keys().cloned().collect();
            found.push(Overfull { ready, paths });
        } else {
            request.as_object_mut().unwrap().extend(extras.clone());
            let ready = bind(pool, route, row.rpc, &request.to_string());
            let paths = extras.keys().cloned().collect();
            found.push(Overfull { ready, paths });
        }
        if matches!(route.body, Body::None) {
            continue;
        }
        for spot in spots(&message) {
            let Some(inner) = spot.message() else {
                continue;
            };
            let mut request: Value = serde_json::from_str(text).unwrap();
            let place = spot.place(&mut request);
            if place.is_null() {
                *place = json!({});
            }
            let extras = foreign(names, &inner);
            let paths = extras.keys().map(|name| format!("{}.{name}", spot.path()));
            let paths = paths.collect();
            place.as_object_mut().unwrap().extend(extras);
            let ready = bind(pool, route, row.rpc, &request.to_string());
            found.push(Overfull { ready, paths });
        }
    }
    found
}

/// Rows that change something, except where the body is a provider's and only its
/// signature counts.
fn writes() -> impl Iterator<Item = &'static Row> {
    let signed = |row: &&Row| policy_of(row.rpc).access == Access::Webhook;
    rows().filter(move |row| !is_read(row.rpc) && !signed(row))
}

#[tokio::test]
async fn fields_that_are_not_the_callers_to_set_are_refused_by_name() {
    let (market, pool) = (Market::open().await, pool());
    let names = names(&pool);
    let mut before = market.rows().await;
    let mut wrong = Vec::new();
    for row in writes() {
        let who = row.allowed[0];
        let request = market.request(row, who);
        for Overfull { ready, paths } in overfull(&pool, &names, row, &request) {
            let label = format!("{} {} by {who:?}", ready.method, ready.path);
            let label = label.split('?').next().unwrap().to_owned();
            let answer = market.send(who, &ready).await;
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap_or_default();
            if (status, &body["code"]) != (400, &json!("VALIDATION_ERROR")) {
                wrong.push(format!("{label}: {status} {body}"));
            }
            let errors = body["errors"].as_array().cloned().unwrap_or_default();
            let named: BTreeSet<&str> = errors
                .iter()
                .filter_map(|it| it["field"].as_str())
                .collect();
            let passed: Vec<_> = paths
                .iter()
                .filter(|path| !named.contains(path.as_str()))
                .collect();
            if !passed.is_empty() {
                wrong.push(format!("{label}: not refused: {passed:?}"));
            }
            let changes = market.changes(&mut before).await;
            wrong.extend(changes.map(|it| format!("{label}: {it}")));
        }
    }
    market.close().await;
    assert_nothing(&wrong);
}

#[tokio::test]
async fn nobody_makes_himself_an_administrator_by_signing_in() {
    let app = TestApp::start().await;
    let send = json!({"phone": "0551999998"});
    app.post("/otp/send", None, send).await;
    let before = app.rows().await;
    let verify = json!({"phone": "0551999998", "otp": "123456", "role": "ADMIN"});
    let answer = app.post("/otp/verify", None, verify).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    assert_eq!(answer.body["code"], "ROLE_NOT_ALLOWED");
    assert_eq!(app.rows().await["users"], before["users"]);
    assert_eq!(app.rows().await["sessions"], before["sessions"]);
    app.run_jobs().await;
    assert_eq!(app.sms.sent().len(), 1, "the one-time password alone");
}

#[tokio::test]
async fn a_buyer_does_not_set_the_price_of_a_product() {
    let market = Market::open().await;
    let before = market.rows().await;
    for rpc in ["OrderService/PlaceOrder", "OrderService/QuoteOrder"] {
        let product = market.id("$product");
        let cheap = json!({"items": [{"productId": product, "quantity": 1, "price": 1}]});
        let buyer = market.person(Who::Buyer);
        let refused = buyer.call(rpc, &cheap.to_string()).await.unwrap_err();
        let (code, reason, _) = told(&refused);
        assert_eq!(
            (code, reason.as_str()),
            (Code::InvalidArgument, "MIXED_ITEMS")
        );
    }
    assert_eq!(market.rows().await, before);
    market.close().await;
}

#[test]
fn who_may_set_what_the_server_owns_stands_in_a_table() {
    let pool = pool();
    let owned = writes().flat_map(|row| {
        let spots = spots(&input(&pool, row.rpc));
        let owned = spots
            .into_iter()
            .filter(|spot| SERVER_OWNED.contains(&spot.field().json_name()));
        owned.map(|spot| (row.rpc, spot.path())).collect::<Vec<_>>()
    });
    let table = SETTABLE.iter().map(|(rpc, path, why)| {
        assert!(why.len() > 10, "{rpc} {path}: say who may set it");
        (*rpc, (*path).to_owned())
    });
    let problems = coverage::problems(owned, table);
    assert_nothing(&problems);
}
