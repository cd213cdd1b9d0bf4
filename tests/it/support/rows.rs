//! Everything the database holds, to show that a refused call changed nothing.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use souk::db::Dialect;

use super::TestApp;

/// Tables that change by themselves: the clock moves them, not a call.
const RESTLESS: [&str; 7] = [
    "job_schedules",
    // What is counted waits in one, and is taken over into the other.
    "reel_deltas",
    "reel_stats",
    // Views are written a moment after the call.
    "reel_views",
    // Counts calls while Redis is away, those that are refused among them.
    "rate_windows",
    "sqlite_sequence",
    "seaql_migrations",
];

/// The rows of every table, as text.
pub type Rows = BTreeMap<String, Vec<String>>;

impl TestApp {
    /// Every row of every table.
    pub async fn rows(&self) -> Rows {
        let (sql, tables) = self.every_row.get_or_init(|| self.every_row()).await;
        let mut all: Rows = tables.iter().map(|name| (name.clone(), vec![])).collect();
        for row in self.query(sql).await {
            let table: String = row.try_get_by_index(0).unwrap();
            let text: String = row.try_get_by_index(1).unwrap();
            all.entry(table).or_default().push(text);
        }
        for rows in all.values_mut() {
            rows.sort();
        }
        all
    }

    async fn query(&self, sql: &str) -> Vec<sea_orm::QueryResult> {
        let statement = self.db.dialect().statement(sql, []);
        self.db.read().query_all_raw(statement).await.unwrap()
    }

    /// One query for the rows of all tables, and the tables' names.
    async fn every_row(&self) -> (String, Vec<String>) {
        let tables = self.tables().await;
        let mut parts = Vec::new();
        for table in &tables {
            let text = self.text_of(table).await;
            parts.push(format!("SELECT '{table}', {text} FROM {table} t"));
        }
        (parts.join(" UNION ALL "), tables)
    }

    async fn tables(&self) -> Vec<String> {
        let sql = match self.db.dialect() {
            Dialect::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' \
                 AND name NOT LIKE '%\\_fts\\_%' ESCAPE '\\'"
            }
            Dialect::Postgres => {
                "SELECT table_name::text FROM information_schema.tables \
                 WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            }
        };
        let rows = self.query(sql).await;
        rows.iter()
            .map(|row| row.try_get_by_index::<String>(0).unwrap())
            .filter(|table| !RESTLESS.contains(&table.as_str()))
            .collect()
    }

    /// The expression that gives a row of a table as one text.
    async fn text_of(&self, table: &str) -> String {
        if self.db.dialect() == Dialect::Postgres {
            return "t::text".to_owned();
        }
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns = self.query(&sql).await;
        let columns: Vec<String> = columns
            .iter()
            .map(|row| format!("quote({})", row.try_get_by_index::<String>(0).unwrap()))
            .collect();
        columns.join(" || '|' || ")
    }
}

/// The tables in which two states differ.
pub fn changed<'a>(before: &'a Rows, after: &Rows) -> Vec<&'a str> {
    let differs = |(table, rows): &(&'a String, &Vec<String>)| after.get(*table) != Some(rows);
    before
        .iter()
        .filter(differs)
        .map(|(table, _)| table.as_str())
        .collect()
}
