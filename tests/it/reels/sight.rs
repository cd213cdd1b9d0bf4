//! Who sees a reel: what shows its product, and nothing that its store or a moderator
//! keeps back.

use std::time::Duration;

use serde_json::{Value, json};
use souk::pb::souk::reels::v1::WatchReelRequest;

use super::{ask, comment, get, shop};
use crate::support::{Client, Seller, TestApp, reason};

/// What is done with a reel, and whether others must see it too.
const CALLS: [(&str, bool); 9] = [
    ("GetReel", false),
    ("ListLikes", false),
    ("ListComments", false),
    ("LikeReel", true),
    ("UnlikeReel", true),
    ("RecordView", true),
    ("WatchReel", true),
    ("AddComment", true),
    ("ReportReel", false),
];
/// What a guest may do of it.
const FOR_GUESTS: [&str; 4] = ["GetReel", "ListComments", "RecordView", "WatchReel"];

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
    /// id and in the lists, and can do with it what they should. Unless it is out, only who
    /// runs the store or the marketplace can see it.
    async fn see(&self, what: &str, reel: &Value, is_out: bool, seen_by: [bool; 3]) {
        let [public, store, admin] = seen_by;
        for (name, who, sees) in [
            ("guest", &self.guest, public),
            ("customer", &self.customer, public),
            ("rival", &self.rival, public),
            ("staff", &self.staff, store),
            ("seller", &self.seller, store),
            ("admin", &self.admin, admin),
        ] {
            for (rpc, for_others) in CALLS {
                let is_own = ["staff", "seller"].contains(&name);
                if who.token.is_none() && !FOR_GUESTS.contains(&rpc) {
                    continue;
                }
                let expected = match (sees, for_others && !is_out) {
                    (false, _) => "NOT_FOUND",
                    (true, true) => "REEL_NOT_READY",
                    (true, false) if rpc == "ReportReel" && is_own => "FORBIDDEN",
                    (true, false) => "",
                };
                let told = told(who, rpc, reel).await;
                assert_eq!(told, expected, "{what}: {rpc} by {name}");
            }
            for filter in [
                json!({}),
                json!({"storeId": reel["storeId"]}),
                json!({"productId": reel["productId"]}),
                json!({"sellerId": reel["sellerId"]}),
            ] {
                let listed = ask(who, "ListReels", filter).await.unwrap();
                let listed = listed["reels"].as_array().unwrap().len();
                let expected = usize::from(sees && is_out);
                assert_eq!(listed, expected, "{what}: a list of {name}");
            }
        }
    }
}

/// Why somebody is refused something; nothing when it is done.
async fn told(who: &Client, rpc: &str, reel: &Value) -> String {
    let mut request = json!({"id": reel["id"]});
    match rpc {
        "AddComment" => request["content"] = json!("Bonjour"),
        "ReportReel" => request["reason"] = json!("SPAM"),
        _ => {}
    }
    match ask(who, rpc, request).await {
        Ok(_) => String::new(),
        Err(refused) => reason(&refused),
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
    passers.see("shown", &reel, true, everyone).await;

    ask(admin, "HideReel", id.clone()).await.unwrap();
    passers.see("hidden", &reel, false, own_only).await;
    let refused = comment(member, &reel, "Pourquoi ?").await.unwrap_err();
    assert_eq!(reason(&refused), "REEL_NOT_READY");
    ask(admin, "ShowReel", id).await.unwrap();
    passers.see("shown again", &reel, true, everyone).await;

    let product = json!({"id": product});
    act(member, "CatalogService/UnpublishProduct", product.clone()).await;
    passers.see("not on sale", &reel, false, own_only).await;
    act(member, "CatalogService/PublishProduct", product.clone()).await;
    passers.see("on sale again", &reel, true, everyone).await;

    let store = json!({"id": seller.store});
    act(admin, "StoreService/SuspendStore", store.clone()).await;
    passers.see("suspended", &reel, false, own_only).await;
    act(admin, "StoreService/ResumeStore", store.clone()).await;
    passers.see("resumed", &reel, true, everyone).await;
    act(member, "StoreService/DeleteStore", store).await;
    passers
        .see("without a store", &reel, false, [false, false, true])
        .await;
}

#[tokio::test]
async fn reels_follow_the_tier_of_their_seller() {
    let app = TestApp::start().await;
    let (seller, _, reel) = shop(&app).await;
    let passers = Passers::by(&app, &seller).await;
    for (tier, public) in [
        ("", true),
        ("FOURNISSEUR", true),
        ("GROSSISTE", false),
        ("IMPORTATEUR", false),
        ("FOURNISSEUR", true),
    ] {
        set_tier(&passers.admin, &seller, tier).await;
        passers.see(tier, &reel, true, [public, true, true]).await;
    }
    app.assert_sound().await;
}

async fn set_tier(admin: &Client, seller: &Seller, tier: &str) {
    let tier = match tier {
        "" => "SELLER_CATEGORY_UNSPECIFIED",
        tier => tier,
    };
    let request = json!({"id": seller.client.user_id, "sellerCategory": tier});
    act(admin, "UserService/SetSellerCategory", request).await;
}

#[tokio::test]
async fn a_stream_ends_when_the_reel_is_seen_no_longer() {
    for (way, of_buyer, of_seller) in [
        ("hidden", "NOT_FOUND", "NOT_FOUND"),
        ("not on sale", "NOT_FOUND", "NOT_FOUND"),
        ("of another tier", "NOT_FOUND", ""),
    ] {
        let app = TestApp::adjusted(&[], |parts| {
            parts.events.heartbeat = Duration::from_millis(50);
        })
        .await;
        let (seller, product, reel) = shop(&app).await;
        let (admin, buyer) = (app.admin().await, app.customer().await);
        let mut streams = Vec::new();
        for (who, expected) in [(&buyer, of_buyer), (&seller.client, of_seller)] {
            let id = reel["id"].as_str().unwrap().to_owned();
            let watched = who.reels().watch_reel(WatchReelRequest { id }).await;
            let mut stream = watched.unwrap().into_inner();
            stream.message().await.unwrap().unwrap();
            streams.push((stream, expected));
        }
        match way {
            "hidden" => drop(
                ask(&admin, "HideReel", json!({"id": reel["id"]}))
                    .await
                    .unwrap(),
            ),
            "not on sale" => {
                let product = json!({"id": product});
                act(&seller.client, "CatalogService/UnpublishProduct", product).await;
            }
            _ => set_tier(&admin, &seller, "GROSSISTE").await,
        }
        for (mut stream, expected) in streams {
            let end = async {
                // Who still sees it is told that time goes on.
                let mut beats = 0;
                while beats < 5 {
                    match stream.message().await {
                        Ok(_) => beats += 1,
                        Err(end) => return reason(&end),
                    }
                }
                String::new()
            };
            let end = tokio::time::timeout(Duration::from_secs(20), end).await;
            assert_eq!(end.unwrap(), expected, "{way}");
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
