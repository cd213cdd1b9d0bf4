//! Opening the database and bringing its schema up to date.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use souk_migrations::Migrator;
use tokio::sync::{Mutex, Notify};

use super::clock;
use super::dialect::Dialect;
use super::doubt::Doubt;
use super::meter::{PoolState, StatementMeter, WriteMeter};
use super::observers::{Observer, Observers, Seen};
use super::outbox::NewEvent;
use super::postgres::{self, Signs};
use super::pulse::Pulse;
use super::replica::Replica;
use super::{sqlite, statements};
use crate::kernel::{Clock, Error, Result};

/// The advisory lock that processes take while they migrate ("souk" in ASCII).
const MIGRATION_LOCK: i64 = 0x736f_756b;

/// A sign of life is good for so long.
const JUST_NOW: Duration = Duration::from_millis(100);

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct DbConfig {
    /// `sqlite://path/to/file` or `postgres://user:password@host/name`.
    pub url: String,
    /// The same of a PostgreSQL that follows it, for reads that may be a little behind.
    pub replica_url: Option<String>,
    /// Connections at the most (PostgreSQL), readers at the most (SQLite).
    pub max_connections: u32,
    /// Connections kept open (PostgreSQL).
    pub min_connections: u32,
    /// How long a call waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// When an idle connection is closed.
    pub idle_timeout: Duration,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// Statements that take longer are logged, without their values.
    pub slow_statement: Option<Duration>,
}

impl DbConfig {
    /// The defaults for a URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            replica_url: None,
            max_connections: 20,
            min_connections: 5,
            acquire_timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(5),
            slow_statement: Some(Duration::from_millis(200)),
        }
    }
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

struct Shared {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    /// For signs of life: never taken by a call.
    probe: DatabaseConnection,
    answered: Mutex<Option<Instant>>,
    signs: Signs,
    replica: Option<Replica>,
    dialect: Dialect,
    statement_timeout: Duration,
    clock: Clock,
    observers: Observers,
    events: Notify,
    jobs: Notify,
    jobs_committed: Notify,
    meter: WriteMeter,
}

impl Db {
    /// Opens the database; creates the file of a SQLite database.
    ///
    /// # Errors
    /// UNAVAILABLE when it cannot be reached.
    pub async fn open(config: &DbConfig, clock: Clock) -> Result<Self> {
        let dialect = Dialect::of_url(&config.url)?;
        let signs = Signs::default();
        let slow = config.slow_statement;
        let (writer, reader, probe) = match dialect {
            Dialect::Postgres => {
                let pool = open(postgres::options(config, &signs), slow).await?;
                let probe = open(postgres::probe(config, &signs), slow).await?;
                (pool.clone(), pool, probe)
            }
            // One writer, as SQLite has it: a queue in the pool beats SQLITE_BUSY.
            Dialect::Sqlite => {
                let writer = open(sqlite::options(config, 1, false), slow).await?;
                sqlite::refuse_old(&writer).await?;
                let reader =
                    open(sqlite::options(config, config.max_connections, true), slow).await?;
                let probe = open(sqlite::options(config, 1, true), slow).await?;
                (writer, reader, probe)
            }
        };
        let replica = match &config.replica_url {
            Some(url) => Some(Replica::new(
                open(postgres::following(config, url, &signs), slow).await?,
            )),
            None => None,
        };
        let db = Self(Arc::new(Shared {
            writer,
            reader,
            probe,
            answered: Mutex::default(),
            signs,
            replica,
            dialect,
            statement_timeout: config.statement_timeout,
            clock: clock::of(dialect, &clock),
            observers: Observers::default(),
            events: Notify::new(),
            jobs: Notify::new(),
            jobs_committed: Notify::new(),
            meter: WriteMeter::default(),
        }));
        db.ask_the_time().await?;
        Ok(db)
    }

    /// Brings the schema up to date. Processes that start together take turns. Where nothing
    /// is to be done nothing but a look is taken, which needs no right to change the schema
    /// (docs/adr/0026).
    ///
    /// # Errors
    /// INTERNAL when a step fails; the schema is then as it was before that step.
    pub async fn migrate(&self) -> Result<()> {
        use sea_orm::TransactionTrait;
        use sea_orm_migration::MigratorTrait;
        let pending = Migrator::get_pending_migrations_read_only(&self.0.writer).await?;
        if pending.is_empty() {
            return Ok(());
        }
        match self.0.dialect {
            Dialect::Sqlite => Migrator::up(&self.0.writer, None).await?,
            Dialect::Postgres => {
                // The lock belongs to a transaction, so a process that dies frees it. Its
                // own connection holds it; the steps run on others.
                let lock = self.0.writer.begin().await?;
                lock.execute_unprepared("SET LOCAL idle_in_transaction_session_timeout = 0")
                    .await?;
                lock.execute_unprepared("SET LOCAL statement_timeout = 0")
                    .await?;
                lock.execute_unprepared("SET LOCAL lock_timeout = 0")
                    .await?;
                lock.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
                    .await?;
                Migrator::up(&self.0.writer, None).await?;
                lock.commit().await?;
            }
        }
        Ok(())
    }

    /// Registers, once at start, who sees events.
    pub fn set_observers(&self, observers: Vec<Observer>) {
        self.0.observers.set(observers);
    }

    /// For reads outside a write.
    pub fn read(&self) -> &DatabaseConnection {
        &self.0.reader
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// The clock that stamps changes: the database's own, where it has one and the clock
    /// that was handed in is the system's.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Woken after each commit of this process that appended events.
    pub fn events_appended(&self) -> &Notify {
        &self.0.events
    }

    /// Wakes the workers: woken after each commit of this process that enqueued jobs, and
    /// by whoever hears of others' jobs.
    pub fn jobs_enqueued(&self) -> &Notify {
        &self.0.jobs
    }

    /// Woken after each commit of this process that enqueued jobs, for whoever tells the
    /// others.
    pub fn jobs_committed(&self) -> &Notify {
        &self.0.jobs_committed
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// UNAVAILABLE when it gives none.
    pub async fn ping(&self) -> Result<()> {
        // Those who ask together get one answer.
        let mut answered = self.0.answered.lock().await;
        if answered.is_some_and(|at| at.elapsed() < JUST_NOW) {
            return Ok(());
        }
        if self.0.probe.ping().await.is_err() {
            // A connection that was cut meanwhile says nothing of the server.
            self.0.probe.ping().await?;
        }
        *answered = Some(Instant::now());
        Ok(())
    }

    /// Whether it answers, as far as is known.
    pub fn pulse(&self) -> &Pulse {
        &self.0.signs.pulse
    }

    /// How many connections each pool has open, and how many of them rest.
    pub fn pools(&self) -> Vec<PoolState> {
        match self.0.dialect {
            Dialect::Postgres => {
                let replica = self.0.replica.iter();
                let replica = replica.map(|replica| ("replica", &replica.pool));
                let state = |(name, pool): (_, &DatabaseConnection)| {
                    let pool = pool.get_postgres_connection_pool();
                    PoolState::new(name, pool.size(), pool.num_idle())
                };
                let primary = std::iter::once(("all", &self.0.reader));
                primary.chain(replica).map(state).collect()
            }
            Dialect::Sqlite => {
                let named = [("read", &self.0.reader), ("write", &self.0.writer)];
                let state = |(name, pool): (_, &DatabaseConnection)| {
                    let pool = pool.get_sqlite_connection_pool();
                    PoolState::new(name, pool.size(), pool.num_idle())
                };
                named.into_iter().map(state).collect()
            }
        }
    }

    /// Closes every connection.
    pub async fn close(&self) {
        let replica = self.0.replica.iter().map(|replica| &replica.pool);
        // SQLite takes its log into the file when the last connection goes, if that may write.
        let own = [&self.0.reader, &self.0.probe, &self.0.writer];
        for pool in own.into_iter().chain(replica) {
            if let Err(error) = pool.clone().close().await {
                tracing::warn!(%error, "a database connection did not close cleanly");
            }
        }
    }

    /// Shows an event of the log to the observers, unless they saw it at its commit.
    pub fn observe_logged(&self, event: Seen<'_>) {
        self.0.observers.logged(event);
    }

    /// How long one statement may run where nobody says less.
    pub(super) fn statement_timeout(&self) -> Duration {
        self.0.statement_timeout
    }

    pub(super) fn doubt(&self) -> &Doubt {
        &self.0.signs.doubt
    }

    pub(super) fn replica(&self) -> Option<&Replica> {
        self.0.replica.as_ref()
    }

    pub(super) fn writer(&self) -> &DatabaseConnection {
        &self.0.writer
    }

    pub(super) fn meter(&self) -> &WriteMeter {
        &self.0.meter
    }

    pub(super) fn committed(&self, events: &[NewEvent], jobs: usize) {
        self.0.meter.appended(events.len());
        if !events.is_empty() {
            for event in events {
                self.0.observers.committed(event);
            }
            self.0.events.notify_waiters();
            self.0.events.notify_one();
        }
        if jobs > 0 {
            self.0.jobs.notify_one();
            self.0.jobs_committed.notify_one();
        }
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("dialect", &self.0.dialect)
            .finish_non_exhaustive()
    }
}

async fn open(options: ConnectOptions, slow: Option<Duration>) -> Result<DatabaseConnection> {
    let mut pool = Database::connect(options)
        .await
        .map_err(|error| Error::unavailable("the database cannot be reached", error))?;
    let meter = StatementMeter::new(slow);
    pool.set_metric_callback(move |info| {
        statements::add();
        meter.ran(&info.statement.sql, info.elapsed);
    });
    Ok(pool)
}
