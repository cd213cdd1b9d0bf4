//! Claims due jobs and runs them, each queue within its own limit.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::Instrument;

use super::registry::{Registry, Run};
use super::schedule;
use super::store::{self, Claimed, Lease, Verdict};
use crate::db::Db;
use crate::kernel::task::Tasks;
use crate::kernel::{Error, Result, random, trace};

/// Characters of an error that a job keeps.
const ERROR_CHARS: usize = 500;
/// Jobs that [`Jobs::run_due`] claims at once.
const BATCH: usize = 16;

/// How jobs run.
#[derive(Debug, Clone)]
pub struct JobsConfig {
    /// How long a worker sleeps when nothing wakes it.
    pub poll: Duration,
    /// How long a claim holds without a sign of life; live workers renew it.
    pub lease: Duration,
    /// How long one try may take.
    pub max_run: Duration,
    /// The pause after the first failure; it doubles with each further one, and a
    /// random part of up to a quarter comes on top.
    pub backoff: Duration,
    /// The longest pause.
    pub max_backoff: Duration,
    /// Jobs of a queue that this process runs at once.
    pub concurrency: usize,
    /// The same for single queues.
    pub queues: HashMap<String, usize>,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            lease: Duration::from_secs(60),
            max_run: Duration::from_secs(10 * 60),
            backoff: Duration::from_secs(2),
            max_backoff: Duration::from_secs(60 * 60),
            concurrency: 4,
            queues: HashMap::new(),
        }
    }
}

/// The workers of this process. Clones share them.
#[derive(Clone)]
pub struct Jobs(Arc<Shared>);

struct Shared {
    db: Db,
    registry: Registry,
    config: JobsConfig,
    owner: String,
    slots: Mutex<HashMap<String, Arc<Semaphore>>>,
    freed: Notify,
}

/// Why a try failed, and what that means for the next one.
struct Failure {
    reason: String,
    /// The outside world asked for this pause.
    wait: Option<Duration>,
    /// No further try can succeed.
    is_permanent: bool,
}

impl Failure {
    fn of(reason: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            wait: None,
            is_permanent: false,
        }
    }
}

/// What one try at a job came to.
enum Outcome {
    Done,
    Failed(Failure),
    /// Another worker has the job; nothing may be recorded.
    Lost,
}

impl Jobs {
    /// Workers that run only when told to, by [`Jobs::run_due`].
    pub fn new(db: Db, registry: Registry, config: JobsConfig) -> Self {
        Self(Arc::new(Shared {
            db,
            registry,
            config,
            owner: format!("{}-{}", std::process::id(), random::code(8)),
            slots: Mutex::default(),
            freed: Notify::new(),
        }))
    }

    /// Workers that run until the process stops. They then claim nothing more, and
    /// stopping waits for the jobs that run.
    pub fn start(db: Db, registry: Registry, tasks: &Tasks, config: JobsConfig) -> Self {
        let jobs = Self::new(db, registry, config);
        let (working, spawner) = (jobs.clone(), tasks.clone());
        tasks.spawn(async move { working.work(&spawner).await });
        jobs
    }

    /// Runs what is due until nothing is, one job after another, and says how many tries
    /// that took.
    ///
    /// # Errors
    /// UNAVAILABLE when the database is away. Failures of jobs are recorded, not given.
    pub async fn run_due(&self) -> Result<u32> {
        let mut tries = 0;
        loop {
            self.keep_house().await?;
            let before = tries;
            for queue in store::waiting_queues(&self.0.db).await? {
                for claimed in self.claim(&queue, BATCH).await? {
                    self.run(claimed).await;
                    tries += 1;
                }
            }
            if tries == before {
                return Ok(tries);
            }
        }
    }

    async fn work(&self, tasks: &Tasks) {
        let stopping = tasks.stopping();
        let mut house_kept: Option<Instant> = None;
        while !stopping.is_cancelled() {
            let mut round = Ok(());
            if house_kept.is_none_or(|at| at.elapsed() >= self.0.config.poll) {
                house_kept = Some(Instant::now());
                round = self.keep_house().await;
            }
            if let Err(error) = round.and(self.fill_slots(tasks).await) {
                tracing::warn!(error = ?error, "jobs cannot be claimed, they wait");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.0.db.jobs_enqueued().notified() => {}
                () = self.0.freed.notified() => {}
                () = tokio::time::sleep(self.0.config.poll) => {}
            }
        }
    }

    /// Frees abandoned jobs and enqueues recurring ones.
    async fn keep_house(&self) -> Result<()> {
        let db = &self.0.db;
        if store::has_abandoned(db).await? {
            let recovered = db
                .transact(|tx| async move { store::recover_abandoned(&tx).await })
                .await?;
            tracing::warn!(recovered, "jobs of vanished workers recovered");
        }
        schedule::enqueue_due(db, self.0.registry.schedules()).await
    }

    /// Claims as many jobs as may run at once and lets them run.
    async fn fill_slots(&self, tasks: &Tasks) -> Result<()> {
        for queue in store::waiting_queues(&self.0.db).await? {
            let slots = self.slots(&queue);
            let free = slots.available_permits();
            if free == 0 {
                continue;
            }
            for claimed in self.claim(&queue, free).await? {
                // Only this loop takes slots, so there is one for each claimed job.
                let Ok(slot) = slots.clone().acquire_owned().await else {
                    continue;
                };
                let jobs = self.clone();
                tasks.spawn(async move {
                    jobs.run(claimed).await;
                    jobs.free(slot);
                });
            }
        }
        Ok(())
    }

    fn free(&self, slot: OwnedSemaphorePermit) {
        drop(slot);
        self.0.freed.notify_one();
    }

    fn slots(&self, queue: &str) -> Arc<Semaphore> {
        let config = &self.0.config;
        let limit = config.queues.get(queue).copied();
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots
            .entry(queue.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(limit.unwrap_or(config.concurrency))))
            .clone()
    }

    async fn claim(&self, queue: &str, limit: usize) -> Result<Vec<Claimed>> {
        let shared = &self.0;
        let kinds: Vec<&'static str> = shared.registry.kinds().collect();
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let kinds = &kinds;
        let claim = |tx: crate::db::Tx| async move {
            let lease = Lease {
                owner: &shared.owner,
                until: tx.now() + shared.config.lease,
            };
            store::claim(&tx, queue, kinds, limit, &lease).await
        };
        shared.db.transact(claim).await
    }

    /// Makes one try and records what it came to.
    async fn run(&self, claimed: Claimed) {
        let started = Instant::now();
        let span = tracing::trace_span!(
            target: trace::SPANS,
            "job",
            otel.name = claimed.kind,
            otel.kind = "consumer",
            job.id = %claimed.id,
            job.attempt = claimed.attempt,
        );
        let outcome = self.attempt(&claimed).instrument(span).await;
        let duration_ms = started.elapsed().as_millis() as u64;
        let Claimed {
            id, kind, attempt, ..
        } = &claimed;
        let verdict = match outcome {
            Outcome::Done => {
                tracing::debug!(kind, %id, attempt, duration_ms, "job done");
                Verdict::Done
            }
            Outcome::Failed(Failure {
                reason,
                wait,
                is_permanent: false,
            }) if *attempt < claimed.max_attempts => {
                tracing::warn!(kind, %id, attempt, duration_ms, reason, "job failed");
                let next = self.0.db.clock().now() + self.pause(*attempt, wait);
                Verdict::Again(next, reason)
            }
            Outcome::Failed(Failure { reason, .. }) => {
                tracing::error!(kind, %id, attempt, duration_ms, reason, "job is dead");
                Verdict::Dead(reason)
            }
            Outcome::Lost => {
                tracing::warn!(kind, %id, attempt, duration_ms, "job taken over meanwhile");
                return;
            }
        };
        let verdict = &verdict;
        let finish =
            |tx: crate::db::Tx| async move { store::finish(&tx, *id, *attempt, verdict).await };
        match self.0.db.transact(finish).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(kind, %id, attempt, "job taken over meanwhile, outcome dropped");
            }
            // The lease runs out and the job runs again: at least once.
            Err(error) => {
                tracing::error!(kind, %id, attempt, error = ?error, "outcome not recorded");
            }
        }
    }

    /// Runs the handler while it lives and its lease can be renewed.
    async fn attempt(&self, claimed: &Claimed) -> Outcome {
        let Some(handler) = self.0.registry.handler(&claimed.kind) else {
            return Outcome::Failed(Failure::of("no code for this kind of job"));
        };
        let run = Run {
            id: claimed.id,
            attempt: claimed.attempt,
            payload: claimed.payload.clone(),
        };
        let work = AssertUnwindSafe(async move { handler(run).await }).catch_unwind();
        let work = tokio::time::timeout(self.0.config.max_run, work);
        tokio::pin!(work);
        loop {
            tokio::select! {
                ended = &mut work => return match ended {
                    Ok(Ok(Ok(()))) => Outcome::Done,
                    Ok(Ok(Err(error))) => Outcome::Failed(failure(claimed, &error)),
                    // The panic itself is in the log, from the hook.
                    Ok(Err(_panic)) => Outcome::Failed(Failure::of("the handler panicked")),
                    Err(_elapsed) => Outcome::Failed(Failure::of("the handler took too long")),
                },
                () = tokio::time::sleep(self.0.config.lease / 3) => {
                    if !self.renew(claimed).await {
                        return Outcome::Lost;
                    }
                }
            }
        }
    }

    async fn renew(&self, claimed: &Claimed) -> bool {
        let until = self.0.db.clock().now() + self.0.config.lease;
        let renew = |tx: crate::db::Tx| async move {
            store::renew(&tx, claimed.id, claimed.attempt, until).await
        };
        self.0.db.transact(renew).await.unwrap_or_else(|error| {
            // The next renewal may work; the attempt number guards what is written.
            tracing::warn!(id = %claimed.id, error = ?error, "lease not renewed");
            true
        })
    }

    /// How long to wait after failure number `attempt`; at least what the outside world
    /// asked for, within the longest pause.
    fn pause(&self, attempt: i32, asked: Option<Duration>) -> Duration {
        let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(30);
        let config = &self.0.config;
        let pause = config.backoff.saturating_mul(1 << doublings);
        let pause = Ord::max(pause, asked.unwrap_or_default());
        let pause = Ord::min(pause, config.max_backoff);
        // Spread, so that jobs which failed together do not come back together.
        pause + pause.mul_f64(f64::from(random::below(1000)) / 4000.0)
    }
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs")
            .field("owner", &self.0.owner)
            .finish_non_exhaustive()
    }
}

/// What operators see of a failure. The whole chain goes to the log only: it may hold
/// text of the database.
fn failure(claimed: &Claimed, error: &Error) -> Failure {
    tracing::debug!(id = %claimed.id, error = ?error, "handler failed");
    Failure {
        reason: error.to_string().chars().take(ERROR_CHARS).collect(),
        wait: error.retry_delay(),
        is_permanent: error.is_permanent(),
    }
}
