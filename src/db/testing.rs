//! Fresh databases for tests beside the code: SQLite always, PostgreSQL too when
//! `TEST_POSTGRES_URL` names a server.

use std::future::Future;

use sea_orm::{ConnectionTrait, Database};

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
