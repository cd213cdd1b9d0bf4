//! The load: calls that wait for each other to find the capacity, and calls that do not.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use souk::pb::souk::catalog::v1::GetProductRequest;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::rig::{Caller, Dice, Good, lines, order};

/// Enough that no call waits for its turn on the client's side.
const CONNECTIONS: usize = 64;
/// One of so many calls is an order.
const ORDER_EVERY: usize = 2;
/// An answer that comes later than this helps nobody.
const USEFUL: Duration = Duration::from_secs(1);

/// Who calls. Clones share the connections.
#[derive(Clone)]
pub struct Load(Arc<Shared>);

struct Shared {
    callers: Vec<Caller>,
    goods: Vec<Good>,
    run: String,
    next: AtomicUsize,
}

/// How a span of load went.
#[derive(Debug)]
pub struct Seen {
    time: Duration,
    pub asked: usize,
    pub useful: usize,
    pub late: usize,
    pub refused: usize,
    pub failed: usize,
    /// The middle and the slowest hundredth of answers, and of refusals.
    pub answered: (Duration, Duration),
    pub refusal: (Duration, Duration),
    /// How late the load itself woke up: what waiting for a core adds to every time above.
    pub lag: (Duration, Duration),
    first_failure: Option<String>,
}

impl Seen {
    /// Useful answers in a second.
    pub fn goodput(&self) -> f64 {
        self.useful as f64 / self.time.as_secs_f64()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "asked {:.0}/s, useful {:.0}/s (p50 {:?}, p99 {:?}), {} late, {} refused \
             (p50 {:?}, p99 {:?}), {} failed, own lag p50 {:?}, p99 {:?}",
            self.asked as f64 / self.time.as_secs_f64(),
            self.goodput(),
            self.answered.0,
            self.answered.1,
            self.late,
            self.refused,
            self.refusal.0,
            self.refusal.1,
            self.failed,
            self.lag.0,
            self.lag.1,
        )?;
        match &self.first_failure {
            Some(failure) => write!(f, ", first {failure}"),
            None => Ok(()),
        }
    }
}

impl Load {
    pub async fn new(url: &str, goods: Vec<Good>) -> Self {
        Self(Arc::new(Shared {
            callers: (0..CONNECTIONS).map(|_| Caller::guest(url)).collect(),
            goods,
            run: Dice::fresh().word("overload"),
            next: AtomicUsize::new(0),
        }))
    }

    /// Answers in a second with so many callers who wait for theirs.
    pub async fn closed(&self, callers: usize, time: Duration) -> f64 {
        let end = Instant::now() + time;
        let mut running = JoinSet::new();
        for _ in 0..callers {
            let load = self.clone();
            running.spawn(async move {
                let mut answers = 0;
                while Instant::now() < end {
                    load.call().await.unwrap();
                    answers += 1;
                }
                answers
            });
        }
        let answers: usize = running.join_all().await.into_iter().sum();
        answers as f64 / time.as_secs_f64()
    }

    /// Sends `rate` calls a second, whatever becomes of them.
    pub async fn open(&self, rate: f64, time: Duration) -> Seen {
        let began = Instant::now();
        let mut running = JoinSet::new();
        let mut pace = tokio::time::interval(Duration::from_millis(1));
        let mut outcomes = Vec::new();
        let mut asked = 0;
        let mut lags = Vec::new();
        while began.elapsed() < time {
            lags.push(pace.tick().await.elapsed());
            let due = (began.elapsed().as_secs_f64() * rate) as usize;
            for _ in asked..due {
                let load = self.clone();
                running.spawn(async move {
                    let sent = Instant::now();
                    let outcome = load.call().await;
                    (sent.elapsed(), outcome)
                });
            }
            asked = due.max(asked);
            while let Some(done) = running.try_join_next() {
                outcomes.push(done.unwrap());
            }
        }
        outcomes.extend(running.join_all().await);
        judge(time, asked, outcomes, lags)
    }

    async fn call(&self) -> Result<(), Status> {
        let shared = &*self.0;
        let turn = shared.next.fetch_add(1, Ordering::Relaxed);
        let caller = &shared.callers[turn % CONNECTIONS];
        let good = &shared.goods[turn % shared.goods.len()];
        // One in two of every connection and of every product, not always the same ones.
        if (turn / CONNECTIONS + turn).is_multiple_of(ORDER_EVERY) {
            let request = order("overload", lines([(good, 1)]));
            let request = caller.once(&format!("{}-{turn}", shared.run), request);
            caller.orders().place_order(request).await.map(drop)
        } else {
            let id = good.product_id.clone();
            let request = GetProductRequest { id };
            caller.catalog().get_product(request).await.map(drop)
        }
    }
}

fn judge(
    time: Duration,
    asked: usize,
    outcomes: Vec<(Duration, Result<(), Status>)>,
    lags: Vec<Duration>,
) -> Seen {
    let (mut answered, mut refused) = (Vec::new(), Vec::new());
    let (mut late, mut failed, mut first_failure) = (0, 0, None);
    for (took, outcome) in outcomes {
        match outcome {
            Ok(()) if took <= USEFUL => answered.push(took),
            Ok(()) => late += 1,
            Err(status) if status.code() == Code::ResourceExhausted => refused.push(took),
            Err(status) => {
                failed += 1;
                first_failure.get_or_insert(format!("{:?} {}", status.code(), status.message()));
            }
        }
    }
    Seen {
        time,
        asked,
        useful: answered.len(),
        late,
        refused: refused.len(),
        failed,
        answered: percentiles(answered),
        refusal: percentiles(refused),
        lag: percentiles(lags),
        first_failure,
    }
}

fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |percent: usize| {
        let last = times.len().checked_sub(1);
        last.map_or(Duration::ZERO, |last| times[last * percent / 100])
    };
    (at(50), at(99))
}
