//! Sets the market up: the cast, and what belongs to whom. Everybody and everything is
//! filled in to the last field, so that an answer that told too much would show.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::ImageFormat;
use serde_json::{Value, json};

use super::market::{Ids, Template};
use super::matrix::Who;
use crate::support::samples::{gif_bomb, picture};
use crate::support::traders::put_into_tier;
use crate::support::{Client, Seller, ShippingTo, TestApp};

/// The market before anybody plays.
pub async fn arrange() -> Template {
    let app = TestApp::start().await;
    let expired = app.customer().await;
    app.advance(Duration::from_secs(16 * 60));
    let seller = app.seller().await;
    let rival = app.seller().await;
    let (buyer, stranger) = (app.sign_in("0551000001").await, app.customer().await);
    let (staff, admin) = (app.customer().await, app.admin().await);
    let (clerk, rival_staff) = (app.customer().await, app.customer().await);
    let mut ids = Ids::from([
        ("$buyer", buyer.user_id.clone()),
        ("$stranger", stranger.user_id.clone()),
        ("$staff", staff.user_id.clone()),
        ("$seller", seller.client.user_id.clone()),
        ("$store", seller.store.clone()),
        ("$refresh", buyer.refresh_token.clone()),
    ]);
    employ(&seller, &staff, "MANAGER").await;
    employ(&seller, &clerk, "STAFF").await;
    employ(&rival, &rival_staff, "MANAGER").await;
    put_into_tier(&admin, &seller.client, "FOURNISSEUR").await;
    put_into_tier(&admin, &rival.client, "GROSSISTE").await;
    profile(&seller.client, "Lina").await;
    profile(&buyer, "Amine").await;
    shop_window(&seller).await;
    shelves(&mut ids, &seller, &admin).await;
    reels(&mut ids, &app, &seller, (&buyer, &stranger, &admin)).await;
    belongings(&mut ids, &buyer).await;
    let like = json!({"id": ids["$reel"]});
    act(&buyer, "ReelService/LikeReel", &like).await;
    trade(&mut ids, &rival.client, &seller.client).await;
    recluse(&mut ids, &app, &admin, &rival.client).await;
    let (suspended, ended) = (app.customer().await, app.customer().await);
    ended.call("AuthService/Logout", "{}").await.unwrap();
    let id: souk::kernel::id::UserId = suspended.user_id.parse().unwrap();
    let off = "UPDATE users SET is_active = FALSE WHERE id = $1";
    app.execute(off, [id.uuid().into()]).await;
    let people = BTreeMap::from([
        (Who::Guest, app.guest().await),
        (Who::Buyer, buyer),
        (Who::Stranger, stranger),
        (Who::Seller, seller.client),
        (Who::Rival, rival.client),
        (Who::Staff, staff),
        (Who::RivalStaff, rival_staff),
        (Who::Admin, admin),
        (Who::Suspended, suspended),
        (Who::Expired, expired),
        (Who::Ended, ended),
    ]);
    let frozen = app.freeze().await;
    Template {
        frozen,
        people,
        ids,
    }
}

/// A profile with every field.
async fn profile(of: &Client, name: &str) {
    let profile = json!({
        "name": name, "firstName": name, "lastName": "Cherif", "bio": "Tea and couscous",
        "email": format!("{}@example.dz", name.to_lowercase()), "wilaya": "16",
        "avatarUrl": "https://example.test/face.jpg",
    });
    act(of, "UserService/UpdateMe", &profile).await;
}

/// A store with every field.
async fn shop_window(seller: &Seller) {
    let window = json!({
        "id": seller.store, "description": "All of the Sahel", "phone": "0555123456",
        "email": "shop@example.dz", "minOrderAmount": 100, "deliveryRadiusKm": 900,
        "imageUrl": "https://example.test/shop.jpg",
        "address": {"line2": "Second floor", "commune": "Kouba", "postalCode": "16050"},
    });
    act(&seller.client, "StoreService/UpdateStore", &window).await;
}

async fn employ(seller: &Seller, user: &Client, role: &str) {
    let member = json!({"storeId": seller.store, "userId": user.user_id, "role": role});
    act(&seller.client, "StoreService/AddManager", &member).await;
}

/// A call of the arrangement, which must work.
pub async fn act(by: &Client, rpc: &str, request: &Value) -> Value {
    let answer = by.call(rpc, &request.to_string()).await;
    answer.unwrap_or_else(|refused| panic!("{rpc}: {refused:?}"))
}

pub fn text_at(answer: &Value, path: &str) -> String {
    let text = answer.pointer(path).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("{path} in {answer}"))
        .to_owned()
}

async fn shelves(ids: &mut Ids, seller: &Seller, admin: &Client) {
    let category = json!({"name": "Semoule"});
    let category = act(admin, "CatalogService/CreateCategory", &category).await;
    ids.insert("$category", text_at(&category, "/category/id"));
    let shelf = json!({"name": "Épicerie"});
    let shelf = act(admin, "CatalogService/CreateCategory", &shelf).await;
    ids.insert("$shelf", text_at(&shelf, "/category/id"));
    let product = json!({
        "storeId": seller.store, "name": "Couscous fin", "price": 18000, "stock": 50,
        "category": ids["$shelf"], "images": ["https://example.test/couscous.jpg"],
        "originalPrice": 20000, "brand": "Sahel", "sku": "CF-1", "weight": 1.0,
        "tags": ["semoule"], "description": "Rolled by hand", "benefits": "Light",
        "ingredients": "Durum wheat", "usage": "Steam twice", "deliveryNote": "Dry",
        "returnsNote": "Closed bags only", "paymentNote": "Cash",
    });
    let product = act(&seller.client, "CatalogService/CreateProduct", &product).await;
    ids.insert("$product", text_at(&product, "/product/id"));
    ids.insert("$slug", text_at(&product, "/product/slug"));
    ids.insert("$image", text_at(&product, "/product/images/0/id"));
    let stock = json!({"storeId": seller.store});
    let stock = act(&seller.client, "InventoryService/ListStock", &stock).await;
    ids.insert("$stock", text_at(&stock, "/stock/0/id"));
    let reserve = json!({"lines": [{
        "storeId": seller.store, "productId": ids["$product"], "quantity": 1,
    }]});
    let reserved = act(admin, "InventoryService/Reserve", &reserve).await;
    ids.insert("$reservation", text_at(&reserved, "/reservations/0/id"));
    let job = json!({"message": "hello"});
    act(admin, "OpsService/EnqueueTestJob", &job).await;
    let jobs = act(admin, "OpsService/ListJobs", &json!({})).await;
    ids.insert("$job", text_at(&jobs, "/jobs/0/id"));
    files(ids, &seller.client).await;
}

/// A picture that is there and measured, and one that is to come.
async fn files(ids: &mut Ids, seller: &Client) {
    ids.insert("$picture", STANDARD.encode(gif_bomb(1, 1, 1)));
    let picture = json!({
        "productId": ids["$product"], "contentType": "image/png",
        "file": STANDARD.encode(picture(ImageFormat::Png, 4, 3)),
    });
    let added = act(seller, "MediaService/UploadProductImage", &picture).await;
    ids.insert("$media", text_at(&added, "/media/id"));
    ids.insert("$upload", upload(seller).await);
}

async fn upload(of: &Client) -> String {
    let avatar = json!({
        "purpose": "AVATAR", "fileName": "face.png", "contentType": "image/png", "size": 100,
    });
    let created = act(of, "MediaService/CreateUpload", &avatar).await;
    text_at(&created, "/media/id")
}

/// A reel that is commented and reported, and one that waits for its video.
async fn reels(
    ids: &mut Ids,
    app: &TestApp,
    seller: &Seller,
    (buyer, stranger, admin): (&Client, &Client, &Client),
) {
    let member = &seller.client;
    let video = app.file(member, "REEL_VIDEO", "READY").await;
    let picture = app.file(member, "REEL_THUMBNAIL", "READY").await;
    let reel = json!({
        "productId": ids["$product"], "caption": "Rolled before your eyes",
        "videoMediaId": video, "thumbnailMediaId": picture,
    });
    let reel = act(member, "ReelService/CreateReel", &reel).await;
    ids.insert("$reel", text_at(&reel, "/reel/id"));
    let draft = json!({"productId": ids["$product"]});
    let draft = act(member, "ReelService/CreateReel", &draft).await;
    ids.insert("$draft", text_at(&draft, "/reel/id"));
    ids.insert("$video", app.file(member, "REEL_VIDEO", "READY").await);
    ids.insert("$comment", comment(buyer, &ids["$reel"]).await);
    let report = json!({"id": ids["$comment"], "reason": "OTHER", "note": "Not true"});
    let report = act(stranger, "ReelService/ReportComment", &report).await;
    ids.insert("$report", text_at(&report, "/report/id"));
    let word = json!({"word": "escroc"});
    let word = act(admin, "ReelService/AddBlockedWord", &word).await;
    ids.insert("$word", text_at(&word, "/word/id"));
}

async fn comment(by: &Client, reel: &str) -> String {
    let comment = json!({"id": reel, "content": "Light as a feather"});
    let comment = act(by, "ReelService/AddComment", &comment).await;
    text_at(&comment, "/comment/id")
}

async fn belongings(ids: &mut Ids, buyer: &Client) {
    ids.insert("$address", address(buyer).await);
    ids.insert("$session", session(buyer).await);
    let reel = Some(&*ids["$reel"]);
    ids.insert("$line", line(buyer, &ids["$product"], reel).await);
    let guest = buyer.anonymous();
    let mut request = ShippingTo::algiers(&[(&ids["$product"], 1)]);
    request.customer_phone = Some("0662000002".into());
    let placed = guest.orders().place_order(request).await.unwrap();
    let order = placed.into_inner().order.unwrap();
    ids.insert("$guest_order", order.id);
    ids.insert("$guest_number", order.order_number);
    let order = json!({
        "items": [{"productId": ids["$product"], "quantity": 2, "reelId": ids["$reel"]}],
        "customerName": "Amine Cherif",
        "customerPhone": "0551000001", "customerEmail": "amine@example.dz",
        "customerWilaya": "16", "commune": "Kouba", "notes": "Ring twice",
        "shippingAddress": "12 Rue Didouche Mourad",
    });
    let order = act(buyer, "OrderService/PlaceOrder", &order).await;
    ids.insert("$order", text_at(&order, "/order/id"));
    ids.insert("$number", text_at(&order, "/order/orderNumber"));
}

/// What a seller of one tier offers to another who answers: an offer that is negotiated, an
/// auction, and an offer that nobody has answered.
async fn trade(ids: &mut Ids, rival: &Client, seller: &Client) {
    let offer = json!({
        "title": "Semoule fine", "description": "Bags of 25 kg", "tags": ["semoule"],
        "images": ["https://example.test/semoule.jpg"], "basePrice": 1000, "minQuantity": 10,
        "availableQuantity": 100, "endsAt": "2026-03-01T09:00:00Z",
        "priceTiers": [{"minQuantity": 50, "unitPrice": 900}],
    });
    let made = act(rival, "B2bService/CreateOffer", &offer).await;
    ids.insert("$offer", text_at(&made, "/offer/id"));
    let terms = json!({
        "offerId": ids["$offer"], "amount": 900, "quantity": 20, "message": "For Ramadan",
    });
    let response = act(seller, "B2bService/SubmitResponse", &terms).await;
    ids.insert("$response", text_at(&response, "/response/id"));
    let auction = json!({
        "title": "Dattes", "basePrice": 1000, "availableQuantity": 10, "offerType": "AUCTION",
        "startsAt": "2026-01-20T09:00:00Z", "endsAt": "2026-03-01T09:00:00Z",
        "reservePrice": 1500, "images": ["https://example.test/dattes.jpg"], "tags": ["deglet"],
    });
    let auction = act(rival, "B2bService/CreateOffer", &auction).await;
    ids.insert("$auction", text_at(&auction, "/offer/id"));
    let bid = json!({"offerId": ids["$auction"], "amount": 1200, "maxAmount": 1300});
    act(seller, "B2bService/SubmitResponse", &bid).await;
    let unanswered = act(rival, "B2bService/CreateOffer", &offer).await;
    ids.insert("$unanswered", text_at(&unanswered, "/offer/id"));
}

/// What nobody in the cast may know of: a suspended store, what stands in it, and what
/// belongs to its one buyer; and an offer to another tier, with an answer to it.
async fn recluse(ids: &mut Ids, app: &TestApp, admin: &Client, rival: &Client) {
    let seller = app.seller().await;
    let hermit = app.customer().await;
    let product = json!({
        "storeId": seller.store, "name": "Caroube", "price": 18000, "stock": 50,
        "images": ["https://example.test/caroube.jpg"],
    });
    let product = act(&seller.client, "CatalogService/CreateProduct", &product).await;
    ids.insert("$hidden_prod", text_at(&product, "/product/id"));
    ids.insert("$hidden_slug", text_at(&product, "/product/slug"));
    ids.insert("$hidden_img", text_at(&product, "/product/images/0/id"));
    let stock = json!({"storeId": seller.store});
    let stock = act(&seller.client, "InventoryService/ListStock", &stock).await;
    ids.insert("$hidden_stk", text_at(&stock, "/stock/0/id"));
    let product = ids["$hidden_prod"].clone();
    let reel = app.reel(&seller, &product).await;
    ids.insert("$hidden_reel", reel);
    ids.insert("$hidden_cmt", comment(&hermit, &ids["$hidden_reel"]).await);
    ids.insert("$hidden_adr", address(&hermit).await);
    ids.insert("$hidden_ses", session(&hermit).await);
    ids.insert("$hidden_media", upload(&hermit).await);
    ids.insert("$hidden_item", line(&hermit, &product, None).await);
    let order = hermit.order(&product, 2).await;
    ids.insert("$hidden_ord", order.id);
    ids.insert("$hidden_number", order.order_number);
    put_into_tier(admin, &seller.client, "IMPORTATEUR").await;
    let offer = json!({"title": "Caroube", "basePrice": 500, "availableQuantity": 40});
    let offer = act(&seller.client, "B2bService/CreateOffer", &offer).await;
    ids.insert("$hidden_offer", text_at(&offer, "/offer/id"));
    let terms = json!({"offerId": ids["$hidden_offer"], "amount": 450});
    let response = act(rival, "B2bService/SubmitResponse", &terms).await;
    ids.insert("$hidden_response", text_at(&response, "/response/id"));
    let store = json!({"id": seller.store});
    act(admin, "StoreService/SuspendStore", &store).await;
    ids.insert("$hidden_store", seller.store);
}

async fn address(of: &Client) -> String {
    let address = json!({
        "title": "Home", "address": {"street": "12 Rue Didouche Mourad", "city": "Alger"},
    });
    let address = act(of, "UserService/CreateAddress", &address).await;
    text_at(&address, "/address/id")
}

async fn session(of: &Client) -> String {
    let sessions = act(of, "AuthService/ListSessions", &json!({})).await;
    text_at(&sessions, "/sessions/0/id")
}

async fn line(of: &Client, product: &str, reel: Option<&str>) -> String {
    let line = json!({"productId": product, "quantity": 1, "reelId": reel.unwrap_or_default()});
    text_at(&act(of, "CartService/AddItem", &line).await, "/item/id")
}
