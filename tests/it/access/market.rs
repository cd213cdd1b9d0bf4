//! The marketplace of the matrix: everything that its rows name, arranged once and
//! copied for whoever plays.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tonic::Status;

use super::matrix::{Row, Step, Who};
use crate::support::rows::{Rows, changed};
use crate::support::{Client, Frozen, Seller, ShippingTo, TestApp};

/// The id of nothing.
const ABSENT: &str = "01h455vb4pex5vsknk084sn02q";

/// Placeholders and what they stand for.
pub type Ids = BTreeMap<&'static str, String>;

/// A marketplace with everything that the rows name.
pub struct Market {
    pub app: TestApp,
    people: BTreeMap<Who, Client>,
    ids: Ids,
}

struct Template {
    frozen: Frozen,
    people: BTreeMap<Who, Client>,
    ids: Ids,
}

async fn template() -> &'static Template {
    static TEMPLATE: OnceCell<Template> = OnceCell::const_new();
    TEMPLATE.get_or_init(arrange).await
}

impl Market {
    /// A market of its own: nobody else changes it.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// The same, with some settings.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        let template = template().await;
        let app = template.frozen.thaw(settings).await;
        Self::on(app, template)
    }

    /// The same market with nothing cached, for reading.
    pub async fn reopen(self) -> Self {
        let app = self.app.beside().await;
        self.app.running.app.close().await;
        Self::on(app, template().await)
    }

    fn on(app: TestApp, template: &Template) -> Self {
        let people = template.people.iter();
        Self {
            people: people.map(|(who, it)| (*who, app.recall(it))).collect(),
            ids: template.ids.clone(),
            app,
        }
    }

    /// Lets somebody else have the database.
    pub async fn close(self) {
        template().await.frozen.take_back(self.app).await;
    }

    pub fn person(&self, who: Who) -> &Client {
        &self.people[&who]
    }

    pub fn id(&self, name: &str) -> &str {
        &self.ids[name]
    }

    /// A text with the ids of this market for one caller.
    pub fn fill(&self, text: &str, who: Who) -> String {
        self.replace(text, who, |_, id| id.to_owned())
    }

    /// The row's request for one caller.
    pub fn request(&self, row: &Row, who: Who) -> String {
        self.fill(row.request, who)
    }

    /// The row's request with ids that do not exist.
    pub fn missing(&self, row: &Row, who: Who) -> String {
        self.replace(row.request, who, absent)
    }

    fn replace(&self, text: &str, who: Who, value: impl Fn(&str, &str) -> String) -> String {
        // `$order` begins `$order_two`: the longest names go first.
        let mut names: Vec<_> = self.ids.iter().collect();
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let own = &self.people[&who].refresh_token;
        let text = text.replace("$fresh", &format!("05519999{:02}", who as u8));
        let text = match own.is_empty() {
            true => text,
            false => text.replace("$refresh", own),
        };
        names.into_iter().fold(text, |text, (name, id)| {
            text.replace(name, &value(name, id))
        })
    }

    /// Does what has to be done before the row's callers.
    pub async fn prepare(&mut self, row: &Row) {
        for step in row.steps {
            match *step {
                Step::Call(who, rpc, request) => {
                    let done = self.person(who).call(rpc, &self.fill(request, who)).await;
                    done.unwrap_or_else(|refused| panic!("{}: {rpc}: {refused:?}", row.rpc));
                }
                Step::Each(..) => {}
                Step::Sql(sql) => self.app.execute(sql, []).await,
                Step::Mail => self.read_mail().await,
            }
        }
    }

    /// Does what one of the row's callers has to do before.
    pub async fn prepare_for(&mut self, row: &Row, who: Who) {
        for step in row.steps {
            match *step {
                Step::Each(rpc, request) => {
                    let done = self.person(who).call(rpc, &self.fill(request, who)).await;
                    done.unwrap_or_else(|refused| panic!("{}: {rpc}: {refused:?}", row.rpc));
                }
                Step::Mail => self.read_mail().await,
                Step::Call(..) | Step::Sql(_) => {}
            }
        }
    }

    /// The token in the last mail becomes `$link`.
    async fn read_mail(&mut self) {
        self.app.run_jobs().await;
        if let Some(letter) = self.app.mail.sent().pop() {
            self.ids.insert("$link", token_in(&letter.text));
        }
    }

    /// Everything that the database holds.
    pub async fn rows(&self) -> Rows {
        self.app.rows().await
    }

    /// What a call has changed since `before`, in words; the next call is measured from
    /// there.
    pub async fn changes(&self, before: &mut Rows) -> Option<String> {
        let after = self.rows().await;
        let tables = changed(before, &after).join(", ");
        *before = after;
        (!tables.is_empty()).then(|| format!("changed {tables}"))
    }
}

/// What stands where an id stood, but names nothing.
pub fn absent(name: &str, id: &str) -> String {
    match id.split_once('_') {
        Some((prefix, _)) if name != "$slug" => format!("{prefix}_{ABSENT}"),
        _ => format!("{id}-absent"),
    }
}

/// The longest word of a letter that may be a token.
fn token_in(text: &str) -> String {
    let is_token = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let words = text.split(|letter| !is_token(letter));
    let longest = words.max_by_key(|word| word.len()).unwrap_or_default();
    longest.to_owned()
}

/// Status, reason and sentence: all that tells one refusal from another.
pub fn told(refused: &Status) -> (tonic::Code, String, String) {
    let reason = crate::support::reason(refused);
    (refused.code(), reason, refused.message().to_owned())
}

async fn arrange() -> Template {
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
    shelves(&mut ids, &seller, &admin).await;
    belongings(&mut ids, &buyer).await;
    recluse(&mut ids, &app, &admin).await;
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
}

async fn belongings(ids: &mut Ids, buyer: &Client) {
    ids.insert("$address", address(buyer).await);
    ids.insert("$session", session(buyer).await);
    ids.insert("$line", line(buyer, &ids["$product"]).await);
    let guest = buyer.anonymous();
    let mut request = ShippingTo::algiers(&[(&ids["$product"], 1)]);
    request.customer_phone = Some("0662000002".into());
    let placed = guest.orders().place_order(request).await.unwrap();
    let order = placed.into_inner().order.unwrap();
    ids.insert("$guest_order", order.id);
    ids.insert("$guest_number", order.order_number);
    let order = buyer.order(&ids["$product"], 2).await;
    ids.insert("$order", order.id);
    ids.insert("$number", order.order_number);
}

/// What nobody in the cast may know of: a suspended store, what stands in it, and what
/// belongs to its one buyer.
async fn recluse(ids: &mut Ids, app: &TestApp, admin: &Client) {
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
    ids.insert("$hidden_adr", address(&hermit).await);
    ids.insert("$hidden_ses", session(&hermit).await);
    ids.insert("$hidden_item", line(&hermit, &product).await);
    let order = hermit.order(&product, 2).await;
    ids.insert("$hidden_ord", order.id);
    ids.insert("$hidden_number", order.order_number);
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

async fn line(of: &Client, product: &str) -> String {
    let line = json!({"productId": product, "quantity": 1});
    text_at(&act(of, "CartService/AddItem", &line).await, "/item/id")
}
