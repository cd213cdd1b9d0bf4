//! The one write path: begin, claim the idempotency key, do the work, append events and
//! jobs, record the answer, commit, wake those who listen.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryFutureExt;
use prost::Message;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
use tracing::Instrument;

use super::audit;
use super::connect::Db;
use super::dialect::Dialect;
use super::errors::is_retryable;
use super::idempotency::{self, Answer, Claim};
use super::outbox::{self, NewEvent, NewJob};
use crate::kernel::id::JobId;
use crate::kernel::task::to_the_end;
use crate::kernel::{Call, Error, Result, Time, random, trace};

/// How often a transaction that lost a deadlock runs again.
const ATTEMPTS: u32 = 6;

/// An open transaction. Dropped, it is rolled back; only [`Db::write`] and
/// [`Db::transact`] commit.
pub struct Tx(Arc<Open>);

struct Open {
    connection: DatabaseTransaction,
    dialect: Dialect,
    now: Time,
    left: Mutex<Left>,
}

/// What the change leaves behind; written just before the commit.
#[derive(Default)]
struct Left {
    events: Vec<NewEvent>,
    jobs: Vec<(JobId, NewJob)>,
}

impl Tx {
    /// The connection, for the queries of a `store`.
    pub fn conn(&self) -> &DatabaseTransaction {
        &self.0.connection
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// The instant of the change: one for the whole transaction.
    pub fn now(&self) -> Time {
        self.0.now
    }

    /// Appends an event, in the order of the calls.
    pub fn emit(&self, event: NewEvent) {
        self.left().events.push(event);
    }

    /// Enqueues a job and gives its id. With a `dedupe_key` that is taken, the job is
    /// not added in the end.
    pub fn enqueue(&self, job: NewJob) -> JobId {
        let id = JobId::new(self.now());
        self.left().jobs.push((id, job));
        id
    }

    /// Waits until no other transaction holds the same key, and holds it until the end:
    /// for rules over several rows, of which none may exist yet. SQLite's one writer
    /// needs no such turn.
    ///
    /// # Errors
    /// CONFLICT when the turn does not come in time.
    pub async fn take_turns(&self, key: &str) -> Result<()> {
        if self.dialect() == Dialect::Postgres {
            let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
            let statement = self.dialect().statement(sql, [key.into()]);
            self.conn().execute_raw(statement).await?;
        }
        Ok(())
    }

    /// Takes the turn of a key when no other transaction has it, and holds it until the end;
    /// says whether it did. SQLite's one writer always does.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn try_turn(&self, key: &str) -> Result<bool> {
        if self.dialect() == Dialect::Sqlite {
            return Ok(true);
        }
        let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS won";
        let statement = self.dialect().statement(sql, [key.into()]);
        let row = self.conn().query_one_raw(statement).await?;
        let row = row.ok_or_else(|| Error::internal("a lock without an answer"))?;
        Ok(row.try_get("", "won")?)
    }

    /// Leaves the entry of the audit log that [`Db::write`] leaves by itself: for changes
    /// that cannot be recorded as answers, because those hold tokens.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn audit(&self, call: &Call) -> Result<()> {
        audit::record(self, call).await
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Left> {
        self.0.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Db {
    /// Runs a mutating call: exactly once per idempotency key, all or nothing. What an
    /// administrator changes so leaves an entry in the audit log.
    ///
    /// `work` may run several times (deadlocks are retried), so it must do nothing but
    /// work on its transaction.
    ///
    /// # Errors
    /// What `work` refuses, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_PROGRESS, and
    /// CONFLICT when the deadlocks do not end.
    pub async fn write<T, F, Fut>(&self, call: &Call, work: F) -> Result<Answer<T>>
    where
        T: Message + Default,
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let work = &work;
        let exactly_once = move |tx: Tx| async move {
            let Some(wish) = &call.idempotency else {
                let value = work(Tx(tx.0.clone())).await?;
                audit::record(&tx, call).await?;
                return Ok(Answer::fresh(value));
            };
            match idempotency::claim(&tx, call, wish).await? {
                Claim::Recorded(bytes) => {
                    let value = T::decode(bytes.as_slice()).map_err(Error::internal)?;
                    Ok(Answer {
                        value,
                        replayed: true,
                    })
                }
                Claim::Mine => {
                    let value = work(Tx(tx.0.clone())).await?;
                    audit::record(&tx, call).await?;
                    idempotency::record(&tx, call, wish, &value).await?;
                    Ok(Answer::fresh(value))
                }
            }
        };
        self.repeat(call.deadline, exactly_once).await
    }

    /// Runs a transaction without an idempotency key, for what must commit even when the
    /// answer is a refusal, and for jobs.
    ///
    /// # Errors
    /// What `work` refuses, and CONFLICT when the deadlocks do not end.
    pub async fn transact<T, F, Fut>(&self, work: F) -> Result<T>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        self.repeat(None, work).await
    }

    /// Runs a transaction again while it loses deadlocks.
    async fn repeat<T, F, Fut>(&self, deadline: Option<Instant>, work: F) -> Result<T>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        // Nothing but a look at a flag where traces are off.
        let span = tracing::trace_span!(target: trace::SPANS, "db.write");
        self.attempts(deadline, work).instrument(span).await
    }

    async fn attempts<T, F, Fut>(&self, deadline: Option<Instant>, work: F) -> Result<T>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let mut attempt = 1;
        loop {
            match self.attempt(deadline, &work).await {
                Err(error) if attempt < ATTEMPTS && is_retryable(&error) => {
                    self.meter().again();
                    tracing::debug!(attempt, error = ?error, "transaction runs again");
                    let jitter = u64::from(random::below(10 * attempt));
                    tokio::time::sleep(Duration::from_millis(jitter)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt<T, F, Fut>(&self, deadline: Option<Instant>, work: &F) -> Result<T>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let asked = Instant::now();
        let connection = self.begin().await?;
        self.meter().begun(asked.elapsed());
        let tx = Tx(Arc::new(Open {
            connection,
            dialect: self.dialect(),
            now: self.clock().now(),
            left: Mutex::default(),
        }));
        if let Some(deadline) = deadline {
            self.bound(&tx, deadline).await?;
        }
        let value = work(Tx(tx.0.clone())).await?;
        let left = std::mem::take(&mut *tx.left());
        outbox::append_events(&tx, &left.events).await?;
        outbox::append_jobs(&tx, &left.jobs).await?;
        let open =
            Arc::into_inner(tx.0).ok_or_else(|| Error::internal("a transaction was kept"))?;
        self.in_time(open.connection.commit().err_into()).await?;
        self.committed(&left.events, left.jobs.len());
        Ok(value)
    }

    /// Passes on a deadline that comes before the pool's own bound of a statement, so that
    /// the database does not work on for nobody. The others cost nothing. SQLite runs in
    /// this process and waits for no other.
    async fn bound(&self, tx: &Tx, deadline: Instant) -> Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if self.dialect() == Dialect::Sqlite || left >= self.statement_timeout() {
            return Ok(());
        }
        // Zero would mean no bound at all.
        let millis = Ord::max(left.as_millis(), 1);
        let sql = format!("SET LOCAL statement_timeout = {millis}");
        tx.conn().execute_unprepared(&sql).await?;
        Ok(())
    }

    /// Begins to its end, also when the caller goes away meanwhile. Otherwise a connection
    /// whose BEGIN was on its way goes back to the pool as if it were idle, and its
    /// transaction stays open: the driver does not know of it yet.
    async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let db = self.clone();
        let begun = to_the_end(async move {
            let begin = db.writer().begin_with_options(options);
            db.in_time(begin.err_into()).await
        });
        begun.await?
    }
}
