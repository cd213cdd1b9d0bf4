//! Who sees whose products: every kind of viewer, every tier of seller, and every way to
//! come to a product.

use serde_json::{Value, json};
use souk::pb::souk::catalog::v1::Product;
use tonic::{Code, Status};

use super::names;
use crate::support::clients::statements;
use crate::support::{Client, TestApp, reason, until};

/// The tiers of sellers; the last one is none.
const TIERS: [&str; 4] = ["IMPORTATEUR", "GROSSISTE", "FOURNISSEUR", ""];

/// Somebody who looks.
struct Viewer {
    name: String,
    client: Client,
    /// Of which tier, if of any.
    tier: &'static str,
    /// Belongs to the store whose seller is of this tier.
    member_of: Option<&'static str>,
    is_admin: bool,
}

impl Viewer {
    fn new(name: &str, client: Client) -> Self {
        Self {
            name: name.to_owned(),
            client,
            tier: "",
            member_of: None,
            is_admin: false,
        }
    }

    /// The rule, as the contract tells it.
    fn sees(&self, seller: &'static str, is_strict: bool) -> bool {
        if self.is_admin || self.member_of == Some(seller) {
            return true;
        }
        match seller {
            "GROSSISTE" => self.tier == "FOURNISSEUR",
            "IMPORTATEUR" => self.tier == "GROSSISTE" || (self.tier == "FOURNISSEUR" && !is_strict),
            _ => true,
        }
    }
}

/// Puts a seller into a tier.
async fn tier(admin: &Client, seller: &Client, tier: &str) {
    let tier = match tier {
        "" => "SELLER_CATEGORY_UNSPECIFIED",
        tier => tier,
    };
    let request = json!({"id": seller.user_id, "sellerCategory": tier}).to_string();
    let set = admin.call("UserService/SetSellerCategory", &request).await;
    set.unwrap();
}

/// A product of each tier, each with the name and the brand of its tier.
struct Market {
    products: Vec<Product>,
    viewers: Vec<Viewer>,
}

fn word(tier: &str) -> &str {
    if tier.is_empty() { "AUCUN" } else { tier }
}

async fn market(app: &TestApp) -> Market {
    let admin = app.admin().await;
    let mut products = Vec::new();
    let mut viewers = vec![
        Viewer::new("guest", app.guest().await),
        Viewer::new("customer", app.customer().await),
        Viewer {
            is_admin: true,
            ..Viewer::new("admin", admin.clone())
        },
    ];
    let freelancer = app.customer().await;
    let role = json!({"role": "FREELANCER"}).to_string();
    freelancer
        .call("AuthService/SyncRole", &role)
        .await
        .unwrap();
    viewers.push(Viewer::new("freelancer", freelancer));
    for of in TIERS {
        let (seller, other, staff) = (
            app.seller().await,
            app.seller().await.client,
            app.customer().await,
        );
        for one in [&seller.client, &other] {
            if !of.is_empty() {
                tier(&admin, one, of).await;
            }
        }
        let request = json!({
            "storeId": seller.store, "name": format!("Tapis {}", word(of)), "price": 1000,
            "stock": 10_000, "brand": format!("Marque {}", word(of)), "tags": ["laine"],
        })
        .to_string();
        let made = seller.client.call("CatalogService/CreateProduct", &request);
        let id = made.await.unwrap()["product"]["id"].clone();
        let feature = json!({"id": id, "featured": true}).to_string();
        let featured = admin.call("CatalogService/SetProductFeatured", &feature);
        featured.await.unwrap();
        let request = json!({"storeId": seller.store, "userId": staff.user_id, "role": "STAFF"});
        let request = request.to_string();
        let member = seller.client.call("StoreService/AddManager", &request);
        member.await.unwrap();
        let get = souk::pb::souk::catalog::v1::GetProductRequest {
            id: id.as_str().unwrap().to_owned(),
        };
        let product = seller.client.catalog().get_product(get).await.unwrap();
        products.push(product.into_inner().product.unwrap());
        viewers.push(Viewer {
            tier: of,
            member_of: Some(of),
            ..Viewer::new(&format!("owner {of}"), seller.client.clone())
        });
        viewers.push(Viewer {
            tier: of,
            ..Viewer::new(&format!("other {of}"), other)
        });
        viewers.push(Viewer {
            member_of: Some(of),
            ..Viewer::new(&format!("staff of {of}"), staff)
        });
    }
    Market { products, viewers }
}

/// Ways to a product that show it or say that there is none.
const SINGLE: [(&str, &str); 3] = [
    ("CatalogService/GetProduct", r#"{"id":"$id"}"#),
    ("CatalogService/GetProductBySlug", r#"{"slug":"$slug"}"#),
    ("InventoryService/GetAvailability", r#"{"productId":"$id"}"#),
];

/// Lists in which it stands or does not.
const LISTS: [(&str, &str); 12] = [
    ("CatalogService/ListProducts", r#"{}"#),
    ("CatalogService/ListProducts", r#"{"page":1}"#),
    ("CatalogService/ListProducts", r#"{"sort":"PRICE_ASC"}"#),
    ("CatalogService/ListProducts", r#"{"sort":"PRICE_DESC"}"#),
    ("CatalogService/ListProducts", r#"{"sort":"NAME"}"#),
    ("CatalogService/ListProducts", r#"{"storeId":"$store"}"#),
    ("CatalogService/ListProducts", r#"{"sellerId":"$seller"}"#),
    ("CatalogService/ListProducts", r#"{"brand":"$brand"}"#),
    (
        "CatalogService/ListProducts",
        r#"{"search":"laine","minPrice":"1","inStock":true}"#,
    ),
    ("CatalogService/SearchProducts", r#"{"q":"tapis"}"#),
    ("CatalogService/SearchProducts", r#"{"q":"laine"}"#),
    ("CatalogService/ListFeaturedProducts", r#"{}"#),
];

/// Acts that need a product which the caller sees. What a rule of trade refuses was seen.
const ACTS: [(&str, &str); 4] = [
    ("OrderService/PlaceOrder", ORDER),
    (
        "OrderService/QuoteOrder",
        r#"{"items":[{"productId":"$id","quantity":1}]}"#,
    ),
    ("CartService/AddItem", r#"{"productId":"$id","quantity":1}"#),
    (
        "CatalogService/UpdateProduct",
        r#"{"id":"$id","usage":"Par terre"}"#,
    ),
];
const ORDER: &str = r#"{"items":[{"productId":"$id","quantity":1}],"customerName":"Amine Cherif",
    "customerPhone":"0551000001","customerWilaya":"16","shippingAddress":"12 Rue Didouche"}"#;

fn fill(request: &str, product: &Product) -> String {
    request
        .replace("$id", &product.id)
        .replace("$slug", &product.slug)
        .replace("$store", &product.store_id)
        .replace("$seller", &product.seller_id)
        .replace("$brand", &product.brand)
}

/// Whether a refusal says that there is no such product, word for word as where there is
/// none.
fn is_absent(refused: &Status) -> bool {
    (refused.code(), &*reason(refused), refused.message())
        == (Code::NotFound, "PRODUCT_NOT_FOUND", "product not found")
}

/// What is wrong with what one viewer sees of one product.
async fn wrong(viewer: &Client, product: &Product, is_seen: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (rpc, request) in SINGLE {
        match viewer.call(rpc, &fill(request, product)).await {
            Ok(_) if is_seen => {}
            Err(refused) if !is_seen && is_absent(&refused) => {}
            other => wrong.push(format!("{rpc}: {other:?}")),
        }
    }
    for (rpc, request) in LISTS {
        let listed = viewer.call(rpc, &fill(request, product)).await.unwrap();
        let found = names(&listed).contains(&&*product.name);
        if found != is_seen {
            wrong.push(format!("{rpc} {request}: {found}"));
        }
        // What a page counts is what it shows.
        let total = listed["meta"].get("total");
        if total.is_some_and(|total| *total != json!(names(&listed).len())) {
            wrong.push(format!("{rpc} {request}: counts {total:?}"));
        }
    }
    let brands = viewer
        .call("CatalogService/ListBrands", "{}")
        .await
        .unwrap();
    let mut brands = brands["brands"].as_array().unwrap().iter();
    if brands.any(|brand| brand["name"] == json!(product.brand)) != is_seen {
        wrong.push("ListBrands".to_owned());
    }
    for (rpc, request) in ACTS {
        let done = viewer.call(rpc, &fill(request, product)).await;
        if !is_right(rpc, &done, is_seen) {
            wrong.push(format!("{rpc}: {done:?}"));
        }
    }
    wrong
}

fn is_right(rpc: &str, done: &Result<Value, Status>, is_seen: bool) -> bool {
    match done {
        Ok(quote) if rpc == "OrderService/QuoteOrder" => {
            let problems = quote["problems"].as_array().unwrap();
            let mut codes = problems.iter().map(|problem| &problem["code"]);
            codes.any(|code| *code == json!("PRODUCT_NOT_FOUND")) != is_seen
        }
        Ok(_) => is_seen,
        // Nobody's cart, and nobody's product.
        Err(refused) if refused.code() == Code::Unauthenticated => true,
        Err(refused) if is_seen => ["OWN_PRODUCT", "FORBIDDEN"].contains(&&*reason(refused)),
        Err(refused) => is_absent(refused),
    }
}

#[tokio::test]
async fn everybody_sees_exactly_the_products_that_the_tiers_allow() {
    let app = TestApp::start().await;
    let strict = [("B2B_STRICT_TIERS", "true")];
    let market = market(&app).await;
    app.settle().await;
    let strictly = app.beside_with(&strict, |_| {}).await;
    let mut all = Vec::new();
    for (at, is_strict) in [(&app, false), (&strictly, true)] {
        for viewer in &market.viewers {
            let client = at.recall(&viewer.client);
            for (product, seller) in market.products.iter().zip(TIERS) {
                let is_seen = viewer.sees(seller, is_strict);
                let found = wrong(&client, product, is_seen).await;
                let name = &viewer.name;
                all.extend(found.into_iter().map(|it| {
                    format!(
                        "{name}, strict {is_strict}, {} {is_seen}: {it}",
                        product.name
                    )
                }));
            }
        }
    }
    assert!(
        all.is_empty(),
        "{} are wrong:\n{}",
        all.len(),
        all.join("\n")
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn a_change_of_tier_counts_at_once_for_seller_and_viewer() {
    let app = TestApp::start().await;
    let (admin, seller, other) = (
        app.admin().await,
        app.seller().await,
        app.seller().await.client,
    );
    let product = seller.product("Tapis", 1_000, 50).await;
    let feature = json!({"id": product.id, "featured": true}).to_string();
    let featured = admin.call("CatalogService/SetProductFeatured", &feature);
    featured.await.unwrap();
    let beside = app.beside().await;
    let (guest, far) = (app.guest().await, beside.guest().await);
    let sees = async |by: &Client| {
        let get = json!({"id": product.id}).to_string();
        let one = by.call("CatalogService/GetProduct", &get).await.is_ok();
        for rpc in ["ListProducts", "ListFeaturedProducts"] {
            let rpc = format!("CatalogService/{rpc}");
            let listed = by.call(&rpc, "{}").await.unwrap();
            assert_eq!(names(&listed).len(), usize::from(one), "{rpc}");
        }
        one
    };
    // Every cache has the product.
    assert!(sees(&guest).await && sees(&far).await && sees(&other).await);
    for (of, to, guests, others) in [
        ("IMPORTATEUR", "", false, false),
        ("IMPORTATEUR", "GROSSISTE", false, true),
        ("IMPORTATEUR", "IMPORTATEUR", false, false),
        ("GROSSISTE", "FOURNISSEUR", false, true),
        ("GROSSISTE", "", false, false),
        ("FOURNISSEUR", "", true, true),
        ("IMPORTATEUR", "FOURNISSEUR", false, true),
        ("", "GROSSISTE", true, true),
    ] {
        tier(&admin, &seller.client, of).await;
        tier(&admin, &other, to).await;
        assert_eq!(sees(&guest).await, guests, "{of} by a guest");
        assert_eq!(sees(&other).await, others, "{of} by {to}");
        assert!(sees(&seller.client).await, "{of} by itself");
        let get = json!({"id": product.id}).to_string();
        until("other processes see it soon", async || {
            let one = far.call("CatalogService/GetProduct", &get).await.is_ok();
            let listed = far.call("CatalogService/ListFeaturedProducts", "{}").await;
            (one, names(&listed.unwrap()).len()) == (guests, usize::from(guests))
        })
        .await;
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn who_stops_selling_is_in_no_tier_any_more() {
    let app = TestApp::start().await;
    let (admin, seller) = (app.admin().await, app.seller().await);
    let product = seller.product("Tapis", 1_000, 50).await;
    let guest = app.guest().await;
    let get = json!({"id": product.id}).to_string();
    let importer = json!({"role": "STORE_OWNER", "sellerCategory": "IMPORTATEUR"}).to_string();
    let chosen = seller.client.call("AuthService/SyncRole", &importer).await;
    chosen.unwrap();
    let hidden = guest.call("CatalogService/GetProduct", &get).await;
    assert!(is_absent(&hidden.unwrap_err()));
    let customer = json!({"id": seller.client.user_id, "role": "CUSTOMER"}).to_string();
    let set = admin.call("UserService/SetUserRole", &customer).await;
    set.unwrap();
    guest.call("CatalogService/GetProduct", &get).await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn what_becomes_hidden_cannot_be_bought_from_the_cart() {
    let app = TestApp::start().await;
    let (admin, seller, buyer) = (app.admin().await, app.seller().await, app.customer().await);
    let product = seller.product("Tapis", 1_000, 50).await;
    let line = json!({"productId": product.id, "quantity": 2}).to_string();
    let added = buyer.call("CartService/AddItem", &line).await.unwrap();
    let id = added["item"]["id"].as_str().unwrap();
    tier(&admin, &seller.client, "GROSSISTE").await;
    let cart = buyer.call("CartService/ValidateCart", "{}").await.unwrap();
    assert_eq!(cart["valid"], json!(false));
    assert_eq!(cart["problems"][0]["code"], json!("PRODUCT_NOT_FOUND"));
    assert_eq!(cart["cart"]["groups"][0]["items"][0]["name"], json!(""));
    let before = app.rows().await;
    let mut order: Value = serde_json::from_str(ORDER).unwrap();
    order["items"] = json!([]);
    order["storeId"] = json!(seller.store);
    for (rpc, request) in [
        ("OrderService/PlaceOrder", order.to_string()),
        ("CartService/AddItem", line),
        (
            "CartService/UpdateItem",
            json!({"id": id, "quantity": 1}).to_string(),
        ),
    ] {
        let refused = buyer.call(rpc, &request).await.unwrap_err();
        assert!(is_absent(&refused), "{rpc}: {refused:?}");
    }
    assert_eq!(app.rows().await, before);
    let remove = json!({"id": id}).to_string();
    buyer.call("CartService/RemoveItem", &remove).await.unwrap();
}

#[tokio::test]
async fn sight_costs_nothing_where_it_is_cached_and_guests_and_customers_nothing_at_all() {
    let app = TestApp::start().await;
    let market = market(&app).await;
    app.settle().await;
    let [importer, _, _, public] = &market.products[..] else {
        panic!()
    };
    let by = |name: &str| {
        let mut all = market.viewers.iter();
        &all.find(|viewer| viewer.name == name).unwrap().client
    };
    for (viewer, product) in [
        ("guest", public),
        ("customer", public),
        ("other GROSSISTE", importer),
        ("other FOURNISSEUR", importer),
        ("staff of IMPORTATEUR", importer),
        ("admin", importer),
    ] {
        let get = || souk::pb::souk::catalog::v1::GetProductRequest {
            id: product.id.clone(),
        };
        let mut catalog = by(viewer).catalog();
        catalog.get_product(get()).await.unwrap();
        let again = catalog.get_product(get()).await.unwrap();
        assert_eq!(statements(&again), 0, "GetProduct by {viewer}");
    }
    for viewer in ["guest", "customer", "other GROSSISTE", "admin"] {
        let list = souk::pb::souk::catalog::v1::ListProductsRequest::default();
        let mut catalog = by(viewer).catalog();
        catalog.list_products(list.clone()).await.unwrap();
        let again = catalog.list_products(list).await.unwrap();
        assert_eq!(statements(&again), 1, "ListProducts by {viewer}");
    }
    // Of what is featured, each tier has its page, and so has each member of a store of
    // which something is hidden from others.
    app.settle().await;
    for (viewer, cost) in [
        ("guest", 0),
        ("customer", 0),
        ("other GROSSISTE", 0),
        ("other IMPORTATEUR", 0),
        ("staff of IMPORTATEUR", 1),
        ("admin", 0),
    ] {
        let list = souk::pb::souk::catalog::v1::ListFeaturedProductsRequest::default();
        let mut catalog = by(viewer).catalog();
        catalog.list_featured_products(list.clone()).await.unwrap();
        let page = catalog.list_featured_products(list).await.unwrap();
        assert_eq!(statements(&page), cost, "ListFeaturedProducts by {viewer}");
    }
}

#[tokio::test]
async fn products_made_while_their_sellers_tier_changes_are_in_the_last_one() {
    let app = TestApp::start().await;
    let (admin, seller) = (app.admin().await, app.seller().await);
    let changes = async {
        for of in TIERS.iter().cycle().take(12) {
            tier(&admin, &seller.client, of).await;
        }
        tier(&admin, &seller.client, "GROSSISTE").await;
    };
    let making = async {
        let made = (0..24).map(|number| {
            let name = format!("Tapis {number}");
            let seller = &seller;
            async move { seller.product(&name, 1_000, 5).await }
        });
        futures_util::future::join_all(made).await;
    };
    futures_util::join!(changes, making);
    app.assert_sound().await;
    let in_it = "SELECT count(*) FROM products WHERE tier = 'GROSSISTE'";
    assert_eq!(app.number(in_it).await, 24);
    assert_eq!(market_of(&app.guest().await).await, 0);
}

/// How many products somebody finds.
async fn market_of(viewer: &Client) -> usize {
    let listed = viewer.call("CatalogService/ListProducts", "{}").await;
    names(&listed.unwrap()).len()
}
