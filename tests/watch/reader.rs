//! A reader that never stays with one process for long and goes on from its last token.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tonic::Status;

use crate::feed::{Feed, Message, Record, Stream, Tells, What};
use crate::market::Goal;
use crate::rig::{Dice, Verdict, judge, pause};

/// How long a stream may take to open before another process is asked.
const OPEN: Duration = Duration::from_secs(3);

/// Set once the day is over: what there is to be seen.
pub type Calm = watch::Receiver<Option<Arc<Goal>>>;

pub struct Reader {
    feed: Feed,
    slow: bool,
    dice: Dice,
    ready: Arc<AtomicBool>,
    history: History,
}

/// What a reader saw.
pub struct History {
    pub feed: Feed,
    pub slow: bool,
    /// The last version of each record that it saw.
    last: HashMap<String, i64>,
    /// Each change with the time of its arrival.
    pub changes: Vec<(String, i64, Instant)>,
    pub breaches: Vec<String>,
    pub token: Option<String>,
    pub connects: usize,
    /// How often it was cut off because it read too slowly.
    pub too_slow: usize,
}

impl Reader {
    pub fn new(feed: Feed, slow: bool, dice: Dice) -> Self {
        Self {
            history: History {
                feed: feed.clone(),
                slow,
                last: HashMap::new(),
                changes: Vec::new(),
                breaches: Vec::new(),
                token: None,
                connects: 0,
                too_slow: 0,
            },
            ready: Arc::default(),
            feed,
            slow,
            dice,
        }
    }

    /// Set when it has its snapshot.
    pub fn ready(&self) -> Arc<AtomicBool> {
        self.ready.clone()
    }

    /// Reads at any of the `lines` until it has seen everything.
    pub async fn run(mut self, lines: Arc<[String]>, mut calm: Calm) -> History {
        while !self.is_done(&calm) {
            let line = &lines[self.dice.index(lines.len())];
            self.history.connects += 1;
            let opening = Stream::open(&self.feed, line, self.history.token.clone());
            let end = match tokio::time::timeout(OPEN, opening).await {
                Ok(Ok(stream)) => self.follow(stream, &mut calm).await,
                Ok(Err(status)) => Err(status),
                Err(_elapsed) => Ok(()),
            };
            if let Err(status) = end {
                self.excuse(&status);
                pause(Duration::from_millis(self.dice.number(5..=100))).await;
            }
        }
        self.history
    }

    async fn follow(&mut self, mut stream: Stream, calm: &mut Calm) -> Result<(), Status> {
        // A slow one stays, so that it falls behind.
        let stay = if self.slow {
            10_000
        } else {
            self.dice.number(20..=400)
        };
        for _ in 0..stay {
            if self.is_done(calm) {
                return Ok(());
            }
            let message = tokio::select! {
                message = stream.next() => message?,
                _ = calm.changed() => continue,
            };
            let Some(message) = message else {
                return Ok(());
            };
            self.history.note(message);
            self.ready.store(true, Ordering::SeqCst);
            if self.slow && calm.borrow().is_none() {
                tokio::select! {
                    () = pause(Duration::from_secs(1)) => {}
                    _ = calm.changed() => {}
                }
            }
        }
        Ok(())
    }

    fn is_done(&self, calm: &Calm) -> bool {
        let goal = calm.borrow();
        let Some(goal) = &*goal else {
            return false;
        };
        let last = |id: &str| self.history.last.get(id).copied().unwrap_or_default();
        let mut wanted = goal.0.iter().filter(|it| self.feed.what.covers(it));
        wanted.all(|it| last(&it.id) >= it.version)
    }

    /// What may end a stream on a bad day; anything else is a breach.
    fn excuse(&mut self, status: &Status) {
        match judge(status) {
            Verdict::Unknown(_) | Verdict::Later(_) => {}
            Verdict::Refused(reason) if reason == "STREAM_TOO_SLOW" => self.history.too_slow += 1,
            Verdict::Refused(_) => {
                let what = &self.feed.what;
                let breach = format!("{what:?} was refused: {status:?}");
                self.history.breaches.push(breach);
            }
        }
    }
}

impl History {
    fn note(&mut self, message: Message) {
        match message.tells {
            Tells::Snapshot(records) => {
                if self.token.is_some() {
                    self.breach("a stream that resumes begins anew".to_owned());
                }
                for record in records {
                    self.check_owner(&record);
                    self.last.insert(record.id, record.version);
                }
            }
            Tells::Change(record) => {
                self.check_owner(&record);
                let Record { id, version, .. } = record;
                let last = self.last.insert(id.clone(), version).unwrap_or_default();
                if version != last + 1 {
                    self.breach(format!("{id}: version {version} after {last}"));
                }
                self.changes.push((id, version, Instant::now()));
            }
            Tells::Heartbeat => {}
        }
        self.token = Some(message.token);
    }

    fn check_owner(&mut self, record: &Record) {
        if !self.feed.what.covers(record) {
            self.breach(format!("somebody else's {record:?}"));
        }
    }

    fn breach(&mut self, text: String) {
        let what: &What = &self.feed.what;
        self.breaches.push(format!("{what:?}: {text}"));
    }
}
