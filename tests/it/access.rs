//! Plays the access matrix: every RPC by every kind of caller, on a fresh marketplace per
//! RPC. First those who may not (nothing may change), then those who may.

#[path = "../access/budgets.rs"]
mod budgets;
#[path = "../access/matrix.rs"]
mod matrix;

use std::collections::BTreeMap;

use matrix::{EVERYONE, MATRIX, Refusal, Row, Who};
use serde_json::{Value, json};
use souk::pb::policy::{self, Access};
use tonic::{Code, Status};

use crate::support::{Client, Seller, ShippingTo, TestApp};

/// A marketplace with everything that the rows name.
struct Market {
    app: TestApp,
    people: BTreeMap<&'static str, Client>,
    ids: BTreeMap<&'static str, String>,
}

impl Market {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let seller = app.seller().await;
        let rival = app.seller().await;
        let (buyer, stranger) = (app.sign_in("0551000001").await, app.customer().await);
        let (staff, admin) = (app.customer().await, app.admin().await);
        let mut ids = BTreeMap::from([
            ("$buyer", buyer.user_id.clone()),
            ("$stranger", stranger.user_id.clone()),
            ("$staff", staff.user_id.clone()),
            ("$seller", seller.client.user_id.clone()),
            ("$store", seller.store.clone()),
            ("$refresh", buyer.refresh_token.clone()),
        ]);
        let manager = json!({"storeId": seller.store, "userId": staff.user_id, "role": "MANAGER"});
        seller
            .client
            .call("StoreService/AddManager", &manager.to_string())
            .await
            .unwrap();
        let tier = json!({"id": seller.client.user_id, "sellerCategory": "FOURNISSEUR"});
        admin
            .call("UserService/SetSellerCategory", &tier.to_string())
            .await
            .unwrap();
        shelves(&mut ids, &seller, &admin).await;
        belongings(&mut ids, &buyer).await;
        let people = BTreeMap::from([
            ("Guest", app.guest().await),
            ("Buyer", buyer),
            ("Stranger", stranger),
            ("Seller", seller.client),
            ("Rival", rival.client),
            ("Staff", staff),
            ("Admin", admin),
        ]);
        Self { app, people, ids }
    }

    fn person(&self, who: Who) -> &Client {
        &self.people[format!("{who:?}").as_str()]
    }

    /// The row's request with the ids of this market.
    fn request(&self, row: &Row) -> String {
        let mut names: Vec<_> = self.ids.iter().collect();
        // `$store` begins `$stock`'s neighbours: the longest names go first.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names
            .into_iter()
            .fold(row.request.to_owned(), |text, (name, id)| {
                text.replace(name, id)
            })
    }

    /// The row's request with ids that do not exist.
    fn missing(&self, row: &Row) -> String {
        self.ids.iter().fold(self.request(row), |text, (name, id)| {
            let absent = match id.split_once('_') {
                Some((prefix, _)) if *name != "$slug" => {
                    format!("{prefix}_01h455vb4pex5vsknk084sn02q")
                }
                _ => format!("{id}-absent"),
            };
            text.replace(id, &absent)
        })
    }
}

async fn shelves(ids: &mut BTreeMap<&'static str, String>, seller: &Seller, admin: &Client) {
    let id =
        |answer: &Value, path: &str| answer.pointer(path).unwrap().as_str().unwrap().to_owned();
    let category = admin
        .call("CatalogService/CreateCategory", r#"{"name":"Semoule"}"#)
        .await
        .unwrap();
    ids.insert("$category", id(&category, "/category/id"));
    let product = json!({
        "storeId": seller.store, "name": "Couscous fin", "price": 18000, "stock": 50,
        "images": ["https://example.test/couscous.jpg"],
    });
    let product = seller
        .client
        .call("CatalogService/CreateProduct", &product.to_string())
        .await
        .unwrap();
    ids.insert("$product", id(&product, "/product/id"));
    ids.insert("$slug", id(&product, "/product/slug"));
    ids.insert("$image", id(&product, "/product/images/0/id"));
    let stock = json!({"storeId": seller.store}).to_string();
    let stock = seller
        .client
        .call("InventoryService/ListStock", &stock)
        .await
        .unwrap();
    ids.insert("$stock", id(&stock, "/stock/0/id"));
    let reserve = json!({"lines": [{
        "storeId": seller.store, "productId": ids["$product"], "quantity": 1,
    }]});
    let reserved = admin
        .call("InventoryService/Reserve", &reserve.to_string())
        .await
        .unwrap();
    ids.insert("$reservation", id(&reserved, "/reservations/0/id"));
    admin
        .call("OpsService/EnqueueTestJob", r#"{"message":"hello"}"#)
        .await
        .unwrap();
    let jobs = admin.call("OpsService/ListJobs", "{}").await.unwrap();
    ids.insert("$job", id(&jobs, "/jobs/0/id"));
}

async fn belongings(ids: &mut BTreeMap<&'static str, String>, buyer: &Client) {
    let id =
        |answer: &Value, path: &str| answer.pointer(path).unwrap().as_str().unwrap().to_owned();
    let address =
        r#"{"title":"Home","address":{"street":"12 Rue Didouche Mourad","city":"Alger"}}"#;
    let address = buyer
        .call("UserService/CreateAddress", address)
        .await
        .unwrap();
    ids.insert("$address", id(&address, "/address/id"));
    let sessions = buyer.call("AuthService/ListSessions", "{}").await.unwrap();
    ids.insert("$session", id(&sessions, "/sessions/0/id"));
    let line = json!({"productId": ids["$product"], "quantity": 1}).to_string();
    let line = buyer.call("CartService/AddItem", &line).await.unwrap();
    ids.insert("$line", id(&line, "/item/id"));
    let guest = buyer.anonymous();
    let mut request = ShippingTo::algiers(&[(&ids["$product"], 1)]);
    request.customer_phone = Some("0662000002".into());
    let order = guest
        .orders()
        .place_order(request)
        .await
        .unwrap()
        .into_inner()
        .order
        .unwrap();
    ids.insert("$guest_number", order.order_number);
    let order = buyer.order(&ids["$product"], 2).await;
    ids.insert("$order", order.id);
    ids.insert("$number", order.order_number);
}

#[tokio::test]
async fn every_rpc_lets_in_whom_the_matrix_names_and_nobody_else() {
    let mut wrong = Vec::new();
    for row in MATRIX {
        play(row, &mut wrong).await;
    }
    assert!(
        wrong.is_empty(),
        "{} cells are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

async fn play(row: &Row, wrong: &mut Vec<String>) {
    let market = Market::open().await;
    let request = market.request(row);
    let before = market.app.rows().await;
    for who in EVERYONE
        .iter()
        .copied()
        .filter(|who| !row.allowed.contains(who))
    {
        let outcome = market.person(who).call(row.rpc, &request).await;
        let absent = market.person(who).call(row.rpc, &market.missing(row)).await;
        if let Some(problem) = refusal_problem(row, who, outcome, absent) {
            wrong.push(format!("{} by {who:?}: {problem}", row.rpc));
        }
    }
    let after = market.app.rows().await;
    for (table, rows) in &before {
        if after[table] != *rows {
            wrong.push(format!("{}: a refused call changed {table}", row.rpc));
        }
    }
    let mut done = false;
    for who in row.allowed.iter().copied() {
        match market.person(who).counted(row.rpc, &request).await {
            Ok((_, statements)) => {
                done = true;
                let budget = budgets::of(row.rpc);
                if statements > budget && !budgets::UNMEASURED.contains(&row.rpc) {
                    wrong.push(format!(
                        "{} by {who:?}: {statements:?} statements, budget {budget:?}",
                        row.rpc
                    ));
                }
            }
            // What the one before removed is gone for the next.
            Err(status) if done && removes(row.rpc) && status.code() == Code::NotFound => {}
            Err(status) if is_access_refusal(&status) => {
                wrong.push(format!("{} by {who:?}: {status:?} though allowed", row.rpc));
            }
            Err(_) => {}
        }
    }
}

fn removes(rpc: &str) -> bool {
    ["/Delete", "/Remove", "/Revoke"]
        .iter()
        .any(|verb| rpc.contains(verb))
}

fn refusal_problem(
    row: &Row,
    who: Who,
    outcome: Result<Value, Status>,
    absent: Result<Value, Status>,
) -> Option<String> {
    let Err(refused) = outcome else {
        return Some("was let in".to_owned());
    };
    let known = policy::ALL
        .iter()
        .find(|known| known.path.ends_with(&format!(".{}", row.rpc)));
    let open = matches!(
        known?.access,
        Access::Public | Access::Development | Access::Webhook
    );
    let expected = match (who, row.refusal) {
        (Who::Guest, _) if !open => Code::Unauthenticated,
        (Who::Guest, Refusal::Denied) => Code::Unauthenticated,
        (who, _) if row.knowing.contains(&who) => Code::PermissionDenied,
        (_, Refusal::Hidden) => Code::NotFound,
        (_, Refusal::Denied) if row.rpc == "OrderService/ListGuestOrders" => Code::Unauthenticated,
        (_, Refusal::Denied) => Code::PermissionDenied,
    };
    // The owner of a product may not buy it: a rule of trade, not of access.
    let own_product = row.rpc == "OrderService/PlaceOrder" && who == Who::Seller;
    let expected = if own_product {
        Code::FailedPrecondition
    } else {
        expected
    };
    if refused.code() != expected {
        return Some(format!(
            "{:?} {:?} instead of {expected:?}",
            refused.code(),
            refused.message()
        ));
    }
    if expected == Code::NotFound {
        let Err(absent) = absent else {
            return Some("an absent id was let in".to_owned());
        };
        if (absent.code(), absent.message()) != (refused.code(), refused.message()) {
            return Some(format!(
                "foreign {refused:?} differs from absent {absent:?}"
            ));
        }
    }
    None
}

/// Whether a call was refused for who the caller is, not for what it asked.
fn is_access_refusal(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unauthenticated | Code::PermissionDenied | Code::NotFound | Code::Internal
    ) && ![
        "INVALID_CREDENTIALS",
        "OTP_INVALID_OR_EXPIRED",
        "REFRESH_REUSED",
        "TOKEN_INVALID",
        "SESSION_REVOKED",
    ]
    .contains(&crate::support::reason(status).as_str())
        && !status.message().is_empty()
}
