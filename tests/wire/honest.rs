//! Clients that do nothing wrong, and what they notice.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use souk::pb::souk::catalog::v1::GetProductRequest;
use tokio::task::JoinSet;

use crate::rig::{Caller, Shop};

/// How many there are.
const CLIENTS: usize = 20;
/// How often each calls.
const PACE: Duration = Duration::from_millis(20);

/// The clients; they stop when this is dropped.
pub struct Crowd {
    seen: Arc<Mutex<Seen>>,
    _clients: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    errors: Vec<String>,
}

/// What they noticed in a span of time.
#[derive(Debug, Clone)]
pub struct Impression {
    pub calls: usize,
    pub p50: Duration,
    pub p99: Duration,
    pub errors: Vec<String>,
}

impl fmt::Display for Impression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            calls, p50, p99, ..
        } = self;
        let errors = self.errors.len();
        write!(
            f,
            "{calls} calls, p50 {p50:?}, p99 {p99:?}, {errors} errors"
        )
    }
}

impl Crowd {
    /// Clients with a connection each, from 127.0.0.1.
    pub fn gather(url: &str, shop: &Shop) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (caller, seen) = (Caller::guest(url), seen.clone());
            let id = shop.goods[0].product_id.clone();
            clients.spawn(async move {
                let mut pace = tokio::time::interval(PACE);
                pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                loop {
                    pace.tick().await;
                    let request = GetProductRequest { id: id.clone() };
                    let began = Instant::now();
                    let answer = caller.catalog().get_product(request).await;
                    let mut seen = seen.lock().unwrap();
                    seen.times.push(began.elapsed());
                    if let Err(status) = answer {
                        let error = format!("{:?} {}", status.code(), status.message());
                        seen.errors.push(error);
                    }
                }
            });
        }
        Self {
            seen,
            _clients: clients,
        }
    }

    /// What they noticed since the last time that they were asked.
    pub fn ask(&self) -> Impression {
        let Seen { mut times, errors } = std::mem::take(&mut *self.seen.lock().unwrap());
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        Impression {
            calls: times.len(),
            p50: at(50),
            p99: at(99),
            errors,
        }
    }
}
