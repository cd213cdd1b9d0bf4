//! Those who buy meanwhile, at a steady pace that waits for nobody.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::rig::{Caller, Dice, Good, Shop, lines, order};

/// Buyers, their connections, and what they buy.
pub struct Buyers {
    callers: Vec<Caller>,
    goods: Vec<Good>,
    run: String,
    next: AtomicUsize,
}

/// How long orders took.
#[derive(Debug)]
pub struct Took {
    pub p50: Duration,
    pub p99: Duration,
    orders: usize,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 {:?}, p99 {:?} of {}",
            self.p50, self.p99, self.orders
        )
    }
}

impl Buyers {
    pub fn new(url: &str, shop: &Shop) -> Self {
        Self {
            callers: (0..8).map(|_| Caller::guest(url)).collect(),
            goods: shop.goods.clone(),
            run: Dice::fresh().word("reels"),
            next: AtomicUsize::new(0),
        }
    }

    /// Orders `rate` times a second.
    pub async fn buy(&self, rate: f64, time: Duration) -> Took {
        let began = Instant::now();
        let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
        let mut orders = JoinSet::new();
        while began.elapsed() < time {
            pace.tick().await;
            let nth = self.next.fetch_add(1, Ordering::Relaxed);
            let caller = self.callers[nth % self.callers.len()].clone();
            let request = order("reels", lines([(&self.goods[nth % self.goods.len()], 1)]));
            let request = caller.once(&format!("{}-{nth}", self.run), request);
            orders.spawn(async move {
                let asked = Instant::now();
                caller.orders().place_order(request).await.unwrap();
                asked.elapsed()
            });
        }
        let mut times = orders.join_all().await;
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        Took {
            p50: at(50),
            p99: at(99),
            orders: times.len(),
        }
    }
}
