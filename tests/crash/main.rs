//! Exactly once over kill -9: clients keep asking with the same idempotency key while
//! the server is killed and replies are cut; afterwards no acknowledged order is missing,
//! none exists twice, and no piece was sold that was not there.
//!
//! SOUK_KILLS sets the number of kills, SOUK_SEED repeats a run, SOUK_TEST_DATABASE
//! (sqlite, postgres) chooses the database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod audit;
mod client;
#[path = "../rig/mod.rs"]
mod rig;
mod wish;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use client::{Client, Traffic};
use rig::{Caller, Dice, Proxy, Shop, Souk, pause, setting, until};
use tokio::task::JoinSet;
use wish::Entry;

const CLIENTS: usize = 16;
const KILLS: usize = 20;

/// How soon after its start the server must serve again.
const READY: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn each_wish_is_fulfilled_once_over_kills_and_cut_replies() {
    let began = Instant::now();
    let mut dice = Dice::roll();
    let mut souk = Souk::install("crash").await;
    souk.start().await;
    let direct = Caller::guest(&souk.url());
    let stocks: Vec<i32> = (0..12).map(|_| dice.number(5..=40) as i32).collect();
    let shop = Shop::open(direct.sign_in("0550000001").await, "Bowl", &stocks).await;

    let mut limits = dice.fork();
    let proxy = Proxy::cutting(souk.address(), move || {
        limits.chance(50).then(|| limits.number(100..=10_000))
    })
    .await;
    let traffic = Arc::new(Traffic::default());
    let clients = send_clients(&shop, &direct, &proxy, &traffic, &mut dice).await;
    let storm = storm(&mut souk, &traffic, &mut dice).await;
    let clients = clients.join_all().await;

    let clients = audit::ask_again(clients, &souk.url()).await;
    let journal: Vec<&Entry> = clients.iter().flat_map(|it| &it.journal).collect();
    audit::compare(&shop, &journal).await;
    souk.check();
    storm.report(&souk, &proxy, &journal, began.elapsed());
    souk.remove().await;
}

/// Sets the clients to work: half of the buyers are guests.
async fn send_clients(
    shop: &Shop,
    direct: &Caller,
    proxy: &Proxy,
    traffic: &Arc<Traffic>,
    dice: &mut Dice,
) -> JoinSet<Client> {
    let goods = Arc::new(shop.goods.clone());
    let mut clients = JoinSet::new();
    let mut add = |caller: &Caller, buys: bool| {
        let caller = caller.over(Caller::guest(&proxy.url()));
        let client = Client::new(caller, dice.fork(), goods.clone(), traffic.clone());
        if buys {
            clients.spawn(client.buy());
        } else {
            clients.spawn(client.restock());
        }
    };
    for number in 0..CLIENTS {
        if number % 2 == 0 {
            add(direct, true);
        } else {
            add(&direct.sign_in(&format!("06600000{number:02}")).await, true);
        }
    }
    add(&shop.owner, false);
    clients
}

/// What the nemesis did.
struct Storm {
    kills: usize,
    /// Kills while calls were on their way.
    amid: usize,
    slowest_start: Duration,
}

/// Kills the server again and again, then ends the traffic.
async fn storm(souk: &mut Souk, traffic: &Traffic, dice: &mut Dice) -> Storm {
    let kills = setting("SOUK_KILLS", KILLS);
    let mut storm = Storm {
        kills,
        amid: 0,
        slowest_start: Duration::ZERO,
    };
    for kill in 0..kills {
        let seen = traffic.answered.load(Ordering::SeqCst);
        until("answers after a start", || {
            traffic.answered.load(Ordering::SeqCst) > seen
        })
        .await;
        pause(Duration::from_millis(dice.number(50..=1200))).await;
        if kill % 2 == 0 {
            until("a call on its way", || {
                traffic.in_flight.load(Ordering::SeqCst) > 0
            })
            .await;
        }
        storm.amid += usize::from(traffic.in_flight.load(Ordering::SeqCst) > 0);
        souk.kill();
        storm.slowest_start = storm.slowest_start.max(souk.start().await);
    }
    traffic.over.store(true, Ordering::SeqCst);
    storm
}

impl Storm {
    /// Says what happened, and demands that it was a storm at all.
    fn report(&self, souk: &Souk, proxy: &Proxy, journal: &[&Entry], took: Duration) {
        let answered = journal.iter().filter(|it| it.answer().is_some()).count();
        let lost: usize = journal.iter().map(|it| it.lost).sum();
        let saved = journal
            .iter()
            .filter(|it| it.lost > 0 && it.replayed)
            .count();
        println!(
            "{}: {} wishes, {answered} fulfilled, {} refused; {} kills ({} amid calls), {} cut \
             connections, {lost} answers lost, {saved} of them told again; slowest start \
             {:?}; {took:?}",
            souk.database.kind(),
            journal.len(),
            journal.len() - answered,
            self.kills,
            self.amid,
            proxy.cuts(),
            self.slowest_start,
        );
        assert!(self.slowest_start <= READY, "served again too late");
        assert!(self.amid * 2 >= self.kills, "the kills missed the calls");
        assert!(saved > 0, "no answer was lost after its work was done");
    }
}
