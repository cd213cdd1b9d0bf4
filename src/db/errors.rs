//! What a database error means to a caller. The database's own text never leaves: it
//! stays as the hidden source.

use std::error::Error as StdError;
use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr};
use sqlx::sqlite::SqliteError;

use super::meter;
use crate::kernel::{Error, Reason};

/// What is told apart of the refusals of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The same transaction may succeed when it runs again.
    Retryable,
    /// A lock was not free in time.
    Locked,
    /// The statement ran too long.
    TooLong,
    /// Text that it cannot hold, such as U+0000.
    BadText,
    /// It can do nothing for now.
    Away,
}

impl Refusal {
    fn of(error: &DbErr) -> Option<Self> {
        let error = database_error(error)?;
        let code = error.code()?;
        match error.try_downcast_ref::<SqliteError>() {
            Some(_) => Self::of_sqlite(code.parse().ok()?),
            None => Self::of_postgres(&code),
        }
    }

    fn of_postgres(code: &str) -> Option<Self> {
        match code {
            // Deadlock, serialization failure.
            "40P01" | "40001" => Some(Self::Retryable),
            "55P03" => Some(Self::Locked),
            "57014" => Some(Self::TooLong),
            "22021" => Some(Self::BadText),
            // Disk full, out of memory, out of connections, shutting down, starting up; a
            // server that follows another since a failover, and only reads.
            "53100" | "53200" | "53300" | "57P01" | "57P03" | "25006" => Some(Self::Away),
            _ => None,
        }
    }

    /// The last eight bits of a code name the kind, those before them the circumstances
    /// (<https://sqlite.org/rescode.html>).
    fn of_sqlite(code: i32) -> Option<Self> {
        match code & 0xff {
            // Busy, locked.
            5 | 6 => Some(Self::Retryable),
            // Read-only, I/O error, full, cannot open.
            8 | 10 | 13 | 14 => Some(Self::Away),
            _ => None,
        }
    }
}

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
        match Refusal::of(&error) {
            Some(Refusal::Retryable | Refusal::Locked) => busy().caused_by(error),
            Some(Refusal::TooLong) => {
                Self::new(Reason::DeadlineExceeded, "the call took too long").caused_by(error)
            }
            Some(Refusal::BadText) => Self::new(
                Reason::ValidationError,
                "text must not contain the character U+0000",
            )
            .caused_by(error),
            Some(Refusal::Away) => Self::unavailable("the database is not available", error),
            None => Self::internal(error),
        }
    }
}

/// Whether the same transaction may succeed when it runs again from its beginning.
pub(super) fn is_retryable(error: &Error) -> bool {
    let source = StdError::source(error).and_then(|source| source.downcast_ref::<DbErr>());
    let again = source.is_some_and(|source| matches!(source, DbErr::RecordNotInserted));
    again || source.and_then(Refusal::of) == Some(Refusal::Retryable)
}

/// Whether a lock was not free in time.
pub(super) fn is_lock_timeout(error: &DbErr) -> bool {
    Refusal::of(error) == Some(Refusal::Locked)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_sqlite_counts_whatever_the_circumstances() {
        for (code, refusal) in [
            // SQLITE_BUSY, _RECOVERY, _SNAPSHOT, _TIMEOUT; SQLITE_LOCKED, _SHAREDCACHE.
            (5, Some(Refusal::Retryable)),
            (261, Some(Refusal::Retryable)),
            (517, Some(Refusal::Retryable)),
            (773, Some(Refusal::Retryable)),
            (6, Some(Refusal::Retryable)),
            (262, Some(Refusal::Retryable)),
            // SQLITE_IOERR_WRITE, _FSYNC; SQLITE_READONLY_DBMOVED, _FULL, _CANTOPEN_ISDIR.
            (778, Some(Refusal::Away)),
            (1034, Some(Refusal::Away)),
            (1032, Some(Refusal::Away)),
            (13, Some(Refusal::Away)),
            (526, Some(Refusal::Away)),
            // SQLITE_ERROR, _CORRUPT, _CONSTRAINT_UNIQUE, _FOREIGNKEY, _CHECK.
            (1, None),
            (11, None),
            (2067, None),
            (787, None),
            (275, None),
        ] {
            assert_eq!(Refusal::of_sqlite(code), refusal, "{code}");
        }
    }

    #[test]
    fn a_server_that_only_reads_since_a_failover_is_away() {
        assert_eq!(Refusal::of_postgres("25006"), Some(Refusal::Away));
        assert_eq!(Refusal::of_postgres("40001"), Some(Refusal::Retryable));
        assert_eq!(Refusal::of_postgres("55P03"), Some(Refusal::Locked));
        // A unique constraint.
        assert_eq!(Refusal::of_postgres("23505"), None);
    }
}
