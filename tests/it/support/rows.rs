//! Everything the database holds, to show that a refused call changed nothing.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use souk::db::Dialect;

use super::TestApp;

/// Tables that change by themselves or by the mere fact of a call.
const RESTLESS: [&str; 3] = ["job_schedules", "sqlite_sequence", "seaql_migrations"];

/// The rows of every table, as text.
pub type Rows = BTreeMap<String, Vec<String>>;

impl TestApp {
    /// Every row of every table.
    pub async fn rows(&self) -> Rows {
        let mut all = Rows::new();
        for table in self.tables().await {
            let sql = self.text_of(&table).await;
            let rows = self
                .db
                .read()
                .query_all_raw(self.db.dialect().statement(sql, []))
                .await;
            let mut rows: Vec<String> = rows
                .unwrap()
                .iter()
                .map(|row| row.try_get_by_index(0).unwrap())
                .collect();
            rows.sort();
            all.insert(table, rows);
        }
        all
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
        let rows = self
            .db
            .read()
            .query_all_raw(self.db.dialect().statement(sql, []))
            .await
            .unwrap();
        rows.iter()
            .map(|row| row.try_get_by_index::<String>(0).unwrap())
            .filter(|table| !RESTLESS.contains(&table.as_str()))
            .collect()
    }

    /// A query that gives each row of a table as one text.
    async fn text_of(&self, table: &str) -> String {
        if self.db.dialect() == Dialect::Postgres {
            return format!("SELECT t::text FROM {table} t");
        }
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns = self
            .db
            .read()
            .query_all_raw(self.db.dialect().statement(sql, []))
            .await;
        let columns: Vec<String> = columns
            .unwrap()
            .iter()
            .map(|row| format!("quote({})", row.try_get_by_index::<String>(0).unwrap()))
            .collect();
        format!("SELECT {} FROM {table}", columns.join(" || '|' || "))
    }
}
