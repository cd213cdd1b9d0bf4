//! Exactly once: the key, the effect and the recorded answer commit together.
//!
//! The key row is inserted first. A twin in flight waits on its unique index: on SQLite
//! for the one writer, on PostgreSQL for the row, until the lock timeout. Refusals are
//! not recorded, because a refused transaction leaves no key behind.

use std::time::Duration;

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr};

use super::connect::Db;
use super::errors::is_lock_timeout;
use super::tx::Tx;
use crate::kernel::caller::Idempotency;
use crate::kernel::{Call, Error, Reason, Result};

/// How long a recorded answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The answer of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The response message.
    pub value: T,
    /// Whether it was recorded by an earlier call with the same key.
    pub replayed: bool,
}

impl<T> Answer<T> {
    /// An answer made now.
    pub const fn fresh(value: T) -> Self {
        Self {
            value,
            replayed: false,
        }
    }
}

/// What claiming a key gave.
pub(super) enum Claim {
    /// The work must be done, and its answer recorded.
    Mine,
    /// The work was done before; this was its answer.
    Recorded(Vec<u8>),
}

/// Whose keys these are. Guests share one scope: their keys are random, and the same
/// key with another request is refused.
fn scope(call: &Call) -> String {
    call.caller.to_string()
}

pub(super) async fn claim(tx: &Tx, call: &Call, wish: &Idempotency) -> Result<Claim> {
    // The second round follows the removal of an expired record.
    for _ in 0..2 {
        if insert(tx, call, wish).await? {
            return Ok(Claim::Mine);
        }
        if let Some(recorded) = find(tx, call, wish).await? {
            return Ok(Claim::Recorded(recorded));
        }
    }
    Err(in_progress())
}

async fn insert(tx: &Tx, call: &Call, wish: &Idempotency) -> Result<bool> {
    let sql = "INSERT INTO idempotency_keys (scope, method, key, request_hash, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let values = [
        scope(call).into(),
        call.method.into(),
        wish.key.clone().into(),
        wish.request_hash.to_vec().into(),
        tx.now().micros().into(),
        (tx.now() + KEPT).micros().into(),
    ];
    match tx
        .conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await
    {
        Ok(done) => Ok(done.rows_affected() == 1),
        Err(error) if is_lock_timeout(&error) => Err(in_progress().caused_by(error)),
        Err(error) => Err(error.into()),
    }
}

/// The recorded answer; nothing when the record had expired and was removed.
async fn find(tx: &Tx, call: &Call, wish: &Idempotency) -> Result<Option<Vec<u8>>> {
    let key = || {
        [
            scope(call).into(),
            call.method.into(),
            wish.key.clone().into(),
        ]
    };
    let sql = "SELECT request_hash, answer, expires_at FROM idempotency_keys \
               WHERE scope = $1 AND method = $2 AND key = $3";
    let Some(row) = tx
        .conn()
        .query_one_raw(tx.dialect().statement(sql, key()))
        .await?
    else {
        return Ok(None);
    };
    if row.try_get::<i64>("", "expires_at")? <= tx.now().micros() {
        let sql = "DELETE FROM idempotency_keys WHERE scope = $1 AND method = $2 AND key = $3";
        tx.conn()
            .execute_raw(tx.dialect().statement(sql, key()))
            .await?;
        return Ok(None);
    }
    if row.try_get::<Vec<u8>>("", "request_hash")? != wish.request_hash {
        return Err(Error::new(
            Reason::IdempotencyKeyReused,
            "this Idempotency-Key was used with another request",
        ));
    }
    row.try_get::<Option<Vec<u8>>>("", "answer")?
        .map(Some)
        .ok_or_else(|| {
            // Key and answer commit together, so a committed key always has one.
            Error::internal(DbErr::Custom("an idempotency key has no answer".to_owned()))
        })
}

pub(super) async fn record(
    tx: &Tx,
    call: &Call,
    wish: &Idempotency,
    answer: &impl Message,
) -> Result<()> {
    let sql =
        "UPDATE idempotency_keys SET answer = $4 WHERE scope = $1 AND method = $2 AND key = $3";
    let values = [
        scope(call).into(),
        call.method.into(),
        wish.key.clone().into(),
        answer.encode_to_vec().into(),
    ];
    tx.conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(())
}

/// Records that one statement removes, so that none is long.
const PURGE_BATCH: u64 = 5_000;

impl Db {
    /// Forgets the recorded answers that have expired, and says how many.
    ///
    /// # Errors
    /// UNAVAILABLE when the database is away.
    pub async fn purge_idempotency_keys(&self) -> Result<u64> {
        let mut total = 0;
        loop {
            let purged = self.transact(|tx| async move { purge(&tx).await }).await?;
            total += purged;
            if purged < PURGE_BATCH {
                return Ok(total);
            }
        }
    }
}

async fn purge(tx: &Tx) -> Result<u64> {
    let sql = "DELETE FROM idempotency_keys WHERE (scope, method, key) IN \
               (SELECT scope, method, key FROM idempotency_keys \
               WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    let values = [tx.now().micros().into(), (PURGE_BATCH as i64).into()];
    let done = tx
        .conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(done.rows_affected())
}

fn in_progress() -> Error {
    Error::new(
        Reason::IdempotencyInProgress,
        "a call with this Idempotency-Key is still running",
    )
    .retry_after(Duration::from_secs(1))
}
