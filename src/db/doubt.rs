//! How long a connection is waited for. `statement_timeout` is the server's: where a host
//! lost its power, or something in between forgot the flow, nobody says that a connection
//! is gone, and TCP gives up after a quarter of an hour.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::connect::Db;
use super::dialect::Dialect;
use crate::kernel::{Error, Result};

/// How much later than the server's own bound of a statement its answer may come.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

/// When a connection was silent for longer than its server lets a statement run. What was
/// open then may be as dead, so none of it is used again. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Doubt(Arc<Mutex<Option<Instant>>>);

impl Doubt {
    fn cast(&self) {
        let mut at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *at = Some(Instant::now());
    }

    /// Whether a connection of this age was open when the doubt came up.
    pub(super) fn is_on(&self, age: Duration) -> bool {
        let at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| age > at.elapsed())
    }
}

impl Db {
    /// Waits for work of one statement as long as its answer may take, and no longer: for
    /// what no deadline of a call ends. What comes too late is dropped, and with it every
    /// connection of that age. SQLite answers within this process.
    ///
    /// # Errors
    /// Those of `work`; UNAVAILABLE when it takes too long.
    pub async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.dialect() == Dialect::Sqlite {
            return work.await;
        }
        let limit = self.statement_timeout() + ON_ITS_WAY;
        let mut work = pin!(work);
        match tokio::time::timeout(limit, work.as_mut()).await {
            Ok(outcome) => outcome,
            Err(late) => {
                // Before `work` is dropped and lets its connection go: a BEGIN whose answer
                // comes only now would go back to the pool with its transaction open.
                self.doubt().cast();
                tracing::warn!("a connection of the database is silent, all are opened anew");
                Err(Error::unavailable("the database is not available", late))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait;

    use super::*;
    use crate::db::DbConfig;
    use crate::db::testing::on_postgres;
    use crate::kernel::{Clock, Reason};

    #[test]
    fn what_is_opened_after_a_doubt_is_trusted() {
        let doubt = Doubt::default();
        assert!(!doubt.is_on(Duration::from_secs(60)));
        doubt.clone().cast();
        assert!(doubt.is_on(Duration::from_secs(60)));
        assert!(!doubt.is_on(Duration::ZERO));
    }

    #[tokio::test]
    async fn on_sqlite_a_long_wait_is_no_sign_of_death() {
        let folder = tempfile::tempdir().unwrap();
        let config = DbConfig {
            statement_timeout: Duration::ZERO,
            ..DbConfig::new(format!("sqlite://{}/souk.db", folder.path().display()))
        };
        let db = Db::open(&config, Clock::system()).await.unwrap();
        let long = tokio::time::sleep(ON_ITS_WAY + Duration::from_millis(100));
        let work = async {
            long.await;
            Ok(())
        };
        db.in_time(work).await.unwrap();
    }

    #[tokio::test]
    async fn work_that_is_never_answered_ends_and_the_next_has_a_connection_of_its_own() {
        on_postgres(Clock::system(), |db| async move {
            let backend = async || {
                let sql = "SELECT pg_backend_pid() AS pid";
                let statement = db.dialect().statement(sql, []);
                let row = db.read().query_one_raw(statement).await;
                row.unwrap().unwrap().try_get::<i32>("", "pid").unwrap()
            };
            let before = backend().await;
            let never = std::future::pending::<Result<()>>();
            let silent = db.in_time(never).await.unwrap_err();
            assert_eq!(silent.reason(), Reason::Unavailable);
            assert_ne!(backend().await, before);
        })
        .await;
    }
}
