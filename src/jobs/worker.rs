//! Claims due jobs and runs them, each queue within its own limit.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::metrics::{self, Gauges};
use super::registry::Registry;
use super::schedule;
use super::store::lease::{self, Claimed, Lease, Level};
use crate::db::Db;
use crate::kernel::id::JobId;
use crate::kernel::task::Tasks;
use crate::kernel::{Result, random};

/// Jobs that [`Jobs::run_due`] claims at once.
const BATCH: usize = 16;

/// How jobs run.
#[derive(Debug, Clone)]
pub struct JobsConfig {
    /// How long a worker sleeps when nothing wakes it.
    pub poll: Duration,
    /// How long a claim holds without a sign of life, where a queue says no less; live
    /// workers renew it.
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
    /// How long the jobs that run may go on when the process stops. Those that take
    /// longer are given back, for another process to begin anew.
    pub drain: Duration,
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
            drain: Duration::from_secs(15),
        }
    }
}

/// The workers of this process. Clones share them.
#[derive(Clone)]
pub struct Jobs(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) db: Db,
    pub(super) registry: Registry,
    pub(super) config: JobsConfig,
    owner: String,
    slots: Mutex<HashMap<String, Arc<Semaphore>>>,
    freed: Notify,
    /// The jobs that run.
    running: TaskTracker,
    under_way: Mutex<HashSet<JobId>>,
    /// Fires when the process begins to stop.
    pub(super) stopping: CancellationToken,
    /// Fires when jobs that still run must be given back.
    pub(super) give_back: CancellationToken,
    /// How many were.
    pub(super) given_back: AtomicUsize,
}

impl Jobs {
    /// Workers that run only when told to, by [`Jobs::run_due`].
    pub fn new(db: Db, registry: Registry, config: JobsConfig) -> Self {
        Self::stopped_by(db, registry, config, CancellationToken::new())
    }

    /// Workers that run until the process stops. They then claim nothing more, and
    /// stopping waits for the jobs that run, for a while; what is left of them is given
    /// back.
    pub fn start(db: Db, registry: Registry, tasks: &Tasks, config: JobsConfig) -> Self {
        metrics::describe();
        let jobs = Self::stopped_by(db, registry, config, tasks.stopping());
        let (working, spawner) = (jobs.clone(), tasks.clone());
        tasks.spawn(async move {
            working.work(&spawner).await;
            working.drain().await;
        });
        jobs
    }

    fn stopped_by(
        db: Db,
        registry: Registry,
        config: JobsConfig,
        stopping: CancellationToken,
    ) -> Self {
        Self(Arc::new(Shared {
            db,
            registry,
            config,
            owner: format!("{}-{}", std::process::id(), random::code(8)),
            slots: Mutex::default(),
            freed: Notify::new(),
            running: TaskTracker::new(),
            under_way: Mutex::default(),
            stopping,
            give_back: CancellationToken::new(),
            given_back: AtomicUsize::new(0),
        }))
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
            for level in lease::due_levels(&self.0.db).await? {
                for claimed in self.claim(&level, BATCH).await? {
                    self.run(claimed).await;
                    tries += 1;
                }
            }
            if tries == before {
                return Ok(tries);
            }
        }
    }

    /// Keeps the gauges of the queues until the process stops, whoever runs their jobs.
    pub async fn keep_gauges(self, stopping: CancellationToken) {
        let mut gauges = Gauges::default();
        let mut ticks = tokio::time::interval(metrics::PERIOD);
        // What a database that was away kept waiting is not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
            let counting = gauges.refresh(&self.0.db);
            if let Some(Err(error)) = stopping.run_until_cancelled(counting).await {
                tracing::warn!(error = ?error, "the queues cannot be counted");
            }
        }
    }

    async fn work(&self, tasks: &Tasks) {
        let stopping = &self.0.stopping;
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

    /// Lets the jobs that run come to their end, for a while, and gives back the rest.
    async fn drain(&self) {
        let running = &self.0.running;
        let (left, began) = (running.len(), Instant::now());
        running.close();
        let ended = tokio::time::timeout(self.0.config.drain, running.wait()).await;
        if ended.is_err() {
            self.0.give_back.cancel();
            running.wait().await;
        }
        let given_back = self.0.given_back.load(Ordering::SeqCst);
        let duration_ms = began.elapsed().as_millis() as u64;
        let drained = left.saturating_sub(given_back);
        tracing::info!(drained, given_back, duration_ms, "the queue is drained");
    }

    /// Frees abandoned jobs and enqueues recurring ones.
    async fn keep_house(&self) -> Result<()> {
        self.recover().await?;
        schedule::enqueue_due(&self.0.db, self.0.registry.schedules()).await
    }

    /// Claims as many jobs as may run at once and lets them run.
    async fn fill_slots(&self, tasks: &Tasks) -> Result<()> {
        for level in lease::due_levels(&self.0.db).await? {
            let slots = self.slots(&level.queue);
            let free = slots.available_permits();
            if free == 0 {
                continue;
            }
            if self.0.stopping.is_cancelled() {
                return Ok(());
            }
            for claimed in self.claim(&level, free).await? {
                // Only this loop takes slots, so there is one for each claimed job.
                let Ok(slot) = slots.clone().acquire_owned().await else {
                    continue;
                };
                let jobs = self.clone();
                let run = async move {
                    jobs.run(claimed).await;
                    jobs.free(slot);
                };
                tasks.spawn(self.0.running.track_future(run));
            }
        }
        Ok(())
    }

    /// The jobs that this process tries now.
    pub(super) fn under_way(&self) -> MutexGuard<'_, HashSet<JobId>> {
        let under_way = &self.0.under_way;
        under_way.lock().unwrap_or_else(PoisonError::into_inner)
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

    async fn claim(&self, level: &Level, limit: usize) -> Result<Vec<Claimed>> {
        let shared = &self.0;
        let kinds: Vec<&'static str> = shared.registry.kinds().collect();
        if kinds.is_empty() {
            return Ok(Vec::new());
        }
        let kinds = &kinds;
        let lease = Lease {
            owner: &shared.owner,
            lasts: shared.registry.lease(&level.queue, shared.config.lease),
        };
        let claim =
            |tx: crate::db::Tx| async move { lease::claim(&tx, level, kinds, limit, lease).await };
        shared.db.transact(claim).await
    }
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jobs")
            .field("owner", &self.0.owner)
            .finish_non_exhaustive()
    }
}
