//! A reel that everybody watches: ten thousand guests on one process see its counts while a
//! thousand people like it and take it back, and others go on buying.
//!
//! `cargo bench --bench reels`; `-- 2000` opens as many streams. SQLite is always measured,
//! PostgreSQL when TEST_POSTGRES_URL names a server. Everybody shares the machine with the
//! server, so latencies are upper bounds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that fails ends the run"
)]
#![allow(clippy::disallowed_methods, reason = "arguments come from outside")]

mod buyers;
mod fans;
#[path = "../../tests/rig/mod.rs"]
mod rig;
mod watchers;

use std::time::Duration;

use buyers::Buyers;
use fans::Fans;
use rig::{Caller, Kind, Shop, Souk, crowd, reel, setting, usage};
use watchers::Watchers;

const PEOPLE: usize = 1000;
/// Likes and likes taken back in a second.
const LIKES: f64 = 1000.0;
/// Orders in a second, before and meanwhile.
const ORDERS: f64 = 20.0;
const TIME: Duration = Duration::from_secs(15);

fn main() {
    let streams = std::env::args().skip(1).find_map(|it| it.parse().ok());
    let streams = streams.unwrap_or(10_000);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        measure(Kind::Sqlite, streams).await;
        if setting("TEST_POSTGRES_URL", String::new()).is_empty() {
            println!("TEST_POSTGRES_URL is not set: PostgreSQL is left out");
        } else {
            measure(Kind::Postgres, streams).await;
        }
    });
}

async fn measure(kind: Kind, streams: usize) {
    let mut souk = Souk::install_on(kind, "reels").await.with(&[
        ("STREAMS_MAX", "100000"),
        ("STREAMS_PER_IP", "100000"),
        ("RATE_LIMITS", "off"),
        ("TRUST_PROXY", "127.0.0.1"),
    ]);
    souk.start().await;
    let guest = Caller::guest(&souk.url());
    let owner = guest.sign_in("0550000001").await;
    let shop = Shop::open(owner, "Bowl", &[1_000_000; 16]).await;
    let reel = reel(&shop).await;
    let people = crowd(&souk.url(), PEOPLE).await;

    let buyers = Buyers::new(&souk.url(), &shop);
    buyers.buy(ORDERS, TIME / 3).await;
    let quiet = buyers.buy(ORDERS, TIME).await;
    println!("\n{}: quiet orders {quiet}", souk.database.kind());

    let before = usage::memory(souk.pid());
    let watchers = Watchers::open(&souk.url(), &reel, streams).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let each = (usage::memory(souk.pid()) - before) * 1024.0 / streams as f64;
    println!("{streams} watchers, {each:.1} KiB each");
    let watched = buyers.buy(ORDERS, TIME).await;
    println!("orders beside idle watchers {watched}");

    watchers.forget();
    let cpu = usage::cpu(souk.pid());
    let fans = Fans::new(people, reel);
    let (likes, busy) = tokio::join!(fans.toggle(LIKES, TIME), buyers.buy(ORDERS, TIME));
    let cpu = usage::cpu(souk.pid()) - cpu;
    // The last ones need a moment to arrive.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let seen = watchers.compare(&likes);
    println!(
        "{:.0} likes/s, answered {}; {:.0} messages/s, {:.1} a second for a watcher; from like to \
         update p50 {:?}, p99 {:?}; {} of {streams} watchers saw all; {:.2} cores of the server",
        likes.len() as f64 / TIME.as_secs_f64(),
        fans::answers(&likes),
        seen.messages as f64 / TIME.as_secs_f64(),
        seen.messages as f64 / TIME.as_secs_f64() / streams as f64,
        seen.delay.0,
        seen.delay.1,
        seen.complete,
        cpu.as_secs_f64() / TIME.as_secs_f64(),
    );
    println!(
        "orders meanwhile {busy}: p99 {:.2} times the quiet one",
        busy.p99.as_secs_f64() / quiet.p99.as_secs_f64(),
    );
    drop(watchers);
    souk.check();
    souk.remove().await;
}
