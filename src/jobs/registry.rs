//! Which code does which kind of job, and what recurs.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::store::lease::{self, Verdict};
use crate::db::Tx;
use crate::kernel::id::JobId;
use crate::kernel::{Error, Reason, Result};

/// One try at a job.
#[derive(Debug, Clone)]
pub struct Run {
    /// The job: the same in every try, so it can serve as an idempotency key outside.
    pub id: JobId,
    /// Which try this is, from 1.
    pub attempt: i32,
    /// JSON, as it was enqueued.
    pub payload: String,
    /// Fires when the process begins to stop. A long handler may then end with an error;
    /// one that goes on is cut short after a while, and the job begins anew elsewhere.
    pub stopping: CancellationToken,
    pub(super) order_key: Option<String>,
    /// Whether [`Run::complete`] went through, in a transaction that may still fail.
    pub(super) completed: Arc<AtomicBool>,
}

impl Run {
    /// Refuses a transaction of a worker that has lost the job meanwhile. A handler calls
    /// this in the transaction of its effect, so that a late worker leaves none. A worker
    /// that dies right after that transaction repeats it all the same; see
    /// [`Run::complete`].
    ///
    /// # Errors
    /// CONFLICT when the job belongs to another try by now.
    pub async fn fence(&self, tx: &Tx) -> Result<()> {
        if lease::holds(tx, self.id, self.attempt).await? {
            return Ok(());
        }
        Err(taken_over())
    }

    /// Ends the job in the transaction of its effect: both happen, once, or neither. For
    /// handlers whose effect is in the database; nothing may be left to do afterwards.
    ///
    /// # Errors
    /// CONFLICT when the job belongs to another try by now.
    pub async fn complete(&self, tx: &Tx) -> Result<()> {
        let key = self.order_key.as_deref();
        if lease::finish(tx, self.id, self.attempt, key, &Verdict::Done).await? {
            self.completed.store(true, Ordering::SeqCst);
            return Ok(());
        }
        Err(taken_over())
    }
}

fn taken_over() -> Error {
    Error::new(Reason::Conflict, "another worker has taken this job over")
}

pub(super) type Handler = Arc<dyn Fn(Run) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// A job that recurs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    pub(super) name: &'static str,
    pub(super) period: Duration,
    pub(super) queue: &'static str,
    pub(super) kind: &'static str,
}

/// The kinds of jobs that this process can do.
#[derive(Clone, Default)]
pub struct Registry {
    handlers: HashMap<&'static str, Handler>,
    schedules: Vec<Schedule>,
    leases: HashMap<&'static str, Duration>,
}

impl Registry {
    /// Knows no kind.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the code of a kind.
    ///
    /// # Panics
    /// At start-up, when the kind has code already.
    #[must_use]
    pub fn register<F, Fut>(mut self, kind: &'static str, handler: F) -> Self
    where
        F: Fn(Run) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |run| Box::pin(handler(run)));
        let before = self.handlers.insert(kind, handler);
        assert!(before.is_none(), "the job kind {kind} is registered twice");
        self
    }

    /// Makes a kind recur: each `period`, one process of all enqueues a job with the
    /// payload `{}`, unless the one before is still waiting or running. Periods that
    /// pass while no process runs are not made up for.
    ///
    /// # Panics
    /// At start-up, when the kind has no code or the name is taken.
    #[must_use]
    pub fn every(
        mut self,
        name: &'static str,
        period: Duration,
        queue: &'static str,
        kind: &'static str,
    ) -> Self {
        assert!(
            self.handlers.contains_key(kind),
            "the schedule {name} names the unknown job kind {kind}"
        );
        assert!(
            self.schedules.iter().all(|other| other.name != name),
            "the schedule {name} is registered twice"
        );
        self.schedules.push(Schedule {
            name,
            period,
            queue,
            kind,
        });
        self
    }

    /// Leases the jobs of a queue for no longer than this. For those that are done in a
    /// moment, may run twice at once, and must not wait long where their worker has died.
    #[must_use]
    pub fn leased(mut self, queue: &'static str, lease: Duration) -> Self {
        self.leases.insert(queue, lease);
        self
    }

    /// How long jobs of a queue are leased, where `usual` is the longest.
    pub(super) fn lease(&self, queue: &str, usual: Duration) -> Duration {
        self.leases.get(queue).map_or(usual, |own| usual.min(*own))
    }

    pub(super) fn handler(&self, kind: &str) -> Option<Handler> {
        self.handlers.get(kind).cloned()
    }

    pub(super) fn kinds(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.handlers.keys().copied()
    }

    pub(super) fn schedules(&self) -> &[Schedule] {
        &self.schedules
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("kinds", &self.handlers.keys())
            .field("schedules", &self.schedules)
            .finish()
    }
}
