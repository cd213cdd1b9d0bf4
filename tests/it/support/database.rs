//! A database for each test: a copy of one that was migrated once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};

use souk::db::{Db, DbConfig};
use souk::kernel::Clock;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A database that is thrown away with the test.
pub struct TestDatabase {
    pub url: String,
    source: Source,
}

/// Copies every table, and where every sequence stands, into a schema of their own.
const MARK: &str = "
CREATE SCHEMA marked;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('CREATE TABLE marked.%I AS TABLE public.%I', name, name);
    END LOOP;
END $$;
CREATE TABLE marked.sequence_values AS
    SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public';
";

/// Puts every table and sequence back. Triggers rest meanwhile: they guard against
/// clients, and the rows were good when they were copied.
const REWIND: &str = "
BEGIN;
SET LOCAL session_replication_role = replica;
DO $$ DECLARE name text; columns text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        SELECT string_agg(quote_ident(column_name), ', ') INTO columns
            FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name = name AND is_generated = 'NEVER';
        EXECUTE format('DELETE FROM public.%I', name);
        EXECUTE format('INSERT INTO public.%I (%s) SELECT %s FROM marked.%I',
            name, columns, columns, name);
    END LOOP;
END $$;
SELECT setval(format('public.%I', sequencename), coalesce(last_value, 1), last_value IS NOT NULL)
    FROM marked.sequence_values;
COMMIT;
";

/// What the database is behind its address.
enum Source {
    Folder(TempDir),
    Name(String),
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

    /// A copy. Nothing may be connected to this one.
    pub async fn copy(&self) -> Self {
        match &self.source {
            Source::Folder(folder) => copy_of(folder),
            Source::Name(name) => copy_named(name).await,
        }
    }

    /// Keeps what it holds, so that it and its copies can go back to it.
    pub async fn mark(&self) {
        if let Source::Name(_) = &self.source {
            run(&self.url, MARK).await;
        }
    }

    /// Goes back to the mark, and says whether it could. Nothing may be connected to it.
    pub async fn rewind(&self) -> bool {
        match &self.source {
            // Another copy of the file is as quick.
            Source::Folder(_) => false,
            Source::Name(_) => {
                run(&self.url, REWIND).await;
                true
            }
        }
    }
}

impl Drop for TestDatabase {
    /// A file goes with its folder; a server keeps a database until it is told.
    fn drop(&mut self) {
        if let Source::Name(name) = &mut self.source {
            throw_away(std::mem::take(name));
        }
    }
}

/// Drops a database beside the tests that go on: the server waits for those who were
/// connected to it. The last few of a run stay, if the process ends first.
fn throw_away(name: String) {
    static NAMES: OnceLock<mpsc::Sender<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let (sender, names) = mpsc::channel::<String>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            for name in names {
                runtime.block_on(run(&admin(), &format!("DROP DATABASE {name} WITH (FORCE)")));
            }
        });
        sender
    });
    // Nobody listens where the server is gone, and nothing is left to drop.
    let _ = names.send(name);
}

async fn sqlite() -> TestDatabase {
    static TEMPLATE: OnceCell<TempDir> = OnceCell::const_new();
    let template = TEMPLATE
        .get_or_init(|| async {
            let folder = tempfile::tempdir().unwrap();
            migrate(&format!("sqlite://{}", file_in(&folder).display())).await;
            folder
        })
        .await;
    copy_of(template)
}

fn file_in(folder: &TempDir) -> PathBuf {
    folder.path().join("souk.db")
}

fn copy_of(template: &TempDir) -> TestDatabase {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(file_in(template), file_in(&folder)).unwrap();
    TestDatabase {
        url: format!("sqlite://{}", file_in(&folder).display()),
        source: Source::Folder(folder),
    }
}

async fn postgres() -> TestDatabase {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let template = TEMPLATE
        .get_or_init(|| async {
            let name = format!("souk_template_{}", std::process::id());
            create(&name, None).await;
            migrate(&with_database(&admin(), &name)).await;
            name
        })
        .await;
    copy_named(template).await
}

async fn copy_named(template: &str) -> TestDatabase {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("souk_{}_{number}", std::process::id());
    create(&name, Some(template)).await;
    TestDatabase {
        url: with_database(&admin(), &name),
        source: Source::Name(name),
    }
}

/// The server that makes databases.
fn admin() -> String {
    std::env::var("TEST_POSTGRES_URL").expect("TEST_POSTGRES_URL names a server")
}

/// Brings a fresh database to the present schema and lets go of it.
async fn migrate(url: &str) {
    let db = Db::open(&DbConfig::new(url), Clock::system())
        .await
        .unwrap();
    db.migrate().await.unwrap();
    db.close().await;
}

async fn create(name: &str, template: Option<&str>) {
    // One copy at a time: PostgreSQL refuses to copy a template that is being copied.
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = TURN.lock().await;
    let template = template
        .map(|name| format!(" TEMPLATE {name}"))
        .unwrap_or_default();
    let sql = format!("CREATE DATABASE {name}{template}");
    run(&admin(), &sql).await;
}

async fn run(url: &str, sql: &str) {
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let mut connection = options.disable_statement_logging().connect().await.unwrap();
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
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
