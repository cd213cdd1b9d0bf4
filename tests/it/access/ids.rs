//! Ids anywhere in a request, not only the one that names the record: what the caller
//! may not know of is word for word as what does not exist, and nonsense is refused.

use serde_json::{Value, json};
use tonic::{Code, Status};

use super::market::{Market, absent, told};
use super::matrix::{Row, Who, rows};
use super::walk::{Spot, spots};
use super::{assert_nothing, input, pool};

/// Callers to whom everything of the recluse is hidden.
const OUTSIDERS: &[Who] = &[Who::Guest, Who::Stranger, Who::Seller, Who::Staff];

/// What a field of a request names.
enum Names {
    /// A thing of which there is a hidden one, by its placeholder.
    Hidden(&'static str),
    /// A thing that everyone may know of, or only administrators.
    Open,
}

/// What the id in a field names, told by the field's name.
fn named_by(rpc: &str, field: &str) -> Option<Names> {
    let id_of = |rpc: &str| match rpc.split_once('/')?.0 {
        "AuthService" => Some("$hidden_ses"),
        "StoreService" => Some("$hidden_store"),
        "CatalogService" => Some("$hidden_prod"),
        "InventoryService" => Some("$hidden_stk"),
        "CartService" => Some("$hidden_item"),
        "OrderService" => Some("$hidden_ord"),
        "UserService" => Some("$hidden_adr"),
        "MediaService" => Some("$hidden_media"),
        // One comment is named by itself, all of a reel by the reel.
        "ReelService" if rpc.ends_with("Comment") && !rpc.ends_with("AddComment") => {
            Some("$hidden_cmt")
        }
        "ReelService" => Some("$hidden_reel"),
        // A response is named by itself, what belongs to an offer by the offer.
        "B2bService" if rpc.ends_with("Response") => Some("$hidden_response"),
        "B2bService" => Some("$hidden_offer"),
        _ => None,
    };
    Some(match field {
        "id" if rpc.contains("Category") || rpc.contains("User") && !rpc.contains("Address") => {
            Names::Open
        }
        "id" if rpc.starts_with("OpsService") || rpc.contains("Profile") => Names::Open,
        "id" if rpc.ends_with("DismissReport") || rpc.ends_with("BlockedWord") => Names::Open,
        "id" => Names::Hidden(id_of(rpc)?),
        "video_media_id" | "thumbnail_media_id" => Names::Hidden("$hidden_media"),
        "store_id" | "preferred_store_id" => Names::Hidden("$hidden_store"),
        "product_id" => Names::Hidden("$hidden_prod"),
        "image_id" => Names::Hidden("$hidden_img"),
        "order_id" => Names::Hidden("$hidden_ord"),
        "reel_id" => Names::Hidden("$hidden_reel"),
        "offer_id" => Names::Hidden("$hidden_offer"),
        "address_id" => Names::Hidden("$hidden_adr"),
        // Accounts have a public profile, categories are public.
        "user_id" | "seller_id" | "actor_id" | "parent_id" => Names::Open,
        _ => return None,
    })
}

/// An answer without the id that was asked for.
fn without(answer: &Value, id: &str) -> String {
    answer.to_string().replace(id, "…")
}

fn same(hidden: &Result<Value, Status>, absent: &Result<Value, Status>, ids: [&str; 2]) -> bool {
    match (hidden, absent) {
        (Ok(hidden), Ok(absent)) => without(hidden, ids[0]) == without(absent, ids[1]),
        (Err(hidden), Err(absent)) => {
            // A field at fault may be told with its value.
            let (hidden, absent) = (told(hidden), told(absent));
            hidden.0 == absent.0
                && hidden.1 == absent.1
                && hidden.2.replace(ids[0], "…") == absent.2.replace(ids[1], "…")
        }
        _ => false,
    }
}

fn with(market: &Market, row: &Row, who: Who, spot: &Spot, value: &str) -> String {
    let mut request: Value = serde_json::from_str(&market.request(row, who)).unwrap();
    *spot.place(&mut request) = json!(value);
    request.to_string()
}

#[tokio::test]
async fn what_is_hidden_is_as_what_does_not_exist_wherever_an_id_stands() {
    let (market, pool) = (Market::open().await, pool());
    let mut before = market.rows().await;
    let mut wrong = Vec::new();
    for row in rows() {
        let mut spots = spots(&input(&pool, row.rpc));
        spots.retain(Spot::is_id);
        for (spot, who) in spots
            .iter()
            .flat_map(|it| OUTSIDERS.iter().map(move |who| (it, *who)))
        {
            let label = format!("{} {} by {who:?}", row.rpc, spot.path());
            let Some(names) = named_by(row.rpc, spot.field().name()) else {
                wrong.push(format!("{label}: say what it names"));
                continue;
            };
            let Names::Hidden(name) = names else {
                continue;
            };
            let ids = [market.id(name).to_owned(), absent(name, market.id(name))];
            let caller = market.person(who);
            let hidden = with(&market, row, who, spot, &ids[0]);
            let hidden = caller.call(row.rpc, &hidden).await;
            let changes = market.changes(&mut before).await;
            let nothing = with(&market, row, who, spot, &ids[1]);
            let nothing = caller.call(row.rpc, &nothing).await;
            if !same(&hidden, &nothing, [&ids[0], &ids[1]]) {
                wrong.push(format!(
                    "{label}: {hidden:?} differs from absent {nothing:?}"
                ));
            }
            if hidden.is_err() {
                wrong.extend(changes.map(|it| format!("{label}: {it}")));
            }
            before = market.rows().await;
        }
    }
    market.close().await;
    assert_nothing(&wrong);
}

#[tokio::test]
async fn numbers_and_slugs_tell_no_more_than_ids() {
    let market = Market::open().await;
    let before = market.rows().await;
    let asked = [
        ("OrderService/GetOrderByNumber", "number", "$hidden_number"),
        ("CatalogService/GetProductBySlug", "slug", "$hidden_slug"),
    ];
    for (rpc, field, name) in asked {
        for who in OUTSIDERS.iter().copied() {
            let ask = |value: &str| json!({field: value}).to_string();
            let caller = market.person(who);
            let hidden = caller.call(rpc, &ask(market.id(name))).await;
            let nothing = caller.call(rpc, &ask("none")).await;
            let (hidden, nothing) = (hidden.unwrap_err(), nothing.unwrap_err());
            assert_eq!(told(&hidden), told(&nothing), "{rpc} by {who:?}");
        }
    }
    let track = |phone: &str| {
        let number = market.id("$hidden_number");
        json!({"orderNumber": number, "phone": phone}).to_string()
    };
    let guest = market.person(Who::Guest);
    let rpc = "OrderService/TrackGuestOrder";
    let near = guest.call(rpc, &track("0551000001")).await.unwrap_err();
    let far = guest.call(rpc, &track("0777123456")).await.unwrap_err();
    assert_eq!(told(&near), told(&far));
    assert_eq!(market.rows().await, before);
    market.close().await;
}

#[tokio::test]
async fn nonsense_for_an_id_is_refused_wherever_it_stands() {
    let (market, pool) = (Market::open().await, pool());
    let mut before = market.rows().await;
    let mut wrong = Vec::new();
    for row in rows() {
        let who = row.allowed[0];
        for spot in spots(&input(&pool, row.rpc)).iter().filter(|it| it.is_id()) {
            for nonsense in ["nonsense", "usr_", "wish_01h455vb4pex5vsknk084sn02q"] {
                let request = with(&market, row, who, spot, nonsense);
                let outcome = market.person(who).call(row.rpc, &request).await;
                let label = format!("{} {} {nonsense}", row.rpc, spot.path());
                match &outcome {
                    Err(refused) if refused.code() == Code::InvalidArgument => {}
                    other => wrong.push(format!("{label}: {other:?}")),
                }
                let changes = market.changes(&mut before).await;
                wrong.extend(changes.map(|it| format!("{label}: {it}")));
            }
        }
    }
    market.close().await;
    assert_nothing(&wrong);
}
