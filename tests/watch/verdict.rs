//! What the readers' histories come to.

use std::fmt;
use std::time::{Duration, Instant};

use tonic::Code;

use crate::feed::{Feed, Stream, What};
use crate::fleet::Fleet;
use crate::market::{Acked, Market};
use crate::reader::History;
use crate::rig::{Verdict, judge};

/// From the answer of a change to its arrival at a reader, while nothing is wrong. The
/// aim is half of it: the machine that runs this has more to do.
const HEALTHY: Duration = Duration::from_secs(1);
/// From the end of the last fault to the last change seen; twice the aim as well.
const CAUGHT_UP: Duration = Duration::from_secs(10);

pub struct Verdicts {
    breaches: Vec<String>,
    changes: usize,
    delivered: usize,
    connects: usize,
    too_slow: usize,
    faults: Vec<String>,
    p50: Duration,
    p99: Duration,
    caught_up: Duration,
}

impl Verdicts {
    pub fn of(
        histories: &[History],
        acked: &Acked,
        quiet_until: Instant,
        asked: Instant,
        changes: usize,
        faults: Vec<String>,
    ) -> Self {
        let delays = delays(histories, acked, quiet_until);
        let last = histories.iter().flat_map(|it| it.changes.last());
        let last = last.map(|(_, _, seen)| *seen).max().unwrap_or(asked);
        Self {
            breaches: histories
                .iter()
                .flat_map(|it| it.breaches.clone())
                .collect(),
            changes,
            delivered: histories.iter().map(|it| it.changes.len()).sum(),
            connects: histories.iter().map(|it| it.connects).sum(),
            too_slow: histories.iter().map(|it| it.too_slow).sum(),
            faults,
            p50: share(&delays, 50),
            p99: share(&delays, 99),
            caught_up: last.saturating_duration_since(asked),
        }
    }

    /// Fails the run unless every promise was kept.
    pub fn demand(&self) {
        let first: Vec<_> = self.breaches.iter().take(20).collect();
        assert!(
            first.is_empty(),
            "{} breaches: {first:#?}",
            self.breaches.len()
        );
        assert!(self.p99 <= HEALTHY, "{self}");
        assert!(self.caught_up <= CAUGHT_UP, "{self}");
    }
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} changes, {} deliveries, {} connections, {} cut off as too slow; \
             healthy p50 {:?}, p99 {:?}; caught up {:?} after {}",
            self.changes,
            self.delivered,
            self.connects,
            self.too_slow,
            self.p50,
            self.p99,
            self.caught_up,
            self.faults.join(", "),
        )
    }
}

/// How long after its answer each change came to a prompt reader, the shortest first;
/// only what came before `until`.
pub fn delays(histories: &[History], acked: &Acked, until: Instant) -> Vec<Duration> {
    let acked = acked.0.lock().unwrap();
    let prompt = histories.iter().filter(|it| !it.slow);
    let mut delays: Vec<Duration> = prompt
        .flat_map(|it| &it.changes)
        .filter_map(|(id, version, seen)| {
            let acked = acked.get(&(id.clone(), *version))?;
            (*seen < until).then(|| seen.saturating_duration_since(*acked))
        })
        .collect();
    delays.sort_unstable();
    delays
}

/// The value that `percent` of 100 do not exceed.
pub fn share(delays: &[Duration], percent: usize) -> Duration {
    let index = delays.len() * percent / 100;
    *delays.get(index).expect("changes arrive while all is well")
}

/// A token of one feed opens no other, and a changed one opens nothing, in any process.
pub async fn refuse_foreign_tokens(histories: &[History], market: &Market, fleet: &Fleet) {
    let of_store = histories
        .iter()
        .find(|it| matches!(it.feed.what, What::Store(_)))
        .unwrap();
    let token = of_store.token.clone().unwrap();
    let mut changed = token.clone().into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    let own = &of_store.feed;
    let stock = Feed {
        who: own.who.clone(),
        what: What::Stock(market.shops[0].store_id.clone()),
    };
    let buyer = market.feed(2);
    for url in fleet.urls() {
        for (feed, token) in [(own, &changed), (&stock, &token), (&buyer, &token)] {
            let opened = Stream::open(feed, &url, Some(token.clone())).await;
            let refused = opened.err().expect("no stream opens");
            assert_eq!(refused.code(), Code::InvalidArgument);
            let reason = Verdict::Refused("RESUME_TOKEN_INVALID".to_owned());
            assert_eq!(judge(&refused), reason);
        }
        // The right one does.
        assert!(Stream::open(own, &url, Some(token.clone())).await.is_ok());
    }
}
