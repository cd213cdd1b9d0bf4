//! Operations: what runs, how it is, and its background work.
//!
//! Holds: readiness says no more than whether calls can be taken (the database answers,
//! the server is not stopping); health tells of every part, and answers also when one
//! is down. Metrics are counted where things happen; here they are told. The audit log is
//! written by the write path (`db`); here it is read.

mod convert;
mod entity;
mod grpc;
mod health;
mod store;

use std::sync::Arc;

pub use health::{Component, Health};

use crate::db::{Db, NewJob, Tx};
use crate::jobs::{self, Job, QueueCounts, Registry};
use crate::kernel::page::{Page, PageRequest};
use crate::kernel::seal::Sealer;
use crate::kernel::{Error, Result};

/// The queue of jobs that look after souk itself.
const QUEUE: &str = "maintenance";
/// The job that writes a message to the log.
const TEST: &str = "ops.test";

/// Tells the metrics, in the text format of Prometheus.
pub type Exposition = Arc<dyn Fn() -> String + Send + Sync>;

/// The service of operations. Clones share it.
#[derive(Clone)]
pub struct Ops(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    health: Health,
    metrics: Option<Exposition>,
    environment: &'static str,
}

impl Ops {
    /// The service; `sealer` makes its page tokens, `metrics` is left out where nothing is
    /// counted, `environment` is what it tells of where it runs.
    pub fn new(
        db: Db,
        sealer: Sealer,
        health: Health,
        metrics: Option<Exposition>,
        environment: &'static str,
    ) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            health,
            metrics,
            environment,
        }))
    }

    /// A page of the queues, by name. There are few, so they are counted all at once.
    async fn queues(&self, page: &PageRequest) -> Result<Page<QueueCounts>> {
        let queues = jobs::store::queues(&self.0.db).await?;
        let total = page.is_numbered().then_some(queues.len() as u64);
        let last = page.cursor().map(String::from_utf8_lossy);
        let rest = queues.into_iter().filter(|queue| {
            last.as_deref()
                .is_none_or(|last| queue.name.as_str() > last)
        });
        let skipped = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let one_more = usize::try_from(page.limit + 1).unwrap_or(usize::MAX);
        let rows = rest.skip(skipped).take(one_more).collect();
        Ok(page.finish(rows, total, |last| last.name.clone().into_bytes()))
    }

    /// Adds the code of this service's jobs.
    #[must_use]
    pub fn register(registry: Registry) -> Registry {
        registry.register(TEST, |run| async move {
            tracing::info!(job.id = %run.id, text = run.payload, "test job");
            Ok(())
        })
    }
}

/// Enqueues a job that writes `message` to the log.
fn enqueue_test(tx: &Tx, message: &str) -> Result<Job> {
    let payload = serde_json::to_string(message).map_err(Error::internal)?;
    let new = NewJob::new(QUEUE, TEST, payload);
    let id = tx.enqueue(new.clone());
    Ok(Job::waiting(id, &new, tx.now()))
}
