//! Readers who cannot keep up: they are cut off, they resume without a loss, and nobody
//! else waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::watch;

use crate::fleet::Fleet;
use crate::market::{Acked, Goal, Market};
use crate::reader::{History, Reader};
use crate::rig::{Dice, until};
use crate::verdict::{delays, share};

const PROMPT: usize = 20;
const SLOW: usize = 50;
/// Orders for a measure of how things are.
const FEW: usize = 200;
/// Four stores share them, so each has more changes than a stream's buffers hold.
const MANY: usize = 960;
/// How much longer others may wait because somebody is slow. The aim is 1.2; the tail of
/// some milliseconds on a machine with other work to do is no finer measure than this,
/// and whoever waited for a slow reader would wait for seconds.
const RATIO: u32 = 2;
const NOISE: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_harm_only_themselves() {
    let mut dice = Dice::roll();
    let fleet = Fleet::start().await;
    let market = Market::open(&fleet.direct(), &mut dice).await;
    let (alone, _) = trade_with(0, FEW, &fleet, &market, &mut dice).await;
    let (beside, slow) = trade_with(SLOW, MANY, &fleet, &market, &mut dice).await;
    let cut_off = slow.iter().filter(|it| it.too_slow > 0).count();
    println!("p99 alone {alone:?}, beside {SLOW} slow readers {beside:?}; {cut_off} were cut off");
    assert_eq!(cut_off, SLOW, "everybody who falls behind is cut off");
    assert!(
        beside <= alone * RATIO + NOISE,
        "others wait for slow readers"
    );
    fleet.end().await;
}

/// The p99 of the prompt readers, and what the slow ones saw.
async fn trade_with(
    slow: usize,
    orders: usize,
    fleet: &Fleet,
    market: &Market,
    dice: &mut Dice,
) -> (Duration, Vec<History>) {
    let (tell, calm) = watch::channel(None);
    // Each fourth feed is a store's orders.
    let readers: Vec<Reader> = (0..PROMPT + slow)
        .map(|number| Reader::new(market.feed(4 * number), number >= PROMPT, dice.fork()))
        .collect();
    let ready: Vec<_> = readers.iter().map(Reader::ready).collect();
    let reading = join_all(
        readers
            .into_iter()
            .map(|it| it.run(fleet.lines(), calm.clone())),
    );
    let acked = Acked::default();
    let work = async {
        for it in &ready {
            until("a snapshot", || it.load(Ordering::SeqCst)).await;
        }
        let (doors, over) = (fleet.doors(), AtomicBool::new(true));
        let before = Goal::look(market, &fleet.direct()).await;
        let trade = market.trade(&doors, dice.fork(), &acked, &over, orders);
        trade.await;
        let mut goal = Goal::look(market, &fleet.direct()).await;
        // What did not change cannot be seen either.
        goal.0.retain(|record| !before.0.contains(record));
        tell.send_replace(Some(Arc::new(goal)));
    };
    let limit = Duration::from_secs(120);
    let all = tokio::time::timeout(limit, async { tokio::join!(reading, work) });
    let (histories, ()) = all.await.expect("every reader catches up in time");
    let breaches: Vec<_> = histories.iter().flat_map(|it| &it.breaches).collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
    let p99 = share(&delays(&histories, &acked, Instant::now()), 99);
    (p99, histories.into_iter().filter(|it| it.slow).collect())
}
