//! How the server and its parts are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::cache::{Cache, Redis};
use crate::db::Db;
use crate::jobs;
use crate::kernel::{Error, Reason, Result, random};

/// The part without which nothing works.
const DATABASE: &str = "database";
const CACHE: &str = "cache";
const JOBS: &str = "jobs";
/// A part that takes longer than this to answer counts as down.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a look at the parts is good for. Anybody may ask, as often as they like, and a
/// look takes a connection that calls need.
const GOOD: Duration = Duration::from_millis(500);
/// Jobs that wait this long past their time have nobody who runs them.
const JOBS_LATE: Duration = Duration::from_secs(5 * 60);

/// Knows how the server is. Clones share it.
#[derive(Clone)]
pub struct Health(Arc<Shared>);

struct Shared {
    db: Db,
    cache: Cache<u64, u64>,
    redis: Option<Redis>,
    started: Instant,
    stopping: AtomicBool,
    /// The last look at the parts; whoever looks holds it, and the others wait for him.
    last: Mutex<Option<Look>>,
}

/// How the parts were at a time.
struct Look {
    at: Instant,
    parts: Vec<Component>,
}

impl Look {
    fn is_good(&self) -> bool {
        self.at.elapsed() < GOOD
    }

    fn was_down(&self, name: &str) -> bool {
        let part = self.parts.iter().find(|part| part.name == name);
        part.is_some_and(|part| !part.is_up())
    }
}

/// How one part is.
#[derive(Debug, Clone)]
pub struct Component {
    /// The part's name.
    pub name: &'static str,
    /// How long it took to answer; nothing when it did not.
    pub latency: Option<Duration>,
}

impl Component {
    /// Whether the part works.
    pub const fn is_up(&self) -> bool {
        self.latency.is_some()
    }

    /// Whether calls cannot be answered without it.
    pub fn is_vital(&self) -> bool {
        self.name == DATABASE
    }
}

impl Health {
    /// Counts the uptime from now; with `redis` the cache is there.
    pub fn new(db: Db, redis: Option<Redis>) -> Self {
        Self(Arc::new(Shared {
            db,
            cache: Cache::new("health", 16, Duration::from_secs(60)),
            redis,
            started: Instant::now(),
            stopping: AtomicBool::new(false),
            last: Mutex::new(None),
        }))
    }

    /// From now on the server is not ready: it stops.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::SeqCst);
    }

    /// How long the process has run.
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Whether calls can be taken.
    ///
    /// # Errors
    /// UNAVAILABLE while the server stops or the database does not answer.
    pub async fn ready(&self) -> Result<()> {
        if self.0.stopping.load(Ordering::SeqCst) {
            return Err(Error::new(Reason::Unavailable, "the server is stopping"));
        }
        if self.0.db.pulse().is_lost() {
            return Err(Error::new(
                Reason::Unavailable,
                "the database does not answer",
            ));
        }
        within(self.0.db.ping()).await
    }

    /// Whether the cache works: Redis answers, or without one this process keeps what it
    /// is given.
    ///
    /// # Errors
    /// UNAVAILABLE when it does not.
    pub async fn ping_cache(&self) -> Result<()> {
        if let Some(redis) = &self.0.redis {
            return within(redis.ping()).await;
        }
        let (key, value) = (0, u64::from_le_bytes(random::bytes()));
        self.0.cache.invalidate(&key);
        let load = || async move { Ok(value) };
        within(async {
            self.0.cache.get_or_load(&key, load).await?;
            Ok(())
        })
        .await
    }

    /// Every part, looked at together a moment ago at the most.
    pub async fn look(&self) -> Vec<Component> {
        let mut last = self.0.last.lock().await;
        if let Some(look) = last.as_ref().filter(|look| look.is_good()) {
            return look.parts.clone();
        }
        let was_down = |name| last.as_ref().is_some_and(|look| look.was_down(name));
        let (database, cache, jobs) = tokio::join!(
            timed(DATABASE, was_down(DATABASE), within(self.0.db.ping())),
            timed(CACHE, was_down(CACHE), self.ping_cache()),
            timed(JOBS, was_down(JOBS), within(self.jobs_run())),
        );
        let parts = vec![database, cache, jobs];
        *last = Some(Look {
            at: Instant::now(),
            parts: parts.clone(),
        });
        parts
    }

    /// Whether somebody runs the jobs that are due.
    async fn jobs_run(&self) -> Result<()> {
        let late = self.0.db.clock().now() - JOBS_LATE;
        if jobs::store::has_waited_since(&self.0.db, late).await? {
            return Err(Error::new(Reason::Unavailable, "jobs wait too long"));
        }
        Ok(())
    }
}

async fn within(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .map_err(|elapsed| Error::unavailable("a part does not answer", elapsed))?
}

/// Looks at one part, and tells when it goes and when it comes back, not with every look.
async fn timed(
    name: &'static str,
    was_down: bool,
    look: impl Future<Output = Result<()>>,
) -> Component {
    let started = Instant::now();
    let outcome = look.await;
    let latency = outcome.is_ok().then(|| started.elapsed());
    match outcome {
        Err(error) if !was_down => tracing::warn!(part = name, error = ?error, "a part is down"),
        Ok(()) if was_down => tracing::info!(part = name, "a part is back"),
        _ => {}
    }
    Component { name, latency }
}
