//! Auctions that are fought over: sixty-four bidders on a hundred lots of a few seconds, half
//! of the bids in the last 200 ms, equal ones at once, maxima that answer each other, wars
//! that move the end, calls that are sent twice, and processes killed while lots close. What
//! everybody was answered is what the log says, the stream of each lot is its log, each lot
//! ends once, and within two seconds unless a kill was on it.
//!
//! On PostgreSQL three processes share the database and a Redis, one of them with a clock
//! that is 30 s wrong; SQLite has one process. SOUK_SEED repeats a run, SOUK_TIER=long makes
//! more of them, SOUK_TEST_DATABASE (sqlite, postgres) chooses the database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod fleet;
mod ledger;
mod lot;
mod market;
#[path = "../rig/mod.rs"]
mod rig;
mod verdict;

use std::time::Duration;

use fleet::Fleet;
use futures_util::stream::{self, StreamExt};
use ledger::Ledger;
use lot::Sale;
use market::Market;
use rig::{Dice, pause, setting};
use verdict::Verdict;

const LOTS: usize = 100;
/// Lots that are open at once.
const AT_ONCE: usize = 20;
/// Processes that are killed in one round, each while a lot closes.
const KILLS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn every_auction_has_one_log_one_end_and_one_winner() {
    let rounds = match setting("SOUK_TIER", "fast".to_owned()).as_str() {
        "fast" => 3,
        "long" => 20,
        other => panic!("SOUK_TIER is fast or long, not {other:?}"),
    };
    let mut dice = Dice::roll();
    let mut fleet = Fleet::start().await;
    let market = Market::open(&fleet).await;
    for round in 1..=rounds {
        let verdict = hold(&mut fleet, &market, dice.fork()).await;
        fleet.check();
        println!("round {round}: {verdict}");
    }
    fleet.end().await;
}

/// Holds a hundred auctions, and judges them.
async fn hold(fleet: &mut Fleet, market: &Market, mut dice: Dice) -> Verdict {
    let plans = (0..LOTS).map(|_| dice.fork()).collect::<Vec<_>>();
    let holding = stream::iter(plans.into_iter().map(|dice| lot::hold(market, dice)))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<Sale>>();
    let kills = async {
        let mut kills = Vec::new();
        for _ in 0..KILLS {
            pause(Duration::from_millis(dice.number(3_000..=5_000))).await;
            kills.push(fleet.kill_at_a_close(market, &mut dice).await);
        }
        kills
    };
    let (sales, kills) = tokio::join!(holding, kills);
    let ledger = Ledger::read(fleet).await;
    verdict::judge(&sales, &kills, &ledger)
}
