//! The readers, and when each heard of what.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use souk::pb::souk::orders::v1::{WatchOrderRequest, WatchOrderResponse};
use tokio::task::JoinSet;
use tonic::Streaming;

use crate::rig::Caller;
use crate::writer::{Placed, Written};

/// Streams that open at once.
const AT_ONCE: usize = 64;

type Heard = Arc<Mutex<Vec<(usize, i32, Instant)>>>;

/// Open streams; they close when this is dropped.
pub struct Watchers {
    heard: Heard,
    _readers: JoinSet<()>,
}

/// How soon the readers knew: the middle and the slowest hundredth.
pub struct Delay {
    pub messages: usize,
    pub from_commit: (Duration, Duration),
    pub from_call: (Duration, Duration),
}

impl Watchers {
    /// Opens the streams and reads the first message of each.
    pub async fn open(url: &str, orders: &[Placed], streams: usize, per: usize) -> Self {
        let callers: Vec<_> = (0..streams.div_ceil(per))
            .map(|_| Caller::patient(url))
            .collect();
        let open = (0..streams).map(|nth| {
            let index = nth % orders.len();
            let (caller, order) = (&callers[nth / per], &orders[index]);
            async move { (index, watch(caller, order).await) }
        });
        let mut open = stream::iter(open).buffer_unordered(AT_ONCE);
        let heard = Heard::default();
        let mut readers = JoinSet::new();
        while let Some((index, stream)) = open.next().await {
            readers.spawn(read(index, stream, heard.clone()));
        }
        Self {
            heard,
            _readers: readers,
        }
    }

    /// What was heard of the changes since the last time.
    pub fn compare(&self, written: &Written) -> Delay {
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        let (mut from_commit, mut from_call) = (Vec::new(), Vec::new());
        for (index, version, at) in heard {
            let Some((asked, answered)) = written.get(&(index, version)) else {
                continue;
            };
            // The readers may know before the one who changed it.
            from_commit.push(at.saturating_duration_since(*answered));
            from_call.push(at.saturating_duration_since(*asked));
        }
        Delay {
            messages: from_call.len(),
            from_commit: percentiles(from_commit),
            from_call: percentiles(from_call),
        }
    }
}

fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |percent: usize| {
        let last = times.len().checked_sub(1).expect("something was heard");
        times[last * percent / 100]
    };
    (at(50), at(99))
}

async fn watch(caller: &Caller, order: &Placed) -> Streaming<WatchOrderResponse> {
    let request = WatchOrderRequest {
        id: order.id.clone(),
        guest_token: order.guest_token.clone(),
        resume_token: None,
    };
    let mut stream = caller.orders().watch_order(request).await.unwrap();
    let first = stream.get_mut().message().await.unwrap();
    assert!(first.is_some(), "a stream begins with how things stand");
    stream.into_inner()
}

async fn read(index: usize, mut stream: Streaming<WatchOrderResponse>, heard: Heard) {
    while let Some(message) = stream.message().await.unwrap() {
        let at = Instant::now();
        if let Some(order) = message.order {
            heard.lock().unwrap().push((index, order.version, at));
        }
    }
}
