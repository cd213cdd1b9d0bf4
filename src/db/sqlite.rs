//! How SQLite is opened, and which one.

use std::time::Duration;

use futures_util::FutureExt;
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use super::connect::DbConfig;
use super::dialect::Dialect;
use crate::kernel::{Error, Result};

/// The first SQLite without the bug that resets a WAL under a checkpoint.
const LEAST: [u32; 3] = [3, 51, 3];

/// Refuses old ones, which can corrupt a WAL database when a checkpoint meets a write.
pub(super) async fn refuse_old(writer: &DatabaseConnection) -> Result<()> {
    let sql = "SELECT sqlite_version() AS version";
    let row = writer
        .query_one_raw(Dialect::Sqlite.statement(sql, []))
        .await?;
    let version: String = match row {
        Some(row) => row.try_get("", "version")?,
        None => String::new(),
    };
    if is_sound(&version) {
        return Ok(());
    }
    let [major, minor, patch] = LEAST;
    Err(Error::internal(format!(
        "SQLite {version} can corrupt a database, {major}.{minor}.{patch} is the least"
    )))
}

fn is_sound(version: &str) -> bool {
    let numbers: Vec<u32> = version
        .split('.')
        .map_while(|number| number.parse().ok())
        .collect();
    numbers.as_slice() >= LEAST.as_slice()
}

/// Connections of one pool.
pub(super) fn options(config: &DbConfig, connections: u32, read_only: bool) -> ConnectOptions {
    let mut options = ConnectOptions::new(&config.url);
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(config.acquire_timeout)
        .connect_timeout(config.connect_timeout)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_pool_opts(|options| {
            options.before_acquire(|connection, _meta| has_settled(connection).boxed())
        })
        .map_sqlx_sqlite_opts(move |options| {
            options
                .create_if_missing(!read_only)
                .read_only(read_only)
                .journal_mode(SqliteJournalMode::Wal)
                // Acknowledged money must survive power loss: NORMAL would lose the
                // last commits of the WAL.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
                .statement_cache_capacity(512)
                .pragma("mmap_size", "268435456")
        });
    options
}

/// Whether a connection is in no transaction; one that is must not be used again.
///
/// When a disk is full, or fails, SQLite may roll a transaction back by itself
/// (<https://sqlite.org/lang_transaction.html>, "Response To Errors Within A Transaction").
/// The driver does not learn of that: its own ROLLBACK then fails, and it counts on from a
/// transaction that is not there. What it would take for the next transaction is a
/// savepoint, and after one more that is rolled back a transaction that nobody commits lies
/// around all that follow: they would be answered, and be lost.
async fn has_settled(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // Once this is answered, a rollback that was on its way has been.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Db;
    use crate::kernel::{Clock, Reason};

    #[test]
    fn only_sound_versions_are_used() {
        for (version, sound) in [
            ("3.51.3", true),
            ("3.52.0", true),
            ("4.0.0", true),
            ("3.51.2", false),
            ("3.46.1", false),
            ("", false),
        ] {
            assert_eq!(is_sound(version), sound, "{version}");
        }
    }

    /// Adds a row of 100,000 bytes, in a database that may have no more pages than `most`.
    async fn add(db: &Db, most: u32) -> Result<()> {
        db.transact(|tx| async move {
            let limit = format!("PRAGMA max_page_count = {most}");
            tx.conn().execute_unprepared(&limit).await?;
            let row = "INSERT INTO heap (bytes) VALUES (zeroblob(100000))";
            tx.conn().execute_unprepared(row).await?;
            Ok(())
        })
        .await
    }

    #[tokio::test]
    async fn what_is_answered_after_a_full_disk_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let config = DbConfig::new(format!("sqlite://{}/souk.db", folder.path().display()));
        let db = Db::open(&config, Clock::system()).await.unwrap();
        let table = "CREATE TABLE heap (bytes BLOB NOT NULL)";
        db.writer().execute_unprepared(table).await.unwrap();
        add(&db, 1_000).await.unwrap();
        let full = add(&db, 1).await.unwrap_err();
        assert_eq!(full.reason(), Reason::Unavailable);
        // One more that ends without a commit, for whatever reason.
        let refuse = async |_tx| Err::<(), _>(Error::not_found("anything"));
        let refused = db.transact(refuse).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::NotFound);
        add(&db, 1_000).await.unwrap();
        let other = Db::open(&config, Clock::system()).await.unwrap();
        let count = Dialect::Sqlite.statement("SELECT count(*) AS rows FROM heap", []);
        let row = other.read().query_one_raw(count).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "rows").unwrap(), 2);
    }
}
