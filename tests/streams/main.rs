//! Order feeds over a bad line: readers that are cut off again and again still see every
//! change once and in order; and a transaction that began early and commits late is not
//! skipped.
//!
//! SOUK_SEED repeats a run, SOUK_TEST_DATABASE (sqlite, postgres) chooses the database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod event_source;
mod feed;
#[path = "../rig/mod.rs"]
mod rig;

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use feed::{Change, Feed, Progress, Seen};
use futures_util::future::join_all;
use rig::{Caller, Dice, Good, Proxy, Shop, Souk, hold_stock, lines, order, until, until_waiting};
use souk::pb::souk::orders::v1::UpdateOrderStatusRequest;
use souk::pb::souk::orders::v1::order::Status;

const ORDERS: usize = 250;
/// What the store does with each order after it was placed.
const STEPS: [Status; 3] = [Status::Confirmed, Status::Processing, Status::Ready];
const CHANGES: usize = ORDERS * (1 + STEPS.len());
const CUTS: usize = 20;
const WORKERS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_are_cut_off_see_every_change_once_and_in_order() {
    let mut dice = Dice::roll();
    let mut souk = Souk::install("streams").await;
    souk.start().await;
    let direct = Caller::guest(&souk.url());
    let owner = direct.sign_in("0550000001").await;
    let shop = Shop::open(owner, "Bowl", &[ORDERS as i32]).await;
    let first = place(&direct, &shop.goods[0]).await;

    let lines = [
        Proxy::cutting(souk.address(), bad_line(dice.fork())).await,
        Proxy::cutting(souk.address(), bad_line(dice.fork())).await,
        Proxy::start(souk.address()).await,
    ];
    let progress: [Progress; 3] = Default::default();
    let grpc = feed::over_grpc(
        shop.owner.over(Caller::patient(&lines[0].url())),
        Feed::Store(shop.store_id.clone()),
        CHANGES - 1,
        progress[0].clone(),
    );
    let sse = feed::over_sse(
        format!(
            "{}/api/stream/seller/orders?storeId={}",
            lines[1].url(),
            shop.store_id
        ),
        shop.owner.token().unwrap().to_owned(),
        CHANGES - 1,
        progress[1].clone(),
    );
    let single = feed::over_grpc(
        shop.owner.over(Caller::patient(&lines[2].url())),
        Feed::Order(first.clone()),
        STEPS.len(),
        progress[2].clone(),
    );
    let work = async {
        for it in &progress {
            until("a snapshot", || it.ready.load(Ordering::SeqCst) > 0).await;
        }
        tokio::join!(
            make_changes(&direct, &shop, &first),
            cut_after_each(&lines[2], &progress[2]),
        );
    };
    let limit = Duration::from_secs(120);
    let all = tokio::time::timeout(limit, async { tokio::join!(grpc, sse, single, work) });
    let (grpc, sse, single, ()) = all.await.expect("the readers get everything in time");

    assert_complete(&grpc, &first);
    assert_complete(&sse, &first);
    assert_eq!(grpc.changes, sse.changes, "one order of changes for all");
    let versions: Vec<i64> = single.changes.iter().map(|it| it.version).collect();
    assert_eq!(versions, [2, 3, 4], "the changes of one order");
    println!(
        "{}: {} changes; gRPC: {} cuts, {} connections; SSE: {} cuts, {} connections",
        souk.database.kind(),
        CHANGES,
        lines[0].cuts(),
        grpc.connects,
        lines[1].cuts(),
        sse.connects,
    );
    assert!(lines[0].cuts() == CUTS && grpc.connects > CUTS);
    assert!(lines[1].cuts() == CUTS && sse.connects > CUTS);
    souk.check();
    souk.remove().await;
}

/// Cuts the first CUTS connections, each after its own number of bytes: in the head of
/// the answer, between two messages, or in the middle of one.
fn bad_line(mut dice: Dice) -> impl FnMut() -> Option<u64> {
    let mut connections = 0;
    move || {
        connections += 1;
        (connections <= CUTS).then(|| dice.number(200..=30_000))
    }
}

/// The orders and what becomes of them, by several workers at once.
async fn make_changes(buyer: &Caller, shop: &Shop, first: &str) {
    advance(&shop.owner, first).await;
    let next = AtomicUsize::new(1);
    let worker = || async {
        while next.fetch_add(1, Ordering::SeqCst) < ORDERS {
            let id = place(buyer, &shop.goods[0]).await;
            advance(&shop.owner, &id).await;
        }
    };
    join_all((0..WORKERS).map(|_| worker())).await;
}

/// An order with a key, whose row is the first thing that its transaction writes.
async fn place(buyer: &Caller, good: &Good) -> String {
    let request = order("streams", lines([(good, 1)]));
    let request = buyer.once(&Dice::fresh().word("place"), request);
    let answer = buyer.orders().place_order(request).await;
    answer.unwrap().into_inner().order.unwrap().id
}

async fn advance(owner: &Caller, id: &str) {
    for status in STEPS {
        let request = UpdateOrderStatusRequest {
            id: id.to_owned(),
            status: status.into(),
            ..UpdateOrderStatusRequest::default()
        };
        let answer = owner.orders().update_order_status(owner.ask(request)).await;
        answer.unwrap();
    }
}

/// Cuts the line after each change that arrives.
async fn cut_after_each(line: &Proxy, progress: &Progress) {
    for seen in 1..STEPS.len() {
        until("the next change", || {
            progress.changes.load(Ordering::SeqCst) >= seen
        })
        .await;
        line.cut();
    }
}

/// Every order from its first change to its last, none twice, none missing. The first
/// order was placed before the feed began: its creation is in the snapshot.
fn assert_complete(seen: &Seen, first: &str) {
    assert_eq!(seen.snapshots, 1, "a feed that resumes has one snapshot");
    let mut versions: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for Change { order, version } in &seen.changes {
        versions.entry(order).or_default().push(*version);
    }
    assert_eq!(versions.len(), ORDERS);
    for (order, versions) in versions {
        let from = if order == first { 2 } else { 1 };
        let all: Vec<i64> = (from..=1 + STEPS.len() as i64).collect();
        assert_eq!(versions, all, "{order}");
    }
}

/// A transaction takes its place in the log first and commits last: its change comes to
/// the readers all the same, and those that committed meanwhile do too. Only PostgreSQL
/// lets two transactions write at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_commits_late_is_not_skipped() {
    let mut souk = Souk::install("late").await;
    if souk.database.is_postgres() {
        souk.start().await;
        late_commit(&souk).await;
        souk.check();
    }
    souk.remove().await;
}

async fn late_commit(souk: &Souk) {
    const OTHERS: usize = 20;
    let buyer = Caller::guest(&souk.url());
    let owner = buyer.sign_in("0550000001").await;
    let shop = Shop::open(owner, "Bowl", &[5, OTHERS as i32]).await;
    let progress = Progress::default();
    let reader = feed::over_grpc(
        shop.owner.over(Caller::patient(&souk.url())),
        Feed::Store(shop.store_id.clone()),
        OTHERS + 1,
        progress.clone(),
    );
    let work = async {
        until("a snapshot", || progress.ready.load(Ordering::SeqCst) > 0).await;
        // Holds the stock of the first product, so that the order of it waits in the
        // middle of its transaction: it has written its key, and with that has its place.
        let beside = souk.database.connect().await;
        let held = hold_stock(&beside, &shop.goods[0]).await;
        let late = place(&buyer, &shop.goods[0]);
        let others = async {
            until_waiting(&souk.database.connect().await).await;
            let mut placed = HashSet::new();
            for _ in 0..OTHERS {
                placed.insert(place(&buyer, &shop.goods[1]).await);
            }
            held.rollback().await.unwrap();
            placed
        };
        tokio::join!(late, others)
    };
    let limit = Duration::from_secs(30);
    let all = tokio::time::timeout(limit, async { tokio::join!(reader, work) });
    let (seen, (late, mut expected)) = all.await.expect("the reader gets everything in time");
    expected.insert(late);
    assert_eq!(seen.changes.len(), expected.len());
    let got: HashSet<String> = seen.changes.into_iter().map(|it| it.order).collect();
    assert_eq!(got, expected);
}
