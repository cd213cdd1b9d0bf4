//! What becomes of souk when more is asked than it can do: open-loop load, which does not
//! wait for answers, at multiples of the measured capacity.
//!
//! `cargo bench --bench overload`. SQLite is always measured, PostgreSQL when
//! TEST_POSTGRES_URL names a server. One read (GetProduct) comes to one order (PlaceOrder).
//! The load shares the machine with the server; it runs at a lower priority, so that the
//! server is as free to answer as if the load came from elsewhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that fails ends the run"
)]
#![allow(clippy::disallowed_methods, reason = "arguments come from outside")]

mod load;
mod refusals;
#[path = "../../tests/rig/mod.rs"]
mod rig;

use std::process::Command;
use std::time::Duration;

use load::{Load, Seen};
use refusals::Refusals;
use rig::{Caller, Kind, Shop, Souk, setting, usage};

const LEVELS: [f64; 4] = [0.5, 1.0, 2.0, 3.0];
const TIME: Duration = Duration::from_secs(6);
/// Callers who wait for their answers, to find the capacity.
const CALLERS: usize = 64;

fn main() {
    // Processes take over the priority of whoever starts them.
    let starting = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let servers = starting.block_on(async {
        let mut servers = vec![start(Kind::Sqlite).await];
        if setting("TEST_POSTGRES_URL", String::new()).is_empty() {
            println!("TEST_POSTGRES_URL is not set: PostgreSQL is left out");
        } else {
            servers.push(start(Kind::Postgres).await);
        }
        servers
    });
    give_way();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for souk in servers {
            measure(souk).await;
        }
    });
}

async fn start(kind: Kind) -> Souk {
    // Three for each of two cores: PostgreSQL shares them here, and more of its processes
    // at work than that only keep everybody else from a core.
    let mut souk = Souk::install_on(kind, "overload")
        .await
        .with(&[("DATABASE_MAX_CONNECTIONS", "6")]);
    souk.start().await;
    souk
}

/// Lowers the priority of this thread and of those that it starts from now on.
fn give_way() {
    let id = std::process::id().to_string();
    let lowered = Command::new("renice")
        .args(["-n", "10", "-p", &id])
        .output();
    assert!(lowered.is_ok_and(|it| it.status.success()), "renice works");
}

async fn measure(souk: Souk) {
    let guest = Caller::guest(&souk.url());
    let owner = guest.sign_in("0550000001").await;
    let shop = Shop::open(owner, "Bowl", &[1_000_000; 64]).await;
    let load = Load::new(&souk.url(), shop.goods).await;
    load.closed(CALLERS, TIME / 3).await;
    let capacity = load.closed(CALLERS, TIME).await;
    println!("\n{}: capacity {capacity:.0} calls/s", souk.database.kind());

    let mut peak: f64 = 0.0;
    let mut last = 0.0;
    let mut calm = None;
    for level in LEVELS {
        let cpu = usage::cpu(souk.pid());
        let seen = load.open(capacity * level, TIME).await;
        let cpu = usage::cpu(souk.pid()) - cpu;
        last = seen.goodput();
        peak = peak.max(last);
        calm.get_or_insert(seen.answered.1);
        println!(
            "{level:.1}x: {seen}; {:.2} cores of the server",
            cpu.as_secs_f64() / TIME.as_secs_f64()
        );
    }
    println!("goodput at 3x: {:.0} % of the peak", last * 100.0 / peak);
    println!("{}", Refusals::told_by(&souk.url()).await);
    recover(&load, capacity / 2.0, calm.unwrap()).await;
    souk.check();
    souk.remove().await;
}

/// Looks, second by second, when calls are as they were at half the capacity.
async fn recover(load: &Load, rate: f64, calm: Duration) {
    for second in 1..=20 {
        let seen: Seen = load.open(rate, Duration::from_secs(1)).await;
        let is_calm = seen.refused == 0 && seen.failed == 0 && seen.answered.1 <= calm * 2;
        if is_calm {
            println!("back to normal in second {second}: {seen}");
            return;
        }
    }
    println!("not back to normal within 20 s");
}
