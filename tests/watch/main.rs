//! Streams over a bad day: two hundred readers of four kinds of stream (an order, a buyer's
//! orders, a store's orders, a store's stock), who change from process to process with their
//! last token, while processes are killed and stopped, a line loses everything, Redis dies
//! and forgets, and transactions stay open. Each reader must see every change of its records
//! once and in order, and nobody else's.
//!
//! On PostgreSQL three processes share the database and a Redis; SQLite has one process.
//! SOUK_SEED repeats a run, SOUK_TIER=long makes more of them, SOUK_TEST_DATABASE (sqlite,
//! postgres) chooses the database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod feed;
mod fleet;
mod market;
mod nemesis;
mod reader;
#[path = "../rig/mod.rs"]
mod rig;
mod slow;
mod verdict;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fleet::Fleet;
use futures_util::future::join_all;
use market::{Acked, Goal, Market};
use reader::Reader;
use rig::{Dice, pause, setting, until};
use tokio::sync::watch;
use verdict::Verdicts;

const READERS: usize = 200;
/// Of them, those who read one message a second while the day lasts.
const SLOW: usize = 50;
/// Orders of a day at the least; each changes four times.
const ORDERS: usize = 480;
/// How long everything works, before the first fault.
const QUIET: Duration = Duration::from_secs(3);
/// How long the readers may take to see the last change.
const CATCH_UP: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn readers_lose_nothing_on_a_bad_day() {
    let days = match setting("SOUK_TIER", "fast".to_owned()).as_str() {
        "fast" => 3,
        "long" => 20,
        other => panic!("SOUK_TIER is fast or long, not {other:?}"),
    };
    let mut dice = Dice::roll();
    for day in 1..=days {
        let verdicts = bad_day(dice.fork()).await;
        println!("day {day}: {verdicts}");
        verdicts.demand();
    }
}

async fn bad_day(mut dice: Dice) -> Verdicts {
    let mut fleet = Fleet::start().await;
    let market = Market::open(&fleet.direct(), &mut dice).await;
    let (tell, calm) = watch::channel(None);
    let readers: Vec<Reader> = (0..READERS)
        .map(|number| Reader::new(market.feed(number), number < SLOW, dice.fork()))
        .collect();
    let ready: Vec<_> = readers.iter().map(Reader::ready).collect();
    let reading = join_all(
        readers
            .into_iter()
            .map(|it| it.run(fleet.lines(), calm.clone())),
    );

    let (acked, over) = (Acked::default(), AtomicBool::new(false));
    let day = async {
        for it in &ready {
            until("a snapshot", || it.load(Ordering::SeqCst)).await;
        }
        let quiet_until = Instant::now() + QUIET;
        let doors = fleet.doors();
        let (before, after) = (dice.fork(), &mut dice.fork());
        let work = async {
            let changes = market.trade(&doors, before, &acked, &over, ORDERS).await;
            market.finish(&doors, after, &acked).await;
            changes
        };
        let faults = async {
            pause(QUIET).await;
            let told = nemesis::strike(&mut fleet, &market, &mut dice).await;
            over.store(true, Ordering::SeqCst);
            told
        };
        let (changes, told) = tokio::join!(work, faults);
        let goal = Goal::look(&market, &fleet.direct()).await;
        let asked = Instant::now();
        tell.send_replace(Some(std::sync::Arc::new(goal)));
        (quiet_until, asked, changes, told)
    };
    let limit = CATCH_UP + Duration::from_secs(120);
    let all = tokio::time::timeout(limit, async { tokio::join!(reading, day) });
    let (histories, (quiet_until, asked, changes, told)) =
        all.await.expect("every reader catches up in time");
    let verdicts = Verdicts::of(&histories, &acked, quiet_until, asked, changes, told);
    verdict::refuse_foreign_tokens(&histories, &market, &fleet).await;
    fleet.end().await;
    verdicts
}
