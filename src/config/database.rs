//! The database, and its replica.

use std::path::Path;
use std::time::Duration;

use super::read::{Name, Problem, Reader, refused};
use crate::db::{DbConfig, Dialect};

const URL: Name = ("DATABASE_URL", "database.url");
const REPLICA: Name = ("DATABASE_REPLICA_URL", "database.replica_url");
const HOST: Name = ("DATABASE_HOST", "database.host");

/// How to reach the database: the URL, or its parts, or a file in the data directory.
pub(super) fn read(reader: &mut Reader, data: &Path) -> DbConfig {
    let parts = from_parts(reader);
    let url = reader
        .text(URL)
        .or(parts)
        .unwrap_or_else(|| format!("sqlite://{}", data.join("souk.db").display()));
    if Dialect::of_url(&url).is_err() {
        reader.problem(URL, "must begin with sqlite: or postgres:");
    }
    if url.contains(":memory:") {
        // Every connection would have a database of its own.
        reader.problem(URL, "must name a file: souk uses several connections");
    }
    let is_sqlite = url.starts_with("sqlite:");
    let mut config = DbConfig::new(url);
    config.replica_url = replica(reader, is_sqlite);
    config.max_connections = reader.number(
        ("DATABASE_MAX_CONNECTIONS", "database.max_connections"),
        config.max_connections,
        2,
        1000,
    );
    config.min_connections = reader.number(
        ("DATABASE_MIN_CONNECTIONS", "database.min_connections"),
        config.min_connections,
        0,
        1000,
    );
    config.slow_statement = reader.with(
        ("SLOW_QUERY_MS", "database.slow_query_ms"),
        config.slow_statement,
        "milliseconds, or off",
        |text| match text {
            "off" => Some(None),
            text => Some(Some(Duration::from_millis(text.parse().ok()?))),
        },
    );
    config
}

/// A second PostgreSQL that follows the first one, for reads that may be a little behind.
fn replica(reader: &mut Reader, is_sqlite: bool) -> Option<String> {
    let url = reader.text(REPLICA)?;
    if is_sqlite {
        reader.problem(
            REPLICA,
            "must not be set with SQLite, which has no replicas",
        );
    } else if !matches!(Dialect::of_url(&url), Ok(Dialect::Postgres)) {
        reader.problem(REPLICA, "must begin with postgres:");
    }
    Some(url)
}

/// Whether the settings name a database.
pub(super) fn is_named(reader: &mut Reader) -> bool {
    reader.text(URL).is_some() || reader.text(HOST).is_some()
}

/// A PostgreSQL URL from `DATABASE_HOST` and its companions.
fn from_parts(reader: &mut Reader) -> Option<String> {
    let host = reader.text(HOST);
    let port = reader.number(("DATABASE_PORT", "database.port"), 5432u16, 1, u16::MAX);
    let user = reader.text(("DATABASE_USER", "database.user"));
    let password = reader.text(("DATABASE_PASSWORD", "database.password"));
    let name = reader.text(("DATABASE_NAME", "database.name"));
    let tls = reader.text(("DATABASE_SSLMODE", "database.sslmode"));
    let host = host?;
    let escape = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let mut url = format!("postgres://{}", escape(user.as_deref().unwrap_or("souk")));
    if let Some(password) = password {
        url.push(':');
        url.push_str(&escape(&password));
    }
    let name = escape(name.as_deref().unwrap_or("souk"));
    url.push_str(&format!("@{host}:{port}/{name}"));
    if let Some(mode) = tls {
        url.push_str(&format!("?sslmode={}", escape(&mode)));
    }
    Some(url)
}

/// What production must not start with.
pub(super) fn refusals(database: &DbConfig) -> Vec<Problem> {
    let message = "must use TLS to another host: add sslmode=require, or better verify-full";
    let replica = database.replica_url.as_deref();
    refused([
        (is_exposed(&database.url), URL.0, message),
        (replica.is_some_and(is_exposed), REPLICA.0, message),
    ])
}

/// Whether a database URL reaches another machine without TLS.
fn is_exposed(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    if !scheme.starts_with("postgres") {
        return false;
    }
    let (authority, tail) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let query = tail.split_once('?').map_or("", |(_, query)| query);
    let option = |wanted: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == wanted)
            .map(|(_, value)| value.into_owned())
    };
    let host = option("host").unwrap_or_else(|| host.to_owned());
    let local = host.is_empty()
        || host.starts_with('/')
        || host.starts_with("127.")
        || ["localhost", "[::1]", "::1"].contains(&host.as_str());
    let encrypted = option("sslmode")
        .or_else(|| option("ssl-mode"))
        .is_some_and(|mode| ["require", "verify-ca", "verify-full"].contains(&mode.as_str()));
    !local && !encrypted
}

#[cfg(test)]
mod tests {
    use super::super::read::testing::env;
    use super::*;

    #[test]
    fn a_replica_is_a_postgresql_beside_a_postgresql() {
        let here = "postgres://souk@localhost/souk";
        for (url, replica, is_good) in [
            (here, "postgres://souk@localhost/copy", true),
            (here, "sqlite://copy.db", false),
            (here, "copy", false),
            ("sqlite://souk.db", "postgres://souk@localhost/copy", false),
        ] {
            let settings = [("DATABASE_URL", url), ("DATABASE_REPLICA_URL", replica)];
            let mut reader = Reader::new(env(&settings), None);
            let config = read(&mut reader, Path::new("data"));
            assert_eq!(config.replica_url.as_deref(), Some(replica));
            let problems = reader.finish();
            assert_eq!(problems.is_empty(), is_good, "{problems:?}");
            if let Some(problem) = problems.first() {
                assert!(problem.to_string().starts_with("DATABASE_REPLICA_URL"));
            }
        }
    }

    #[test]
    fn only_a_remote_database_without_tls_is_exposed() {
        let cases = [
            ("sqlite://data/souk.db", false),
            ("postgres://souk@localhost/souk", false),
            ("postgres://souk:p%40ss@127.0.0.1:5432/souk", false),
            ("postgres:///souk?host=/run/postgresql", false),
            ("postgres://souk@[::1]:5432/souk", false),
            ("postgres://souk@db.example.com/souk", true),
            ("postgres://souk@db.example.com/souk?sslmode=prefer", true),
            (
                "postgresql://souk@db.example.com:5432/souk?sslmode=require",
                false,
            ),
            ("postgres://souk@10.0.0.5/souk?sslmode=verify-full", false),
        ];
        for (url, exposed) in cases {
            assert_eq!(is_exposed(url), exposed, "{url}");
        }
    }
}
