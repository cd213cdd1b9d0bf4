//! Nothing is sold twice and nothing stays unsold: many buyers at once want more than
//! there is, in orders of several products in opposite order, while some cancel and the
//! seller changes the stock.
//!
//! SOUK_ROUNDS sets how often, SOUK_SEED repeats a run, SOUK_TEST_DATABASE (sqlite,
//! postgres) chooses the database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod rig;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rig::{Caller, Dice, Good, Shop, Souk, Verdict, judge, lines, order, setting};
use souk::pb::souk::inventory::v1::{AdjustStockRequest, stock_movement};
use souk::pb::souk::orders::v1::{CancelOrderRequest, OrderLine, order::Status};
use tokio::task::JoinSet;

const ROUNDS: usize = 10;
const PRODUCTS: usize = 20;
const BUYERS: usize = 64;
const CHECKOUTS: usize = 500;
/// Orders that one buyer places alone before the storm, to know what an order takes.
const QUIET: usize = 40;
/// How much longer than its fair share of the time the slowest call in a hundred may
/// take. Who waits out a lock or a deadlock takes far longer.
const PATIENCE: u32 = 8;

/// Something that a buyer or the seller sets out to do.
enum Act {
    Buy { items: Vec<OrderLine>, cancel: bool },
    Edit(AdjustStockRequest),
}

/// What the acts came to.
#[derive(Default)]
struct Books {
    /// Pieces that buyers wanted and did not give back, by product.
    demand: BTreeMap<String, i32>,
    /// Pieces that the seller added, by stock record.
    added: BTreeMap<String, i32>,
    refusals: BTreeMap<String, usize>,
    took: Vec<Duration>,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_is_what_was_wanted_or_what_was_there() {
    let mut dice = Dice::roll();
    let mut souk = Souk::install("oversell").await;
    souk.start().await;
    let url = souk.url();
    let seller = Caller::guest(&url).sign_in("0550000001").await;
    let mut buyers = Vec::new();
    for number in 0..BUYERS {
        let guest = Caller::guest(&url);
        buyers.push(match number % 8 {
            0 => guest.sign_in(&format!("06600000{number:02}")).await,
            _ => guest,
        });
    }
    let quiet = quiet(&seller, &buyers[1]).await;
    let mut books = Books::default();
    for round in 0..setting("SOUK_ROUNDS", ROUNDS) {
        let stocks: Vec<i32> = (0..PRODUCTS).map(|_| dice.number(1..=50) as i32).collect();
        let shop = Shop::open(seller.clone(), &format!("Round {round}"), &stocks).await;
        let acts = plan(&shop, &mut dice);
        let of_round = storm(&seller, &buyers, acts).await;
        settle(&shop, &buyers[1], &of_round).await;
        books.took.extend(of_round.took);
        for (reason, count) in of_round.refusals {
            *books.refusals.entry(reason).or_default() += count;
        }
    }
    souk.check();
    books.report(souk.database.kind(), quiet);
    souk.remove().await;
}

/// What an order takes when nobody else orders: the median.
async fn quiet(seller: &Caller, buyer: &Caller) -> Duration {
    let shop = Shop::open(seller.clone(), "Quiet", &[QUIET as i32]).await;
    let mut took = Vec::new();
    for _ in 0..QUIET {
        let began = Instant::now();
        let request = buyer.ask(order("quiet", lines([(&shop.goods[0], 1)])));
        buyer.orders().place_order(request).await.unwrap();
        took.push(began.elapsed());
    }
    took.sort();
    took[QUIET / 2]
}

/// The acts of one round, mixed.
fn plan(shop: &Shop, dice: &mut Dice) -> VecDeque<Act> {
    let mut acts = VecDeque::new();
    for number in 0..CHECKOUTS {
        if number % 20 == 0 {
            acts.push_back(Act::Edit(edit(shop, dice)));
        }
        let count = [1, 1, 2, 2, 3][dice.index(5)];
        let mut wishes: Vec<(&Good, i32)> = dice
            .indexes(shop.goods.len(), count)
            .into_iter()
            .map(|index| (&shop.goods[index], dice.number(1..=4) as i32))
            .collect();
        let cancel = dice.chance(10);
        if number % 10 == 0 && wishes.len() > 1 {
            // Bait for deadlocks: the same products the other way round, right after.
            let items = lines(wishes.iter().copied());
            acts.push_back(Act::Buy { items, cancel });
            wishes.reverse();
        }
        let items = lines(wishes);
        acts.push_back(Act::Buy { items, cancel });
    }
    acts
}

fn edit(shop: &Shop, dice: &mut Dice) -> AdjustStockRequest {
    use stock_movement::Reason::{Damage, Restock};
    let good = &shop.goods[dice.index(shop.goods.len())];
    let pieces = dice.number(1..=10) as i32;
    let (delta, reason) = if dice.chance(50) {
        (pieces, Restock)
    } else {
        (-pieces, Damage)
    };
    AdjustStockRequest {
        id: good.stock_id.clone(),
        delta,
        reason: reason.into(),
        note: None,
    }
}

/// All buyers take acts from one queue until it is empty.
async fn storm(seller: &Caller, buyers: &[Caller], acts: VecDeque<Act>) -> Books {
    let books = Arc::new(Mutex::new(Books::default()));
    let acts = Arc::new(Mutex::new(acts));
    let mut running = JoinSet::new();
    for buyer in buyers {
        let (buyer, seller) = (buyer.clone(), seller.clone());
        let (acts, books) = (acts.clone(), books.clone());
        running.spawn(async move {
            loop {
                let Some(act) = acts.lock().unwrap().pop_front() else {
                    return;
                };
                match act {
                    Act::Buy { items, cancel } => buy(&buyer, items, cancel, &books).await,
                    Act::Edit(request) => change(&seller, request, &books).await,
                }
            }
        });
    }
    running.join_all().await;
    let books = Arc::into_inner(books).expect("every buyer is done");
    books.into_inner().unwrap()
}

async fn buy(buyer: &Caller, items: Vec<OrderLine>, cancel: bool, books: &Mutex<Books>) {
    let began = Instant::now();
    let request = buyer.ask(order("storm", items.clone()));
    let answer = buyer.orders().place_order(request).await;
    books.lock().unwrap().took.push(began.elapsed());
    let placed = match answer {
        Ok(placed) => placed.into_inner(),
        Err(status) => {
            let mut books = books.lock().unwrap();
            books.refused(judge(&status));
            books.wanted(&items);
            return;
        }
    };
    if cancel {
        let request = CancelOrderRequest {
            id: placed.order.unwrap().id,
            reason: None,
            guest_token: placed.guest_token,
        };
        let answer = buyer.orders().cancel_order(buyer.ask(request)).await;
        answer.expect("a fresh order can be cancelled");
    } else {
        books.lock().unwrap().wanted(&items);
    }
}

async fn change(seller: &Caller, request: AdjustStockRequest, books: &Mutex<Books>) {
    let (id, delta) = (request.id.clone(), request.delta);
    let answer = seller.inventory().adjust_stock(seller.ask(request)).await;
    let mut books = books.lock().unwrap();
    match answer {
        Ok(_) => *books.added.entry(id).or_default() += delta,
        Err(status) => books.refused(judge(&status)),
    }
}

/// The buyers who were refused come back piece by piece: then what is sold of each
/// product must be all that was wanted, or all that was there.
async fn settle(shop: &Shop, buyer: &Caller, books: &Books) {
    let sold = sold(shop).await;
    for good in &shop.goods {
        let id = &good.product_id;
        let wanted = books.demand.get(id).copied().unwrap_or(0);
        let there = good.stock + books.added.get(&good.stock_id).copied().unwrap_or(0);
        let mut sold = sold.get(id).copied().unwrap_or(0);
        assert!(sold <= there, "{id}: {sold} sold, {there} there");
        while sold < wanted {
            let request = buyer.ask(order("settle", lines([(good, 1)])));
            match buyer.orders().place_order(request).await {
                Ok(_) => sold += 1,
                Err(status) => {
                    let out = Verdict::Refused("OUT_OF_STOCK".to_owned());
                    assert_eq!(judge(&status), out);
                    break;
                }
            }
        }
        assert_eq!(
            sold,
            wanted.min(there),
            "{id}: wanted {wanted}, there {there}"
        );
    }
    let stocks = shop.stocks().await;
    let left: i32 = stocks.values().map(|it| it.available).sum();
    let there: i32 =
        shop.goods.iter().map(|it| it.stock).sum::<i32>() + books.added.values().sum::<i32>();
    let sold: i32 = self::sold(shop).await.values().sum();
    assert_eq!(sold + left, there, "sold and left are what was there");
}

/// Pieces in orders that stand, by product.
async fn sold(shop: &Shop) -> BTreeMap<String, i32> {
    let mut sold = BTreeMap::new();
    for order in shop.orders().await {
        if order.status() != Status::Cancelled {
            for item in order.items {
                *sold.entry(item.product_id).or_default() += item.quantity;
            }
        }
    }
    sold
}

impl Books {
    fn wanted(&mut self, items: &[OrderLine]) {
        for item in items {
            let product = item.product_id.clone().unwrap();
            *self.demand.entry(product).or_default() += item.quantity;
        }
    }

    /// Running out is the only refusal; being asked to come back is none.
    fn refused(&mut self, verdict: Verdict) {
        let reason = match verdict {
            Verdict::Refused(reason) if reason == "OUT_OF_STOCK" => reason,
            Verdict::Later(reason) if reason == "CONFLICT" => reason,
            other => panic!("refused for another reason: {other:?}"),
        };
        *self.refusals.entry(reason).or_default() += 1;
    }

    /// Prints the times, and holds the slowest against what an order takes in quiet: with
    /// all buyers at once each has to let the others go first, once.
    fn report(mut self, kind: &str, quiet: Duration) {
        self.took.sort();
        let at = |share: usize| self.took[(self.took.len() - 1) * share / 100];
        println!(
            "{kind}: {} checkouts, refusals {:?}; quiet {quiet:?}, p50 {:?}, p99 {:?}",
            self.took.len(),
            self.refusals,
            at(50),
            at(99),
        );
        let most = quiet * BUYERS as u32 * PATIENCE;
        assert!(at(99) < most, "p99 {:?}, at most {most:?}", at(99));
    }
}
