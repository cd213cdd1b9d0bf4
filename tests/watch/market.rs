//! The market of a day: who trades, what there is to watch, and the trade itself.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::future::join_all;
use souk::pb::souk::inventory::v1::AdjustStockRequest;
use souk::pb::souk::inventory::v1::stock_movement::Reason;
use souk::pb::souk::orders::v1::order::Status;
use souk::pb::souk::orders::v1::{Order, UpdateOrderStatusRequest};

use crate::feed::{Feed, Record, What, order as record, stock};
use crate::rig::{Caller, Dice, Good, Shop, lines, order, with_retries};

const SHOPS: usize = 4;
const BUYERS: usize = 8;
/// Orders that are there, and watched, before the day begins.
const WATCHED: usize = 40;
const WORKERS: usize = 8;
/// What the store does with each order.
const STEPS: [Status; 3] = [Status::Confirmed, Status::Processing, Status::Ready];

pub struct Market {
    pub shops: Vec<Shop>,
    buyers: Vec<Buyer>,
    watched: Vec<Placed>,
}

struct Buyer {
    who: Caller,
    id: String,
}

/// An order, and who watches over it.
struct Placed {
    id: String,
    buyer: usize,
    shop: usize,
}

/// When each version of each record was acknowledged.
#[derive(Default)]
pub struct Acked(pub Mutex<HashMap<(String, i64), Instant>>);

impl Acked {
    fn note(&self, id: &str, version: i32) {
        let key = (id.to_owned(), i64::from(version));
        self.0.lock().unwrap().insert(key, Instant::now());
    }
}

/// Every record with its last version.
pub struct Goal(pub Vec<Record>);

impl Goal {
    /// Asks the program at `url`.
    pub async fn look(market: &Market, url: &str) -> Self {
        let mut all = Vec::new();
        for shop in &market.shops {
            let shop = shop.at(url);
            all.extend(shop.orders().await.into_iter().map(record));
            all.extend(shop.stocks().await.into_values().map(stock));
        }
        Self(all)
    }
}

impl Market {
    /// Opens the stores, and places the orders that are watched.
    pub async fn open(url: &str, dice: &mut Dice) -> Self {
        let guest = Caller::guest(url);
        let mut shops = Vec::new();
        for number in 0..SHOPS {
            let owner = guest.sign_in(&format!("055000000{number}")).await;
            shops.push(Shop::open(owner, "Bowl", &[1_000_000; 5]).await);
        }
        let mut buyers = Vec::new();
        for number in 0..BUYERS {
            let who = guest.sign_in(&format!("066000000{number}")).await;
            let id = String::new();
            buyers.push(Buyer { who, id });
        }
        let mut market = Self {
            shops,
            buyers,
            watched: Vec::new(),
        };
        for number in 0..WATCHED {
            let (buyer, shop) = (number % BUYERS, number % SHOPS);
            let order = market
                .place(std::slice::from_ref(&guest), dice, buyer, shop)
                .await;
            market.buyers[buyer].id = order.user_id;
            let id = order.id;
            market.watched.push(Placed { id, buyer, shop });
        }
        market
    }

    /// What reader number `number` watches: each kind in turn.
    pub fn feed(&self, number: usize) -> Feed {
        let (kind, number) = (number % 4, number / 4);
        let shop = &self.shops[number % SHOPS];
        let buyer = &self.buyers[number % BUYERS];
        match kind {
            0 => Feed {
                who: shop.owner.clone(),
                what: What::Store(shop.store_id.clone()),
            },
            1 => Feed {
                who: shop.owner.clone(),
                what: What::Stock(shop.store_id.clone()),
            },
            2 => Feed {
                who: buyer.who.clone(),
                what: What::Mine(buyer.id.clone()),
            },
            _ => {
                let placed = &self.watched[number % WATCHED];
                Feed {
                    who: self.buyers[placed.buyer].who.clone(),
                    what: What::Order(placed.id.clone()),
                }
            }
        }
    }

    /// Trades at all of `doors` until `over`, and at least `orders`. Gives the number of
    /// changes.
    pub async fn trade(
        &self,
        doors: &[Caller],
        mut dice: Dice,
        acked: &Acked,
        over: &AtomicBool,
        orders: usize,
    ) -> usize {
        let (placed, changes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let worker = async |mut dice: Dice| {
            while !over.load(Ordering::SeqCst) || placed.load(Ordering::SeqCst) < orders {
                let (buyer, shop) = (dice.index(BUYERS), dice.index(SHOPS));
                let order = self.place(doors, &mut dice, buyer, shop).await;
                acked.note(&order.id, order.version);
                self.advance(doors, &mut dice, shop, &order.id, acked).await;
                if dice.chance(10) {
                    self.restock(doors, &mut dice, shop, acked).await;
                }
                placed.fetch_add(1, Ordering::SeqCst);
                changes.fetch_add(1 + STEPS.len(), Ordering::SeqCst);
            }
        };
        let workers: Vec<Dice> = (0..WORKERS).map(|_| dice.fork()).collect();
        join_all(workers.into_iter().map(worker)).await;
        changes.into_inner()
    }

    /// Takes the orders through their steps that were there before.
    pub async fn finish(&self, doors: &[Caller], dice: &mut Dice, acked: &Acked) {
        for it in &self.watched {
            self.advance(doors, dice, it.shop, &it.id, acked).await;
        }
    }

    async fn place(&self, doors: &[Caller], dice: &mut Dice, buyer: usize, shop: usize) -> Order {
        let (buyer, goods) = (&self.buyers[buyer].who, &self.shops[shop].goods);
        let count = dice.number(1..=3) as usize;
        let wishes: Vec<&Good> = dice
            .indexes(goods.len(), count)
            .into_iter()
            .map(|index| &goods[index])
            .collect();
        let request = order("watch", lines(wishes.into_iter().map(|good| (good, 1))));
        let key = dice.word("place");
        let send = async |caller: Caller| {
            let request = caller.once(&key, request.clone());
            caller.orders().place_order(request).await
        };
        let answer = anywhere(doors, dice, buyer, send).await;
        answer.order.unwrap()
    }

    /// Takes an order through its steps, one after the other.
    async fn advance(
        &self,
        doors: &[Caller],
        dice: &mut Dice,
        shop: usize,
        id: &str,
        acked: &Acked,
    ) {
        for status in STEPS {
            let request = UpdateOrderStatusRequest {
                id: id.to_owned(),
                status: status.into(),
                ..UpdateOrderStatusRequest::default()
            };
            let key = dice.word("step");
            let send = async |caller: Caller| {
                let request = caller.once(&key, request.clone());
                caller.orders().update_order_status(request).await
            };
            let answer = anywhere(doors, dice, &self.shops[shop].owner, send).await;
            acked.note(id, answer.order.unwrap().version);
        }
    }

    async fn restock(&self, doors: &[Caller], dice: &mut Dice, shop: usize, acked: &Acked) {
        let shop = &self.shops[shop];
        let good = &shop.goods[dice.index(shop.goods.len())];
        let request = AdjustStockRequest {
            id: good.stock_id.clone(),
            delta: 1,
            reason: Reason::Restock.into(),
            ..AdjustStockRequest::default()
        };
        let key = dice.word("restock");
        let send = async |caller: Caller| {
            let request = caller.once(&key, request.clone());
            caller.inventory().adjust_stock(request).await
        };
        let answer = anywhere(doors, dice, &shop.owner, send).await;
        let stock = answer.stock.unwrap();
        acked.note(&stock.id, stock.version);
    }
}

/// Sends a call to one process after the other, from a random one on, until it is
/// answered.
async fn anywhere<T>(
    doors: &[Caller],
    dice: &mut Dice,
    who: &Caller,
    send: impl AsyncFn(Caller) -> Result<tonic::Response<T>, tonic::Status>,
) -> T {
    let mut turn = dice.index(doors.len());
    let (send, who) = (&send, &who);
    let sent = with_retries(
        || {
            turn += 1;
            let caller = who.over(doors[turn % doors.len()].clone());
            async move { send(caller).await }
        },
        |_lost| {},
    );
    sent.await.expect("nothing is refused").into_inner()
}
