//! A database for each test: a copy of one that was migrated once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use souk::db::{Db, DbConfig};
use souk::kernel::Clock;
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A database that is thrown away with the test.
pub struct TestDatabase {
    pub url: String,
    _folder: Option<TempDir>,
}

/// Whether the suite runs on PostgreSQL.
pub fn is_postgres() -> bool {
    std::env::var("SOUK_TEST_DATABASE").is_ok_and(|name| name == "postgres")
}

impl TestDatabase {
    pub async fn create() -> Self {
        if is_postgres() {
            postgres().await
        } else {
            sqlite().await
        }
    }
}

async fn sqlite() -> TestDatabase {
    static TEMPLATE: OnceCell<(PathBuf, TempDir)> = OnceCell::const_new();
    let (template, _) = TEMPLATE
        .get_or_init(|| async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("template.db");
            migrate(&format!("sqlite://{}", path.display())).await;
            (path, folder)
        })
        .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("souk.db");
    std::fs::copy(template, &path).unwrap();
    TestDatabase {
        url: format!("sqlite://{}", path.display()),
        _folder: Some(folder),
    }
}

async fn postgres() -> TestDatabase {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let admin = std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL names a server");
    let process = std::process::id();
    let template = TEMPLATE
        .get_or_init(|| async {
            let name = format!("souk_template_{process}");
            create(&admin, &name, None).await;
            migrate(&with_database(&admin, &name)).await;
            name
        })
        .await;
    let name = format!("souk_{process}_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    create(&admin, &name, Some(template)).await;
    TestDatabase {
        url: with_database(&admin, &name),
        _folder: None,
    }
}

/// Brings a fresh database to the present schema and lets go of it.
async fn migrate(url: &str) {
    let db = Db::open(&DbConfig::new(url), Clock::system())
        .await
        .unwrap();
    db.migrate().await.unwrap();
    db.close().await;
}

async fn create(admin: &str, name: &str, template: Option<&str>) {
    // One copy at a time: PostgreSQL refuses to copy a template that is being copied.
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = TURN.lock().await;
    let options: sqlx::postgres::PgConnectOptions = admin.parse().unwrap();
    let mut connection = options.disable_statement_logging().connect().await.unwrap();
    let template = template
        .map(|name| format!(" TEMPLATE {name}"))
        .unwrap_or_default();
    let sql = format!("CREATE DATABASE {name}{template}");
    connection.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, query) = url
        .split_once('?')
        .map_or((url, None), |(a, q)| (a, Some(q)));
    let server = address
        .rsplit_once('/')
        .map_or(address, |(server, _)| server);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{server}/{name}{query}")
}
