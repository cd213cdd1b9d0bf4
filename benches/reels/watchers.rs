//! The watchers, and when each knew of how many changes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use souk::pb::souk::reels::v1::{WatchReelRequest, WatchReelResponse};
use tokio::task::JoinSet;
use tonic::Streaming;

use crate::fans::Change;
use crate::rig::Caller;

/// Streams that open at once.
const AT_ONCE: usize = 64;
/// Streams of one connection, as many as the server lets.
const PER_CONNECTION: usize = 100;
/// Of a watcher's messages, the delay of one in so many changes is looked at.
const SAMPLE: usize = 10;

/// Since when a watcher knew of so many changes.
type Known = Vec<(Instant, usize)>;

/// Open streams; they close when this is dropped.
pub struct Watchers {
    known: Vec<Arc<Mutex<Known>>>,
    _readers: JoinSet<()>,
}

/// What the watchers saw.
pub struct Seen {
    pub messages: usize,
    /// Watchers who know of every change at the end.
    pub complete: usize,
    /// From a call to the message that tells of it: the middle and the slowest hundredth.
    pub delay: (Duration, Duration),
}

impl Watchers {
    /// Opens the streams and reads the first message of each.
    pub async fn open(url: &str, reel: &str, streams: usize) -> Self {
        let callers: Vec<_> = (0..streams.div_ceil(PER_CONNECTION))
            .map(|_| Caller::patient(url))
            .collect();
        let open = (0..streams).map(|nth| watch(&callers[nth / PER_CONNECTION], reel));
        let mut open = stream::iter(open).buffer_unordered(AT_ONCE);
        let (mut known, mut readers) = (Vec::new(), JoinSet::new());
        while let Some(stream) = open.next().await {
            let own = Arc::new(Mutex::default());
            readers.spawn(read(stream, own.clone()));
            known.push(own);
        }
        Self {
            known,
            _readers: readers,
        }
    }

    /// Forgets what was seen so far.
    pub fn forget(&self) {
        for known in &self.known {
            known.lock().unwrap().clear();
        }
    }

    /// Holds what was seen against the changes, which count in the order of their answers.
    pub fn compare(&self, changes: &[Change]) -> Seen {
        let (mut messages, mut complete, mut delays) = (0, 0, Vec::new());
        for known in &self.known {
            let known = std::mem::take(&mut *known.lock().unwrap());
            messages += known.len();
            let mut told = 0;
            for (at, more) in known {
                let upto = usize::min(told + more, changes.len());
                for change in changes[told..upto].iter().step_by(SAMPLE) {
                    delays.push(at.saturating_duration_since(change.asked));
                }
                told += more;
            }
            complete += usize::from(told == changes.len());
        }
        delays.sort_unstable();
        let at = |percent: usize| delays[(delays.len() - 1) * percent / 100];
        Seen {
            messages,
            complete,
            delay: (at(50), at(99)),
        }
    }
}

async fn watch(caller: &Caller, reel: &str) -> Streaming<WatchReelResponse> {
    let request = WatchReelRequest {
        id: reel.to_owned(),
    };
    let mut stream = caller.reels().watch_reel(request).await.unwrap();
    let first = stream.get_mut().message().await.unwrap();
    assert!(first.is_some(), "a stream begins with how things stand");
    stream.into_inner()
}

async fn read(mut stream: Streaming<WatchReelResponse>, known: Arc<Mutex<Known>>) {
    while let Some(message) = stream.message().await.unwrap() {
        let at = Instant::now();
        if let Some(changes) = message.changes {
            let more = (changes.liked + changes.unliked) as usize;
            known.lock().unwrap().push((at, more));
        }
    }
}
