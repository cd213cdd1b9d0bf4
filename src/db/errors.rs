//! What a database error means to a caller. The database's own text never leaves: it
//! stays as the hidden source.

use std::error::Error as StdError;
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr};

use super::meter;
use crate::kernel::{Error, Reason};

/// PostgreSQL: deadlock, serialization failure. SQLite: busy, busy snapshot, locked.
const RETRYABLE: [&str; 6] = ["40P01", "40001", "5", "517", "6", "261"];
/// PostgreSQL: a lock was not free in time.
const LOCK_TIMEOUT: &str = "55P03";
/// PostgreSQL: the statement ran too long.
const STATEMENT_TIMEOUT: &str = "57014";
/// PostgreSQL: text that it cannot hold, such as U+0000.
const BAD_TEXT: &str = "22021";
/// Disk full; PostgreSQL: out of memory or connections, shutting down, starting up.
/// SQLite: full, I/O error, read-only, cannot open.
const AWAY: [&str; 9] = [
    "53100", "53200", "53300", "57P01", "57P03", "13", "10", "8", "14",
];

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_acquire_timeout(&error) {
            meter::not_acquired();
        }
        if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
            || is_connection_error(&error)
        {
            return Self::unavailable("the database is not available", error);
        }
        let busy = || {
            Self::new(
                Reason::Conflict,
                "a concurrent change got in the way, try again",
            )
            .retry_after(Duration::from_millis(100))
        };
        match code(&error).as_deref() {
            Some(code) if RETRYABLE.contains(&code) || code == LOCK_TIMEOUT => {
                busy().caused_by(error)
            }
            Some(STATEMENT_TIMEOUT) => {
                Self::new(Reason::DeadlineExceeded, "the call took too long").caused_by(error)
            }
            Some(BAD_TEXT) => Self::new(
                Reason::ValidationError,
                "text must not contain the character U+0000",
            )
            .caused_by(error),
            Some(code) if AWAY.contains(&code) => {
                Self::unavailable("the database is not available", error)
            }
            _ => Self::internal(error),
        }
    }
}

/// Whether the same transaction may succeed when it runs again from its beginning.
pub(super) fn is_retryable(error: &Error) -> bool {
    let source = StdError::source(error).and_then(|source| source.downcast_ref::<DbErr>());
    let again = source.is_some_and(|source| matches!(source, DbErr::RecordNotInserted));
    let code = source.and_then(code);
    again || code.is_some_and(|code| RETRYABLE.contains(&code.as_str()))
}

/// Whether a lock was not free in time.
pub(super) fn is_lock_timeout(error: &DbErr) -> bool {
    code(error).as_deref() == Some(LOCK_TIMEOUT)
}

/// The name of the unique constraint that the change broke (PostgreSQL), or its table and
/// columns, `users.phone` (SQLite).
pub fn unique_violation(error: &DbErr) -> Option<String> {
    let database = database_error(error)?;
    database.is_unique_violation().then(|| {
        let named = database.constraint().map(str::to_owned);
        named.unwrap_or_else(|| database.message().to_owned())
    })
}

/// Whether no connection of the pool was free in time.
fn is_acquire_timeout(error: &DbErr) -> bool {
    matches!(error, DbErr::ConnectionAcquire(_))
        || matches!(sqlx_error(error), Some(sqlx::Error::PoolTimedOut))
}

/// Whether the change broke a CHECK constraint.
pub fn is_check_violation(error: &DbErr) -> bool {
    database_error(error).is_some_and(|database| database.is_check_violation())
}

/// Whether the change named a record that is not there, or removed one that others name.
pub fn is_foreign_key_violation(error: &DbErr) -> bool {
    database_error(error).is_some_and(|database| database.is_foreign_key_violation())
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error))
        | DbErr::Conn(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

fn database_error(error: &DbErr) -> Option<&dyn sqlx::error::DatabaseError> {
    sqlx_error(error)?.as_database_error()
}

fn code(error: &DbErr) -> Option<String> {
    database_error(error)?.code().map(|code| code.into_owned())
}

fn is_connection_error(error: &DbErr) -> bool {
    matches!(
        sqlx_error(error),
        Some(
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        )
    )
}
