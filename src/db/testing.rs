//! Fresh databases for tests beside the code: SQLite always, PostgreSQL too when
//! `TEST_POSTGRES_URL` names a server.

use std::future::Future;

use sea_orm::{ConnectionTrait, Database, Statement};
use uuid::Uuid;

use super::Dialect;
use super::connect::{Db, DbConfig};
use crate::kernel::{Clock, random};

/// Runs a test on every database at hand, each time on a new one.
pub(crate) async fn on_each<F, Fut>(clock: Clock, test: F)
where
    F: Fn(Db) -> Fut,
    Fut: Future<Output = ()>,
{
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/souk.db", folder.path().display());
    run(&url, clock.clone(), &test).await;
    if let Some(server) = postgres() {
        on_new_postgres(&server, clock, &test).await;
    }
}

/// Runs a test on PostgreSQL alone, when it is at hand.
pub(crate) async fn on_postgres<F, Fut>(clock: Clock, test: F)
where
    F: Fn(Db) -> Fut,
    Fut: Future<Output = ()>,
{
    if let Some(server) = postgres() {
        on_new_postgres(&server, clock, &test).await;
    }
}

/// Fills a table by one statement, which may take longer than any call.
pub(crate) async fn fill(db: &Db, sql: &str, ids: &[Uuid]) {
    db.transact(|tx| async move {
        if tx.dialect() == Dialect::Postgres {
            let patience = "SET LOCAL statement_timeout = 0";
            tx.conn().execute_unprepared(patience).await?;
        }
        let ids = ids.iter().map(|id| (*id).into());
        let statement = tx.dialect().statement(sql, ids);
        tx.conn().execute_raw(statement).await?;
        Ok(())
    })
    .await
    .unwrap();
}

/// How the database would run a statement.
pub(crate) async fn plan(db: &Db, mut statement: Statement) -> String {
    let (explain, column) = match db.dialect() {
        Dialect::Sqlite => ("EXPLAIN QUERY PLAN", 3),
        Dialect::Postgres => ("EXPLAIN", 0),
    };
    statement.sql = format!("{explain} {}", statement.sql);
    let rows = db.read().query_all_raw(statement).await.unwrap();
    let lines = rows
        .iter()
        .map(|row| row.try_get_by_index::<String>(column).unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

#[expect(
    clippy::disallowed_methods,
    reason = "names the server to test against; nothing else is configured"
)]
fn postgres() -> Option<String> {
    std::env::var("TEST_POSTGRES_URL").ok()
}

async fn on_new_postgres<F, Fut>(server: &str, clock: Clock, test: &F)
where
    F: Fn(Db) -> Fut,
    Fut: Future<Output = ()>,
{
    let admin = Database::connect(server).await.unwrap();
    let name = format!("souk_{}", random::code(12));
    let execute = async |sql: String| admin.execute_unprepared(&sql).await.map(drop);
    execute(format!("CREATE DATABASE {name}")).await.unwrap();
    let (host, _) = server.rsplit_once('/').unwrap();
    run(&format!("{host}/{name}"), clock, test).await;
    execute(format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
}

async fn run<F, Fut>(url: &str, clock: Clock, test: &F)
where
    F: Fn(Db) -> Fut,
    Fut: Future<Output = ()>,
{
    let config = DbConfig {
        min_connections: 0,
        ..DbConfig::new(url)
    };
    let db = Db::open(&config, clock).await.unwrap();
    db.migrate().await.unwrap();
    test(db.clone()).await;
    db.close().await;
}
