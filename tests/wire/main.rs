//! Hostile clients beside honest ones, against the real program. Attackers come from
//! 127.0.0.2 and on, honest clients from 127.0.0.1.
//!
//! Passed when the honest ones notice nothing: no error, and a p99 within three times that
//! of a quiet time in the same run; when memory stays within 100 MiB; when nothing that an
//! attacker holds outlives its bound; and when no answer tells of a fault of the server's.
//! And a stop in the middle of it all ends in time. SOUK_TIER=long takes more of each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod attacks;
mod client;
mod honest;
mod raw;
#[path = "../rig/mod.rs"]
mod rig;
mod stop;
mod texts;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use attacks::streams::Watched;
use attacks::{bombs, drips, floods, readers, silence, streams, texts as hostile_texts};
use client::{Client, framed_as};
use honest::{Crowd, Impression};
use rig::{Caller, Shop, Souk, lines, order, pause, setting, usage};
use tokio::task::JoinSet;

/// How far memory may grow under attack.
const GROWTH_MIB: f64 = 100.0;
/// What an open stream may cost, and what so many of them may whatever their number.
const STREAM_MIB: f64 = 20.0 / 1024.0;
const STREAMS_MIB: f64 = 16.0;
/// A p99 below this is quiet, whatever the quiet time was: on a shared machine single calls
/// wait for the attackers' own work.
const FLOOR: Duration = Duration::from_millis(60);

/// How much of each attack.
struct Tier {
    silent: usize,
    floods: usize,
    connections: usize,
    addresses: u8,
    streams: usize,
}

const FAST: Tier = Tier {
    silent: 300,
    floods: 2,
    connections: 4,
    addresses: 1,
    streams: 300,
};
const LONG: Tier = Tier {
    silent: 5_000,
    floods: 20,
    // More calls at once than lanes have places are for the limits of rates to stop.
    connections: 4,
    addresses: 90,
    streams: 110,
};

#[tokio::test(flavor = "multi_thread")]
async fn attackers_harm_nobody_but_themselves() {
    let tier = match setting("SOUK_TIER", String::new()).as_str() {
        "long" => LONG,
        _ => FAST,
    };
    let mut souk = Souk::install("wire").await.with(&[("REFLECTION", "false")]);
    souk.start().await;
    let guest = Caller::guest(&souk.url());
    let shop = Shop::open(guest.sign_in("0550000001").await, "Bowl", &[1000; 20]).await;
    let watched = watched(&guest, &shop).await;
    let crowd = Crowd::gather(&souk.url(), &shop);
    pause(Duration::from_secs(1)).await;
    crowd.ask();
    pause(Duration::from_secs(4)).await;
    let quiet = crowd.ask();

    // Streams that are held are the trade's own, each at its price; they are there before
    // the attacks are weighed.
    let memory = Memory::of(souk.pid());
    let held = streams::open(souk.address(), 130, tier.addresses, tier.streams, &watched).await;
    let streams = memory.grown();
    let memory = Memory::of(souk.pid());
    let said = attack(&souk, &tier).await;
    let attacked = crowd.ask();
    let grown = memory.grown();
    println!("{}, {streams:+.1} MiB", held.said);
    let price = f64::max(held.count() as f64 * STREAM_MIB, STREAMS_MIB);
    assert!(
        streams <= price,
        "the streams cost {streams} of {price} MiB"
    );
    drop(held);
    pause(Duration::from_secs(2)).await;
    crowd.ask();
    pause(Duration::from_secs(3)).await;
    let after = crowd.ask();

    for line in said {
        println!("{line}");
    }
    println!("memory: {grown:+.1} MiB");
    println!("quiet: {quiet}\nattacked: {attacked}\nafter: {after}");
    judge(&quiet, &attacked);
    judge(&quiet, &after);
    assert!(grown <= GROWTH_MIB, "memory grew by {grown} MiB");
    assert!(souk.is_running(), "the process lives on");
    let log = souk.log_text();
    assert!(!log.contains("ERROR"), "faults of the server:\n{log}");
    souk.check();
    souk.remove().await;
}

fn judge(quiet: &Impression, seen: &Impression) {
    let first = seen.errors.first();
    assert_eq!(first, None, "{} honest calls failed", seen.errors.len());
    let most = Ord::max(quiet.p99 * 3, FLOOR);
    assert!(seen.p99 <= most, "{:?} is over {most:?}", seen.p99);
}

async fn watched(guest: &Caller, shop: &Shop) -> Watched {
    let request = order("wire", lines([(&shop.goods[0], 1)]));
    let placed = guest
        .orders()
        .place_order(request)
        .await
        .unwrap()
        .into_inner();
    Watched {
        id: placed.order.unwrap().id,
        guest_token: placed.guest_token,
    }
}

/// All of it at once.
async fn attack(souk: &Souk, tier: &Tier) -> Vec<String> {
    let to = souk.address();
    let reflection = async {
        let client = Client::connect(120, to, &h2::client::Builder::new()).await;
        let path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
        let outcome = client.call(path, &[], framed_as(0, b"")).await;
        assert_eq!(outcome.grpc, Some(12), "{outcome:?}");
        "reflection is off".to_owned()
    };
    let (a, b, c, d, e, f, g, h, i, j) = tokio::join!(
        silence::silent(to, tier.silent),
        silence::crowding(121, to),
        drips::all(122, to),
        floods::all(123, to, tier.floods),
        readers::no_window(124, to, tier.connections),
        readers::no_read(125, to),
        bombs::all(126, to),
        hostile_texts::all(127, to),
        drips::withheld(128, to),
        reflection,
    );
    vec![a, b, c, d, e, f, g, h, i, j]
}

/// Watches the memory of a process.
struct Memory {
    before: f64,
    /// In KiB.
    most: Arc<AtomicU64>,
    _watch: JoinSet<()>,
}

impl Memory {
    fn of(pid: u32) -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let seen = most.clone();
        let mut watch = JoinSet::new();
        watch.spawn(async move {
            let mut pace = tokio::time::interval(Duration::from_millis(100));
            loop {
                pace.tick().await;
                let now = (usage::memory(pid) * 1024.0) as u64;
                seen.fetch_max(now, Ordering::Relaxed);
            }
        });
        Self {
            before: usage::memory(pid),
            most,
            _watch: watch,
        }
    }

    /// By how many MiB it grew at the most. Watched no longer.
    fn grown(self) -> f64 {
        self.most.load(Ordering::Relaxed) as f64 / 1024.0 - self.before
    }
}
