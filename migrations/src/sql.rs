//! One SQL text for both databases. Steps are written in PostgreSQL's words; the few
//! type names that SQLite spells differently are translated here.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// PostgreSQL's word and SQLite's.
const TYPES: [(&str, &str); 4] = [
    ("BIGSERIAL PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    (" UUID", " BLOB"),
    (" BYTEA", " BLOB"),
    (" DOUBLE PRECISION", " REAL"),
];

/// Runs statements that mean the same on both databases.
pub(crate) async fn both(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let sql = match manager.get_database_backend() {
        DbBackend::Sqlite => TYPES.iter().fold(sql.to_owned(), |sql, (theirs, ours)| {
            sql.replace(theirs, ours)
        }),
        _ => sql.to_owned(),
    };
    manager
        .get_connection()
        .execute_unprepared(&sql)
        .await
        .map(drop)
}

/// Runs the statements of the database at hand, where the two really differ.
pub(crate) async fn either(
    manager: &SchemaManager<'_>,
    postgres: &str,
    sqlite: &str,
) -> Result<(), DbErr> {
    let sql = match manager.get_database_backend() {
        DbBackend::Sqlite => sqlite,
        _ => postgres,
    };
    manager
        .get_connection()
        .execute_unprepared(sql)
        .await
        .map(drop)
}
