//! How fast souk is, and what that costs, beside a tonic server that only echoes and
//! beside PostgreSQL running the same statements without souk.
//!
//! `cargo bench --bench load` is the short mode; `cargo bench --bench load -- --long`
//! measures ten times as long, and with `--logins` only how reads fare beside logins.
//! SQLite is always measured, PostgreSQL when TEST_POSTGRES_URL names a server. Load and
//! servers share the machine, so rates are lower bounds and the ratios within one run are
//! the figures to trust.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that fails ends the run"
)]
#![allow(clippy::disallowed_methods, reason = "arguments come from outside")]

mod calls;
mod drive;
mod echo;
mod logins;
mod pgbench;
mod report;
#[path = "../../tests/rig/mod.rs"]
mod rig;

use std::time::Duration;

use calls::Target;
use drive::{Effort, Measured};
use echo::Echo;
use report::Report;
use rig::{Kind, Souk, setting, usage};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let [role, port, answer] = arguments.as_slice()
        && role == echo::ROLE
    {
        let port = port.parse().expect("a port");
        return runtime.block_on(echo::serve(port, answer.as_ref()));
    }
    let long = arguments.iter().any(|it| it == "--long");
    let effort = Effort {
        tasks: 64,
        warm_up: Duration::from_secs(if long { 10 } else { 2 }),
        time: Duration::from_secs(if long { 60 } else { 6 }),
    };
    let only_logins = arguments.iter().any(|it| it == "--logins");
    runtime.block_on(run(effort, only_logins));
}

async fn run(effort: Effort, only_logins: bool) {
    let mut kinds = vec![Kind::Sqlite];
    if setting("TEST_POSTGRES_URL", String::new()).is_empty() {
        println!("TEST_POSTGRES_URL is not set: PostgreSQL is left out");
    } else {
        kinds.push(Kind::Postgres);
    }
    for kind in kinds {
        println!("\n{}", measure(kind, effort, only_logins).await);
    }
}

/// Everything on one database, or only the logins.
async fn measure(kind: Kind, effort: Effort, only_logins: bool) -> Report {
    let mut souk = Souk::install_on(kind, "load").await;
    // The first start also makes the schema; the second is the one to measure.
    souk.start().await;
    souk.kill();
    let cold_start = souk.start().await;
    let idle = usage::memory(souk.pid());
    let target = Target::fill(souk.url(), souk.pid()).await;

    let writers = Effort {
        tasks: pgbench::CLIENTS,
        ..effort
    };
    let mut lines = Vec::new();
    if only_logins {
        lines.push(target.get_product(effort).await);
    } else {
        calls(&target, effort, writers, &mut lines).await;
    }
    lines.extend(logins::beside_reads(&target, effort).await);
    let loaded = usage::memory(souk.pid());
    if kind == Kind::Postgres && !only_logins {
        let rows = target.rows().await;
        // pgbench gets the machine for itself, as souk had it.
        souk.kill();
        lines.push(pgbench::run(&souk.database, &rows, writers).await);
    }
    let report = Report {
        database: souk.database.kind(),
        lines,
        cold_start,
        idle,
        loaded,
    };
    souk.remove().await;
    report
}

/// Each call alone, gRPC and JSON, and the echo beside them.
async fn calls(target: &Target, readers: Effort, writers: Effort, lines: &mut Vec<Measured>) {
    let echo = Echo::start(&target.product().await);
    lines.push(target.echo(&echo.url(), echo.pid(), readers).await);
    lines.push(target.get_product(readers).await);
    lines.push(target.get_product_json(readers).await);
    lines.push(target.list_products(readers).await);
    lines.push(target.list_products_json(readers).await);
    drop(echo);
    lines.push(target.place_order(writers).await);
    lines.push(target.place_order_json(writers).await);
}
