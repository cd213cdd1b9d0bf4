//! `souk check`: what must always hold, asked of a live database in one snapshot.
//!
//! Each invariant is a query for its offenders. A healthy database answers every one
//! with nothing; whatever it answers is named, counted and shown.

mod b2b;
mod invariants;
mod paths;
mod uses;

use std::fmt;

use sea_orm::{AccessMode, ConnectionTrait, DatabaseTransaction, IsolationLevel, TransactionTrait};
use uuid::Uuid;

use crate::clients::blob::Blobs;
use crate::db::{Db, Dialect};
use crate::kernel::Result;

/// Offenders shown by id; the rest is only counted.
const SHOWN: usize = 5;

/// Something that must always hold.
struct Invariant {
    /// Short and stable, for logs and tests.
    name: &'static str,
    /// What holds, as a sentence.
    says: &'static str,
    /// Selects the `id` of every offender.
    offenders: &'static str,
}

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The invariant's name.
    pub name: &'static str,
    /// What should hold.
    pub says: &'static str,
    /// How many records offend.
    pub count: usize,
    /// Some of them.
    pub shown: Vec<String>,
}

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// How many invariants were asked.
    pub asked: usize,
    /// Those that do not hold.
    pub breaches: Vec<Breach>,
}

impl Report {
    /// Whether everything holds.
    pub fn is_clean(&self) -> bool {
        self.breaches.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for breach in &self.breaches {
            writeln!(
                f,
                "BREACH {}: {} ({} offenders)",
                breach.name, breach.says, breach.count
            )?;
            for offender in &breach.shown {
                writeln!(f, "    {offender}")?;
            }
        }
        let held = self.asked - self.breaches.len();
        write!(f, "{held} of {} invariants hold", self.asked)
    }
}

/// Asks every invariant in one snapshot of the database. Which addresses are of files of
/// ours `blobs` says.
///
/// # Errors
/// UNAVAILABLE when the database cannot be asked.
pub async fn run(db: &Db, blobs: &dyn Blobs) -> Result<Report> {
    let snapshot = db
        .read()
        .begin_with_config(
            (db.dialect() == Dialect::Postgres).then_some(IsolationLevel::RepeatableRead),
            (db.dialect() == Dialect::Postgres).then_some(AccessMode::ReadOnly),
        )
        .await?;
    if db.dialect() == Dialect::Postgres {
        snapshot
            .execute_unprepared("SET LOCAL statement_timeout = 0")
            .await?;
    }
    let mut report = Report::default();
    for invariant in invariants::ALL.iter().chain(b2b::ALL) {
        let offenders = offenders(&snapshot, db.dialect(), invariant).await?;
        report.add(invariant.name, invariant.says, offenders);
    }
    let illegal = paths::illegal(&snapshot, db.dialect()).await?;
    report.add(
        "order-path",
        "an order's history is a path of the state machine",
        illegal,
    );
    let miscounted = uses::miscounted(&snapshot, db.dialect(), blobs).await?;
    report.add(
        "media-uses",
        "the uses of a file are those that show it",
        miscounted,
    );
    let damage = damage(&snapshot, db.dialect()).await?;
    report.add(
        "file",
        "the database file is sound and every reference resolves",
        damage,
    );
    snapshot.rollback().await?;
    Ok(report)
}

impl Report {
    fn add(&mut self, name: &'static str, says: &'static str, offenders: Vec<String>) {
        self.asked += 1;
        if !offenders.is_empty() {
            let count = offenders.len();
            let shown = offenders.into_iter().take(SHOWN).collect();
            self.breaches.push(Breach {
                name,
                says,
                count,
                shown,
            });
        }
    }
}

async fn offenders(
    snapshot: &DatabaseTransaction,
    dialect: Dialect,
    invariant: &Invariant,
) -> Result<Vec<String>> {
    let rows = snapshot
        .query_all_raw(dialect.statement(invariant.offenders, []))
        .await?;
    rows.iter()
        .map(|row| Ok(row.try_get::<Uuid>("", "id")?.to_string()))
        .collect::<Result<_>>()
}

/// SQLite can be asked about its file; PostgreSQL validates references at every write.
async fn damage(snapshot: &DatabaseTransaction, dialect: Dialect) -> Result<Vec<String>> {
    if dialect == Dialect::Postgres {
        let unvalidated = "SELECT conname FROM pg_constraint WHERE NOT convalidated";
        let rows = snapshot
            .query_all_raw(dialect.statement(unvalidated, []))
            .await?;
        return rows
            .iter()
            .map(|row| Ok(row.try_get::<String>("", "conname")?))
            .collect();
    }
    let mut found = Vec::new();
    for row in snapshot
        .query_all_raw(dialect.statement("PRAGMA integrity_check", []))
        .await?
    {
        let line: String = row.try_get_by_index(0)?;
        if line != "ok" {
            found.push(line);
        }
    }
    for row in snapshot
        .query_all_raw(dialect.statement("PRAGMA foreign_key_check", []))
        .await?
    {
        let table: String = row.try_get_by_index(0)?;
        found.push(format!("a row of {table} refers to nothing"));
    }
    Ok(found)
}
