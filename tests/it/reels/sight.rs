//! Who sees a reel: what shows its product, and nothing that its store or a moderator
//! keeps back.

use serde_json::{Value, json};

use super::{ask, comment, get, shop};
use crate::support::{Client, Seller, TestApp, reason};

/// Everyone who may come by.
struct Passers {
    guest: Client,
    customer: Client,
    rival: Client,
    staff: Client,
    seller: Client,
    admin: Client,
}

impl Passers {
    async fn by(app: &TestApp, shop: &Seller) -> Self {
        let staff = app.customer().await;
        let employ = json!({"storeId": shop.store, "userId": staff.user_id, "role": "STAFF"});
        act(&shop.client, "StoreService/AddManager", employ).await;
        Self {
            guest: app.guest().await,
            customer: app.customer().await,
            rival: app.seller().await.client,
            staff,
            seller: shop.client.clone(),
            admin: app.admin().await,
        }
    }

    /// Demands that the public, the store and administrators see the reel or not, by its
    /// id and in the lists; what is not seen can be neither commented nor reported.
    async fn see(&self, what: &str, reel: &Value, [public, store, admin]: [bool; 3]) {
        for (name, who, sees) in [
            ("guest", &self.guest, public),
            ("customer", &self.customer, public),
            ("rival", &self.rival, public),
            ("staff", &self.staff, store),
            ("seller", &self.seller, store),
            ("admin", &self.admin, admin),
        ] {
            let label = format!("{what}: {name}");
            let found = get(who, reel).await;
            assert_eq!(found.is_ok(), sees, "{label} {found:?}");
            let comments = ask(who, "ListComments", json!({"id": reel["id"]})).await;
            assert_eq!(comments.is_ok(), sees, "{label}");
            if let Err(refused) = found {
                assert_eq!(reason(&refused), "NOT_FOUND", "{label}");
            }
            for filter in [
                json!({}),
                json!({"storeId": reel["storeId"]}),
                json!({"productId": reel["productId"]}),
                json!({"sellerId": reel["sellerId"]}),
            ] {
                let listed = ask(who, "ListReels", filter).await.unwrap();
                let listed = listed["reels"].as_array().unwrap().len();
                assert_eq!(listed, usize::from(public), "{label}");
            }
        }
        for who in [&self.customer, &self.rival] {
            let wish = json!({"id": reel["id"], "reason": "SPAM"});
            let reported = ask(who, "ReportReel", wish).await;
            assert_eq!(reported.is_ok(), public, "{what}");
            assert_eq!(
                comment(who, reel, "Bonjour").await.is_ok(),
                public,
                "{what}"
            );
        }
    }
}

async fn act(by: &Client, rpc: &str, request: Value) {
    by.call(rpc, &request.to_string()).await.unwrap();
}

#[tokio::test]
async fn a_reel_is_seen_as_long_as_nothing_keeps_it_back() {
    let app = TestApp::start().await;
    let (seller, product, reel) = shop(&app).await;
    let passers = Passers::by(&app, &seller).await;
    let (member, admin) = (&seller.client, &passers.admin);
    let own_only = [false, true, true];
    let everyone = [true; 3];
    let id = json!({"id": reel["id"]});
    passers.see("shown", &reel, everyone).await;

    ask(admin, "HideReel", id.clone()).await.unwrap();
    passers.see("hidden", &reel, own_only).await;
    let refused = comment(member, &reel, "Pourquoi ?").await.unwrap_err();
    assert_eq!(reason(&refused), "REEL_NOT_READY");
    ask(admin, "ShowReel", id).await.unwrap();
    passers.see("shown again", &reel, everyone).await;

    let product = json!({"id": product});
    act(member, "CatalogService/UnpublishProduct", product.clone()).await;
    passers.see("not on sale", &reel, own_only).await;
    act(member, "CatalogService/PublishProduct", product.clone()).await;
    passers.see("on sale again", &reel, everyone).await;

    let store = json!({"id": seller.store});
    act(admin, "StoreService/SuspendStore", store.clone()).await;
    passers.see("suspended", &reel, own_only).await;
    act(admin, "StoreService/ResumeStore", store.clone()).await;
    passers.see("resumed", &reel, everyone).await;
    act(member, "StoreService/DeleteStore", store).await;
    passers
        .see("without a store", &reel, [false, false, true])
        .await;
}

#[tokio::test]
async fn reels_follow_the_tier_of_their_seller() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let passers = Passers::by(&app, &seller).await;
    let tier = async |tier: &str| {
        let sql = format!("UPDATE products SET tier = '{tier}'");
        app.execute(&sql, []).await;
    };
    passers.see("without a tier", &reel, [true; 3]).await;
    tier("FOURNISSEUR").await;
    passers.see("fournisseur", &reel, [true; 3]).await;
    for hidden in ["GROSSISTE", "IMPORTATEUR"] {
        tier(hidden).await;
        for who in [&passers.guest, &passers.customer, &passers.rival] {
            assert_eq!(reason(&get(who, &reel).await.unwrap_err()), "NOT_FOUND");
            let listed = ask(who, "ListReels", json!({})).await.unwrap();
            assert_eq!(listed["reels"], json!([]), "{hidden}");
            if who.token.is_some() {
                let refused = comment(who, &reel, "Bonjour").await.unwrap_err();
                assert_eq!(reason(&refused), "NOT_FOUND");
            }
        }
        for who in [&passers.staff, &passers.seller, &passers.admin] {
            get(who, &reel).await.unwrap();
            let listed = ask(who, "ListReels", json!({})).await.unwrap();
            assert_eq!(listed["reels"][0]["id"], reel["id"], "{hidden}");
            comment(who, &reel, "Pour nos clients").await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_reel_shows_its_product_as_it_is_sold_now() {
    let app = TestApp::start().await;
    let (seller, product, reel) = shop(&app).await;
    let (member, guest) = (&seller.client, app.guest().await);
    let shown = get(&guest, &reel).await.unwrap()["product"].clone();
    assert_eq!(shown["name"], "Huile d'argan");
    assert_eq!(shown["slug"], "huile-d-argan");
    assert_eq!(
        (&shown["price"], &shown["currency"]),
        (&json!("1000"), &json!("DZD"))
    );
    assert_eq!(
        (&shown["inStock"], &shown["available"]),
        (&json!(true), &json!(5))
    );
    app.customer().await.order(&product, 2).await;
    let stock = json!({"storeId": seller.store, "productId": product, "priceOverride": "900"});
    act(member, "InventoryService/SetStock", stock).await;
    let shown = get(&guest, &reel).await.unwrap()["product"].clone();
    assert_eq!(
        (&shown["price"], &shown["available"]),
        (&json!("900"), &json!(3))
    );
    let stock = json!({"storeId": seller.store, "productId": product, "onHand": 500});
    act(member, "InventoryService/SetStock", stock).await;
    let listed = ask(&guest, "ListReels", json!({})).await.unwrap();
    assert_eq!(listed["reels"][0]["product"]["available"], 100);
    act(
        member,
        "CatalogService/UnpublishProduct",
        json!({"id": product}),
    )
    .await;
    let shown = get(member, &reel).await.unwrap();
    assert_eq!(shown["product"], Value::Null);
}

#[tokio::test]
async fn whether_one_likes_a_reel_is_told_to_who_is_signed_in() {
    let app = TestApp::start().await;
    let (_, _, reel) = shop(&app).await;
    let (fan, other, guest) = (
        app.customer().await,
        app.customer().await,
        app.guest().await,
    );
    let user: souk::kernel::id::UserId = fan.user_id.parse().unwrap();
    let id: souk::kernel::id::ReelId = reel["id"].as_str().unwrap().parse().unwrap();
    let like = "INSERT INTO reel_likes (reel_id, user_id, created_at) VALUES ($1, $2, 1)";
    app.execute(like, [id.uuid().into(), user.uuid().into()])
        .await;
    let told = async |who: &Client| {
        let listed = ask(who, "ListReels", json!({})).await.unwrap();
        let one = get(who, &reel).await.unwrap();
        assert_eq!(listed["reels"][0]["is_liked"], one["is_liked"]);
        one["is_liked"].clone()
    };
    assert_eq!(told(&fan).await, json!(true));
    assert_eq!(told(&other).await, json!(false));
    assert_eq!(told(&guest).await, Value::Null);
}
