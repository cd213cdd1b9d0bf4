//! Exactly once: the key, the effect and the recorded answer commit together.
//!
//! The key row is inserted first. A twin in flight waits on its unique index: on SQLite
//! for the one writer, on PostgreSQL for the row, until the lock timeout. Refusals are
//! not recorded, because a refused transaction leaves no key behind.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message;
use sea_orm::{ConnectionTrait, DbErr, Value};
use serde_json::json;

use super::connect::Db;
use super::dialect::{Dialect, Kind};
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
        return Err(reused());
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

impl Tx {
    /// What was answered before to calls of one method that carry a key. For calls that are
    /// answered together: they must take turns on something that this transaction holds
    /// already, so that of two with one key the later one finds what the earlier one was
    /// answered. No two of them may have the same key.
    ///
    /// # Errors
    /// Those of the database; IDEMPOTENCY_KEY_REUSED is the answer of one call.
    pub async fn recorded<T: Message + Default>(
        &self,
        calls: &[&Call],
    ) -> Result<Vec<Option<Result<Answer<T>>>>> {
        let Some(method) = calls.iter().find(|call| call.idempotency.is_some()) else {
            return Ok(calls.iter().map(|_| None).collect());
        };
        let wished = calls.iter().filter_map(|call| {
            let wish = call.idempotency.as_ref()?;
            Some(json!([scope(call), wish.key]))
        });
        let sql = format!(
            "SELECT kept.scope, kept.key, kept.request_hash, kept.answer FROM {} AS want \
             JOIN idempotency_keys kept ON kept.scope = want.scope AND kept.key = want.key \
             WHERE kept.method = $2 AND kept.expires_at > $3",
            self.dialect()
                .table(&[("scope", Kind::Text), ("key", Kind::Text)], 1),
        );
        let values = [
            Dialect::rows(wished),
            method.method.into(),
            self.now().micros().into(),
        ];
        let rows = self
            .conn()
            .query_all_raw(self.dialect().statement(sql, values))
            .await?;
        let mut kept = HashMap::with_capacity(rows.len());
        for row in &rows {
            let whose: (String, String) = (row.try_get("", "scope")?, row.try_get("", "key")?);
            let hash: Vec<u8> = row.try_get("", "request_hash")?;
            kept.insert(whose, (hash, row.try_get::<Vec<u8>>("", "answer")?));
        }
        let answers = calls.iter().map(|call| {
            let wish = call.idempotency.as_ref()?;
            let (hash, answer) = kept.get(&(scope(call), wish.key.clone()))?;
            if *hash != wish.request_hash {
                return Some(Err(reused()));
            }
            let replay = |value| Answer {
                value,
                replayed: true,
            };
            let value = T::decode(answer.as_slice()).map_err(Error::internal);
            Some(value.map(replay))
        });
        Ok(answers.collect())
    }

    /// Records what calls are answered together; those without a key leave nothing.
    ///
    /// # Errors
    /// Those of the database. When somebody else uses one of the keys just now, the
    /// transaction runs again.
    pub async fn record<T: Message>(&self, answered: &[(&Call, &T)]) -> Result<()> {
        let with_key = answered.iter().filter_map(|(call, answer)| {
            let wish = call.idempotency.as_ref()?;
            Some((scope(call), *call, wish, answer.encode_to_vec()))
        });
        let mut rows: Vec<_> = with_key.collect();
        if rows.is_empty() {
            return Ok(());
        }
        // In one order everywhere, so that nobody waits in a circle.
        rows.sort_by(|one, other| (&one.0, &one.2.key).cmp(&(&other.0, &other.2.key)));
        let (count, mut values) = (rows.len(), Vec::<Value>::with_capacity(rows.len() * 7));
        for (scope, call, wish, answer) in rows {
            values.extend([
                scope.into(),
                call.method.into(),
                wish.key.clone().into(),
                wish.request_hash.to_vec().into(),
                answer.into(),
                self.now().micros().into(),
                (self.now() + KEPT).micros().into(),
            ]);
        }
        let places: Vec<String> = (0..count)
            .map(|row| format!("({})", Dialect::placeholders(row * 7 + 1, 7)))
            .collect();
        let sql = format!(
            "INSERT INTO idempotency_keys \
             (scope, method, key, request_hash, answer, created_at, expires_at) VALUES {} \
             ON CONFLICT (scope, method, key) DO UPDATE SET request_hash = excluded.request_hash, \
             answer = excluded.answer, created_at = excluded.created_at, \
             expires_at = excluded.expires_at \
             WHERE idempotency_keys.expires_at <= excluded.created_at",
            places.join(", ")
        );
        let statement = self.dialect().statement(sql, values);
        let done = self.conn().execute_raw(statement).await?;
        match done.rows_affected() == count as u64 {
            true => Ok(()),
            false => Err(in_progress().caused_by(DbErr::RecordNotInserted)),
        }
    }
}

impl Db {
    /// Forgets the recorded answers that have expired, and says how many.
    ///
    /// # Errors
    /// UNAVAILABLE when the database is away.
    pub async fn purge_idempotency_keys(&self) -> Result<u64> {
        self.in_batches(|tx, limit| async move { purge(&tx, limit).await })
            .await
    }
}

async fn purge(tx: &Tx, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM idempotency_keys WHERE (scope, method, key) IN \
               (SELECT scope, method, key FROM idempotency_keys \
               WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    let values = [tx.now().micros().into(), limit.into()];
    let done = tx
        .conn()
        .execute_raw(tx.dialect().statement(sql, values))
        .await?;
    Ok(done.rows_affected())
}

fn reused() -> Error {
    Error::new(
        Reason::IdempotencyKeyReused,
        "this Idempotency-Key was used with another request",
    )
}

fn in_progress() -> Error {
    Error::new(
        Reason::IdempotencyInProgress,
        "a call with this Idempotency-Key is still running",
    )
    .retry_after(Duration::from_secs(1))
}
