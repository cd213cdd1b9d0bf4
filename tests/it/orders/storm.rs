//! The storm of `tests/oversell.rs` with a clock that the test moves: one checkout in ten
//! is abandoned and its reservation runs out, and then everything is for sale again.
//!
//! SOUK_SEED repeats a run.

#[path = "../../rig/dice.rs"]
#[allow(dead_code, reason = "the rig has more than one storm needs")]
mod dice;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use dice::Dice;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use souk::pb::souk::orders::v1::CancelOrderRequest;

use crate::support::{Client, Seller, ShippingTo, TestApp, reason};

const PRODUCTS: usize = 8;
const CHECKOUTS: usize = 200;
const AT_ONCE: usize = 32;

/// A product with what the storm did to it.
#[derive(Debug, Default)]
struct Good {
    product: String,
    record: String,
    /// Pieces there at the start, and what the seller put in or took out.
    there: i64,
    /// Pieces that buyers wanted and did not give back.
    wanted: i64,
}

/// What somebody sets out to do.
enum Act {
    Buy {
        wishes: Vec<(usize, i32)>,
        cancel: bool,
    },
    /// Reserve, and never come back.
    Abandon {
        wishes: Vec<(usize, i32)>,
    },
    Edit {
        good: usize,
        delta: i32,
    },
}

struct Market {
    app: TestApp,
    seller: Seller,
    admin: Client,
    guest: Client,
    goods: Mutex<Vec<Good>>,
    abandoned: Mutex<i64>,
}

fn plan(dice: &mut Dice) -> Vec<Act> {
    let mut acts = Vec::new();
    for number in 0..CHECKOUTS {
        if number % 20 == 0 {
            let delta = [7, 4, -2, -5][dice.index(4)];
            acts.push(Act::Edit {
                good: dice.index(PRODUCTS),
                delta,
            });
        }
        let count = [1, 1, 2, 3][dice.index(4)];
        let mut wishes = dice.indexes(PRODUCTS, count).into_iter();
        let wishes = wishes
            .by_ref()
            .map(|good| (good, dice.number(1..=3) as i32));
        let wishes: Vec<_> = wishes.collect();
        acts.push(match number % 10 {
            0 => Act::Abandon { wishes },
            _ => Act::Buy {
                wishes,
                cancel: dice.chance(10),
            },
        });
    }
    acts
}

impl Market {
    async fn open(dice: &mut Dice) -> Self {
        let app = TestApp::start().await;
        app.run_jobs().await;
        let (seller, admin, guest) = (app.seller().await, app.admin().await, app.guest().await);
        let mut goods = Vec::new();
        for number in 0..PRODUCTS {
            let there = dice.number(5..=40) as i32;
            let product = seller.product(&format!("Good {number}"), 900, there).await;
            let stock = json!({"storeId": seller.store, "productId": product.id}).to_string();
            let stock = seller
                .client
                .call("InventoryService/ListStock", &stock)
                .await;
            let record = stock.unwrap()["stock"][0]["id"]
                .as_str()
                .unwrap()
                .to_owned();
            let (product, there) = (product.id, i64::from(there));
            goods.push(Good {
                product,
                record,
                there,
                wanted: 0,
            });
        }
        Self {
            app,
            seller,
            admin,
            guest,
            goods: Mutex::new(goods),
            abandoned: Mutex::new(0),
        }
    }

    fn products(&self, wishes: &[(usize, i32)]) -> Vec<(String, i32)> {
        let goods = self.goods.lock().unwrap();
        let named = wishes
            .iter()
            .map(|(good, pieces)| (goods[*good].product.clone(), *pieces));
        named.collect()
    }

    async fn act(&self, act: Act) {
        match act {
            Act::Buy { wishes, cancel } => self.buy(&wishes, cancel).await,
            Act::Abandon { wishes } => self.abandon(&wishes).await,
            Act::Edit { good, delta } => self.edit(good, delta).await,
        }
    }

    async fn buy(&self, wishes: &[(usize, i32)], cancel: bool) {
        let products = self.products(wishes);
        let lines: Vec<_> = products
            .iter()
            .map(|(id, pieces)| (id.as_str(), *pieces))
            .collect();
        let placed = self
            .guest
            .orders()
            .place_order(ShippingTo::algiers(&lines))
            .await;
        let wanted = match placed {
            Ok(placed) if cancel => {
                let placed = placed.into_inner();
                let request = CancelOrderRequest {
                    id: placed.order.unwrap().id,
                    reason: None,
                    guest_token: placed.guest_token,
                };
                self.guest.orders().cancel_order(request).await.unwrap();
                false
            }
            Ok(_) => true,
            Err(refused) => {
                assert_short(&refused);
                true
            }
        };
        let mut goods = self.goods.lock().unwrap();
        for (good, pieces) in wishes.iter().filter(|_| wanted) {
            goods[*good].wanted += i64::from(*pieces);
        }
    }

    async fn abandon(&self, wishes: &[(usize, i32)]) {
        let store = &self.seller.store;
        let lines: Vec<Value> = self
            .products(wishes)
            .into_iter()
            .map(|(id, pieces)| json!({"storeId": store, "productId": id, "quantity": pieces}))
            .collect();
        let request = json!({"lines": lines}).to_string();
        match self.admin.call("InventoryService/Reserve", &request).await {
            Ok(_) => *self.abandoned.lock().unwrap() += lines.len() as i64,
            Err(refused) => assert_short(&refused),
        }
    }

    async fn edit(&self, good: usize, delta: i32) {
        let record = self.goods.lock().unwrap()[good].record.clone();
        let why = if delta > 0 { "RESTOCK" } else { "DAMAGE" };
        let request = json!({"id": record, "delta": delta, "reason": why}).to_string();
        let seller = &self.seller.client;
        match seller.call("InventoryService/AdjustStock", &request).await {
            Ok(_) => self.goods.lock().unwrap()[good].there += i64::from(delta),
            Err(refused) => assert_short(&refused),
        }
    }

    /// Pieces in orders that stand, by product.
    async fn sold(&self) -> BTreeMap<String, i64> {
        let seller = self.app.sign_in(&self.seller.client.phone).await;
        let (mut sold, mut token) = (BTreeMap::new(), String::new());
        loop {
            let request = json!({"storeId": self.seller.store, "limit": 100, "pageToken": token});
            let page = seller
                .call("OrderService/ListSellerOrders", &request.to_string())
                .await;
            let page = page.unwrap();
            for order in page["orders"].as_array().unwrap() {
                let items = order["items"].as_array().unwrap().iter();
                for item in items.filter(|_| order["status"] != "CANCELLED") {
                    let product = item["productId"].as_str().unwrap().to_owned();
                    *sold.entry(product).or_default() += item["quantity"].as_i64().unwrap();
                }
            }
            token = page["meta"]["nextPageToken"].as_str().unwrap().to_owned();
            if token.is_empty() {
                return sold;
            }
        }
    }
}

/// Running out is the only refusal, apart from being asked to come back.
fn assert_short(refused: &tonic::Status) {
    let reason = reason(refused);
    assert!(
        ["OUT_OF_STOCK", "CONFLICT"].contains(&reason.as_str()),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_was_abandoned_is_sold_after_all_and_nothing_twice() {
    let mut dice = Dice::roll();
    let market = Market::open(&mut dice).await;
    let acts = stream::iter(plan(&mut dice));
    acts.for_each_concurrent(AT_ONCE, |act| market.act(act))
        .await;
    let (app, abandoned) = (&market.app, *market.abandoned.lock().unwrap());
    let open = "SELECT count(*) FROM reservations WHERE status = 'RESERVED'";
    assert!(abandoned > 0, "somebody abandoned something");
    assert_eq!(app.number(open).await, abandoned);

    app.advance(Duration::from_secs(15 * 60 + 1));
    app.run_jobs().await;
    let expired = "SELECT count(*) FROM reservations WHERE status = 'EXPIRED'";
    assert_eq!(
        (app.number(open).await, app.number(expired).await),
        (0, abandoned)
    );
    let reserved = "SELECT CAST(sum(reserved) AS bigint) FROM stock";
    assert_eq!(app.number(reserved).await, 0);

    // Those who were refused come back, piece by piece.
    let sold = market.sold().await;
    let goods = std::mem::take(&mut *market.goods.lock().unwrap());
    for good in goods {
        let mut sold = sold.get(&good.product).copied().unwrap_or(0);
        assert!(sold <= good.there, "{good:?}: {sold} sold");
        while sold < good.wanted {
            let request = ShippingTo::algiers(&[(&good.product, 1)]);
            match market.guest.orders().place_order(request).await {
                Ok(_) => sold += 1,
                Err(refused) => {
                    assert_eq!(reason(&refused), "OUT_OF_STOCK");
                    break;
                }
            }
        }
        assert_eq!(sold, good.wanted.min(good.there), "{good:?}");
    }
    market.app.assert_sound().await;
}
