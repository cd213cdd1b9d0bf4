//! One hot auction: sixty-four bidders bid as fast as a rate or their answers allow, each
//! above what is known of the highest bid.
//!
//! `cargo bench --bench bids`; `-- 2000` asks for as many bids a second. SQLite is always
//! measured, PostgreSQL when TEST_POSTGRES_URL names a server. Everybody shares the machine
//! with the server, so latencies are upper bounds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that fails ends the run"
)]
#![allow(clippy::disallowed_methods, reason = "arguments come from outside")]

mod bidders;
#[path = "../../tests/rig/mod.rs"]
mod rig;

use std::time::Duration;

use bidders::Bidders;
use rig::{Kind, Souk, setting, usage};

const TIME: Duration = Duration::from_secs(15);

fn main() {
    let rate = std::env::args().skip(1).find_map(|it| it.parse().ok());
    let rate = rate.unwrap_or(1_000.0);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        measure(Kind::Sqlite, rate).await;
        if setting("TEST_POSTGRES_URL", String::new()).is_empty() {
            println!("TEST_POSTGRES_URL is not set: PostgreSQL is left out");
        } else {
            measure(Kind::Postgres, rate).await;
        }
    });
}

async fn measure(kind: Kind, rate: f64) {
    let mut souk = Souk::install_on(kind, "bids")
        .await
        .with(&[("TRUST_PROXY", "127.0.0.1"), ("RATE_LIMITS", "off")]);
    souk.start().await;
    let bidders = Bidders::gather(&souk.url()).await;
    println!("\n{}", souk.database.kind());
    for keyed in [true, false] {
        bidders.bid(rate, TIME / 3, keyed).await;
        let cpu = usage::cpu(souk.pid());
        let told = bidders.bid(rate, TIME, keyed).await;
        let cpu = usage::cpu(souk.pid()) - cpu;
        let cores = cpu.as_secs_f64() / TIME.as_secs_f64();
        let with = if keyed { "with a key" } else { "without" };
        println!("{with}: {told}; {cores:.2} cores of the server");
    }
    souk.check();
    souk.remove().await;
}
