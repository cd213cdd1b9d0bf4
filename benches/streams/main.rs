//! What an open stream costs, and how soon its reader knows: ten thousand guests who each
//! watch an order, on one process, while a store changes orders.
//!
//! `cargo bench --bench streams`; `-- 2000` opens as many. SQLite is always measured,
//! PostgreSQL when TEST_POSTGRES_URL names a server. Readers share the machine with the
//! server, so latencies are upper bounds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that fails ends the run"
)]
#![allow(clippy::disallowed_methods, reason = "arguments come from outside")]

#[path = "../../tests/rig/mod.rs"]
mod rig;
mod watchers;
mod writer;

use std::time::Duration;

use rig::{Caller, Kind, Shop, Souk, setting, usage};
use watchers::Watchers;

/// Orders that are watched, each by as many readers.
const ORDERS: usize = 500;
/// Streams of one connection, as many as the server lets.
const PER_CONNECTION: usize = 100;
/// Changes in a second; each leaves an event for the order, its buyer or none, and the store.
const RATES: [usize; 2] = [100, 500];
const TIME: Duration = Duration::from_secs(10);

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
    let mut souk = Souk::install_on(kind, "streams")
        .await
        .with(&[("STREAMS_MAX", "100000"), ("STREAMS_PER_IP", "100000")]);
    souk.start().await;
    let guest = Caller::guest(&souk.url());
    let shop = Shop::open(guest.sign_in("0550000001").await, "Bowl", &[1_000_000]).await;
    let orders = writer::place(&guest, &shop, ORDERS).await;
    writer::confirm(&shop, &orders).await;

    let before = usage::memory(souk.pid());
    let watchers = Watchers::open(&souk.url(), &orders, streams, PER_CONNECTION).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = usage::memory(souk.pid());
    let each = (after - before) * 1024.0 / streams as f64;
    println!(
        "\n{}: {streams} streams over {} connections: {before:.0} MiB before, {after:.0} MiB \
         with them: {each:.1} KiB a stream",
        souk.database.kind(),
        streams.div_ceil(PER_CONNECTION),
    );
    for rate in RATES {
        let cpu = usage::cpu(souk.pid());
        let written = writer::change(&shop, &orders, rate, TIME).await;
        // The last ones need a moment to arrive.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let cpu = usage::cpu(souk.pid()) - cpu;
        let changes = written.len();
        let seen = watchers.compare(&written);
        println!(
            "{rate} changes/s asked, {:.0}/s made, {} of {} messages seen; from the commit \
             p50 {:?}, p99 {:?}; from the call p50 {:?}, p99 {:?}; {:.2} cores of the server",
            changes as f64 / TIME.as_secs_f64(),
            seen.messages,
            changes * streams / ORDERS,
            seen.from_commit.0,
            seen.from_commit.1,
            seen.from_call.0,
            seen.from_call.1,
            cpu.as_secs_f64() / TIME.as_secs_f64(),
        );
    }
    println!("{:.0} MiB at the end", usage::memory(souk.pid()));
    drop(watchers);
    souk.remove().await;
}
