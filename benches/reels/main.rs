//! A reel that everybody watches: ten thousand guests on one process see its counts while a
//! thousand people like it and take it back, and others go on buying.
//!
//! `cargo bench --bench reels`; `-- 2000` opens as many streams. SQLite is always measured,
//! PostgreSQL when TEST_POSTGRES_URL names a server. Everybody shares the machine with the
//! server. Those who watch and like are one process that gives way to all others, as if
//! they were elsewhere; buyers stay here, where nothing else happens. That process is there
//! from the beginning, so quiet differs from busy by what it does and by nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that fails ends the run"
)]
#![allow(clippy::disallowed_methods, reason = "arguments come from outside")]

mod audience;
mod buyers;
mod fans;
#[path = "../../tests/rig/mod.rs"]
mod rig;
mod watchers;

use std::time::Duration;

use audience::Audience;
use buyers::Buyers;
use rig::{Caller, Kind, Shop, Souk, reel, setting, usage};

/// Orders in a second, before and meanwhile.
const ORDERS: f64 = 20.0;
/// Of each measurement.
const TIME: Duration = Duration::from_secs(30);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let [role, url, reel, streams] = words.as_slice()
        && role == audience::ROLE
    {
        return runtime.block_on(audience::attend(url, reel, streams.parse().unwrap()));
    }
    let streams = words.iter().find_map(|it| it.parse().ok());
    let streams = streams.unwrap_or(10_000);
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
    let mut audience = Audience::gather(&souk.url(), &reel, streams);

    let buyers = Buyers::new(&souk.url(), &shop);
    buyers.buy(ORDERS, TIME / 3).await;
    let quiet = buyers.buy(ORDERS, TIME).await;
    println!("\n{}: quiet orders {quiet}", souk.database.kind());

    let before = usage::memory(souk.pid());
    audience.ask(audience::WATCH);
    println!("{}", audience.answer());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let each = (usage::memory(souk.pid()) - before) * 1024.0 / streams as f64;
    let watched = buyers.buy(ORDERS, TIME).await;
    println!("{each:.1} KiB of the server each; orders beside idle watchers {watched}");

    let cpu = usage::cpu(souk.pid());
    audience.ask(audience::LIKE);
    let busy = buyers.buy(ORDERS, TIME).await;
    let cpu = usage::cpu(souk.pid()) - cpu;
    println!("{}", audience.answer());
    println!(
        "orders meanwhile {busy}: p99 {:.2} times the quiet one; {:.2} cores of the server",
        busy.p99.as_secs_f64() / quiet.p99.as_secs_f64(),
        cpu.as_secs_f64() / TIME.as_secs_f64(),
    );
    drop(audience);
    souk.check();
    souk.remove().await;
}
