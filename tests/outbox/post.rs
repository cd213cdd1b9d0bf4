//! Those who write messages: several at once, each time a few in one transaction.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use souk::db::{Db, NewJob};
use souk::kernel::id::JobId;
use tokio::task::JoinSet;

use crate::rig::{Dice, pause};
use crate::storm::Plan;
use crate::worker::{ATTEMPTS, DELIVER, QUEUE};

/// Who writes at once.
const WRITERS: usize = 4;
/// Messages of one transaction at the most.
const BATCH: u64 = 20;
/// One in so many messages is never taken.
const POISON: usize = 1_000;

/// A message that was committed.
#[derive(Debug, Clone)]
pub struct Letter {
    pub number: usize,
    pub job: JobId,
    pub key: Option<String>,
    /// Its place within its transaction.
    pub place: usize,
    /// Its transaction began after the first instant and was committed before the second.
    pub began: Instant,
    pub committed: Instant,
}

/// The messages of a run.
pub struct Post {
    plan: Plan,
    keys: Mutex<Dice>,
    next: Mutex<usize>,
    over: AtomicBool,
    letters: Mutex<Vec<Letter>>,
}

/// The numbers that the sink never takes: a few, with and without a key.
pub fn poison(messages: usize, dice: &mut Dice) -> BTreeSet<usize> {
    let numbers = dice.indexes(messages, messages.div_ceil(POISON));
    numbers.into_iter().collect()
}

impl Post {
    pub fn new(plan: Plan, dice: Dice) -> Self {
        Self {
            plan,
            keys: Mutex::new(dice),
            next: Mutex::new(0),
            over: AtomicBool::new(false),
            letters: Mutex::default(),
        }
    }

    /// The storm is over: once all messages are written, no more are.
    pub fn storm_is_over(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Writes all messages, spread over the time of the plan, and more while the storm goes
    /// on.
    pub fn spread(self: Arc<Self>, db: Db, dice: &mut Dice) -> JoinSet<()> {
        let batches = self.plan.messages as u64 * 2 / (BATCH + 1) / WRITERS as u64;
        let pause_ms = self.plan.time.as_millis() as u64 / batches.max(1);
        let mut writers = JoinSet::new();
        for _ in 0..WRITERS {
            let (post, db, mut dice) = (self.clone(), db.clone(), dice.fork());
            writers.spawn(async move {
                loop {
                    let batch = post.take(dice.number(1..=BATCH) as usize);
                    if batch.is_empty() {
                        return;
                    }
                    post.write(&db, &batch).await;
                    let pace = dice.number(0..=pause_ms * 2);
                    pause(Duration::from_millis(pace)).await;
                }
            });
        }
        writers
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().unwrap().clone()
    }

    /// The next few messages, each with its key: two of three have one.
    fn take(&self, count: usize) -> Vec<(usize, Option<String>)> {
        let mut next = self.next.lock().unwrap();
        let mut dice = self.keys.lock().unwrap();
        let end = match self.over.load(Ordering::SeqCst) {
            true => (*next + count).min(self.plan.messages).max(*next),
            false => *next + count,
        };
        let keys = (self.plan.messages / 50).max(1);
        let batch = (*next..end).map(|number| {
            let key = dice.chance(66).then(|| dice.index(keys));
            (number, key.map(|key| format!("outbox/{key}")))
        });
        let batch = batch.collect();
        *next = end;
        batch
    }

    async fn write(&self, db: &Db, batch: &[(usize, Option<String>)]) {
        let began = Instant::now();
        let enqueue = |tx: souk::db::Tx| async move {
            let ids = batch.iter().map(|(number, key)| {
                tx.enqueue(NewJob {
                    order_key: key.clone(),
                    max_attempts: ATTEMPTS,
                    ..NewJob::new(QUEUE, DELIVER, number.to_string())
                })
            });
            Ok(ids.collect::<Vec<_>>())
        };
        // A database that a stopped worker keeps busy refuses, and nothing has happened.
        let ids = loop {
            match db.transact(enqueue).await {
                Ok(ids) => break ids,
                Err(_) => pause(Duration::from_millis(20)).await,
            }
        };
        let committed = Instant::now();
        let letters = batch.iter().zip(ids).enumerate();
        let letters = letters.map(|(place, ((number, key), job))| Letter {
            number: *number,
            job,
            key: key.clone(),
            place,
            began,
            committed,
        });
        self.letters.lock().unwrap().extend(letters);
    }
}
