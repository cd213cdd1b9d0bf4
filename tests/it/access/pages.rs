//! Page tokens: each continues one list, with one filter, for one caller, and every
//! other use of it is refused alike.

use prost_reflect::{DescriptorPool, Kind};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::market::{Market, told};
use super::matrix::{Row, Who, rows};
use super::stage::act;
use super::walk::spots;
use super::{assert_nothing, input, is_open, pool};
use crate::support::{Seller, ShippingTo};

/// A list that someone has begun to read.
struct Begun {
    row: &'static Row,
    who: Who,
    request: Value,
    token: String,
}

/// Whether a list asks for pages; every request with the field does, also tomorrow's.
fn is_paged(pool: &DescriptorPool, row: &Row) -> bool {
    let input = input(pool, row.rpc);
    input.get_field_by_name("page_token").is_some()
}

/// Two of everything that is listed.
async fn fill(market: &Market) {
    let (buyer, seller) = (market.person(Who::Buyer), market.person(Who::Seller));
    let (admin, rival) = (market.person(Who::Admin), market.person(Who::Rival));
    market.app.sign_in(&buyer.phone).await;
    let address = json!({"title": "Work", "address": {"street": "2 Rue Larbi", "city": "Alger"}});
    act(buyer, "UserService/CreateAddress", &address).await;
    market.app.store(rival, "Deuxième", 36.7915, 3.0515).await;
    let category = json!({"name": "Thé"});
    act(admin, "CatalogService/CreateCategory", &category).await;
    let store = market.id("$store");
    for name in ["Couscous moyen", "Couscous gros"] {
        let product = json!({
            "storeId": store, "category": market.id("$shelf"), "name": name, "price": 900,
            "brand": name, "stock": 9,
        });
        let product = act(seller, "CatalogService/CreateProduct", &product).await;
        let id = &product["product"]["id"];
        let featured = json!({"id": id, "featured": true});
        act(admin, "CatalogService/SetProductFeatured", &featured).await;
        let stock = json!({"storeId": store, "productId": id, "onHand": 3, "reorderLevel": 5});
        act(seller, "InventoryService/SetStock", &stock).await;
        let owner = Seller {
            client: seller.clone(),
            store: store.to_owned(),
        };
        market.app.reel(&owner, id.as_str().unwrap()).await;
        let job = json!({"message": name});
        act(admin, "OpsService/EnqueueTestJob", &job).await;
        buyer.order(id.as_str().unwrap(), 1).await;
        let guest = ShippingTo::algiers(&[(id.as_str().unwrap(), 1)]);
        buyer.anonymous().orders().place_order(guest).await.unwrap();
    }
    talk(market).await;
    let withdrawn = json!({"id": market.id("$response")});
    act(seller, "B2bService/WithdrawResponse", &withdrawn).await;
    let terms = json!({"offerId": market.id("$offer"), "amount": 950});
    act(seller, "B2bService/SubmitResponse", &terms).await;
    let line = json!({"storeId": store, "productId": market.id("$product"), "quantity": 1});
    let reserve = json!({"lines": [line]});
    act(admin, "InventoryService/Reserve", &reserve).await;
    let confirm = json!({"id": market.id("$order"), "status": "CONFIRMED"});
    act(seller, "OrderService/UpdateOrderStatus", &confirm).await;
    let restock = json!({"id": market.id("$stock"), "delta": 1, "reason": "RESTOCK"});
    act(seller, "InventoryService/AdjustStock", &restock).await;
    let reel = json!({"id": market.id("$reel")});
    for person in [buyer, admin] {
        act(person, "ReelService/LikeReel", &reel).await;
    }
}

/// Two reels, two comments to one of them, two reports, two blocked words.
async fn talk(market: &Market) {
    let (buyer, seller) = (market.person(Who::Buyer), market.person(Who::Seller));
    let (admin, rival) = (market.person(Who::Admin), market.person(Who::Rival));
    let video = market.app.file(seller, "REEL_VIDEO", "READY").await;
    let reel = json!({"productId": market.id("$product"), "videoMediaId": video});
    act(seller, "ReelService/CreateReel", &reel).await;
    let comment = json!({"id": market.id("$reel"), "content": "Again"});
    act(buyer, "ReelService/AddComment", &comment).await;
    let report = json!({"id": market.id("$reel"), "reason": "SPAM"});
    act(rival, "ReelService/ReportReel", &report).await;
    act(
        admin,
        "ReelService/AddBlockedWord",
        &json!({"word": "arnaque"}),
    )
    .await;
}

async fn read(market: &Market, who: Who, rpc: &str, request: &Value) -> Result<Value, Status> {
    market.person(who).call(rpc, &request.to_string()).await
}

fn with(request: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut request = request.clone();
    request[field] = value.into();
    request
}

/// The first caller for whom the list goes on after one item.
async fn begin(market: &Market, row: &'static Row) -> Option<Begun> {
    for who in row.allowed.iter().copied() {
        let request: Value = serde_json::from_str(&market.request(row, who)).unwrap();
        let request = with(&request, "limit", 1);
        let Ok(first) = read(market, who, row.rpc, &request).await else {
            continue;
        };
        let token = first["meta"]["nextPageToken"].as_str().unwrap_or_default();
        if !token.is_empty() {
            let token = token.to_owned();
            return Some(Begun {
                row,
                who,
                request,
                token,
            });
        }
    }
    None
}

/// The lists of the market; red when one has not two items to page through.
async fn begin_all(market: &Market, wrong: &mut Vec<String>) -> Vec<Begun> {
    let (pool, mut lists) = (pool(), Vec::new());
    for row in rows().filter(|row| is_paged(&pool, row)) {
        match begin(market, row).await {
            Some(begun) => lists.push(begun),
            None => wrong.push(format!("{}: the market has no second page", row.rpc)),
        }
    }
    lists
}

fn refused(outcome: &Result<Value, Status>) -> bool {
    let told = outcome.as_ref().err().map(told);
    told.is_some_and(|(code, reason, _)| {
        (code, reason.as_str()) == (Code::InvalidArgument, "PAGE_TOKEN_INVALID")
    })
}

/// The token with other bytes, or fewer.
pub fn broken(token: &str) -> Vec<String> {
    let mut all = vec![format!("{token}A"), token[1..].to_owned(), "A".to_owned()];
    let cuts = [token.len() - 1, token.len() / 2, 8];
    all.extend(cuts.map(|length| token[..length].to_owned()));
    for place in (0..token.len()).step_by(7).chain([token.len() - 1]) {
        let mut bytes = token.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        all.push(String::from_utf8(bytes).unwrap());
    }
    all
}

/// Other values for the fields that filter the list.
fn filters(pool: &DescriptorPool, market: &Market, list: &Begun) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for spot in spots(&input(pool, list.row.rpc)) {
        let field = spot.field();
        let name = field.name();
        if ["limit", "page", "page_token"].contains(&name) {
            continue;
        }
        let value = match field.kind() {
            Kind::Enum(words) => json!(words.values().nth(1).unwrap().name()),
            Kind::Bool => json!(true),
            Kind::Int64 => json!(1),
            Kind::Double => json!(9.5),
            Kind::String if name == "product_id" => json!(market.id("$product")),
            Kind::String if !spot.is_id() => json!("other"),
            _ => continue,
        };
        found.push((spot.path(), value));
    }
    found
}

#[tokio::test]
async fn a_page_token_serves_its_own_list_alone() {
    let market = Market::open_with(&[("SESSION_POLICY", "multi")]).await;
    fill(&market).await;
    let (pool, mut wrong) = (pool(), Vec::new());
    let lists = begin_all(&market, &mut wrong).await;
    let before = market.rows().await;
    for (number, list) in lists.iter().enumerate() {
        let Begun { row, who, .. } = *list;
        let next = with(&list.request, "pageToken", list.token.as_str());
        let first = read(&market, who, row.rpc, &list.request).await.unwrap();
        match read(&market, who, row.rpc, &next).await {
            Ok(second) if second != first => {}
            other => wrong.push(format!("{} by {who:?}: its own token: {other:?}", row.rpc)),
        }
        let mut tries = Vec::new();
        let others = row.allowed.iter().copied().filter(|other| *other != who);
        for other in others.filter(|it| *it != Who::Guest || is_open(row.rpc)) {
            tries.push((
                format!("of {who:?} by {other:?}"),
                other,
                row.rpc,
                next.clone(),
            ));
        }
        for (field, value) in filters(&pool, &market, list) {
            let changed = with(&next, &field, value);
            tries.push((format!("with another {field}"), who, row.rpc, changed));
        }
        for token in broken(&list.token) {
            let changed = with(&next, "pageToken", token.as_str());
            tries.push((format!("broken to {token}"), who, row.rpc, changed));
        }
        let elsewhere = lists.iter().cycle().skip(number + 1).take(lists.len() - 1);
        for other in elsewhere.filter(|other| other.row.allowed.contains(&who)) {
            let request: Value = serde_json::from_str(&market.request(other.row, who)).unwrap();
            let request = with(&request, "pageToken", list.token.as_str());
            tries.push((format!("on {}", other.row.rpc), who, other.row.rpc, request));
        }
        for (what, who, rpc, request) in tries {
            let outcome = read(&market, who, rpc, &request).await;
            if !refused(&outcome) {
                wrong.push(format!("a token of {} {what}: {outcome:?}", row.rpc));
            }
        }
    }
    assert_eq!(market.rows().await, before);
    market.close().await;
    assert_nothing(&wrong);
}
