//! A database of its own for each run.

use sea_orm::{ConnectionTrait, Database as Connect, DatabaseConnection};
use tempfile::TempDir;

use super::dice::setting;
use super::proxy::Proxy;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// What SOUK_TEST_DATABASE names; SQLite by default.
    pub fn chosen() -> Self {
        match setting("SOUK_TEST_DATABASE", "sqlite".to_owned()).as_str() {
            "sqlite" => Self::Sqlite,
            "postgres" => Self::Postgres,
            other => panic!("SOUK_TEST_DATABASE is sqlite or postgres, not {other:?}"),
        }
    }
}

/// Where a run keeps its data.
pub enum Database {
    /// A file on disk.
    Sqlite { path: String },
    /// A database of the server that TEST_POSTGRES_URL names.
    Postgres { server: String, name: String },
}

impl Database {
    /// An empty database, named after `label`.
    pub async fn create(kind: Kind, dir: &TempDir, label: &str) -> Self {
        match kind {
            Kind::Sqlite => Self::Sqlite {
                path: dir.path().join("souk.db").display().to_string(),
            },
            Kind::Postgres => {
                let server: String = setting("TEST_POSTGRES_URL", String::new());
                assert!(
                    !server.is_empty(),
                    "TEST_POSTGRES_URL names the PostgreSQL server to test on"
                );
                Self::create_on(server, dir, label).await
            }
        }
    }

    /// An empty database of a PostgreSQL server.
    pub async fn create_on(server: String, dir: &TempDir, label: &str) -> Self {
        // The folder's name is random; a database's name is all lower case.
        let unique = dir.path().file_name().unwrap().to_string_lossy();
        let unique: String = unique.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = format!("souk_{label}_{}", unique.to_lowercase());
        let admin = Connect::connect(&server).await.unwrap();
        admin
            .execute_unprepared(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        Self::Postgres { server, name }
    }

    /// What DATABASE_URL says.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite { path } => format!("sqlite://{path}"),
            Self::Postgres { server, name } => {
                let (base, _) = server.rsplit_once('/').unwrap();
                format!("{base}/{name}")
            }
        }
    }

    /// A proxy before the server, and the URL that leads through it.
    pub async fn behind_proxy(&self) -> (Proxy, String) {
        let url = self.url();
        let (_, place) = url.rsplit_once('@').expect("a server's URL names its user");
        let (server, _) = place.split_once('/').unwrap();
        let proxy = Proxy::start(server.parse().expect("an address and a port")).await;
        let url = url.replace(server, &proxy.address().to_string());
        (proxy, url)
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    /// The word for people.
    pub fn kind(&self) -> &'static str {
        if self.is_postgres() {
            "PostgreSQL"
        } else {
            "SQLite"
        }
    }

    /// A connection beside the program's own.
    pub async fn connect(&self) -> DatabaseConnection {
        Connect::connect(self.url()).await.unwrap()
    }

    /// Removes it. The file of SQLite goes with its folder.
    pub async fn drop(&self) {
        if let Self::Postgres { server, name } = self {
            let admin = Connect::connect(server).await.unwrap();
            admin
                .execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
                .await
                .unwrap();
        }
    }
}
