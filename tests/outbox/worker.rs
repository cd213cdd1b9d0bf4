//! The other role of this program: a worker process.

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use souk::db::{Db, DbConfig, Tx};
use souk::jobs::{Jobs, JobsConfig, Registry, Run};
use souk::kernel::task::Tasks;
use souk::kernel::{Clock, Error, Reason, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::rig::setting;

pub const QUEUE: &str = "outbox";
pub const DELIVER: &str = "outbox.deliver";
pub const TICK: &str = "outbox.tick";
/// Messages that one worker delivers at once.
pub const CONCURRENCY: usize = 8;
/// Tries of a message.
pub const ATTEMPTS: i32 = 10;
/// How long a claim outlives its worker.
pub const LEASE: Duration = Duration::from_secs(3);
/// The pause after a first failure, and the longest one.
pub const BACKOFF: Duration = Duration::from_millis(100);
pub const BACKOFF_MOST: Duration = Duration::from_secs(2);
/// How often the scheduled job runs.
pub const PERIOD: Duration = Duration::from_secs(1);

#[derive(Clone)]
struct Worker {
    db: Db,
    http: reqwest::Client,
    sink: String,
    name: String,
}

/// Works until SIGTERM, then drains.
pub async fn work() {
    let _subscriber = tracing_subscriber::fmt()
        .with_env_filter("info,sea_orm_migration=warn")
        .with_ansi(false)
        .try_init();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let config = DbConfig {
        max_connections: 6,
        min_connections: 1,
        ..DbConfig::new(setting("OUTBOX_DATABASE", String::new()))
    };
    let clock = Clock::wrong_by(setting("OUTBOX_WRONG_BY", 0));
    let db = Db::open(&config, clock).await.unwrap();
    let worker = Worker {
        db: db.clone(),
        http: reqwest::Client::new(),
        sink: setting("OUTBOX_SINK", String::new()),
        name: setting("OUTBOX_NAME", String::new()),
    };
    let (deliver, tick) = (worker.clone(), worker);
    let registry = Registry::new()
        .register(DELIVER, move |run| detached(deliver.clone().deliver(run)))
        .register(TICK, move |run| tick.clone().tick(run))
        .every(TICK, PERIOD, "ticks", TICK);
    let config = JobsConfig {
        poll: Duration::from_millis(100),
        lease: LEASE,
        backoff: BACKOFF,
        max_backoff: BACKOFF_MOST,
        queues: HashMap::from([(QUEUE.to_owned(), CONCURRENCY)]),
        ..JobsConfig::default()
    };
    let tasks = Tasks::default();
    db.keep_time(&tasks);
    Jobs::start(db.clone(), registry, &tasks, config);
    terminate.recv().await;
    let cleanly = tasks.stop(Duration::from_secs(20)).await;
    db.close().await;
    assert!(cleanly, "not everything ended in time");
}

/// Goes on when nobody waits for it any more, as work on a thread of its own would: a
/// worker that has lost its job cannot call it back.
#[expect(
    clippy::disallowed_methods,
    reason = "what outlives its worker is the point"
)]
async fn detached(work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    tokio::spawn(work).await.map_err(Error::internal)?
}

impl Worker {
    /// Posts the message under the job's id, then writes down that it did and ends the job
    /// in one transaction, unless the job has gone to somebody else meanwhile.
    async fn deliver(self, run: Run) -> Result<()> {
        let answer = self
            .http
            .post(&self.sink)
            .header("idempotency-key", run.id.to_string())
            .header("x-attempt", run.attempt)
            .header("x-worker", &self.name)
            .body(run.payload.clone())
            .send()
            .await
            .map_err(|error| Error::unavailable("the sink does not answer", error))?;
        let status = answer.status();
        if !status.is_success() {
            let told = format!("the sink answered {}", status.as_u16());
            return Err(Error::new(Reason::Unavailable, told));
        }
        self.leave(&run, "outbox_effects").await
    }

    async fn tick(self, run: Run) -> Result<()> {
        self.leave(&run, "outbox_ticks").await
    }

    async fn leave(&self, run: &Run, table: &str) -> Result<()> {
        let effect = self
            .db
            .transact(|tx| async move {
                self.insert(&tx, run, table).await?;
                run.complete(&tx).await
            })
            .await;
        if let Err(error) = &effect
            && error.to_string().contains("has taken this job over")
        {
            let refuse = |tx| async move { self.insert(&tx, run, "outbox_refused").await };
            self.db.transact(refuse).await?;
        }
        effect
    }

    async fn insert(&self, tx: &Tx, run: &Run, table: &str) -> Result<()> {
        let sql = format!("INSERT INTO {table} (job_id, attempt, worker) VALUES ($1, $2, $3)");
        let values = [
            run.id.uuid().into(),
            run.attempt.into(),
            self.name.as_str().into(),
        ];
        let statement = tx.dialect().statement(sql, values);
        tx.conn().execute_raw(statement).await?;
        Ok(())
    }
}
