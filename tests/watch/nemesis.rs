//! What goes wrong on a bad day, in an order that the seed decides.

use std::time::Duration;

use crate::fleet::Fleet;
use crate::market::Market;
use crate::rig::{Dice, hold_stock, pause};

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A process is killed and started again.
    Kill,
    /// A process stands still, longer than its clients wait.
    Stop,
    /// A line loses everything.
    Blackhole,
    /// A transaction stays open with the place in the log that it has taken.
    HeldOpen,
    /// Redis is killed, is away for a while, and comes back empty.
    RedisAway,
    /// Redis forgets everything.
    RedisEmptied,
}

/// Makes every fault happen, and tells which and in what order.
pub async fn strike(fleet: &mut Fleet, market: &Market, dice: &mut Dice) -> Vec<String> {
    use Fault::{Blackhole, HeldOpen, Kill, RedisAway, RedisEmptied, Stop};
    let faults: &[Fault] = if fleet.redis.is_some() {
        &[
            Kill,
            Kill,
            Stop,
            Blackhole,
            HeldOpen,
            RedisAway,
            RedisAway,
            RedisEmptied,
            RedisEmptied,
        ]
    } else {
        &[Kill, Kill, Stop, Blackhole]
    };
    let mut told = Vec::new();
    for index in dice.indexes(faults.len(), faults.len()) {
        let fault = faults[index];
        told.push(happen(fault, fleet, market, dice).await);
        pause(Duration::from_millis(dice.number(100..=600))).await;
    }
    told
}

async fn happen(fault: Fault, fleet: &mut Fleet, market: &Market, dice: &mut Dice) -> String {
    let victim = dice.index(fleet.souks.len());
    let seconds = Duration::from_secs;
    match fault {
        Fault::Kill => {
            fleet.souks[victim].kill();
            pause(Duration::from_millis(300)).await;
            fleet.souks[victim].start().await;
        }
        Fault::Stop => {
            fleet.souks[victim].signal("STOP");
            pause(seconds(5)).await;
            fleet.souks[victim].signal("CONT");
        }
        Fault::Blackhole => {
            fleet.proxies[victim].freeze(true);
            pause(seconds(3)).await;
            fleet.proxies[victim].freeze(false);
        }
        Fault::HeldOpen => {
            let shop = &market.shops[dice.index(market.shops.len())];
            let beside = fleet.souks[0].database.connect().await;
            let held = hold_stock(&beside, &shop.goods[0]).await;
            // Shorter than the 2 s that a transaction waits for a lock.
            pause(Duration::from_millis(1_500)).await;
            held.rollback().await.unwrap();
        }
        Fault::RedisAway => {
            let redis = fleet.redis.as_mut().unwrap();
            redis.kill();
            pause(seconds(1)).await;
            redis.restart().await;
        }
        Fault::RedisEmptied => {
            let redis = fleet.redis.as_ref().unwrap();
            redis.command(&["FLUSHALL"]).await;
            redis.command(&["SCRIPT", "FLUSH"]).await;
        }
    }
    format!("{fault:?}")
}
