//! A rolling restart under load: three processes over one PostgreSQL behind a load balancer
//! are restarted one after the other, again and again, and nobody notices. Not one unary
//! call fails, and streams go on by their token without a gap or a repeat.
//!
//! SOUK_SEED repeats a run; SOUK_TIER=long takes more rounds. SQLite serves one process, so
//! there is nothing to see on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../streams/event_source.rs"]
mod event_source;
mod load;
#[path = "../rig/mod.rs"]
mod rig;
mod watchers;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use load::{Load, Worker};
use rig::{Balancer, Caller, Dice, Shop, Souk, Stopped, pause, setting, until};
use tokio::task::JoinSet;
use watchers::{Goal, Seen};

/// Calls in a second, all clients together.
const RATE: usize = 200;
const CLIENTS: usize = 20;
/// Supervisors kill after this.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a process serves on after it says that it is not ready: the balancer asks
/// twenty times a second.
const DELAY: (&str, &str) = ("SHUTDOWN_DELAY", "500ms");
/// Readers of the store's feed.
const READERS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_fails_no_call_and_loses_no_event() {
    let dice = Dice::roll();
    let first = Souk::install("rolling")
        .await
        .with(&[DELAY, ("LOG_LEVEL", "info")]);
    if !first.database.is_postgres() {
        println!("SQLite serves one process: nothing rolls");
        return first.remove().await;
    }
    let mut processes = vec![shared(first)];
    processes.push(processes[0].twin());
    processes.push(processes[0].twin());
    for souk in &mut processes {
        souk.start().await;
    }
    roll(&mut processes, dice).await;
    processes[0].check();
    let mut processes = processes.into_iter();
    let first = processes.next().unwrap();
    drop(processes);
    first.remove().await;
}

/// With Redis, where there is one: what the processes tell each other goes through it.
fn shared(souk: Souk) -> Souk {
    let redis: String = setting("TEST_REDIS_URL", String::new());
    if redis.is_empty() {
        return souk;
    }
    souk.with(&[("REDIS_URL", redis.leak())])
}

async fn roll(processes: &mut [Souk], mut dice: Dice) {
    let rounds = if setting("SOUK_TIER", String::new()) == "long" {
        15
    } else {
        3
    };
    let balancer = Balancer::start(processes.iter().map(Souk::address)).await;
    let owner = Caller::guest(&balancer.url()).sign_in("0550000001").await;
    let shop = Arc::new(Shop::open(owner, "Bowl", &[1_000_000, 1_000_000]).await);
    let goal = Arc::new(Goal::default());
    let mut readers = JoinSet::new();
    for nth in 0..READERS {
        let (shop, goal, url) = (shop.clone(), goal.clone(), balancer.url());
        readers.spawn(async move {
            if nth % 3 == 2 {
                watchers::over_sse(&url, &shop, &goal).await
            } else {
                watchers::over_grpc(&url, &shop, &goal).await
            }
        });
    }
    until("every reader reads", || goal.reading() == READERS).await;

    let load = Arc::new(Load::default());
    let mut workers = JoinSet::new();
    for _ in 0..CLIENTS {
        let worker = Worker::new(&balancer.url(), &shop, dice.fork());
        let load = load.clone();
        workers.spawn(async move { worker.run(&load, RATE / CLIENTS).await });
    }
    until("the load runs", || load.calls() > RATE).await;
    let exits = restart(processes, &balancer, rounds).await;
    pause(Duration::from_secs(1)).await;
    load.stop();
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }

    let orders = load.orders();
    goal.set(orders.len());
    let mut seen = Vec::new();
    while let Some(reader) = readers.join_next().await {
        seen.push(reader.unwrap());
    }
    report(&balancer, &load, &exits, &seen);
    assert_eq!(load.failures(), Vec::<String>::new(), "failed calls");
    for it in &seen {
        judge(it, &orders);
    }
    assert!(
        exits
            .iter()
            .all(|it| it.code == Some(0) && it.time <= LIMIT)
    );
}

/// Restarts one process after the other, and goes on once the balancer sees it again.
async fn restart(processes: &mut [Souk], balancer: &Balancer, rounds: usize) -> Vec<Stopped> {
    let mut exits = Vec::new();
    for _ in 0..rounds {
        for souk in &mut *processes {
            exits.push(souk.stop(LIMIT).await);
            souk.start().await;
            until("the balancer sees all", || balancer.ready() == 3).await;
        }
    }
    exits
}

/// Every order once, none besides, and no end of a stream that was not said.
fn judge(seen: &Seen, orders: &BTreeSet<String>) {
    let unique: BTreeSet<_> = seen.orders.iter().cloned().collect();
    assert_eq!(unique.len(), seen.orders.len(), "an event came twice");
    assert_eq!(&unique, orders, "an event is missing, or nobody's");
    assert_eq!(seen.snapshots, 1, "a stream that resumes has one snapshot");
    assert_eq!(seen.cuts, Vec::<String>::new(), "a stream was cut");
    assert!(seen.farewells > 0, "no stream was told to end");
}

fn report(balancer: &Balancer, load: &Load, exits: &[Stopped], seen: &[Seen]) {
    let millis = |it: &Stopped| it.time.as_millis();
    let times: Vec<_> = exits.iter().map(millis).collect();
    let farewells: usize = seen.iter().map(|it| it.farewells).sum();
    let behind: usize = seen.iter().map(|it| it.behind).sum();
    println!(
        "{} restarts, exits after {times:?} ms; {} calls, {} failed, {} unsent at first, slowest {:?}; {} orders; \
         {} streams ended {farewells} times with a token and {behind} for being behind; \
         connections {:?}",
        exits.len(),
        load.calls(),
        load.failures().len(),
        load.unsent(),
        load.slowest(),
        load.orders().len(),
        seen.len(),
        balancer.links(),
    );
}
